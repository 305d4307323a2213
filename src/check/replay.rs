//! A recorded schedule of a model of one's own, run again.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use super::{Check, Checkable};
use crate::explore::{Engine, threads};
use crate::file::FileError;
#[cfg(feature = "loom")]
use crate::machine::Fragment;
#[cfg(feature = "loom")]
use crate::schedule::End;
use crate::schedule::{ReplayOutcome, Schedule, replay};

/// The reason why a schedule does not run again.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ReplayError {
    /// It is of another model.
    #[error("a schedule of {found}, expected one of {expected}")]
    Other {
        /// Name of that model.
        found: String,
        /// Name of this one.
        expected: String,
    },
    /// The engine can't run it.
    #[error("{0}")]
    Engine(String),
    /// It does not end as it promises.
    #[error("{0}")]
    Promise(String),
}

impl<M: Checkable> Check<M> {
    /// Runs the schedule in a file again, as [`Check::replay_schedule`] does.
    ///
    /// # Errors
    /// When it is no schedule of a model with this name, the engine can't run it, or it does not end as it promises. The text says at which
    /// event.
    pub fn replay(self, path: impl AsRef<Path>) -> Result<ReplayOutcome, FileError> {
        let path = path.as_ref();
        let schedule = Schedule::load(path)?;
        let outcome = self.replay_schedule(&schedule);
        outcome.map_err(|error| FileError::new(path, error))
    }

    /// Runs a schedule again, under the engine that was chosen: that of real threads makes them follow it.
    ///
    /// # Errors
    /// When it is no schedule of a model with this name, the engine can't run it, or it does not end as it promises.
    pub fn replay_schedule(self, schedule: &Schedule) -> Result<ReplayOutcome, ReplayError> {
        if schedule.header.name() != self.name {
            return Err(ReplayError::Other {
                found: schedule.header.name().to_owned(),
                expected: self.name,
            });
        }
        let outcome = self.outcome(schedule).map_err(ReplayError::Engine)?;
        match outcome.broken_promise(schedule) {
            None => Ok(outcome),
            Some(problem) => Err(ReplayError::Promise(problem)),
        }
    }

    fn outcome(&self, schedule: &Schedule) -> Result<ReplayOutcome, String> {
        match self.engine {
            Engine::Exhaustive | Engine::Sample => Ok(replay(&self.model, schedule, |_| {})),
            Engine::Threads => {
                let mut outcome = None;
                let model = Arc::new(self.model.clone());
                let ran = threads::replay(&model, schedule, 1, |execution| {
                    outcome = Some(execution.replayed(&model));
                });
                ran.map_err(|stuck| stuck.to_string())?;
                Ok(outcome.expect("it ran once"))
            }
            #[cfg(feature = "shuttle")]
            Engine::Shuttle => {
                let model = Arc::new(self.model.clone());
                let execution = crate::explore::shuttle::replay(&model, schedule).map_err(|error| error.to_string())?;
                Ok(execution.replayed(&model))
            }
            #[cfg(feature = "loom")]
            Engine::Loom => {
                let whole = Arc::new(Fragment::whole(self.model.clone()));
                let execution =
                    crate::explore::loom::replay(&whole, &schedule.events).map_err(|error| error.to_string())?;
                let followed = execution.taken.len();
                let mismatch = (followed < schedule.events.len())
                    .then(|| schedule.next(whole.as_ref(), &execution.system, followed).err());
                Ok(ReplayOutcome {
                    followed,
                    mismatch: mismatch.flatten().map(|mismatch| *mismatch),
                    end: End::of(whole.as_ref(), &execution.system),
                    returning: Vec::new(),
                })
            }
        }
    }
}
