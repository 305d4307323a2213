//! Any model under any engine.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::Display;
use thiserror::Error;

use super::driver::{Limits, StatisticsStatus};
use super::exhaustive::{self, Reductions};
use super::{Strategy, UnknownStrategy, Verdict, sample, threads};
#[cfg(feature = "loom")]
use super::{loom, loom::LoomError};
#[cfg(feature = "shuttle")]
use super::{shuttle, shuttle::ShuttleError};
#[cfg(feature = "loom")]
use crate::machine::Fragment;
use crate::machine::{Model, Reducible};

/// Executions of the sampler where nobody says how many.
const EXECUTIONS_OF_SAMPLE: u64 = 100_000;
/// Executions of shuttle where nobody says how many.
#[cfg(feature = "shuttle")]
const EXECUTIONS_OF_SHUTTLE: u64 = 50_000;
/// Executions of real threads where nobody says how many.
const EXECUTIONS_OF_THREADS: u64 = 2_000;

/// The engines, those of other crates by feature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Engine {
    /// Every state ([`exhaustive`]).
    #[default]
    Exhaustive,
    /// Schedules one after the other, straight over the states of the model ([`sample`]).
    Sample,
    /// Real threads ([`threads`]).
    Threads,
    /// Schedules one after the other, on shuttle's coroutines ([`super::shuttle`]).
    #[cfg(feature = "shuttle")]
    Shuttle,
    /// Every interleaving of at most five threads, by loom's search ([`super::loom`]).
    #[cfg(feature = "loom")]
    Loom,
}

impl Engine {
    /// All that this build has.
    pub const ALL: &[Self] = &[
        Self::Exhaustive,
        Self::Sample,
        Self::Threads,
        #[cfg(feature = "shuttle")]
        Self::Shuttle,
        #[cfg(feature = "loom")]
        Self::Loom,
    ];

    /// Returns true if the engine finds the same in every run: real threads do not.
    pub fn is_deterministic(self) -> bool {
        self != Self::Threads
    }

    /// Returns true if the engine tries schedules, so that finding no hang proves nothing. Shuttle proves with [`Strategy::Dfs`] only.
    pub fn samples(self) -> bool {
        match self {
            Self::Sample | Self::Threads => true,
            #[cfg(feature = "shuttle")]
            Self::Shuttle => true,
            Self::Exhaustive => false,
            #[cfg(feature = "loom")]
            Self::Loom => false,
        }
    }
}

/// The bounds of what an engine may do, and from what it starts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Budget {
    /// Most states, for an engine that stores them.
    pub max_states: Option<u64>,
    /// Most bytes, for an engine that stores states.
    pub max_memory: Option<u64>,
    /// Most executions, for an engine that runs one after the other. A default of the engine if there is none.
    pub executions: Option<u64>,
    /// Longest time.
    pub max_time: Option<Duration>,
    /// Stop at the first hang.
    pub stop_at_first_hang: bool,
    /// Seed of random choices.
    pub seed: u64,
    /// Strategy by which the sampler or shuttle chooses schedules.
    pub strategy: Strategy,
    /// Threads of an engine that searches with several.
    pub threads: usize,
    /// The place where loom keeps a checkpoint; a scenario is added to its identity.
    #[cfg(feature = "loom")]
    pub checkpoint: Option<loom::Checkpointing>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_states: None,
            max_memory: None,
            executions: None,
            max_time: None,
            stop_at_first_hang: false,
            seed: 1,
            strategy: Strategy::Portfolio,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            #[cfg(feature = "loom")]
            checkpoint: None,
        }
    }
}

impl Budget {
    /// Returns it as options of the exhaustive engine.
    pub fn exhaustive(&self, reductions: Reductions) -> exhaustive::Options {
        exhaustive::Options {
            threads: self.threads,
            reductions,
            max_states: self.max_states,
            max_memory: self.max_memory,
            max_time: self.max_time.map(|time| time.as_secs_f64()),
            stop_at_first_hang: self.stop_at_first_hang,
        }
    }
}

