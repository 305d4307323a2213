//! Batches from a queue that a queue runner fills: every scenario comes out as it says, completely, and each has its sibling.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, Reductions};
use lastbatch::run::{Labels, prepare};
use lastbatch::scenario::{Judgement, Scenario};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/queue")
}

fn search(name: &str, reductions: Reductions) -> (Scenario, Verdict) {
    let scenario = Scenario::load(&root().join(name)).unwrap_or_else(|error| panic!("{error}"));
    let prepared = prepare(scenario.clone(), scenario.hash()).unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        reductions,
        ..Options::default()
    };
    let verdict = prepared.search(&options, true, &AtomicBool::new(false), &mut |_| {});
    for hang in &verdict.hangs {
        let mut schedule = prepared.schedule_of(hang);
        let replayed = prepared.verify(&mut schedule, &mut Labels::new());
        assert_eq!(replayed.broken_promise(&schedule), None, "{name}");
    }
    (scenario, verdict)
}

fn holds(name: &str) {
    let (scenario, verdict) = search(name, Reductions::ALL);
    let judgement = Judgement::of(scenario.document.expect.as_ref(), &verdict);
    assert_eq!(judgement, Judgement::Holds, "{name}: {:?}", verdict.answer);
    assert!(verdict.complete, "{name}");
}

#[test]
fn two_epochs_of_batches_pass_through_a_queue_of_one_element() {
    holds("two_epochs.toml");
}

#[test]
fn a_queue_runner_whose_training_loop_has_failed_waits_for_room_for_ever() {
    holds("runner_left_alone.toml");
}

#[test]
fn two_dequeues_of_one_step_can_block_the_thread_that_cancels_them() {
    holds("two_dequeues.toml");
}

#[test]
fn one_dequeue_cannot() {
    holds("one_dequeue.toml");
}

#[test]
fn no_reduction_hides_the_thread_that_waits_for_itself_or_makes_one_up() {
    let signatures = |name: &str, reductions| {
        let (_, verdict) = search(name, reductions);
        assert!(verdict.complete, "{name}");
        let ids = verdict.hangs.iter().map(|hang| hang.signature.id());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    let plain = Reductions {
        partial_order: false,
        ..Reductions::ALL
    };
    for name in ["two_dequeues.toml", "one_dequeue.toml"] {
        assert_eq!(signatures(name, Reductions::ALL), signatures(name, plain), "{name}");
    }
}
