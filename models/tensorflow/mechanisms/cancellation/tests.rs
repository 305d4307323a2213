use super::*;
use crate::models::tensorflow::job::builtin::{BatchSource, Edges, builtin, worker_only};
use crate::models::tensorflow::job::faults::Faults;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::job::{Data, JobStep, Variant};
use crate::models::tensorflow::mechanisms::bench::{Bench, job};
use crate::models::tensorflow::mechanisms::closing::{CANCELLED, WAIT_IDLE};
use crate::models::tensorflow::mechanisms::{iterator, worker};

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
const STEP: ThreadId = ThreadId::Step(0);
const DEADLINE: ThreadId = ThreadId::Deadline(0);

/// A step whose input never answers, and whose wait can run out.
fn timed(variant: Variant) -> Bench {
    let faults = Faults {
        timeout: true,
        ..Faults::default()
    };
    held(variant, faults, DEADLINE)
}

/// A step whose input never answers, where somebody can close the session.
fn closed(variant: Variant) -> Bench {
    let faults = Faults {
        close: true,
        ..Faults::default()
    };
    held(variant, faults, ThreadId::Closer)
}

fn held(variant: Variant, faults: Faults, thread: ThreadId) -> Bench {
    let mut bench = Bench::variant(1, &EDGES, variant).with(faults);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", thread);
    bench
}

fn session_of(bench: &Bench) -> &Session {
    bench
        .process("worker0")
        .session
        .as_ref()
        .expect("something cancels steps here")
}

fn failed(bench: &Bench) -> bool {
    bench
        .process("worker0")
        .master
        .as_ref()
        .is_some_and(|master| master.failed)
}

#[test]
fn a_timeout_before_the_function_is_installed_is_lost() {
    let mut bench = timed(Variant::Tf112);
    bench.hold("worker0", &master::OPTIONS);
    bench.go();
    bench.step("worker0", DEADLINE);
    assert_eq!(bench.at("worker0", DEADLINE), None);
    bench.release("worker0", &master::OPTIONS);
    bench.go();
    assert!(!failed(&bench) && session_of(&bench).installed == Some(0));
}

#[test]
fn a_sticky_timeout_cancels_the_step_when_the_function_is_installed() {
    let mut bench = timed(Variant::StickyCancel);
    bench.hold("worker0", &master::OPTIONS);
    bench.go();
    bench.step("worker0", DEADLINE);
    assert_eq!(session_of(&bench).wanted, Some(0));
    bench.step("worker0", STEP);
    assert_eq!(bench.at("worker0", STEP), Some(&CANCEL_ALL));
    assert_eq!(session_of(&bench).wanted, None);
}

#[test]
fn a_timeout_cancels_every_partition_with_the_clients_options_held() {
    let mut bench = timed(Variant::Tf112);
    bench.go();
    bench.step("worker0", DEADLINE);
    assert_eq!(session_of(&bench).lock.owner(), Some(DEADLINE));
    let clears = bench.start("worker0", Pc::Clear(0));
    assert!(!bench.pending("worker0", clears).enabled);
    bench.step("worker0", DEADLINE);
    assert!(failed(&bench));
    assert_eq!(bench.at("worker0", DEADLINE), Some(&worker::CANCEL_LOCAL));
    while bench.at("worker0", DEADLINE).is_some() {
        bench.step("worker0", DEADLINE);
    }
    assert!(bench.pending("worker0", clears).enabled && session_of(&bench).lock.is_free());
}

#[test]
fn a_step_that_has_failed_is_not_cancelled_again() {
    let mut bench = timed(Variant::Tf112);
    bench.go();
    bench.process_mut("worker0").master.as_mut().expect("a worker").failed = true;
    bench.step("worker0", DEADLINE);
    bench.step("worker0", DEADLINE);
    assert_eq!(bench.at("worker0", DEADLINE), Some(&RELEASE));
}

#[test]
fn a_closed_session_refuses_a_step_that_comes_later() {
    let mut bench = closed(Variant::Tf112);
    bench.hold("worker0", &ENTER);
    bench.go();
    bench.step("worker0", ThreadId::Closer);
    bench.release("worker0", &ENTER);
    bench.go();
    let master = bench.process("worker0").master.as_ref().expect("a worker");
    assert_eq!((master.returned, master.outcome), (true, Some(false)));
    assert!(!bench.process("worker0").started.contains(0) && session_of(&bench).running == 0);
    bench.release("worker0", ThreadId::Closer);
    bench.go();
    assert!(session_of(&bench).close_returned);
}

