use proptest::prelude::*;

use super::*;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::mechanisms::bench::{Bench, models, picks, run_at_random};
use crate::models::tensorflow::mechanisms::{iterator, worker};

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
const RECEIVE: &str = "edge_1_ps0_worker";

/// A job without cleanup whose worker has no answer from its input.
fn waiting() -> Bench {
    let mut bench = Bench::new(1, &EDGES).without_cleanup();
    bench.hold("worker0", &iterator::GET_NEXT);
    bench
}

/// The process once what is dead in it is eliminated.
fn eliminated(bench: &Bench, process: &str) -> Process {
    let mut state = bench.process(process).clone();
    bench.model.eliminate_dead_of(bench.id(process), &mut state);
    state
}

/// Sets a timer that aborts a process's rendezvous, and leaves it there.
fn timer(bench: &mut Bench, process: &str) {
    bench.does(process, rendezvous::abort_step(0));
    bench.go();
}

/// Two timers stand ready in the server.
fn two_timers() -> Bench {
    let mut bench = waiting();
    bench.hold("ps0", &rendezvous::ABORT_LOCAL);
    bench.go();
    timer(&mut bench, "ps0");
    timer(&mut bench, "ps0");
    bench
}

fn timers(process: &Process) -> Vec<ThreadId> {
    let names = process.threads.iter().map(|thread| thread.id);
    names.filter(|name| matches!(name, ThreadId::Timer(..))).collect()
}

#[test]
fn of_two_timers_for_one_rendezvous_the_second_is_dead() {
    let bench = two_timers();
    assert_eq!(timers(bench.process("ps0")).len(), 2);
    assert_eq!(timers(&eliminated(&bench, "ps0")), [ThreadId::Timer(0, 0)]);
}

#[test]
fn a_timer_that_finds_its_rendezvous_aborted_is_dead() {
    let mut bench = two_timers();
    let first = ThreadId::Timer(0, 0);
    bench.step("ps0", first);
    assert_eq!(
        timers(&eliminated(&bench, "ps0")).len(),
        2,
        "its other half is not aborted"
    );
    bench.step("ps0", first);
    assert_eq!(
        timers(&eliminated(&bench, "ps0")),
        [first],
        "it cancels the active calls"
    );
    while bench.at("ps0", first).is_some() {
        bench.step("ps0", first);
    }
    assert!(timers(&eliminated(&bench, "ps0")).is_empty());
}

#[test]
fn a_timer_that_has_fired_keeps_the_name_by_which_it_holds_a_mutex() {
    let mut bench = two_timers();
    let second = ThreadId::Timer(0, 1);
    bench.step("ps0", second);
    bench.step("ps0", second);
    assert_eq!(timers(&eliminated(&bench, "ps0")), [second], "the first is dead");
    let state = eliminated(&bench, "ps0");
    *bench.process_mut("ps0") = state;
    while bench.at("ps0", second).is_some() {
        bench.step("ps0", second);
    }
    assert!(timers(bench.process("ps0")).is_empty());
}

#[test]
fn where_the_step_is_cleaned_up_nothing_is_dead() {
    let mut bench = two_timers();
    bench.model.set_cleans_up(true);
    assert_eq!(&eliminated(&bench, "ps0"), bench.process("ps0"));
}

#[test]
fn what_is_left_of_the_timers_is_numbered_anew() {
    let mut bench = two_timers();
    bench
        .process_mut("ps0")
        .threads
        .retain(|thread| thread.id != ThreadId::Timer(0, 0));
    assert_eq!(timers(bench.process("ps0")), [ThreadId::Timer(0, 1)]);
    assert_eq!(timers(&eliminated(&bench, "ps0")), [ThreadId::Timer(0, 0)]);
}

#[test]
fn the_cancellation_of_a_request_is_dead_once_it_is_answered_or_the_step_is_aborted() {
    let mut bench = waiting();
    let call = bench.call("RunGraph(ps0)");
    let thread = ThreadId::Cancelled(call);
    bench.hold("ps0", thread);
    bench.go();
    bench.does("worker0", rpc::cancel(call));
    assert_eq!(bench.at("ps0", thread), Some(&rpc::REQUEST_CANCELLED));
    assert!(eliminated(&bench, "ps0").thread(thread).is_some(), "it aborts the step");
    let mut answered = bench.process("ps0").clone();
    answered.remove_server_call(call);
    bench.model.eliminate_dead_of(bench.id("ps0"), &mut answered);
    assert!(answered.thread(thread).is_none());
    bench.hold("ps0", &rpc::SERVE_CLEAR);
    timer(&mut bench, "ps0");
    assert!(bench.model.is_settled(bench.id("ps0"), bench.process("ps0"), 0));
    assert!(eliminated(&bench, "ps0").thread(thread).is_none());
}

