use super::*;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::Data;
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::cancellation::Session;
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::process::ThreadId;

/// A step with a batch, where somebody can close the session.
fn closable(death: Option<Death>) -> Bench {
    let faults = Faults {
        close: true,
        death,
        ..Faults::default()
    };
    let job = Bench::changed(1, &["worker->ps0"], |job| job.steps[0].data = Data::Batch);
    let mut bench = job.with(faults);
    bench.hold("worker0", ThreadId::Closer);
    bench
}

fn session_of(bench: &Bench) -> &Session {
    bench
        .process("worker0")
        .session
        .as_ref()
        .expect("one that can be closed")
}

fn returned(bench: &Bench) -> bool {
    let master = bench.process("worker0").master.as_ref();
    master.is_some_and(|master| master.returned)
}

#[test]
fn a_step_that_is_answered_runs_on_until_every_process_has_cleaned_up() {
    let mut bench = closable(None);
    bench.hold("worker0", &CLEANED);
    bench.go();
    assert_eq!(session_of(&bench).cleaning[..], [(0, 2)]);
    bench.run("worker0", &CLEANED);
    bench.go();
    assert_eq!(session_of(&bench).running, 1);
    bench.run("worker0", &CLEANED);
    bench.release("worker0", &CLEANED);
    bench.go();
    assert!(returned(&bench) && session_of(&bench).cleaning.is_empty());
    assert_eq!(session_of(&bench).running, 0);
}

#[test]
fn a_close_returns_when_every_other_process_has_deleted_the_session() {
    let mut bench = closable(None);
    bench.go();
    bench.hold("worker0", &DELETED);
    bench.release("worker0", ThreadId::Closer);
    bench.go();
    assert!(!session_of(&bench).close_returned);
    assert_eq!(bench.at("worker0", ThreadId::Closer), Some(&WAIT_DELETED));
    bench.release("worker0", &DELETED);
    bench.go();
    assert!(session_of(&bench).close_returned);
}

#[test]
fn a_close_waits_for_good_for_a_server_that_is_gone() {
    let death = Death {
        task: "ps0".to_owned(),
        restarts: false,
    };
    let mut bench = closable(Some(death));
    bench.hold("ps0", ThreadId::Death);
    bench.go();
    assert!(returned(&bench));
    bench.release("ps0", ThreadId::Death);
    bench.go();
    bench.release("worker0", ThreadId::Closer);
    bench.go();
    assert!(!session_of(&bench).close_returned);
    let calls = &bench.process("worker0").client_calls;
    let kinds: Vec<CallKind> = calls.iter().map(|call| bench.model.call(call.id).kind).collect();
    assert_eq!(kinds, [CallKind::DeleteSession]);
}

#[test]
fn a_server_answers_the_deletion_of_a_session_on_its_pool() {
    let bench = closable(None);
    let call = bench.call("DeleteWorkerSession(ps0)");
    let handler = worker::handler(&bench.model, false, call);
    let labels: Vec<&str> = handler.iter().map(|place| place.label().name).collect();
    assert_eq!(labels, ["Handler.respond"]);
}
