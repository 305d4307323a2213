use proptest::prelude::*;

use super::*;
use crate::machine::{Guarantees, System};
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::mechanisms::bench::{Bench, models, picks, run_at_random};

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
const RECEIVE: &str = "edge_1_ps0_worker";

/// A job without cleanup whose worker has no answer from its input.
fn waiting() -> Bench {
    let mut bench = Bench::new(1, &EDGES).without_cleanup();
    bench.hold("worker0", &iterator::GET_NEXT);
    bench
}

fn assumed(guarantees: &[usize]) -> GuaranteeSet {
    let mut set = GuaranteeSet::default();
    guarantees.iter().for_each(|guarantee| set.0.insert(*guarantee));
    set
}

/// Returns true if the server guarantees to answer the worker's receive, and true if it guarantees the error.
fn guarantees(bench: &Bench, given: &[usize]) -> (bool, bool) {
    let guarantees = bench
        .model
        .guarantees_of(bench.id("ps0"), bench.process("ps0"), &assumed(given));
    let call = bench.call(RECEIVE);
    (guarantees.0.contains(answer(call)), guarantees.0.contains(error(call)))
}

fn is_sure(bench: &Bench, given: &[usize]) -> bool {
    let id = bench.id("worker0");
    bench
        .model
        .return_is_inevitable(id, bench.process("worker0"), &assumed(given))
}

/// The guarantees of all processes, each relying on the others.
fn all_guarantees(model: &TensorFlow, system: &System<Process>) -> GuaranteeSet {
    let mut known = GuaranteeSet::default();
    loop {
        let before = known.clone();
        for (id, process) in model.process_ids().zip(&system.processes) {
            let guarantees = model.guarantees(id, process, &before);
            known.0.extend(&guarantees.0);
        }
        if known == before {
            return known;
        }
    }
}

/// Returns true if every client is sure to return.
fn all_sure(model: &TensorFlow, system: &System<Process>) -> bool {
    let guarantees = all_guarantees(model, system);
    let mut states = model.process_ids().zip(&system.processes);
    states.all(|(id, process)| model.is_inevitable(id, process, &guarantees))
}

#[test]
fn a_receive_of_an_aborted_initialized_rendezvous_is_sure_to_be_answered_with_the_error() {
    let mut bench = waiting();
    bench.hold("worker0", &rendezvous::REGISTER);
    bench.go();
    assert_eq!(
        guarantees(&bench, &[]),
        (true, false),
        "it waits for nothing, but may be a value"
    );
    let abort = rendezvous::abort_step(0);
    bench.does("ps0", abort);
    bench.go();
    assert_eq!(guarantees(&bench, &[]), (true, true));
}

#[test]
fn an_answer_with_a_value_that_is_under_way_is_no_guarantee_of_the_error() {
    let mut bench = waiting();
    bench.hold("ps0", &rpc::RESPOND);
    bench.go();
    bench.does("ps0", rendezvous::abort_step(0));
    bench.go();
    assert_eq!(guarantees(&bench, &[]), (true, false));
    bench.release("ps0", &rpc::RESPOND);
    bench.go();
    assert_eq!(guarantees(&bench, &[]), (true, true));
}

#[test]
fn a_process_that_may_never_start_the_step_guarantees_nothing() {
    let mut bench = waiting();
    let start = ThreadId::Arrival(bench.call("RunGraph(ps0)"));
    bench.hold("ps0", start);
    bench.go();
    assert_eq!(guarantees(&bench, &[]), (false, false));
    bench.does("ps0", rendezvous::abort_step(0));
    bench.go();
    assert_eq!(
        guarantees(&bench, &[]),
        (false, false),
        "an abort does not answer what is parked"
    );
    bench.step("ps0", start);
    assert_eq!(guarantees(&bench, &[]), (true, false), "the service has its request");
}

#[test]
fn a_receive_whose_send_waits_for_another_receive_is_answered_only_if_that_one_is() {
    let mut bench = Bench::new(1, &["worker->ps0 batch", "ps0->worker batch"]).without_cleanup();
    bench.model.set_cleans_up(false);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.go();
    let needed = bench.call("edge_0_worker_ps0");
    assert_eq!(guarantees(&bench, &[]), (false, false));
    let (answers, fails) = guarantees(&bench, &[answer(needed)]);
    assert!(answers && fails, "the batch never comes, so that it is the error");
}

