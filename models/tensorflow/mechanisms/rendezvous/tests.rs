use super::*;
use crate::machine::Label;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::iterator;
use crate::models::tensorflow::mechanisms::rpc::{self, Frame, Rpc};
use crate::models::tensorflow::process::ThreadId;

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
const RECEIVE: &str = "edge_1_ps0_worker";

/// The worker's input never answers, so that nothing fails by itself.
fn waiting(mut bench: Bench) -> Bench {
    bench.hold("worker0", &iterator::GET_NEXT);
    bench
}

/// The server has not read its `RunGraph`, and the worker's receive has come there.
fn parked(variant: Variant) -> (Bench, CallId, ThreadId) {
    let mut bench = waiting(Bench::variant(1, &EDGES, variant));
    let start = ThreadId::Arrival(bench.call("RunGraph(ps0)"));
    bench.hold("ps0", start);
    bench.go();
    let call = bench.call(RECEIVE);
    assert_eq!(bench.rendezvous("ps0").deferred[..], [call]);
    (bench, call, start)
}

fn aborted(bench: &mut Bench, process: &str) {
    let (id, status) = (bench.rendezvous_id(process), bench.model.abort_status(Status::Error));
    bench.does(process, Pc::AbortLocal(0, id, status));
    bench.go();
    assert!(bench.rendezvous(process).aborted && bench.rendezvous(process).local_aborted);
}

#[test]
fn a_receive_that_comes_before_its_step_is_parked_and_answered_when_the_step_starts() {
    let (mut bench, call, start) = parked(Variant::Tf112);
    assert!(!bench.sent.contains(&Frame::Response(call, Status::Ok)));
    bench.release("ps0", start);
    bench.go();
    assert!(bench.rendezvous("ps0").deferred.is_empty());
    assert!(bench.sent.contains(&Frame::Response(call, Status::Ok)));
}

#[test]
fn an_abort_does_not_answer_a_parked_receive_the_start_of_the_step_does_with_the_error() {
    let (mut bench, call, start) = parked(Variant::Tf112);
    aborted(&mut bench, "ps0");
    assert_eq!(bench.rendezvous("ps0").deferred[..], [call]);
    assert!(!bench.sent.contains(&Frame::Response(call, Status::Error)));
    bench.release("ps0", start);
    bench.go();
    assert!(bench.rendezvous("ps0").deferred.is_empty());
    assert!(bench.sent.contains(&Frame::Response(call, Status::Error)));
}

#[test]
fn with_abort_deferred_the_abort_answers_parked_receives_and_those_that_come_later() {
    let (mut bench, call, _) = parked(Variant::AbortDeferred);
    aborted(&mut bench, "ps0");
    assert!(bench.rendezvous("ps0").deferred.is_empty());
    assert!(bench.sent.contains(&Frame::Response(call, Status::Error)));
    let id = bench.rendezvous_id("ps0");
    let thread = bench.does("ps0", Pc::RecvLocal(0, call, id));
    assert_eq!(bench.at("ps0", thread), Some(&rpc::SERVE_CLEAR));
}

#[test]
fn a_second_abort_changes_nothing() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.go();
    aborted(&mut bench, "worker0");
    let (before, sent) = (bench.system.clone(), bench.sent.len());
    aborted(&mut bench, "worker0");
    assert_eq!(bench.system, before);
    assert_eq!(bench.sent.len(), sent);
}

