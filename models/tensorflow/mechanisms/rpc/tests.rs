use super::*;
use crate::machine::Label;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::iterator;

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
const RECEIVE: &str = "edge_1_ps0_worker";
const RUN_GRAPH: &str = "RunGraph(ps0)";

/// The worker's receive is at `label`, and its input never answers.
fn held(variant: Variant, label: &'static Label) -> (Bench, CallId) {
    let mut bench = Bench::variant(1, &EDGES, variant);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", label);
    bench.hold("ps0", &READ);
    bench.go();
    let call = bench.call(RECEIVE);
    (bench, call)
}

/// The worker's calls have been sent and not read.
fn sent() -> (Bench, CallId) {
    let (mut bench, call) = held(Variant::Tf112, &INSTALL);
    bench.release("worker0", &INSTALL);
    bench.go();
    assert_eq!(state(&bench, call), Some(Rpc::Sent));
    (bench, call)
}

fn state(bench: &Bench, call: CallId) -> Option<Rpc> {
    bench.process("worker0").client_call(call).map(|record| record.rpc)
}

fn count(bench: &Bench, frame: Frame) -> usize {
    bench.sent.iter().filter(|other| **other == frame).count()
}

#[test]
fn a_cancel_before_the_function_is_installed_is_lost_and_the_call_is_sent() {
    let (mut bench, call) = held(Variant::Tf112, &INSTALL);
    bench.does("worker0", Pc::Cancel(call));
    bench.release("worker0", &INSTALL);
    bench.go();
    let record = bench.process("worker0").client_call(call).expect("it is not over");
    assert!(record.failed && record.installed && record.rpc == Rpc::Sent);
    assert_eq!(
        (count(&bench, Frame::Request(call)), count(&bench, Frame::Reset(call))),
        (1, 0)
    );
}

#[test]
fn a_sticky_cancel_waits_for_the_function_and_then_nothing_is_sent() {
    let (mut bench, call) = held(Variant::StickyCancel, &INSTALL);
    bench.does("worker0", Pc::Cancel(call));
    bench.release("worker0", &INSTALL);
    bench.go();
    assert_eq!(count(&bench, Frame::Request(call)), 0);
    assert_eq!(state(&bench, call), None, "its node has ended");
}

#[test]
fn a_call_that_is_cancelled_before_it_is_started_is_never_sent_and_completes_with_an_error() {
    let (mut bench, call) = held(Variant::Tf112, &START);
    let run_graph = bench.call(RUN_GRAPH);
    for call in [call, run_graph] {
        bench.does("worker0", Pc::Cancel(call));
        assert_eq!(state(&bench, call), Some(Rpc::Marked));
    }
    bench.hold("worker0", &CLEAR);
    bench.release("worker0", &START);
    bench.go();
    for call in [call, run_graph] {
        let record = bench.process("worker0").client_call(call).expect("it is not over");
        assert!(record.failed && record.rpc == Rpc::Complete);
        assert_eq!(count(&bench, Frame::Request(call)), 0);
    }
    let master = bench.process("worker0").master.as_ref().expect("a worker");
    assert!(master.never_sent.contains(bench.id("ps0").index()));
}

#[test]
fn the_first_cancel_of_a_call_that_was_sent_completes_it_and_resets_its_stream_a_second_does_nothing() {
    let (mut bench, call) = sent();
    bench.hold("worker0", &QUEUE_TAKE);
    bench.does("worker0", Pc::Cancel(call));
    assert_eq!(state(&bench, call), Some(Rpc::Complete));
    assert_eq!(bench.at("worker0", ThreadId::Completion(call)), Some(&QUEUE_TAKE));
    let before = bench.system.clone();
    bench.does("worker0", Pc::Cancel(call));
    assert_eq!(bench.system, before);
    assert_eq!(count(&bench, Frame::Reset(call)), 1);
}

#[test]
fn a_cancel_of_a_call_that_is_over_does_nothing() {
    let (mut bench, call) = sent();
    bench.process_mut("worker0").remove_client_call(call);
    let before = bench.system.clone();
    bench.does("worker0", Pc::Cancel(call));
    assert_eq!(bench.system, before);
}

#[test]
fn an_answer_that_comes_after_the_cancel_means_nothing() {
    let (mut bench, call) = sent();
    bench.does("worker0", Pc::Cancel(call));
    let before = bench.system.clone();
    bench.deliver("ps0", "worker0", Frame::Response(call, Status::Ok));
    assert_eq!(bench.system, before);
}