#[test]
fn a_server_that_can_die_guarantees_nothing() {
    let death = Death {
        task: "ps0".to_owned(),
        restarts: true,
    };
    let faults = Faults {
        death: Some(death),
        ..Faults::default()
    };
    let mut bench = waiting().with(faults).without_cleanup();
    bench.hold("ps0", ThreadId::Death);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.go();
    assert_eq!(guarantees(&bench, &[]), (false, false));
}

/// The worker has failed, its receive's cancel was lost, and its `RunGraph` has not been read.
fn lost_cancel() -> Bench {
    let mut bench = Bench::new(1, &EDGES).without_cleanup();
    bench.hold("worker0", &rendezvous::REGISTER);
    bench.hold("ps0", ThreadId::Arrival(bench.call("RunGraph(ps0)")));
    bench.go();
    bench.release("worker0", &rendezvous::REGISTER);
    bench.go();
    bench
}

#[test]
fn a_client_whose_receive_nobody_cancels_any_more_returns_only_if_that_is_answered() {
    let bench = lost_cancel();
    let call = bench.call(RECEIVE);
    let record = bench.process("worker0").client_call(call).expect("it waits");
    assert!(record.failed && record.rpc == Rpc::Sent);
    assert!(!is_sure(&bench, &[]));
    assert!(is_sure(&bench, &[answer(call)]));
}

#[test]
fn a_client_that_has_returned_is_sure_and_one_that_has_yet_to_run_is_not() {
    let mut bench = Bench::new(1, &EDGES).without_cleanup();
    assert!(!is_sure(&bench, &[]));
    bench.go();
    assert!(is_sure(&bench, &[]));
}

#[test]
fn an_installed_function_with_its_cancellation_to_come_makes_a_receive_sure_to_end() {
    let mut bench = waiting();
    let start = ThreadId::Arrival(bench.call("RunGraph(ps0)"));
    bench.hold("ps0", start);
    bench.go();
    let sure = |bench: &Bench| {
        let none = GuaranteeSet::default();
        let inference = Inference {
            model: &bench.model,
            id: bench.id("worker0"),
            process: bench.process("worker0"),
            assumed: &none,
        };
        inference.ends(0)
    };
    assert!(!sure(&bench), "nobody aborts it");
    bench.hold("worker0", &rendezvous::ABORT_LOCAL);
    bench.does("worker0", rendezvous::abort_step(0));
    bench.go();
    assert!(
        sure(&bench),
        "an abort is under way, and the call is active with its function"
    );
    let call = bench.call(RECEIVE);
    bench
        .process_mut("worker0")
        .client_call_mut(call)
        .expect("it waits")
        .installed = false;
    assert!(!sure(&bench));
}

#[test]
fn an_answer_that_was_guaranteed_is_broken_at_rest_and_an_error_by_a_value() {
    let bench = lost_cancel();
    let call = bench.call(RECEIVE);
    let broken = |bench: &Bench, at_rest| bench.model.broken_guarantees(&bench.states(), at_rest).0;
    assert!(broken(&bench, true).contains(answer(call)) && !broken(&bench, false).contains(answer(call)));
    let mut bench = waiting();
    bench.hold("worker0", &rpc::QUEUE_TAKE);
    bench.go();
    assert!(broken(&bench, false).contains(error(call)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_return_that_is_sure_stays_sure_and_a_guarantee_is_never_broken(model in models(), picks in picks()) {
        run_at_random(&model, &picks, |transition| {
            let [before, after] = [transition.before, transition.after];
            assert!(!all_sure(&model, before) || all_sure(&model, after), "{:?}", transition.thread);
            let at_rest = after.enabled(&model).is_empty();
            let states: Vec<&Process> = after.processes.iter().collect();
            let guaranteed = all_guarantees(&model, before).0;
            assert!(!guaranteed.intersects(&model.broken_guarantees(&states, at_rest).0), "{:?}", transition.thread);
            if at_rest {
                let returned = after.clients(&model).iter().all(|(.., client)| client.returned);
                assert!(returned || !all_sure(&model, after));
            }
        });
    }
}
