//! A scenario under any engine.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Cut, Experiment};
use crate::explore::driver::{Execution, Limits, StatisticsStatus};
use crate::explore::exhaustive::{Options, Reductions, Status};
use crate::explore::loom::{self, LoomError};
use crate::explore::sample;
use crate::explore::shuttle::{self, ShuttleError};
use crate::explore::threads::{self, Stuck};
use crate::explore::{Strategy, UnknownStrategy, Verdict};
use crate::file::FileError;
use crate::machine::Model;
use crate::models::TensorFlow;
use crate::scenario::{EngineName, EngineSection};
use crate::schedule::{End, PrefixOutcome, ReplayOutcome, Schedule, replay, replay_prefix};

/// Executions of the sampler where nobody says how many.
const EXECUTIONS_OF_SAMPLE: u64 = 100_000;
/// Executions of shuttle where nobody says how many.
const EXECUTIONS_OF_SHUTTLE: u64 = 50_000;
/// Executions of real threads where nobody says how many.
const EXECUTIONS_OF_THREADS: u64 = 2_000;

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
    /// The place where loom keeps a checkpoint; the scenario is added to its identity.
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
            checkpoint: None,
        }
    }
}

impl Budget {
    /// Returns the budget that a scenario allows.
    pub fn of(section: &EngineSection) -> Self {
        let default = Self::default();
        Self {
            max_states: section.max_states,
            max_memory: section.max_memory.map(|size| size.0),
            executions: section.executions,
            max_time: section.max_time.map(Duration::from_secs),
            seed: section.seed.unwrap_or(default.seed),
            strategy: section.strategy.clone().unwrap_or(default.strategy),
            ..Self::default()
        }
    }

    /// Returns it as options of the exhaustive engine.
    pub fn exhaustive(&self, reductions: Reductions) -> Options {
        Options {
            threads: self.threads,
            reductions,
            max_states: self.max_states,
            max_memory: self.max_memory,
            max_time: self.max_time.map(|time| time.as_secs_f64()),
            stop_at_first_hang: self.stop_at_first_hang,
        }
    }
}