#[test]
fn an_abort_cancels_its_active_calls_in_any_order_and_holds_the_mutex_until_the_last() {
    let mut bench = waiting(Bench::new(1, &["ps0->worker x2", "worker->ps0 batch"]));
    bench.hold("ps0", &rpc::READ);
    bench.go();
    let calls = ["edge_1_ps0_worker", "edge_2_ps0_worker"].map(|name| bench.call(name));
    assert_eq!(bench.rendezvous("worker0").active[..], calls);
    let id = bench.rendezvous_id("worker0");
    let thread = bench.does("worker0", Pc::AbortLocal(0, id, Status::Error));
    bench.step("worker0", thread);
    let other = bench.start("worker0", Pc::AbortRemote(0, id, Status::Error));
    assert_eq!(bench.pending("worker0", thread).operation.choices, 2);
    bench.choose("worker0", thread, 1);
    assert_eq!(bench.at("worker0", thread), Some(&rpc::CANCEL));
    assert_eq!(bench.rendezvous("worker0").lock.owner(), Some(thread));
    assert!(!bench.pending("worker0", other).enabled);
    bench.step("worker0", thread);
    assert_eq!(bench.sent.last(), Some(&Frame::Reset(calls[1])));
    while bench.at("worker0", thread) != Some(&ABORT_UNLOCK) {
        bench.step("worker0", thread);
    }
    assert_eq!(bench.sent.last(), Some(&Frame::Reset(calls[0])));
    assert!(!bench.pending("worker0", other).enabled);
    bench.step("worker0", thread);
    assert!(bench.pending("worker0", other).enabled);
    assert!(bench.rendezvous("worker0").active.is_empty());
}

#[test]
fn a_receive_that_registers_after_the_abort_is_told_to_abort_and_sent_all_the_same() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("worker0", &REGISTER);
    bench.hold("ps0", &rpc::READ);
    bench.go();
    aborted(&mut bench, "worker0");
    bench.release("worker0", &REGISTER);
    bench.go();
    let call = bench.call(RECEIVE);
    assert!(bench.rendezvous("worker0").active.is_empty());
    let record = bench.process("worker0").client_call(call).expect("it is registered");
    assert!(record.failed && record.installed && record.rpc == Rpc::Sent);
    assert!(!bench.sent.contains(&Frame::Reset(call)));
}

#[test]
fn a_receive_that_is_validated_after_the_abort_is_never_made() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("worker0", &VALIDATE);
    bench.go();
    aborted(&mut bench, "worker0");
    bench.release("worker0", &VALIDATE);
    bench.go();
    let call = bench.call(RECEIVE);
    assert!(!bench.sent.contains(&Frame::Request(call)));
    assert!(
        bench
            .process("worker0")
            .execution(0)
            .is_some_and(|execution| execution.failed)
    );
}

#[test]
fn a_value_waits_for_its_receive_and_is_gone_after_an_abort() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("worker0", &REGISTER);
    bench.go();
    let call = bench.call(RECEIVE);
    assert_eq!(bench.rendezvous("ps0").values[..], [call]);
    aborted(&mut bench, "ps0");
    assert!(bench.rendezvous("ps0").values.is_empty());
    bench.release("worker0", &REGISTER);
    bench.go();
    assert!(bench.sent.contains(&Frame::Response(call, Status::Error)));
}

#[test]
fn a_send_answers_the_receive_that_waits_for_it_and_leaves_no_value() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("ps0", &SEND_LOCAL);
    bench.go();
    let call = bench.call(RECEIVE);
    assert_eq!(bench.rendezvous("ps0").waiters[..], [call]);
    bench.release("ps0", &SEND_LOCAL);
    bench.go();
    let rendezvous = bench.rendezvous("ps0");
    assert!(rendezvous.waiters.is_empty() && rendezvous.values.is_empty());
    assert!(bench.sent.contains(&Frame::Response(call, Status::Ok)));
}

#[test]
fn a_send_that_comes_to_an_aborted_rendezvous_fails_its_node_wherever_it_was() {
    for label in [&SEND_CHECK, &SEND_LOCAL] {
        let mut bench = waiting(Bench::new(1, &EDGES));
        bench.hold("ps0", label);
        bench.hold("worker0", &REGISTER);
        bench.go();
        aborted(&mut bench, "ps0");
        bench.release("ps0", label);
        bench.go();
        assert!(bench.rendezvous("ps0").values.is_empty(), "{label}");
        assert!(
            bench
                .process("ps0")
                .execution(0)
                .is_none_or(|execution| execution.failed),
            "{label}"
        );
    }
}

