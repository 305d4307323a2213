use super::*;
use crate::machine::Label;
use crate::models::tensorflow::job::{Data, Variant};
use crate::models::tensorflow::mechanisms::bench::{Bench, job, node, worker_graph};
use crate::models::tensorflow::mechanisms::{iterator, pool};
use crate::models::tensorflow::process::SOURCE;

const OTHER: NodeKind = NodeKind::Other;

/// A worker that runs these nodes, with a batch.
fn worker(nodes: &[(NodeKind, bool, &[u16])]) -> Bench {
    changed(nodes, Variant::Tf112)
}

fn changed(nodes: &[(NodeKind, bool, &[u16])], variant: Variant) -> Bench {
    let nodes = nodes
        .iter()
        .map(|(kind, expensive, inputs)| node(*kind, *expensive, inputs));
    let mut job = job(worker_graph(nodes.collect()));
    (job.variant, job.steps[0].data) = (variant, Data::Batch);
    let mut bench = Bench::of(TensorFlow::new(job).expect("a small job"));
    bench.hand_roots_on("worker0");
    bench
}

fn outstanding(bench: &Bench) -> Option<u16> {
    bench
        .process("worker0")
        .execution(0)
        .map(|execution| execution.outstanding)
}

/// Runs all up to where threads stand at `label`.
fn all_at(bench: &mut Bench, label: &'static Label) -> Vec<ThreadId> {
    bench.hold("worker0", label);
    bench.go();
    bench.standing("worker0", label)
}

fn returned(bench: &Bench) -> bool {
    bench
        .process("worker0")
        .master
        .as_ref()
        .is_some_and(|master| master.returned)
}

#[test]
fn the_last_node_that_counts_itself_out_ends_the_partition_and_no_other_does() {
    let mut bench = worker(&[(OTHER, true, &[]), (OTHER, true, &[])]);
    let [first, second] = all_at(&mut bench, &OUTSTANDING)[..] else {
        panic!("two nodes")
    };
    assert_eq!(outstanding(&bench), Some(2));
    bench.step("worker0", second);
    assert_eq!(
        (outstanding(&bench), bench.at("worker0", second)),
        (Some(1), Some(&pool::IDLE))
    );
    bench.step("worker0", first);
    assert_eq!(
        (outstanding(&bench), bench.at("worker0", first)),
        (Some(0), Some(&FINISH))
    );
    bench.go();
    assert!(returned(&bench) && outstanding(&bench).is_none());
}

#[test]
fn where_nodes_look_before_they_count_two_that_look_at_once_leave_nobody_to_end_the_partition() {
    let nodes: [(NodeKind, bool, &[u16]); 2] = [(OTHER, true, &[]), (OTHER, true, &[])];
    let mut bench = changed(&nodes, Variant::CountOutInTwo);
    let both = all_at(&mut bench, &LOOK);
    for thread in &both {
        bench.step("worker0", *thread);
    }
    bench.go();
    assert_eq!(outstanding(&bench), Some(0));
    assert!(!returned(&bench));

    let mut bench = changed(&nodes, Variant::CountOutInTwo);
    for thread in all_at(&mut bench, &LOOK) {
        bench.step("worker0", thread);
        bench.step("worker0", thread);
    }
    bench.go();
    assert!(
        returned(&bench),
        "one after the other, the second sees that it is the last"
    );
}

#[test]
fn a_pool_thread_runs_cheap_successors_itself_and_hands_the_expensive_ones_to_the_pool() {
    let mut bench = worker(&[
        (OTHER, true, &[]),
        (OTHER, true, &[0]),
        (OTHER, false, &[0]),
        (OTHER, true, &[0]),
    ]);
    let own = all_at(&mut bench, &DISPATCH);
    assert_eq!(own, [ThreadId::Node(0, SOURCE)]);
    let thread = bench.process("worker0").thread(own[0]).expect("it goes on");
    assert_eq!((&thread.inline[..], &thread.dispatch[..]), (&[2][..], &[1, 3][..]));
    assert_eq!(outstanding(&bench), Some(3));
    bench.release("worker0", &DISPATCH);
    bench.go();
    assert!(returned(&bench));
}

#[test]
fn without_a_cheap_successor_the_pool_thread_keeps_the_last_expensive_one() {
    let mut bench = worker(&[(OTHER, true, &[]), (OTHER, true, &[0]), (OTHER, true, &[0])]);
    let own = all_at(&mut bench, &DISPATCH);
    let thread = bench.process("worker0").thread(own[0]).expect("it goes on");
    assert_eq!((&thread.inline[..], &thread.dispatch[..]), (&[2][..], &[1][..]));
}

#[test]
fn the_callback_of_an_asynchronous_kernel_hands_every_successor_to_the_pool() {
    let mut bench = worker(&[
        (NodeKind::GetNext, true, &[]),
        (OTHER, false, &[0]),
        (OTHER, true, &[0]),
    ]);
    let own = all_at(&mut bench, &DISPATCH);
    assert_eq!(own, [ThreadId::GetNext(0, 0)]);
    let thread = bench.process("worker0").thread(own[0]).expect("it goes on");
    assert_eq!((&thread.inline[..], &thread.dispatch[..]), (&[][..], &[1, 2][..]));
}

