//! Engines find the same in the same systems, at random.
//!
//! Small ones, of which every schedule can be run: the exhaustive engine with and without its reductions, shuttle's depth-first search and
//! a plain enumeration that shares nothing with them find the same states at rest and the same signatures, and the sampler finds no other.
//! Larger ones: what shuttle and the sampler find is in what the exhaustive engine finds, each hang of the sampler replays, and each of the
//! exhaustive engine happens on shuttle's coroutines and on real threads. (loom is
//! compared in `tests/loom/agreement.rs`: it and shuttle do not go together in one process.)
//!
//! Many more systems than by default: `LASTBATCH_AGREEMENT_CASES=2000 cargo test --locked --test engines --test loom agreement`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::driver::Limits;
use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::{FoundHang, Strategy as Chosen, Verdict, sample, shuttle, threads};
use lastbatch::machine::Reducible;
use lastbatch::models::TensorFlow;
use lastbatch::schedule::{End, Ending, Header, Schedule, Subject, replay};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::runs::sample_options;
use crate::support::disagreement::differences;
use crate::support::small_jobs::{REFERENCES, SmallJob};
use crate::support::state_space::signatures;
use crate::support::systems::{config, jobs, systems};

/// States that a larger system may have; one with more is left out.
const MOST_STATES: u64 = 60_000;
/// Executions of each strategy on a larger system.
const EXECUTIONS: u64 = 60;
/// Executions of the sampler's portfolio.
const SAMPLED: u64 = 200;

fn by_exhaustive<M: Reducible>(model: &M, reductions: Reductions, max_states: Option<u64>) -> Verdict {
    let options = exhaustive::Options {
        reductions,
        max_states,
        ..exhaustive::Options::default()
    };
    exhaustive::search(model, &options, &AtomicBool::new(false), &mut |_| {})
}

fn by_shuttle<M: Reducible + 'static>(
    model: &Arc<M>,
    strategy: Chosen,
    most: Option<u64>,
) -> (Verdict, BTreeSet<u128>) {
    let options = shuttle::Options {
        strategy,
        seed: 0,
        max_executions: most,
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
    };
    let explored = shuttle::explore_outcomes(model, &options, &Arc::default(), |_| {});
    let (verdict, outcomes) = explored.expect("shuttle does not give up");
    (verdict, outcomes.into_iter().collect())
}

fn by_sample<M: Reducible + 'static>(model: &Arc<M>, strategy: Chosen, most: u64) -> (Verdict, BTreeSet<u128>) {
    let explored = sample::explore_outcomes(model, &sample_options(strategy, most), &Arc::default(), &mut |_| {});
    let (verdict, outcomes) = explored.expect("a strategy of the sampler");
    (verdict, outcomes.into_iter().collect())
}

/// Returns the find of an engine, as a schedule for the others.
fn schedule_of(hang: &FoundHang) -> Schedule {
    let header = Header {
        subject: Subject::Model("random system".to_owned()),
        ending: Ending::Hang {
            client: hang.client.clone(),
            signature: hang.signature.id(),
            waits: hang.signature.to_string(),
        },
    };
    Schedule::record(header, hang.events.clone())
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn on_random_systems_exhaustive_search_and_shuttle_find_the_same(small in systems(any::<bool>())) {
        let (kernel, _, state_space) = small.kernel();
        let kernel = Arc::new(kernel);
        let unreduced = by_exhaustive(kernel.as_ref(), Reductions::NONE, None);
        let reduced = by_exhaustive(kernel.as_ref(), Reductions::ALL, None);
        let (shuttle, outcomes) = by_shuttle(&kernel, Chosen::Dfs, None);
        for verdict in [&unreduced, &reduced, &shuttle] {
            prop_assert!(verdict.complete, "{}: {verdict:?}", small.job);
        }
        for (name, verdict) in [("exhaustive, reduced", &reduced), ("shuttle", &shuttle)] {
            let differences = differences(("exhaustive", &unreduced.hangs), (name, &verdict.hangs));
            prop_assert_eq!(differences, "", "{}", small.job);
        }
        let (sampled, met) = by_sample(&kernel, Chosen::Portfolio, SAMPLED);
        prop_assert_eq!(&sampled.findings, &[], "{}", small.job);
        prop_assert!(met.is_subset(&state_space.outcomes), "{}", small.job);
        prop_assert!(signatures(&sampled.hangs).is_subset(&state_space.signatures), "{}", small.job);
        prop_assert_eq!(signatures(&unreduced.hangs), state_space.signatures, "{}", small.job);
        prop_assert_eq!(outcomes, state_space.outcomes, "{}", small.job);
        // At least one execution for each schedule: more, since threads also take turns at the engine's own locks.
        let executions = shuttle.executions.expect("shuttle counts");
        prop_assert!(executions.count >= state_space.schedules, "{}: {} of {}", small.job, executions.count, state_space.schedules);
        prop_assert_eq!(unreduced.states, state_space.states as u64, "{}", small.job);
    }

    #[test]
    fn a_hang_of_a_kernel_is_a_hang_of_its_model(small in systems(any::<bool>())) {
        let (kernel, start, _) = small.kernel();
        let model = kernel.model();
        for hang in by_exhaustive(&kernel, Reductions::ALL, None).hangs {
            let mut system = start.clone();
            for event in &hang.events {
                let choice = event.choice.unwrap_or(0);
                let enabled = system.enabled(model);
                let next = enabled.iter().find(|(process, pending)| system.event(model, *process, pending, choice) == *event);
                let (process, pending) = next.expect("an event of the kernel is one of the model");
                system.step(model, *process, pending, choice).expect("the model keeps its contract");
            }
            let end = End::of(model, &system);
            prop_assert!(end.at_rest(), "{}", small.job);
            let found = end.hang_of(&hang.client).map(|(signature, _)| signature);
            prop_assert_eq!(found, Some(&hang.signature), "{}", small.job);
        }
    }
}