#[test]
fn an_abort_fails_the_receives_that_wait_for_a_value_before_it_comes_to_the_second_half() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("ps0", &SEND_LOCAL);
    bench.go();
    let call = bench.call(RECEIVE);
    let id = bench.rendezvous_id("ps0");
    let thread = bench.does("ps0", Pc::AbortLocal(0, id, Status::Error));
    assert!(bench.rendezvous("ps0").waiters.is_empty());
    while bench.at("ps0", thread) != Some(&ABORT_REMOTE) {
        bench.step("ps0", thread);
    }
    assert_eq!(bench.sent.last(), Some(&Frame::Response(call, Status::Error)));
    assert!(!bench.rendezvous("ps0").aborted);
}

#[test]
fn a_cleanup_aborts_the_rendezvous_and_makes_room_for_a_fresh_one() {
    let (mut bench, call, _) = parked(Variant::Tf112);
    bench.does("ps0", Pc::Cleanup(0));
    bench.go();
    assert!(bench.process("ps0").table.is_empty());
    let [old] = &bench.process("ps0").rendezvous[..] else {
        panic!("the parked receive keeps it")
    };
    assert!(old.aborted && old.deferred[..] == [call]);
    bench.does("ps0", Pc::FindToReceive(0, call));
    assert_eq!(bench.process("ps0").rendezvous.len(), 2);
    assert!(!bench.rendezvous("ps0").aborted);
    // A cleanup of a step that has none does nothing.
    bench.process_mut("ps0").table.clear();
    let thread = bench.does("ps0", Pc::Cleanup(0));
    assert_eq!(bench.at("ps0", thread), None);
}

#[test]
fn two_who_look_a_step_up_get_one_rendezvous() {
    let mut bench = Bench::new(1, &EDGES);
    let call = bench.call(RECEIVE);
    let [first, second] = [Pc::FindToReceive(0, call), Pc::FindToExecute(0)].map(|place| bench.does("ps0", place));
    let of = |thread| {
        bench
            .process("ps0")
            .thread(thread)
            .expect("it goes on")
            .at()
            .subject()
            .rendezvous
    };
    assert_eq!(of(first), of(second));
    assert_eq!(bench.process("ps0").rendezvous.len(), 1);
}

#[test]
fn a_process_that_remembers_the_cancelled_step_answers_its_receives_with_the_error() {
    let (mut bench, call, _) = parked(Variant::RememberCancelledSteps);
    let id = bench.rendezvous_id("ps0");
    bench.does("ps0", Pc::FailDeferred(0, id));
    bench.go();
    assert!(bench.rendezvous("ps0").deferred.is_empty());
    assert!(bench.sent.contains(&Frame::Response(call, Status::Error)));
    let later = bench.does("ps0", Pc::RecvLocal(0, call, id));
    assert_eq!(bench.at("ps0", later), Some(&rpc::SERVE_CLEAR));
    bench.process_mut("ps0").cancelled_steps.insert(0);
    let last = bench.does("ps0", Pc::FindToReceive(0, call));
    assert_eq!(bench.at("ps0", last), Some(&rpc::SERVE_CLEAR));
}

#[test]
fn what_is_said_of_a_steps_rendezvous_holds_only_where_no_cleanup_can_replace_it() {
    for (cleans_up, known) in [(true, false), (false, true)] {
        let mut bench = waiting(Bench::new(1, &EDGES));
        bench.model.set_cleans_up(cleans_up);
        bench.go();
        aborted(&mut bench, "worker0");
        let facts = Facts::of(&bench.model, bench.id("worker0"), bench.process("worker0"));
        assert_eq!(facts.is_settled(0), known);
        assert_eq!(facts.state(0, ANY_RENDEZVOUS).aborted, known);
        assert!(facts.state(0, bench.rendezvous_id("worker0")).aborted);
    }
}