/// An engine that gave up: a bug in the engine, or a label that does not end.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The sampler.
    #[error(transparent)]
    Sample(#[from] UnknownStrategy),
    /// shuttle.
    #[error(transparent)]
    Shuttle(#[from] ShuttleError),
    /// loom.
    #[error(transparent)]
    Loom(#[from] LoomError),
    /// The running program can't be read, which a checkpoint is of.
    #[error(transparent)]
    Program(#[from] FileError),
    /// Real threads.
    #[error("threads: {0}")]
    Threads(#[from] Stuck),
    /// loom has no policy to go on where a schedule stops.
    #[error("engine loom replays the schedules of a kernel only, not on another variant")]
    NoPrefix,
    /// A schedule of something else.
    #[error("the schedule does not begin with the events of kernel.begin, as engine loom does")]
    BeginsElsewhere,
}

/// The progress of an engine.
#[derive(Clone, Debug)]
pub enum EngineStatus {
    /// One that stores states.
    States(Status),
    /// One that runs one execution after the other.
    Executions(StatisticsStatus),
}

impl Experiment {
    /// Runs the scenario under an engine, in this process. The exhaustive engine uses every reduction; the others run the model with
    /// every label. Setting `interrupt` ends the run soon, with what was found.
    ///
    /// # Errors
    /// When the engine can't run the scenario, or gives up.
    pub fn run(
        &self,
        engine: EngineName,
        budget: &Budget,
        interrupt: &Arc<AtomicBool>,
        mut progress: impl FnMut(&EngineStatus) + Send + 'static,
    ) -> Result<Verdict, EngineError> {
        if engine.searches() {
            let options = budget.exhaustive(Reductions::ALL);
            let mut show = |status: &Status| progress(&EngineStatus::States(*status));
            return Ok(self.search(&options, true, interrupt, &mut show));
        }
        let show = move |status: &StatisticsStatus| progress(&EngineStatus::Executions(*status));
        if engine == EngineName::Loom {
            let mut checkpoint = budget.checkpoint.clone();
            if let Some(place) = &mut checkpoint {
                place.identity.extend(self.identity(false)?);
            }
            let options = loom::Options {
                max_executions: budget.executions,
                max_time: budget.max_time,
                checkpoint,
            };
            let verdict = loom::explore(&Arc::new(self.kernel()), &options, interrupt)?.verdict;
            return Ok(self.of_the_whole(self.told_of_kernel(verdict)));
        }
        let verdict = match &self.cut {
            None => execute(&Arc::new(self.model.clone()), engine, budget, interrupt, show)?,
            Some(_) => {
                let verdict = execute(&Arc::new(self.kernel()), engine, budget, interrupt, show)?;
                self.told_of_kernel(verdict)
            }
        };
        Ok(self.of_the_whole(verdict))
    }

    /// Returns true if the engine can run the scenario.
    ///
    /// # Errors
    /// When it can't; the text says why.
    pub fn fits(&self, engine: EngineName) -> Result<(), EngineError> {
        match engine {
            EngineName::Loom => Ok(loom::fits(&self.kernel()).map_err(LoomError::from)?),
            EngineName::Auto
            | EngineName::Exhaustive
            | EngineName::Sample
            | EngineName::Shuttle
            | EngineName::Threads => Ok(()),
        }
    }

    /// Replays a schedule `times` times under an engine; `each` is called with every outcome. Only real threads can differ from one time
    /// to the next.
    ///
    /// # Errors
    /// When the engine gives up.
    pub fn replay_under(
        &self,
        engine: EngineName,
        schedule: &Schedule,
        times: u64,
        mut each: impl FnMut(ReplayOutcome),
    ) -> Result<(), EngineError> {
        match engine {
            EngineName::Auto | EngineName::Exhaustive | EngineName::Sample => {
                (0..times).for_each(|_| each(replay(&self.model, schedule, |_| {})));
            }
            EngineName::Shuttle | EngineName::Threads => {
                self.follow(engine, schedule, times, |execution| {
                    each(execution.replayed(&self.model))
                })?;
            }
            EngineName::Loom => {
                for _ in 0..times {
                    each(self.replay_under_loom(schedule)?);
                }
            }
        }
        Ok(())
    }

    /// Lets the threads of shuttle or real ones follow a schedule, `times` times.
    fn follow(
        &self,
        engine: EngineName,
        schedule: &Schedule,
        times: u64,
        mut each: impl FnMut(Execution<TensorFlow>),
    ) -> Result<(), EngineError> {
        let model = Arc::new(self.model.clone());
        if engine == EngineName::Threads {
            return Ok(threads::replay(&model, schedule, times, each)?);
        }
        for _ in 0..times {
            each(shuttle::replay(&model, schedule)?);
        }
        Ok(())
    }

    /// Runs as much of a schedule as this model can do, and then to an end that the engine chooses; `times` times.
    ///
    /// # Errors
    /// When the engine gives up.
    pub fn prefix_under(
        &self,
        engine: EngineName,
        schedule: &Schedule,
        times: u64,
        mut each: impl FnMut(PrefixOutcome),
    ) -> Result<(), EngineError> {
        match engine {
            EngineName::Auto | EngineName::Exhaustive | EngineName::Sample => {
                (0..times).for_each(|_| each(replay_prefix(&self.model, schedule, |_| {})));
            }
            EngineName::Shuttle | EngineName::Threads => {
                self.follow(engine, schedule, times, |execution| {
                    each(execution.prefixed(&self.model))
                })?;
            }
            // A kernel begins in a state of its own variant.
            EngineName::Loom => return Err(EngineError::NoPrefix),
        }
        Ok(())
    }

    /// Replays a schedule of this scenario's kernel with loom's threads, from where the kernel begins.
    fn replay_under_loom(&self, schedule: &Schedule) -> Result<ReplayOutcome, EngineError> {
        let begin = self.cut.as_ref().map_or(&[][..], Cut::begin);
        let Some(events) = schedule.events.strip_prefix(begin) else {
            return Err(EngineError::BeginsElsewhere);
        };
        let kernel = Arc::new(self.kernel());
        let execution = loom::replay(&kernel, events)?;
        let followed = begin.len() + execution.taken.len();
        let mismatch = (followed < schedule.events.len())
            .then(|| schedule.next(kernel.as_ref(), &execution.system, followed).err())
            .flatten();
        Ok(ReplayOutcome {
            followed,
            mismatch: mismatch.map(|mismatch| *mismatch),
            end: End::of(kernel.as_ref(), &execution.system),
            returning: Vec::new(),
        })
    }
}

/// Runs a model under an engine that runs one execution after the other.
fn execute<M: Model + 'static>(
    model: &Arc<M>,
    engine: EngineName,
    budget: &Budget,
    interrupt: &Arc<AtomicBool>,
    mut progress: impl FnMut(&StatisticsStatus) + Send + 'static,
) -> Result<Verdict, EngineError> {
    if engine == EngineName::Sample {
        let options = sample::Options {
            strategy: budget.strategy.clone(),
            seed: budget.seed,
            max_executions: Some(budget.executions.unwrap_or(EXECUTIONS_OF_SAMPLE)),
            max_time: budget.max_time,
            stop_at_first_hang: budget.stop_at_first_hang,
            threads: budget.threads,
            limits: sample::Options::LIMITS,
        };
        return Ok(sample::explore(model, &options, interrupt, &mut progress)?);
    }
    if engine == EngineName::Shuttle {
        let options = shuttle::Options {
            strategy: budget.strategy.clone(),
            seed: budget.seed,
            max_executions: Some(budget.executions.unwrap_or(EXECUTIONS_OF_SHUTTLE)),
            max_time: budget.max_time,
            stop_at_first_hang: budget.stop_at_first_hang,
            limits: Limits::default(),
        };
        return Ok(shuttle::explore(model, &options, interrupt, progress)?);
    }
    let options = threads::Options {
        seed: budget.seed,
        max_executions: Some(budget.executions.unwrap_or(EXECUTIONS_OF_THREADS)),
        max_time: budget.max_time,
        stop_at_first_hang: budget.stop_at_first_hang,
        limits: Limits::default(),
        watchdog: threads::Options::WATCHDOG,
    };
    Ok(threads::explore(model, &options, interrupt, &mut progress))
}