/// Checks that every sample of shuttle is known, and that every hang happens on shuttle and on real threads; returns the number of hangs.
fn larger(job: &SmallJob) -> Result<usize, TestCaseError> {
    let model: Arc<TensorFlow> = Arc::new(job.model(&REFERENCES[0]));
    let exhaustive = by_exhaustive(model.as_ref(), Reductions::ALL, Some(MOST_STATES));
    prop_assert_eq!(&exhaustive.findings, &[], "{}", job);
    for strategy in [Chosen::Random, Chosen::Pct(2), Chosen::Pct(3)] {
        let (sampled, _) = by_shuttle(&model, strategy, Some(EXECUTIONS));
        prop_assert_eq!(&sampled.findings, &[], "{}", job);
        // A search that was cut off does not know every hang.
        if exhaustive.complete {
            let known = of_kinds(&exhaustive.hangs, &sampled.hangs);
            let differences = differences(("exhaustive", &known), ("shuttle", &sampled.hangs));
            prop_assert_eq!(differences, "", "{}", job);
        }
    }
    let (sampled, _) = by_sample(&model, Chosen::Portfolio, SAMPLED);
    prop_assert_eq!(&sampled.findings, &[], "{}", job);
    if exhaustive.complete {
        let known = of_kinds(&exhaustive.hangs, &sampled.hangs);
        let differences = differences(("exhaustive", &known), ("sample", &sampled.hangs));
        prop_assert_eq!(differences, "", "{}", job);
    }
    for hang in &sampled.hangs {
        let schedule = schedule_of(hang);
        let broken = replay(model.as_ref(), &schedule, |_| {}).broken_promise(&schedule);
        prop_assert_eq!(broken, None, "sample, {}: {}", job, schedule);
    }
    for hang in &exhaustive.hangs {
        let schedule = schedule_of(hang);
        let replayed = shuttle::replay(&model, &schedule).expect("shuttle does not give up");
        let broken = replayed.replayed(&model).broken_promise(&schedule);
        prop_assert_eq!(broken, None, "shuttle, {}: {}", job, schedule);
        let mut broken = None;
        let forced = threads::replay(&model, &schedule, 1, |execution| {
            broken = execution.replayed(&model).broken_promise(&schedule);
        });
        forced.expect("no label that does not end");
        prop_assert_eq!(broken, None, "threads, {}: {}", job, schedule);
    }
    Ok(exhaustive.hangs.len())
}

#[test]
fn on_larger_systems_what_shuttle_samples_is_known_and_every_hang_happens_on_shuttle_and_on_real_threads() {
    let mut config = config(25);
    config.source_file = Some(file!());
    let (cases, hangs) = (config.cases, Cell::new(0));
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&jobs(), |job| {
        hangs.set(hangs.get() + larger(&job)?);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        hangs.get() as u32 * 10 > cases,
        "{} hangs in {cases} systems compare nothing",
        hangs.get()
    );
}

/// Returns the hangs of the kinds that others are of: who samples need not meet all of them.
fn of_kinds(hangs: &[FoundHang], others: &[FoundHang]) -> Vec<FoundHang> {
    let met = signatures(others);
    let of = |hang: &&FoundHang| met.contains(&hang.signature.to_string());
    hangs.iter().filter(of).cloned().collect()
}
