use super::*;
use crate::machine::Lock;
use crate::models::tensorflow::job::Data;
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::{iterator, rendezvous, rpc};

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
/// Two servers of which the first fails with the worker, and the second is still to start.
const HANGS: [&str; 2] = ["worker->ps0 batch", "ps1->worker"];
const RECEIVE: &str = "edge_1_ps1_worker";
const RUN_GRAPH: &str = "RunGraph(ps1)";

/// The waiting places from the client on, with the cause of the last.
fn chain(bench: &Bench) -> (Vec<String>, Option<String>) {
    let graph = bench.model.why_stuck(&bench.states(), bench.id("worker0"), 0);
    let labels = graph.nodes.iter().map(|node| format!("{}: {}", node.role, node.label));
    let cause = graph
        .nodes
        .iter()
        .filter_map(|node| node.cause.as_ref())
        .map(ToString::to_string)
        .next_back();
    (labels.collect(), cause)
}

/// The cancel of the worker's receive was lost. The second server has not read its `RunGraph`, which is cancelled.
fn lost_cancel() -> Bench {
    let mut bench = Bench::new(2, &HANGS);
    bench.hold("worker0", &rendezvous::REGISTER);
    bench.hold("ps1", ThreadId::Arrival(bench.call(RUN_GRAPH)));
    bench.go();
    bench.release("worker0", &rendezvous::REGISTER);
    bench.go();
    bench
}

/// The server has read it together with its reset.
fn dropped() -> Bench {
    let mut bench = lost_cancel();
    bench.choose("ps1", ThreadId::Arrival(bench.call(RUN_GRAPH)), 1);
    bench.go();
    assert!(bench.system.enabled(&bench.model).is_empty());
    bench
}

#[test]
fn a_receive_that_is_parked_for_good_is_told_from_the_client_to_the_request_that_was_dropped() {
    let (chain, cause) = chain(&dropped());
    assert_eq!(
        chain,
        [
            "worker: MasterSession::RunPartitionsHelper",
            "worker: ExecutorState",
            "worker: _Recv (cancelled before its callback was installed)",
            "ps: BaseRemoteRendezvous::RecvLocalAsync",
        ]
    );
    assert_eq!(
        cause.as_deref(),
        Some("never started: its RunGraph was dropped together with its reset")
    );
}

#[test]
fn a_run_graph_that_was_never_sent_is_told_as_the_cause() {
    let mut bench = Bench::new(2, &HANGS);
    bench.hold("worker0", &rendezvous::REGISTER);
    bench.hold("worker0", &rpc::START);
    bench.go();
    // The first server's is sent, the second's is not.
    bench.step("worker0", ThreadId::Step(0));
    bench.go();
    let call = bench.process("worker0").client_call(bench.call(RUN_GRAPH));
    assert!(call.is_some_and(|call| call.rpc == Rpc::Marked));
    bench.release("worker0", &rpc::START);
    bench.release("worker0", &rendezvous::REGISTER);
    bench.go();
    let (_, cause) = chain(&bench);
    assert_eq!(
        cause.as_deref(),
        Some("never started: its RunGraph was cancelled before it was sent")
    );
}

#[test]
fn a_call_to_a_process_that_is_gone_waits_for_it_to_come_back() {
    let death = Death {
        task: "ps0".to_owned(),
        restarts: false,
    };
    let faults = Faults {
        death: Some(death),
        ..Faults::default()
    };
    let mut bench = Bench::new(1, &EDGES).with(faults);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", &rpc::INSTALL);
    bench.go();
    bench.release("worker0", &rpc::INSTALL);
    bench.go();
    let (chain, cause) = chain(&bench);
    assert!(chain.contains(&"ps: Worker::RecvTensorAsync".to_owned()), "{chain:?}");
    assert_eq!(
        cause.as_deref(),
        Some("the process has died, and calls wait for it to come back")
    );
}

#[test]
fn a_receive_that_waits_for_a_value_is_told_with_the_partition_that_would_send_it() {
    let mut bench = Bench::new(1, &["worker->ps0 batch", "ps0->worker batch"]);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.go();
    let (chain, _) = chain(&bench);
    let position = |label: &str| chain.iter().position(|other| other == label);
    let (value, sender) = (
        position("ps: LocalRendezvousImpl::RecvAsync"),
        position("ps: ExecutorState"),
    );
    assert!(value.is_some() && sender.is_some(), "{chain:?}");
}

#[test]
fn a_thread_that_waits_for_a_lock_which_is_never_released_is_told() {
    let mut bench = Bench::new(1, &EDGES);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", &rendezvous::VALIDATE);
    bench.go();
    let mut lock = Lock::default();
    lock.acquire(ThreadId::Done(0));
    let id = bench.rendezvous_id("worker0");
    bench.process_mut("worker0").rendezvous[usize::from(id)].lock = lock;
    let (chain, cause) = chain(&bench);
    assert!(
        chain.contains(&"worker: BaseRemoteRendezvous::ValidateDevices".to_owned()),
        "{chain:?}"
    );
    assert_eq!(cause.as_deref(), Some("held by a thread that can't go on"));
}

#[test]
fn who_could_have_helped_a_parked_receive_is_named_with_the_labels_that_settled_it() {
    let bench = dropped();
    let graph = bench.model.why_stuck(&bench.states(), bench.id("worker0"), 0);
    let resolvers = bench.model.possible_resolvers(&bench.states(), bench.id("worker0"), 0);
    assert!(resolvers.iter().all(|resolver| resolver.node < graph.nodes.len()));
    let run_graph = bench.model.object(rpc::Object::Call(bench.call(RUN_GRAPH)));
    let settled = vec![
        (bench.id("worker0"), rpc::CANCEL.name, run_graph),
        (bench.id("ps1"), rpc::READ.name, run_graph),
    ];
    let start = resolvers
        .iter()
        .find(|resolver| resolver.settled_by == settled)
        .expect("the start of the step");
    assert!(start.who.starts_with("the start of the step on ps1"), "{}", start.who);
    let receive = bench.model.object(rpc::Object::Call(bench.call(RECEIVE)));
    let cancel = resolvers
        .iter()
        .find(|resolver| resolver.settled_by.iter().any(|by| by.2 == receive));
    assert!(cancel.is_some_and(|resolver| resolver.why_not.contains("before the cancel function was installed")));
}

#[test]
fn how_a_run_ended_names_the_end_of_each_step_and_the_updates() {
    let mut bench = Bench::new(1, &EDGES);
    bench.go();
    assert_eq!(bench.model.how_it_ended(&bench.states()), "step0 failed: nothing");
    bench.process_mut("worker0").master.as_mut().expect("a worker").outcome = Some(true);
    assert_eq!(bench.model.how_it_ended(&bench.states()), "step0 succeeded: nothing");
}

#[test]
fn a_run_that_ends_with_its_cleanup_leaves_nothing_behind_and_a_hang_leaves_its_receive() {
    let mut bench = Bench::changed(1, &EDGES, |job| job.steps[0].data = Data::Batch);
    bench.go();
    assert!(bench.model.left_behind(&bench.states()).is_empty());
    let bench = dropped();
    let left = bench.model.left_behind(&bench.states());
    assert!(
        left.contains(&"ps: a deferred receive is never answered".to_owned()),
        "{left:?}"
    );
    assert!(left.contains(&"worker: a partition still runs".to_owned()), "{left:?}");
}
