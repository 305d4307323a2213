//! What holds of the last batch and of an ordinary step beside what their scenarios expect (`tests/scenarios.rs`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assert_cmd::Command;
use lastbatch::import;
use lastbatch::machine::{Model, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::graph::NodeKind;
use lastbatch::models::job::{Data, Job, JobStep, PartitionOrder, Variant};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn replay(file: &str, arguments: &[&str]) -> (Option<i32>, Vec<u8>) {
    let mut command = Command::cargo_bin("lastbatch").expect("the binary is built");
    let output = command
        .current_dir(root())
        .arg("replay")
        .arg(file)
        .args(arguments)
        .output();
    let output = output.expect("it runs");
    (output.status.code(), output.stdout)
}

#[test]
fn a_schedule_that_hangs_lets_the_client_return_where_cancels_are_remembered() {
    for signature in ["7a624761", "72eaa422"] {
        let (code, output) = replay(
            &format!("small/two_servers.{signature}.schedule"),
            &["--prefix-on", "sticky-cancel"],
        );
        assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&output));
    }
}

/// Every node of the two-server graph with data left.
fn ordinary_step() -> TensorFlow {
    let graph = import::read(&root().join("graphs/ps2-coupled.pb")).unwrap_or_else(|error| panic!("{error}"));
    let job = Job {
        workers: 1,
        steps: vec![JobStep {
            graph: Arc::new(graph),
            data: Data::Batch,
        }],
        inter_op: 2,
        intra_op: 1,
        variant: Variant::Tf112,
        partition_order: PartitionOrder::Recorded,
        pipeline: None,
    };
    TensorFlow::new(job).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs to rest; `next(n)` chooses below `n`. Then every variable must have as many updates as the graph has nodes that update it.
fn updates_each_variable_once(next: &mut dyn FnMut(usize) -> usize) {
    let model = ordinary_step();
    let mut system = System::initial(&model);
    loop {
        let enabled = system.enabled(&model);
        if enabled.is_empty() {
            break;
        }
        let (id, pending) = &enabled[next(enabled.len())];
        let choice = next(usize::from(pending.operation.choices)) as u8;
        system.step(&model, *id, pending, choice).unwrap();
    }
    assert!(system.clients(&model).iter().all(|(.., client)| client.returned));
    let mut updates: BTreeMap<(ProcessId, &str), u8> = BTreeMap::new();
    for (partition, &process) in model.graph(0).partitions.iter().zip(&model.steps()[0].process_of) {
        for node in &partition.nodes {
            if let NodeKind::Update { variable } = node.kind {
                *updates
                    .entry((process, &partition.variables[usize::from(variable)]))
                    .or_default() += 1;
            }
        }
    }
    assert!(updates.len() > 5, "{updates:?}");
    for id in (0..model.process_count()).map(|id| ProcessId(id as u8)) {
        for (name, &applied) in model.variables(id).iter().zip(&system.processes[id.index()].variables) {
            let expected = updates.get(&(id, name.as_str())).copied().unwrap_or(0);
            assert_eq!(applied, expected, "{name} on {}", model.process_name(id));
        }
    }
}

#[test]
fn an_ordinary_step_updates_every_variable_as_often_as_its_graph_says() {
    updates_each_variable_once(&mut |_| 0);
    updates_each_variable_once(&mut |bound| bound - 1);
    for seed in 1..6_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        updates_each_variable_once(&mut |bound| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 33) as usize % bound
        });
    }
}