#[test]
fn a_node_waits_for_the_last_of_its_inputs() {
    let mut bench = worker(&[(OTHER, true, &[]), (OTHER, true, &[]), (OTHER, true, &[0, 1])]);
    let [first, second] = all_at(&mut bench, &PROPAGATE)[..] else {
        panic!("two roots")
    };
    let ready = |bench: &Bench, thread| {
        bench
            .process("worker0")
            .thread(thread)
            .expect("it goes on")
            .dispatch
            .to_vec()
    };
    bench.step("worker0", first);
    assert!(ready(&bench, first).is_empty());
    bench.step("worker0", second);
    assert_eq!(ready(&bench, second), [2]);
}

#[test]
fn only_the_first_error_of_a_partition_aborts_and_cancels() {
    let mut bench = worker(&[(NodeKind::Fails, true, &[]), (NodeKind::Fails, true, &[])]);
    let [first, second] = all_at(&mut bench, &LATCH)[..] else {
        panic!("two nodes")
    };
    bench.step("worker0", second);
    assert_eq!(bench.at("worker0", second), Some(&rendezvous::ABORT_LOCAL));
    bench.step("worker0", first);
    assert_eq!(bench.at("worker0", first), Some(&OUTSTANDING));
    bench.hold("worker0", &CANCEL);
    bench.go();
    assert_eq!(bench.standing("worker0", &CANCEL), [second]);
}

#[test]
fn what_waits_for_a_node_that_failed_never_runs_and_the_partition_ends_all_the_same() {
    let mut bench = worker(&[
        (NodeKind::Fails, true, &[]),
        (NodeKind::Update { variable: 0 }, true, &[0]),
    ]);
    bench.go();
    assert_eq!(bench.process("worker0").variables[..], [0]);
    let master = bench.process("worker0").master.as_ref().expect("a worker");
    assert_eq!((master.returned, master.outcome), (true, Some(false)));
}

#[test]
fn a_kernel_that_updates_a_variable_counts_once() {
    let mut bench = worker(&[(NodeKind::Update { variable: 0 }, true, &[])]);
    bench.go();
    assert_eq!(bench.process("worker0").variables[..], [1]);
    assert!(returned(&bench));
}

#[test]
fn the_callback_of_a_partition_that_failed_aborts_the_rendezvous_once_more() {
    for (kind, next) in [
        (NodeKind::Fails, &rendezvous::ABORT_LOCAL),
        (OTHER, &super::super::worker::CLEAR_LOCAL),
    ] {
        let mut bench = worker(&[(kind, true, &[])]);
        let done = all_at(&mut bench, &BARRIER);
        assert_eq!(done, [ThreadId::Done(0)]);
        bench.step("worker0", done[0]);
        assert_eq!(bench.at("worker0", done[0]), Some(next));
        assert_eq!(outstanding(&bench), None);
    }
}

#[test]
fn a_thread_has_its_node_its_inline_nodes_and_the_calls_that_it_cancels_before_it() {
    let mut thread = Thread::new(ThreadId::Node(0, 5));
    thread.then(pool::closure(&[]));
    (thread.inline, thread.dispatch, thread.calls) = (smallvec![6], smallvec![7], smallvec![8]);
    let items: Vec<Item> = items(&thread).collect();
    let has = |item| items.contains(&item);
    assert!(has(Item::Node(0, 5)) && has(Item::Node(0, 6)) && has(Item::Pc(rpc::cancel(8))));
    assert!(
        !has(Item::Node(0, 7)),
        "it hands out nodes only where it is at a place that does"
    );
    thread.then([Pc::Dispatch(0)]);
    let items: Vec<Item> = super::items(&thread).collect();
    assert!(items.contains(&Item::Node(0, 7)) && !items.contains(&Item::Node(0, 5)));
}

#[test]
fn nothing_is_said_of_running_partitions_where_their_batches_come_from_a_queue() {
    let mut bench = Bench::new(1, &["worker->ps0 batch"]);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.go();
    let facts = |bench: &Bench| Counter::facts(&bench.model, bench.id("worker0"), bench.process("worker0"));
    assert_eq!(facts(&bench).rendezvous(0), bench.rendezvous_id("worker0"));
    assert!(!facts(&bench).failed(0));
    bench.process_mut("worker0").execution_mut(0).failed = true;
    assert!(facts(&bench).failed(0));
    bench.model.faults.queue = Some(1);
    assert_eq!(facts(&bench), Facts::default());
}

#[test]
fn a_partition_that_ended_well_fails_where_its_fetched_value_was_aborted_before_it_is_taken() {
    for aborted in [false, true] {
        let mut bench = worker(&[(NodeKind::Fetch, false, &[])]);
        let own = all_at(&mut bench, &rendezvous::OUTPUTS);
        assert_eq!(own, [ThreadId::Done(0)], "the callback takes it");
        if aborted {
            bench.system.processes[0].rendezvous[0].local_aborted = true;
        }
        bench.release("worker0", &rendezvous::OUTPUTS);
        bench.go();
        assert!(returned(&bench));
        let failed = bench.process("worker0").master.as_ref().map(|master| master.failed);
        assert_eq!(failed, Some(aborted));
    }
}