/// The worker's receive is parked on a server that has not started, and the worker has cancelled it.
fn abandoned() -> (Bench, CallId) {
    let mut bench = waiting();
    bench.hold("ps0", ThreadId::Arrival(bench.call("RunGraph(ps0)")));
    let call = bench.call(RECEIVE);
    bench.hold("ps0", ThreadId::Cancelled(call));
    bench.go();
    assert_eq!(
        eliminated(&bench, "ps0").rendezvous[0].deferred[..],
        [call],
        "the worker waits for it"
    );
    bench.does("worker0", rpc::cancel(call));
    (bench, call)
}

#[test]
fn a_receive_that_its_client_has_cancelled_is_dead_once_the_cancellation_has_been_dealt_with() {
    let (mut bench, call) = abandoned();
    assert_eq!(
        eliminated(&bench, "ps0").rendezvous[0].deferred[..],
        [call],
        "its cancellation sets a timer"
    );
    bench.hold("ps0", &rendezvous::ABORT_LOCAL);
    bench.release("ps0", ThreadId::Cancelled(call));
    bench.go();
    assert!(bench.process("ps0").server_call(call).is_some());
    let state = eliminated(&bench, "ps0");
    assert!(state.server_call(call).is_none() && state.rendezvous[0].deferred.is_empty());
    assert_eq!(timers(&state).len(), 1, "the abort is still to come");
}

#[test]
fn where_the_last_receive_that_an_abort_may_miss_is_dead_so_is_the_second_timer() {
    let mut bench = Bench::variant(1, &EDGES, Variant::Tf2).without_cleanup();
    bench.hold("worker0", &iterator::GET_NEXT);
    let call = bench.call(RECEIVE);
    for held in [bench.call("RunGraph(ps0)"), call] {
        bench.hold("ps0", ThreadId::Arrival(held));
    }
    bench.hold("ps0", &rendezvous::ABORT_LOCAL);
    bench.go();
    timer(&mut bench, "ps0");
    timer(&mut bench, "ps0");
    assert_eq!(
        timers(&eliminated(&bench, "ps0")).len(),
        2,
        "the abort may miss the receive"
    );
    bench.release("ps0", ThreadId::Arrival(call));
    bench.go();
    bench.does("worker0", rpc::cancel(call));
    bench.go();
    let state = eliminated(&bench, "ps0");
    assert!(state.server_call(call).is_none(), "nobody reads its answer");
    assert_eq!(timers(&state).len(), 1);
}

#[test]
fn a_value_that_only_an_abandoned_receive_would_have_taken_is_dead() {
    let mut bench = waiting();
    let call = bench.call(RECEIVE);
    bench.hold("ps0", ThreadId::Arrival(call));
    bench.go();
    assert_eq!(
        eliminated(&bench, "ps0").rendezvous[0].values[..],
        [call],
        "its receive is to come"
    );
    bench.process_mut("ps0").remove_server_call(call);
    assert!(eliminated(&bench, "ps0").rendezvous[0].values.is_empty());
}

#[test]
fn a_handler_of_an_abandoned_receive_gives_its_pool_thread_back() {
    let mut bench = waiting();
    let call = bench.call(RECEIVE);
    let handler = ThreadId::Handler(call);
    bench.hold("ps0", &rendezvous::RECV_LOCAL);
    bench.go();
    assert_eq!(bench.at("ps0", handler), Some(&rendezvous::RECV_LOCAL));
    bench
        .process_mut("ps0")
        .server_call_mut(call)
        .expect("it is handled")
        .abandoned = true;
    let state = eliminated(&bench, "ps0");
    let thread = state.thread(handler).expect("it has a pool thread");
    assert!(thread.is_at(&pool::IDLE) && thread.stack.len() == 1);
    assert_eq!(state.pool.busy, 1);
}

#[test]
fn a_remembered_cancellation_is_to_come_until_the_handler_has_installed_its_function() {
    let mut bench = Bench::variant(1, &EDGES, Variant::StickyCancel).without_cleanup();
    bench.hold("worker0", &iterator::GET_NEXT);
    let (call, start) = (bench.call(RECEIVE), bench.call("RunGraph(ps0)"));
    bench.hold("ps0", ThreadId::Arrival(start));
    bench.hold("ps0", &worker::INSTALL);
    bench.hold("ps0", &rendezvous::ABORT_LOCAL);
    bench.does("ps0", rendezvous::abort_step(0));
    bench.go();
    bench.does("worker0", rpc::cancel(call));
    bench.go();
    assert!(bench.process("ps0").server_call(call).is_some_and(|call| call.wanted));
    assert!(
        eliminated(&bench, "ps0").server_call(call).is_some(),
        "it aborts the step"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_was_eliminated_once_leaves_nothing_to_eliminate(model in models(), picks in picks()) {
        run_at_random(&model, &picks, |transition| {
            for (id, process) in model.process_ids().zip(&transition.after.processes) {
                let mut once = process.clone();
                model.eliminate_dead_of(id, &mut once);
                let mut twice = once.clone();
                model.eliminate_dead_of(id, &mut twice);
                assert_eq!(once, twice);
                assert!(once.threads.iter().all(|thread| !thread.stack.is_empty()));
            }
        });
    }
}
