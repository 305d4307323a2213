//! loom and a plain enumeration that shares nothing with it find the same in random systems: every state at rest, every signature, and as
//! many as the exhaustive engine.
//!
//! Many more systems than by default: `LASTBATCH_AGREEMENT_CASES=2000 cargo test --locked --test loom agreement`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::loom::{Options, explore, fits};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::disagreement::differences;
use crate::support::state_space::signatures;
use crate::support::systems::{Small, config, systems};

/// Compares loom with the other searches on a system, and returns true if loom can run it.
fn compare(small: &Small) -> Result<bool, TestCaseError> {
    let (kernel, _, state_space) = small.kernel();
    let kernel = Arc::new(kernel);
    if fits(&kernel).is_err() {
        return Ok(false);
    }
    let options = exhaustive::Options {
        reductions: Reductions::ALL,
        ..exhaustive::Options::default()
    };
    let states = exhaustive::search(kernel.as_ref(), &options, &AtomicBool::new(false), &mut |_| {});
    let loom = explore(&kernel, &Options::default(), &Arc::new(AtomicBool::new(false)));
    let loom = loom.unwrap_or_else(|error| panic!("{}: {error}", small.job));
    prop_assert!(loom.verdict.complete, "{}: {:?}", small.job, loom.verdict);
    let differences = differences(("exhaustive", &states.hangs), ("loom", &loom.verdict.hangs));
    prop_assert_eq!(differences, "", "{}", small.job);
    prop_assert_eq!(signatures(&loom.verdict.hangs), state_space.signatures, "{}", small.job);
    let outcomes: BTreeSet<u128> = loom.outcomes.into_iter().collect();
    prop_assert_eq!(outcomes, state_space.outcomes, "{}", small.job);
    Ok(true)
}

#[test]
fn on_random_systems_loom_finds_every_outcome_and_no_other() {
    let mut config = config(400);
    config.source_file = Some(file!());
    let (cases, compared) = (config.cases, Cell::new(0));
    let mut runner = TestRunner::new(config);
    // Grouped by process, a system of three processes has three threads.
    let ran = runner.run(&systems(prop::bool::weighted(0.7)), |small| {
        compared.set(compared.get() + u32::from(compare(&small)?));
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        compared.get() * 2 > cases,
        "loom can run {} of {cases} systems",
        compared.get()
    );
}
