//! The sampler: executions straight over the states of a model, one after the other on each core.
//!
//! No thread, lock or coroutine stands for a thread of the model. A `Board` holds the state of every process and which threads can
//! run; after a label it asks the model again only about the process that ran it and the one that got its frame. A `Policy` chooses.
//! Frames are delivered at once, as in a schedule, so what ran is one as it stands; names and events are made only of what is kept.
//!
//! **Deterministic.** Execution N draws from a generator that is seeded with the seed and N, and from nothing else, but for the length of
//! the first execution, which is run alone. Executions are shared out to threads in rounds and counted in their order. So the same options
//! find the same on any number of threads, unless time or an interrupt stops them.
//!
//! **Kept** of an execution is its length, and the rest only if that brings something new to the statistics as they were when
//! the round began. Whatever is new to the statistics later in the round was new then.
//!
//! It samples: without a hang its answer is *undecided*.

mod board;
mod policy;
mod round;
mod runner;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use self::policy::REPERTOIRE;
use self::round::Sampler;
use super::Verdict;
use super::driver::{Bounds, Limits, Statistics, StatisticsStatus};
use super::strategy::{Strategy, UnknownStrategy, joined};
use crate::machine::Model;

/// Options of an exploration.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Strategy by which schedules are chosen.
    pub strategy: Strategy,
    /// Seed of random choices.
    pub seed: u64,
    /// Number of executions after which to stop.
    pub max_executions: Option<u64>,
    /// Stop after so long.
    pub max_time: Option<Duration>,
    /// Stop at the first hang.
    pub stop_at_first_hang: bool,
    /// Number of threads that run executions.
    pub threads: usize,
    /// Bounds of one execution.
    pub limits: Limits,
}

impl Options {
    /// The limits of an execution: large enough for a step of hundreds of processes.
    pub const LIMITS: Limits = Limits {
        labels: 10_000_000,
        checked: cfg!(debug_assertions),
    };
}

/// Checks that the sampler has a strategy.
///
/// # Errors
/// When it does not.
pub fn fits(strategy: &Strategy) -> Result<(), UnknownStrategy> {
    REPERTOIRE.turns(strategy).map(|_| ())
}

/// Runs executions until the budget is used up. Setting `interrupt` ends the search soon, with what it found.
///
/// # Errors
/// When the sampler does not have the strategy.
pub fn explore<M: Model>(
    model: &Arc<M>,
    options: &Options,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&StatisticsStatus),
) -> Result<Verdict, UnknownStrategy> {
    explore_outcomes(model, options, interrupt, progress).map(|(verdict, _)| verdict)
}

/// Explores, and returns the states at rest that were reached, as fingerprints ([`super::fingerprint`]), sorted.
///
/// # Errors
/// When the sampler does not have the strategy.
pub fn explore_outcomes<M: Model>(
    model: &Arc<M>,
    options: &Options,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&StatisticsStatus),
) -> Result<(Verdict, Vec<u128>), UnknownStrategy> {
    let turns = REPERTOIRE.turns(&options.strategy)?;
    let bounds = Bounds {
        executions: options.max_executions,
        deadline: options.max_time.map(|time| Instant::now() + time),
        first_hang: options.stop_at_first_hang,
    };
    let mut statistics = Statistics::new(Arc::clone(model));
    let stopped_by = match bounds.reached(&statistics.status(), interrupt) {
        // A model that can't begin has no state to sample from.
        Some(reason) => reason,
        None => Sampler::new(model, &turns, options, bounds, interrupt).run(&mut statistics, progress),
    };
    let outcomes = statistics.outcomes();
    let verdict = statistics.verdict("sample", joined(&turns), Some(options.seed), false, Some(stopped_by));
    Ok((verdict, outcomes))
}