#[test]
fn the_end_of_the_session_cancels_the_step_that_is_registered() {
    let mut bench = closed(Variant::Tf112);
    bench.go();
    assert_eq!(
        (session_of(&bench).running, session_of(&bench).registered),
        (1, Some(0))
    );
    bench.step("worker0", ThreadId::Closer);
    bench.step("worker0", ThreadId::Closer);
    assert_eq!(bench.at("worker0", ThreadId::Closer), Some(&CANCEL_ALL));
}

#[test]
fn a_step_that_registers_after_the_session_was_cancelled_is_cancelled_by_itself() {
    let mut bench = closed(Variant::Tf112);
    bench.hold("worker0", &REGISTER);
    bench.go();
    bench.step("worker0", ThreadId::Closer);
    bench.step("worker0", ThreadId::Closer);
    assert_eq!(
        bench.at("worker0", ThreadId::Closer),
        Some(&CANCELLED),
        "there was nothing to cancel"
    );
    bench.step("worker0", STEP);
    assert_eq!(bench.at("worker0", STEP), Some(&CANCEL_ALL));
}

#[test]
fn a_step_leaves_the_session_only_when_the_cancellation_is_over_and_close_waits_for_that() {
    let mut bench = closed(Variant::Tf112);
    bench.go();
    bench.step("worker0", ThreadId::Closer);
    bench.step("worker0", ThreadId::Closer);
    let leaves = bench.start("worker0", Pc::Deregister(0));
    while bench.at("worker0", ThreadId::Closer) != Some(&WAIT_IDLE) {
        assert!(!bench.pending("worker0", leaves).enabled);
        bench.step("worker0", ThreadId::Closer);
    }
    assert!(bench.pending("worker0", leaves).enabled);
    assert!(!bench.pending("worker0", ThreadId::Closer).enabled, "a step runs");
    bench
        .process_mut("worker0")
        .session
        .as_mut()
        .expect("a session")
        .running = 0;
    assert!(bench.pending("worker0", ThreadId::Closer).enabled);
}

/// A worker whose dequeue waits for a queue that nobody fills.
fn starved() -> Bench {
    let edges = Edges::try_from(vec!["worker->ps0 batch".to_owned()]).expect("edges");
    let mut job = job(builtin(1, &edges, &[], BatchSource::Queue).expect("a graph"));
    job.steps[0].data = Data::Queued;
    let fill = JobStep {
        graph: std::sync::Arc::new(worker_only("QueueEnqueueV2", NodeKind::Enqueue)),
        data: Data::Batch,
    };
    let model = TensorFlow::with_queue(job, 1, vec![fill]).expect("a small job");
    let mut bench = Bench::of(model);
    bench.hold("worker0", ThreadId::Runner);
    bench.go();
    bench
}

#[test]
fn a_cancellation_manager_runs_its_callbacks_once() {
    let mut bench = starved();
    let manager = |bench: &Bench| {
        let execution = bench.process("worker0").execution(0).expect("it waits");
        (execution.cancelling, execution.callbacks.len())
    };
    assert_eq!(manager(&bench), (Cancelling::No, 1));
    let thread = bench.does("worker0", worker::cancel_manager(0));
    assert_eq!(manager(&bench), (Cancelling::Now, 0));
    assert_eq!(bench.at("worker0", thread), Some(&queue::CANCEL));
    let second = bench.does("worker0", worker::cancel_manager(0));
    assert_eq!(bench.at("worker0", second), None);
    bench.does("worker0", Pc::StepCancelled(0));
    assert_eq!(manager(&bench).0, Cancelling::Done);
}

#[test]
fn a_cancellation_manager_without_callbacks_is_done_at_once() {
    let mut bench = timed(Variant::Tf112);
    bench.go();
    let thread = bench.does("worker0", worker::cancel_manager(0));
    assert_eq!(bench.at("worker0", thread), None);
    let execution = bench.process("worker0").execution(0).expect("it waits");
    assert_eq!(execution.cancelling, Cancelling::Done);
}
