//! The exhaustive engine with and without its reductions, and shuttle's depth-first search, find the same in the same systems: every
//! outcome and every signature. (loom is compared in `tests/loom.rs`: it and shuttle do not go together in one process.)
//!
//! Many more systems than by default: `LASTBATCH_AGREEMENT_CASES=2000 cargo test --locked --test agreement`.

mod census;
#[allow(dead_code, reason = "the comparison of reductions uses the rest")]
mod small_jobs;
mod systems;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use census::signatures;
use lastbatch::explore::driver::Limits;
use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::shuttle::{self, Strategy};
use lastbatch::explore::{FoundHang, Verdict};
use lastbatch::machine::Model;
use lastbatch::schedule::End;
use proptest::prelude::*;
use systems::{config, systems};

fn by_exhaustive<M: Model>(model: &M, reductions: Reductions) -> Verdict {
    let options = exhaustive::Options {
        reductions,
        ..exhaustive::Options::default()
    };
    exhaustive::search(model, &options, &AtomicBool::new(false), &mut |_| {})
}

fn by_shuttle<M: Model + 'static>(model: &Arc<M>) -> Verdict {
    let options = shuttle::Options {
        strategy: Strategy::Dfs,
        seed: 0,
        max_executions: None,
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
    };
    shuttle::explore(model, &options, &Arc::default(), |_| {}).expect("shuttle does not give up")
}

/// The schedules by which either side finds what the other does not.
fn differences(one: &[FoundHang], other: &[FoundHang]) -> Vec<String> {
    let only = |these: &[FoundHang], those: &[FoundHang]| -> Vec<String> {
        let known = signatures(those);
        let new = these.iter().filter(|hang| !known.contains(&hang.signature.to_string()));
        new.map(|hang| format!("{}: {:#?}", hang.signature, hang.events))
            .collect()
    };
    let mut all = only(one, other);
    all.extend(only(other, one));
    all
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn on_random_systems_exhaustive_search_and_shuttle_find_the_same(small in systems()) {
        let (kernel, _, census) = small.kernel();
        let kernel = Arc::new(kernel);
        let unreduced = by_exhaustive(kernel.as_ref(), Reductions::NONE);
        let reduced = by_exhaustive(kernel.as_ref(), Reductions::ALL);
        let shuttle = by_shuttle(&kernel);
        for verdict in [&unreduced, &reduced, &shuttle] {
            prop_assert!(verdict.complete, "{}: {verdict:?}", small.job);
        }
        prop_assert_eq!(differences(&unreduced.hangs, &reduced.hangs), Vec::<String>::new(), "{}", small.job);
        prop_assert_eq!(differences(&unreduced.hangs, &shuttle.hangs), Vec::<String>::new(), "{}", small.job);
        prop_assert_eq!(signatures(&unreduced.hangs), census.signatures, "{}", small.job);
        // At least one execution for each schedule (more, since threads also take turns at the engine's own locks); and as many
        // outcomes as there are, each of which is one, are all of them.
        let executions = shuttle.executions.expect("shuttle counts");
        prop_assert!(executions.count >= census.schedules, "{}: {} of {}", small.job, executions.count, census.schedules);
        prop_assert_eq!(executions.outcomes, census.outcomes.len() as u64, "{}", small.job);
        prop_assert_eq!(unreduced.states, census.states as u64, "{}", small.job);
    }

    #[test]
    fn a_hang_of_a_kernel_is_a_hang_of_its_model(small in systems()) {
        let (kernel, start, _) = small.kernel();
        let model = kernel.model();
        for hang in by_exhaustive(&kernel, Reductions::ALL).hangs {
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