/// The worker's receive stands at a label, on a release, and the worker's rendezvous is aborted.
fn receiving(variant: Variant, label: &'static Label) -> (Bench, CallId) {
    let mut bench = waiting(Bench::variant(1, &EDGES, variant));
    bench.hold("ps0", &VALIDATE);
    bench.hold("ps0", &SEND_CHECK);
    bench.hold("worker0", label);
    bench.go();
    assert_eq!(bench.standing("worker0", label).len(), 1);
    aborted(&mut bench, "worker0");
    let call = bench.call(RECEIVE);
    bench.release("worker0", label);
    (bench, call)
}

#[test]
fn in_2_a_receive_that_is_registered_after_the_abort_went_through_the_calls_is_missed() {
    let (mut bench, call) = receiving(Variant::Tf2, &REGISTER_CALL);
    bench.go();
    assert_eq!(bench.rendezvous("worker0").active[..], [call]);
    let record = bench.process("worker0").client_call(call).expect("it waits");
    assert_eq!((record.rpc, record.failed), (Rpc::Sent, false));
    aborted(&mut bench, "worker0");
    assert_eq!(
        bench.rendezvous("worker0").active[..],
        [call],
        "a second abort does not turn to the calls"
    );
    let (mut bench, call) = receiving(Variant::Tf2, &REGISTER);
    bench.go();
    assert!(
        bench.process("worker0").client_call(call).is_none(),
        "it finds the error"
    );
}

#[test]
fn in_2_the_cancellation_manager_cancels_the_receive_that_an_abort_missed_and_refuses_later_ones() {
    let by_manager = |bench: &mut Bench| {
        let id = bench.rendezvous_id("worker0");
        let place = cancelled_by_manager(&bench.model, 0, id).expect("2.x registers receives");
        let thread = bench.start("worker0", place);
        while bench.at("worker0", thread).is_some() {
            bench.step("worker0", thread);
        }
    };
    let (mut bench, call) = receiving(Variant::Tf2, &REGISTER_CALL);
    bench.go();
    assert_eq!(bench.rendezvous("worker0").active[..], [call], "the abort missed it");
    bench.hold("worker0", &rpc::QUEUE_TAKE);
    by_manager(&mut bench);
    assert!(bench.rendezvous("worker0").active.is_empty());
    let record = bench
        .process("worker0")
        .client_call(call)
        .expect("its node has yet to learn of it");
    assert!(record.is_over() && record.failed);

    let (mut bench, call) = receiving(Variant::Tf2, &REGISTER_CALL);
    by_manager(&mut bench);
    bench.go();
    assert!(
        bench.process("worker0").client_call(call).is_none(),
        "it is told to abort, and ends unsent"
    );
    assert!(!bench.sent.contains(&Frame::Request(call)));
    let none = cancelled_by_manager(&Bench::new(1, &EDGES).model, 0, 0);
    assert!(none.is_none(), "1.12 does not");
}

#[test]
fn in_2_a_receive_that_comes_to_the_local_table_after_the_abort_waits_until_the_next_abort() {
    let mut bench = waiting(Bench::variant(1, &EDGES, Variant::Tf2));
    let call = bench.call(RECEIVE);
    for label in [&VALIDATE, &LOCAL_RECV, &SEND_CHECK] {
        bench.hold("ps0", label);
    }
    bench.go();
    aborted(&mut bench, "ps0");
    bench.release("ps0", &LOCAL_RECV);
    bench.go();
    assert_eq!(bench.rendezvous("ps0").waiters[..], [call]);
    aborted(&mut bench, "ps0");
    assert!(bench.rendezvous("ps0").waiters.is_empty());
    assert!(bench.sent.contains(&Frame::Response(call, Status::Error)));
}

#[test]
fn the_error_of_an_abort_is_derived_in_1_15_and_the_steps_own_in_2() {
    for (variant, status) in [
        (Variant::Tf112, Status::Error),
        (Variant::Tf113, Status::Error),
        (Variant::Tf115, Status::Derived),
        (Variant::Tf2, Status::Error),
    ] {
        let (bench, _) = receiving(variant, &REGISTER);
        assert_eq!(bench.rendezvous("worker0").status(), status, "{variant}");
        assert_eq!(bench.rendezvous("worker0").local_status(), status, "{variant}");
    }
}
