//! Every shipped scenario about the last batch, run within bounds: nothing that is found may contradict what it expects, and where it
//! expects a hang one must be found. The complete searches are `lastbatch check scenarios`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assert_cmd::Command;
use lastbatch::explore::exhaustive::Options;
use lastbatch::explore::{Answer, Verdict};
use lastbatch::import;
use lastbatch::machine::{Model, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::graph::NodeKind;
use lastbatch::models::job::{Data, Job, JobStep, PartitionOrder, Variant};
use lastbatch::run::{Labels, prepare};
use lastbatch::scenario::{ExpectedAnswer, Scenario};

/// Enough for every hang to be found; what is larger ends undecided here.
const MOST_STATES: u64 = 1_300_000;
/// Where nothing is to be found, a part of the search is enough here.
const MOST_STATES_WITHOUT_HANG: u64 = 150_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Files of a kind in both folders, relative to `scenarios/`.
fn files(extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["final_batch", "small"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("the folder is there") {
            let name = entry.expect("readable").file_name().into_string().expect("plain names");
            if name.ends_with(extension) {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found.sort();
    found
}

fn load(name: &str) -> Scenario {
    Scenario::load(&root().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn expected(scenario: &Scenario) -> ExpectedAnswer {
    let expect = scenario.document.expect.as_ref();
    expect.unwrap_or_else(|| panic!("{scenario} expects nothing")).verdict
}

fn holds(name: &str) {
    let scenario = load(name);
    let (hash, expects) = (scenario.hash(), expected(&scenario));
    let own = scenario.document.engine.max_states.unwrap_or(u64::MAX);
    let prepared = prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"));
    let hangs = expects == ExpectedAnswer::Hang;
    let most = if hangs { MOST_STATES } else { MOST_STATES_WITHOUT_HANG };
    let options = Options {
        max_states: Some(most.min(own)),
        stop_at_first_hang: true,
        ..Options::default()
    };
    let verdict = prepared.search(&options, true, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(verdict.findings, [], "{name}");
    agrees(name, expects, &verdict);
    let expect = prepared.scenario.document.expect.as_ref();
    let signatures = expect.and_then(|expect| expect.signatures.as_ref());
    for hang in &verdict.hangs {
        let id = hang.signature.id();
        assert!(
            signatures.is_none_or(|known| known.contains(&id)),
            "{name}: {id} is new"
        );
        let mut schedule = prepared.schedule_of(hang);
        let replayed = prepared.verify(&mut schedule, &mut Labels::new());
        assert_eq!(replayed.broken_promise(&schedule), None, "{name}");
    }
}

fn agrees(name: &str, expects: ExpectedAnswer, verdict: &Verdict) {
    let stopped = verdict.stopped_by.as_deref().unwrap_or("nothing");
    match expects {
        ExpectedAnswer::Hang => assert_eq!(verdict.answer, Answer::Hang, "{name}: stopped by {stopped}"),
        ExpectedAnswer::NoHang | ExpectedAnswer::Undecided => assert_ne!(verdict.answer, Answer::Hang, "{name}"),
    }
    if verdict.answer == Answer::Undecided {
        assert!(stopped.starts_with("max-states"), "{name}: stopped by {stopped}");
    }
}

macro_rules! scenarios {
    ($($test:ident: $file:literal,)*) => {
        $(#[test] fn $test() { holds(concat!($file, ".toml")); })*

        #[test]
        fn every_scenario_has_a_test() {
            let mut listed = vec![$(concat!($file, ".toml")),*];
            listed.sort();
            assert_eq!(files(".toml"), listed);
        }
    };
}

scenarios! {
    ps1_coupled: "final_batch/ps1_coupled",
    ps1_coupled_one_thread: "final_batch/ps1_coupled_one_thread",
    ps1_decoupled: "final_batch/ps1_decoupled",
    ps1_queue: "final_batch/ps1_queue",
    ps2_abort_deferred: "final_batch/ps2_abort_deferred",
    ps2_check_after_send: "final_batch/ps2_check_after_send",
    ps2_coupled: "final_batch/ps2_coupled",
    ps2_coupled_one_thread: "final_batch/ps2_coupled_one_thread",
    ps2_decoupled: "final_batch/ps2_decoupled",
    ps2_no_send_after_abort: "final_batch/ps2_no_send_after_abort",
    ps2_ordinary_step: "final_batch/ps2_ordinary_step",
    ps2_queue: "final_batch/ps2_queue",
    ps2_queue_one_thread: "final_batch/ps2_queue_one_thread",
    ps2_remember_cancelled_steps: "final_batch/ps2_remember_cancelled_steps",
    ps2_sticky_cancel: "final_batch/ps2_sticky_cancel",
    ps3_coupled: "final_batch/ps3_coupled",
    ps3_decoupled: "final_batch/ps3_decoupled",
    ps3_queue: "final_batch/ps3_queue",
    one_server: "small/one_server",
    one_server_one_thread: "small/one_server_one_thread",
    three_servers: "small/three_servers",
    three_servers_check_after_send: "small/three_servers_check_after_send",
    three_servers_remember_cancelled_steps: "small/three_servers_remember_cancelled_steps",
    three_servers_sticky_cancel: "small/three_servers_sticky_cancel",
    two_servers: "small/two_servers",
    two_servers_abort_deferred: "small/two_servers_abort_deferred",
    two_servers_check_after_send: "small/two_servers_check_after_send",
    two_servers_no_send_after_abort: "small/two_servers_no_send_after_abort",
    two_servers_one_thread: "small/two_servers_one_thread",
    two_servers_ordinary_step: "small/two_servers_ordinary_step",
    two_servers_remember_cancelled_steps: "small/two_servers_remember_cancelled_steps",
    two_servers_sticky_cancel: "small/two_servers_sticky_cancel",
}

#[test]
fn every_scenario_that_must_pass_has_a_sibling_that_must_hang() {
    for name in files(".toml") {
        let scenario = load(&name);
        let sibling = scenario.document.sibling.as_ref();
        let sibling = sibling.unwrap_or_else(|| panic!("{name} has no sibling"));
        let other = load(&Path::new(&name).with_file_name(sibling).to_string_lossy());
        let (own, others) = (expected(&scenario), expected(&other));
        if own == ExpectedAnswer::NoHang {
            assert_eq!(others, ExpectedAnswer::Hang, "{name}: its sibling {sibling}");
        } else {
            assert_ne!(own, others, "{name}: its sibling {sibling}");
        }
    }
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
fn every_recorded_schedule_replays_to_its_signature_with_the_same_bytes_each_time() {
    let mut schedules = files(".schedule");
    schedules.push("traces/hang_trace_ps2.7a624761.schedule".to_owned());
    assert!(schedules.len() > 1);
    for file in schedules {
        let (code, first) = replay(&file, &[]);
        let text = String::from_utf8_lossy(&first);
        let signature = file.rsplit('.').nth(1).expect("NAME.SIGNATURE.schedule");
        assert_eq!(code, Some(0), "{file}: {text}");
        assert!(text.contains(&format!("signature {signature}")), "{file}: {text}");
        assert_eq!(replay(&file, &[]).1, first, "{file}");
    }
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