/// The reason why an engine gives no verdict.
#[derive(Debug, Error)]
pub enum RunError {
    /// The engine does not have the strategy.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
    /// Shuttle gave up.
    #[cfg(feature = "shuttle")]
    #[error(transparent)]
    Shuttle(#[from] ShuttleError),
    /// Loom can't run the model, or gave up.
    #[cfg(feature = "loom")]
    #[error(transparent)]
    Loom(#[from] LoomError),
}

/// Runs a model under an engine. The exhaustive one uses every reduction; the others run the model with every label.
///
/// # Errors
/// When the engine can't run the model.
pub fn run<M: Reducible + Clone + 'static>(model: &M, engine: Engine, budget: &Budget) -> Result<Verdict, RunError> {
    let interrupt = Arc::new(AtomicBool::new(false));
    match engine {
        Engine::Exhaustive => {
            let options = budget.exhaustive(Reductions::ALL);
            Ok(exhaustive::search(model, &options, &interrupt, &mut |_| {}))
        }
        #[cfg(feature = "loom")]
        Engine::Loom => {
            let options = loom::Options {
                max_executions: budget.executions,
                max_time: budget.max_time,
                checkpoint: budget.checkpoint.clone(),
            };
            let whole = Arc::new(Fragment::whole(model.clone()));
            Ok(loom::explore(&whole, &options, &interrupt)?.verdict)
        }
        Engine::Sample => Ok(by_sample(&Arc::new(model.clone()), budget, &interrupt, |_| {})?),
        Engine::Threads => Ok(by_threads(&Arc::new(model.clone()), budget, &interrupt, |_| {})),
        #[cfg(feature = "shuttle")]
        Engine::Shuttle => Ok(by_shuttle(&Arc::new(model.clone()), budget, &interrupt, |_| {})?),
    }
}

/// Runs a model under the sampler.
pub(crate) fn by_sample<M: Model>(
    model: &Arc<M>,
    budget: &Budget,
    interrupt: &AtomicBool,
    mut progress: impl FnMut(&StatisticsStatus),
) -> Result<Verdict, UnknownStrategy> {
    let options = sample::Options {
        strategy: budget.strategy.clone(),
        seed: budget.seed,
        max_executions: Some(budget.executions.unwrap_or(EXECUTIONS_OF_SAMPLE)),
        max_time: budget.max_time,
        stop_at_first_hang: budget.stop_at_first_hang,
        threads: budget.threads,
        limits: sample::Options::LIMITS,
    };
    sample::explore(model, &options, interrupt, &mut progress)
}

/// Runs a model on shuttle's coroutines.
#[cfg(feature = "shuttle")]
pub(crate) fn by_shuttle<M: Model + 'static>(
    model: &Arc<M>,
    budget: &Budget,
    interrupt: &Arc<AtomicBool>,
    progress: impl FnMut(&StatisticsStatus) + Send + 'static,
) -> Result<Verdict, ShuttleError> {
    let options = shuttle::Options {
        strategy: budget.strategy.clone(),
        seed: budget.seed,
        max_executions: Some(budget.executions.unwrap_or(EXECUTIONS_OF_SHUTTLE)),
        max_time: budget.max_time,
        stop_at_first_hang: budget.stop_at_first_hang,
        limits: Limits::default(),
    };
    shuttle::explore(model, &options, interrupt, progress)
}

/// Runs a model on real threads.
pub(crate) fn by_threads<M: Model + 'static>(
    model: &Arc<M>,
    budget: &Budget,
    interrupt: &AtomicBool,
    mut progress: impl FnMut(&StatisticsStatus),
) -> Verdict {
    let options = threads::Options {
        seed: budget.seed,
        max_executions: Some(budget.executions.unwrap_or(EXECUTIONS_OF_THREADS)),
        max_time: budget.max_time,
        stop_at_first_hang: budget.stop_at_first_hang,
        limits: Limits::default(),
        watchdog: threads::Options::WATCHDOG,
    };
    threads::explore(model, &options, interrupt, &mut progress)
}