#[test]
fn an_answer_with_an_error_fails_the_call() {
    for ok in [true, false] {
        let (mut bench, call) = sent();
        bench.deliver("ps0", "worker0", Frame::Response(call, ok.into()));
        let record = bench.process("worker0").client_call(call).expect("it is not over");
        assert_eq!((record.rpc, record.failed), (Rpc::Complete, !ok));
    }
}

#[test]
fn the_reset_that_is_read_with_its_request_drops_it() {
    let (mut bench, _) = sent();
    let call = bench.call(RUN_GRAPH);
    let arrival = ThreadId::Arrival(call);
    assert_eq!(bench.pending("ps0", arrival).operation.choices, 1);
    bench.does("worker0", Pc::Cancel(call));
    assert_eq!(bench.pending("ps0", arrival).operation.choices, 2);
    bench.choose("ps0", arrival, 1);
    assert_eq!(
        (bench.at("ps0", arrival), bench.process("ps0").server_call(call)),
        (None, None)
    );
    bench.release("ps0", &READ);
    bench.go();
    assert!(bench.process("ps0").dropped.contains(0) && !bench.process("ps0").started.contains(0));
}

#[test]
fn a_request_that_is_read_before_its_reset_is_handled_and_cancelled() {
    let (mut bench, _) = sent();
    let call = bench.call(RUN_GRAPH);
    bench.does("worker0", Pc::Cancel(call));
    bench.choose("ps0", ThreadId::Arrival(call), 0);
    assert!(
        bench
            .process("ps0")
            .server_call(call)
            .is_some_and(|record| record.accepted)
    );
    assert_eq!(bench.at("ps0", ThreadId::Arrival(call)), Some(&ACCEPT));
    assert_eq!(bench.at("ps0", ThreadId::Cancelled(call)), Some(&REQUEST_CANCELLED));
}

/// The cancellation of a `RunGraph` whose handler stands at `label`: where it goes on after it has looked for the functions.
fn cancelled_at(variant: Variant, label: &'static Label) -> (Bench, CallId) {
    let (mut bench, _) = held(variant, &CLEAR);
    let call = bench.call(RUN_GRAPH);
    bench.hold("ps0", label);
    bench.hold("ps0", ThreadId::Cancelled(call));
    bench.release("ps0", &READ);
    bench.go();
    bench.does("worker0", Pc::Cancel(call));
    bench.step("ps0", ThreadId::Cancelled(call));
    (bench, call)
}

#[test]
fn a_cancellation_is_lost_on_the_server_until_both_functions_are_installed() {
    for label in [&HANDLER_INSTALL, &worker::INSTALL] {
        let (bench, call) = cancelled_at(Variant::Tf112, label);
        assert_eq!(bench.at("ps0", ThreadId::Cancelled(call)), None, "{label}");
    }
    let (mut bench, call) = cancelled_at(Variant::Tf112, &rendezvous::FIND);
    let thread = ThreadId::Cancelled(call);
    assert_eq!(bench.at("ps0", thread), Some(&worker::CANCEL_MANAGER));
    let owner = |bench: &Bench| bench.process("ps0").server_call(call).expect("it is kept").lock.owner();
    assert_eq!(owner(&bench), Some(thread));
    while bench.at("ps0", thread).is_some() {
        bench.step("ps0", thread);
    }
    assert_eq!(owner(&bench), None);
    assert_eq!(bench.standing("ps0", &rendezvous::ABORT_LOCAL), [ThreadId::Timer(0, 0)]);
}

#[test]
fn a_sticky_cancellation_on_the_server_runs_when_the_second_function_is_installed() {
    let (mut bench, call) = cancelled_at(Variant::StickyCancel, &worker::INSTALL);
    assert!(
        bench
            .process("ps0")
            .server_call(call)
            .is_some_and(|record| record.wanted)
    );
    let handler = ThreadId::Handler(call);
    bench.step("ps0", handler);
    assert_eq!(bench.at("ps0", handler), Some(&worker::CANCEL_MANAGER));
}

#[test]
fn an_answer_waits_for_the_cancellation_that_runs_and_ends_the_call() {
    let (mut bench, call) = cancelled_at(Variant::Tf112, &rendezvous::FIND);
    let answer = bench.start("ps0", Pc::ServeClear(call));
    assert!(!bench.pending("ps0", answer).enabled);
    let thread = ThreadId::Cancelled(call);
    while bench.at("ps0", thread).is_some() {
        bench.step("ps0", thread);
    }
    bench.step("ps0", answer);
    bench.does("ps0", Pc::Respond(call, Status::Error));
    assert_eq!(bench.process("ps0").server_call(call), None);
    let before = bench.system.clone();
    bench.deliver("worker0", "ps0", Frame::Reset(call));
    assert_eq!(bench.system, before, "the reset of an answered call means nothing");
}

