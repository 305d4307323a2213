//! Facts about the last batch and an ordinary step, beside what their scenarios expect (`tests/scenarios`).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lastbatch::machine::{Model, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::import;
use lastbatch::models::tensorflow::job::graph::{Graph, NodeId, NodeKind};
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};
use lastbatch::models::tensorflow::process::Process;

use crate::support::program::lastbatch;
use crate::support::rng::numbers;
use crate::support::scenario::shipped;

fn replay(file: &str, arguments: &[&str]) -> (Option<i32>, Vec<u8>) {
    let output = lastbatch(shipped("")).arg("replay").arg(file).args(arguments).output();
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

/// Returns every node of the two-server graph.
fn step(data: Data) -> TensorFlow {
    let graph = import::read(&shipped("").join("graphs/ps2-coupled.pb")).unwrap_or_else(|error| panic!("{error}"));
    let job = Job {
        workers: 1,
        steps: vec![JobStep {
            graph: Arc::new(graph),
            data,
        }],
        inter_op: 2,
        intra_op: 1,
        variant: Variant::Tf112,
        partition_order: Order::Recorded,
        root_order: Order::All,
        pipeline: None,
    };
    TensorFlow::new(job).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs to rest; `next(n)` chooses below `n`.
fn at_rest(model: &TensorFlow, next: &mut dyn FnMut(usize) -> usize) -> System<Process> {
    let mut system = System::initial(model);
    loop {
        let enabled = system.enabled(model);
        if enabled.is_empty() {
            return system;
        }
        let (id, pending) = &enabled[next(enabled.len())];
        let choice = next(pending.operation.choices as usize) as u32;
        system.step(model, *id, pending, choice).unwrap();
    }
}

/// Tries several orders: always the first that can run, always the last, and some at random.
fn in_several_orders(model: &TensorFlow, random: u64, check: impl Fn(&System<Process>)) {
    check(&at_rest(model, &mut |_| 0));
    check(&at_rest(model, &mut |bound| bound - 1));
    for seed in 1..=random {
        check(&at_rest(model, &mut numbers(seed)));
    }
}

/// Tells how often the graph updates each variable.
fn updates(model: &TensorFlow) -> BTreeMap<(ProcessId, String), u8> {
    let mut updates = BTreeMap::new();
    for (partition, &process) in model.graph(0).partitions.iter().zip(&model.steps()[0].process_of) {
        for node in &partition.nodes {
            if let NodeKind::Update { variable } = node.kind {
                let name = partition.variables[usize::from(variable)].clone();
                *updates.entry((process, name)).or_default() += 1;
            }
        }
    }
    assert!(updates.len() > 5, "{updates:?}");
    updates
}

/// Returns every variable with the number of updates that were applied to it.
fn applied(model: &TensorFlow, system: &System<Process>) -> Vec<((ProcessId, String), u8)> {
    let ids = ProcessId::all(model.process_count());
    ids.flat_map(|id| {
        let counts = &system.processes[id.index()].variables;
        let named = model.variables(id).iter().cloned().map(move |name| (id, name));
        named.zip(counts.iter().copied()).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn an_ordinary_step_updates_every_variable_as_often_as_its_graph_says() {
    let model = step(Data::Batch);
    let updates = updates(&model);
    in_several_orders(&model, 5, |system| {
        assert!(system.clients(&model).iter().all(|(.., client)| client.returned));
        for (variable, count) in applied(&model, system) {
            let expected = updates.get(&variable).copied().unwrap_or(0);
            assert_eq!(count, expected, "{} on {:?}", variable.1, variable.0);
        }
    });
}

/// Returns the nodes that need the batch, through any number of nodes and edges: none of them runs where the data has ended, since a node
/// runs only after all that it has an input from, and the one that reads the batch fails.
fn needs_the_batch(graph: &Graph) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut open: Vec<NodeId> = graph.node_ids().collect();
    open.retain(|&id| graph.node(id).kind == NodeKind::GetNext);
    while let Some(id) = open.pop() {
        if !found.insert(id) {
            continue;
        }
        let successors = graph.successors(id.partition.into(), id.node).iter();
        open.extend(successors.map(|&node| NodeId { node, ..id }));
        if let NodeKind::Send { edge, .. } = graph.node(id).kind {
            open.push(graph.receiver(edge));
        }
    }
    found
}

#[test]
fn the_last_batch_applies_no_update_that_needs_the_batch_and_any_of_those_that_do_not() {
    let model = step(Data::End);
    let graph = model.graph(0);
    let starved = needs_the_batch(graph);
    let mut free: BTreeMap<(ProcessId, String), u8> = BTreeMap::new();
    let mut nodes = Vec::new();
    for id in graph.node_ids().filter(|id| !starved.contains(id)) {
        if let NodeKind::Update { variable } = graph.node(id).kind {
            let process = model.steps()[0].process_of[usize::from(id.partition)];
            let name = graph.partitions[usize::from(id.partition)].variables[usize::from(variable)].clone();
            nodes.push(format!("{} updates {name}", graph.node(id).name));
            *free.entry((process, name)).or_default() += 1;
        }
    }
    nodes.sort();
    insta::assert_snapshot!(nodes.join("\n"));
    let (least, most) = (Cell::new(u32::MAX), Cell::new(0));
    in_several_orders(&model, 150, |system| {
        let mut sum = 0;
        for (variable, count) in applied(&model, system) {
            let possible = free.get(&variable).copied().unwrap_or(0);
            assert!(count <= possible, "{} on {:?}: {count}", variable.1, variable.0);
            sum += u32::from(count);
        }
        least.set(least.get().min(sum));
        most.set(most.get().max(sum));
    });
    // A part of them, since the abort comes while they run.
    let all = free.values().map(|&count| u32::from(count)).sum::<u32>();
    assert_eq!((least.get(), most.get(), all), (0, 4, 4));
}
