use super::*;
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::rpc::Rpc;
use crate::models::tensorflow::mechanisms::{iterator, rendezvous};

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
const RECEIVE: &str = "edge_1_ps0_worker";

/// A job whose server can die; it has taken up its step, the worker's input never answers, and the worker's receive is at its start.
fn mortal(restarts: bool) -> Bench {
    let death = Death {
        task: "ps0".to_owned(),
        restarts,
    };
    let faults = Faults {
        death: Some(death),
        ..Faults::default()
    };
    let mut bench = Bench::new(1, &EDGES).with(faults);
    bench.hold("ps0", ThreadId::Death);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", &rendezvous::VALIDATE);
    bench.go();
    assert!(bench.process("ps0").execution(0).is_some());
    bench
}

fn dies(bench: &mut Bench) {
    bench.step("ps0", ThreadId::Death);
}

#[test]
fn with_a_process_goes_everything_but_what_has_been_there() {
    let mut bench = mortal(false);
    let arrived = bench.process("ps0").arrived.clone();
    dies(&mut bench);
    let process = bench.process("ps0");
    assert!(process.connections.down && process.executions.is_empty() && process.rendezvous.is_empty());
    assert_eq!(
        process.threads.iter().map(|thread| thread.id).collect::<Vec<_>>(),
        [ThreadId::Death]
    );
    assert!(
        process.arrived == arrived && process.started.contains(0),
        "neither comes again"
    );
}

#[test]
fn what_is_sent_to_a_process_that_died_gets_nowhere_until_its_peer_knows() {
    let mut bench = mortal(true);
    dies(&mut bench);
    let call = bench.call(RECEIVE);
    bench.deliver("worker0", "ps0", Frame::Request(call));
    assert!(bench.process("ps0").server_calls.is_empty());
    assert!(bench.process("ps0").arrived.contains(usize::from(call)));
    bench.run("ps0", &RESTARTS);
    let worker = bench.id("worker0");
    assert!(
        swallows(bench.process("ps0"), worker),
        "the worker's frames are for the one that died"
    );
    bench.run("ps0", &LOST);
    assert!(!swallows(bench.process("ps0"), worker));
}

#[test]
fn the_loss_of_a_connection_fails_the_calls_that_wait_for_an_answer() {
    let mut bench = mortal(false);
    dies(&mut bench);
    bench.hold("worker0", &rpc::QUEUE_TAKE);
    let call = bench.call("RunGraph(ps0)");
    let state = |bench: &Bench| {
        let record = bench.process("worker0").client_call(call).expect("it is not over");
        (record.rpc, record.failed)
    };
    assert_eq!(state(&bench), (Rpc::Sent, false));
    bench.run("ps0", &LOST);
    assert_eq!(state(&bench), (Rpc::Complete, true));
    assert_eq!(
        bench.standing("worker0", &rpc::QUEUE_TAKE),
        [ThreadId::Completion(call)]
    );
}

#[test]
fn the_loss_of_a_connection_cancels_what_the_lost_process_had_asked_for() {
    let mut bench = mortal(false);
    let call = bench.call("edge_0_worker_ps0");
    assert!(
        bench
            .process("worker0")
            .server_call(call)
            .is_some_and(|record| !record.abandoned)
    );
    dies(&mut bench);
    bench.run("ps0", &LOST);
    assert!(
        bench
            .process("worker0")
            .server_call(call)
            .is_some_and(|record| record.abandoned)
    );
    assert_eq!(
        bench.at("worker0", ThreadId::Cancelled(call)),
        Some(&rpc::REQUEST_CANCELLED)
    );
}

/// The worker's receive, started after the server has died and the worker has learnt of it.
fn called_later(restarts: bool) -> (Bench, bool) {
    let mut bench = mortal(restarts);
    dies(&mut bench);
    bench.release("ps0", ThreadId::Death);
    // Neither the failure of the calls nor the cancellation of its requests has come further.
    bench.hold("worker0", &rpc::QUEUE_TAKE);
    bench.hold("worker0", &rpc::REQUEST_CANCELLED);
    bench.go();
    bench.hold("ps0", &rpc::READ);
    bench.release("worker0", &rendezvous::VALIDATE);
    bench.go();
    let call = bench.call(RECEIVE);
    let sent = bench.sent.contains(&Frame::Request(call));
    assert!(
        bench
            .process("worker0")
            .client_call(call)
            .is_some_and(|record| record.rpc == Rpc::Sent)
    );
    (bench, sent)
}

#[test]
fn a_call_to_a_process_that_is_gone_waits_unsent_and_can_be_cancelled() {
    let (mut bench, sent) = called_later(false);
    assert!(!sent && is_lost(bench.process("worker0"), bench.id("ps0")));
    let call = bench.call(RECEIVE);
    bench.does("worker0", rpc::cancel(call));
    assert!(
        bench
            .process("worker0")
            .client_call(call)
            .is_some_and(|record| record.rpc == Rpc::Complete)
    );
}

#[test]
fn a_call_to_a_process_that_came_back_reaches_it() {
    let (bench, sent) = called_later(true);
    assert!(sent && !is_lost(bench.process("worker0"), bench.id("ps0")));
    assert_eq!(
        bench.standing("ps0", &rpc::READ),
        [ThreadId::Arrival(bench.call(RECEIVE))]
    );
}

#[test]
fn until_a_mortal_process_has_died_nothing_in_it_commutes_with_that() {
    let mut bench = mortal(true);
    assert!(bench.model.may_still_die(bench.id("ps0"), bench.process("ps0")));
    let both_movers = |bench: &Bench, process: &str| {
        let threads = bench.process(process).threads.iter().map(|thread| thread.id);
        let operations = threads.map(|thread| bench.pending(process, thread).operation);
        operations
            .filter(|operation| operation.access == Access::BothMover)
            .count()
    };
    assert_eq!(both_movers(&bench, "ps0"), 0);
    assert!(both_movers(&bench, "worker0") > 0);
    dies(&mut bench);
    assert!(!bench.model.may_still_die(
        bench.id("ps0"),
        &Process {
            connections: Connections {
                restarted: true,
                ..Connections::default()
            },
            ..Process::default()
        }
    ));
}
