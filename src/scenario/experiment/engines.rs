//! A scenario under any engine.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use thiserror::Error;

use super::{Cut, Experiment};
use crate::explore::driver::{Execution, StatisticsStatus};
use crate::explore::exhaustive::{Reductions, Status};
use crate::explore::loom::{self, LoomError};
use crate::explore::shuttle::{self, ShuttleError};
use crate::explore::threads::{self, Stuck};
use crate::explore::{Budget, UnknownStrategy, Verdict, by_sample, by_shuttle, by_threads};
use crate::file::FileError;
use crate::machine::Model;
use crate::models::TensorFlow;
use crate::scenario::{EngineName, EngineSection};
use crate::schedule::{End, PrefixOutcome, ReplayOutcome, Schedule, replay, replay_prefix};

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
    progress: impl FnMut(&StatisticsStatus) + Send + 'static,
) -> Result<Verdict, EngineError> {
    match engine {
        EngineName::Sample => Ok(by_sample(model, budget, interrupt, progress)?),
        EngineName::Shuttle => Ok(by_shuttle(model, budget, interrupt, progress)?),
        _ => Ok(by_threads(model, budget, interrupt, progress)),
    }
}