#[test]
fn the_completion_queue_of_a_server_runs_one_callback_at_a_time() {
    let mut bench = Bench::new(1, &["ps0->worker x2", "worker->ps0 batch"]);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", &CLEAR);
    bench.go();
    let waits = bench.standing("worker0", &QUEUE_TAKE);
    let [waits] = waits[..] else {
        panic!("two were answered: {waits:?}")
    };
    let runs = bench.standing("worker0", &CLEAR);
    assert!(!bench.pending("worker0", waits).enabled);
    while bench.at("worker0", runs[0]).is_some() {
        bench.step("worker0", runs[0]);
    }
    assert!(bench.pending("worker0", waits).enabled);
}

#[test]
fn with_no_send_after_abort_a_call_that_carries_an_error_ends_its_node_unsent() {
    let (mut bench, call) = held(Variant::NoSendAfterAbort, &CHECK_BEFORE);
    bench.does("worker0", Pc::Cancel(call));
    bench.release("worker0", &CHECK_BEFORE);
    bench.go();
    assert_eq!((state(&bench, call), count(&bench, Frame::Request(call))), (None, 0));
    assert!(
        bench
            .process("worker0")
            .execution(0)
            .is_some_and(|execution| execution.failed)
    );
}

#[test]
fn with_check_after_send_a_call_that_carries_an_error_is_cancelled_and_completes_after_the_check() {
    let (mut bench, call) = held(Variant::CheckAfterSend, &INSTALL);
    bench.does("worker0", Pc::Cancel(call));
    bench.hold("worker0", &CHECK_AFTER);
    bench.release("worker0", &INSTALL);
    bench.go();
    bench.deliver("ps0", "worker0", Frame::Response(call, Status::Ok));
    let completion = ThreadId::Completion(call);
    bench.step("worker0", completion);
    assert!(!bench.pending("worker0", completion).enabled, "it waits for the check");
    bench.run("worker0", &CHECK_AFTER);
    assert!(bench.pending("worker0", completion).enabled);

    let (mut bench, call) = held(Variant::CheckAfterSend, &INSTALL);
    bench.does("worker0", Pc::Cancel(call));
    bench.release("worker0", &INSTALL);
    bench.go();
    assert_eq!(
        (count(&bench, Frame::Request(call)), count(&bench, Frame::Reset(call))),
        (1, 1)
    );
}

#[test]
fn nobody_waits_for_the_answer_of_a_cleanup() {
    let (mut bench, _) = sent();
    let call = bench.call("CleanupGraph(ps0)");
    bench.deliver("worker0", "ps0", Frame::Request(call));
    bench.step("ps0", ThreadId::Arrival(call));
    assert_eq!(bench.process("ps0").server_call(call), None);
    assert_eq!(bench.at("ps0", ThreadId::Arrival(call)), Some(&ACCEPT));
}

#[test]
fn in_1_15_a_server_does_not_abort_the_step_of_a_cancelled_receive() {
    for (variant, timers) in [(Variant::Tf113, 1), (Variant::Tf115, 0), (Variant::Tf2, 1)] {
        let mut bench = Bench::variant(1, &["ps0->worker", "worker->ps0 batch"], variant);
        bench.hold("worker0", &iterator::GET_NEXT);
        bench.hold("worker0", &CLEAR);
        bench.hold("ps0", &rendezvous::SEND_CHECK);
        bench.hold("ps0", &rendezvous::ABORT_LOCAL);
        bench.go();
        let call = bench.call("edge_1_ps0_worker");
        assert!(bench.process("ps0").server_call(call).is_some_and(|call| call.options));
        bench.does("worker0", Pc::Cancel(call));
        bench.go();
        assert_eq!(
            bench.standing("ps0", &rendezvous::ABORT_LOCAL).len(),
            timers,
            "{variant}"
        );
    }
}

#[test]
fn since_1_13_a_completion_frees_its_queue_before_the_callback_runs() {
    for (variant, free) in [
        (Variant::Tf112, false),
        (Variant::Tf113, true),
        (Variant::Tf115, true),
        (Variant::Tf2, true),
    ] {
        let mut bench = Bench::variant(1, &["ps0->worker", "worker->ps0 batch"], variant);
        bench.hold("worker0", &iterator::GET_NEXT);
        bench.hold("worker0", &rendezvous::DEREGISTER);
        bench.go();
        assert_eq!(bench.standing("worker0", &rendezvous::DEREGISTER).len(), 1);
        assert_eq!(bench.process("worker0").busy_queues.is_empty(), free, "{variant}");
    }
}
