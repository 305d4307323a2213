//! The remains of one execution.

use super::Followed;
use crate::machine::{Event, Model, ProcessId, System};
use crate::schedule::{End, Found, PrefixOutcome, ReplayOutcome};

/// A label that ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken<T> {
    /// Process of the label.
    pub process: ProcessId,
    /// The thread that ran it.
    pub thread: T,
    /// With which outcome.
    pub choice: u32,
}

/// The reason why an execution is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// No thread can run.
    AtRest,
    /// It ran more labels than the limit.
    Cut,
    /// The last label that it took failed: a bug in the model.
    Failed(Found),
}

/// One execution, from the initial state until it was over.
#[derive(Debug)]
pub struct Execution<M: Model> {
    /// The labels in the order in which they ran.
    pub taken: Vec<Taken<M::Thread>>,
    /// The reason why it is over.
    pub ended: Ended,
    /// The state in which that was so.
    pub system: System<M::Process>,
    /// Outcome of the forced schedule, if there was one.
    pub followed: Option<Followed<M::Process>>,
}

impl<M: Model> Execution<M> {
    /// Tells the outcome of a replay, of an execution with a forced schedule.
    pub fn replayed(&self, model: &M) -> ReplayOutcome {
        let later = End::of(model, &self.system);
        let Some(followed) = &self.followed else {
            // It was cut off, or came to rest, before the schedule's end: neither can happen, since somebody always has its turn.
            return ReplayOutcome {
                followed: self.taken.len(),
                mismatch: None,
                end: later,
                returning: Vec::new(),
            };
        };
        let end = End::of(model, &followed.reached);
        ReplayOutcome {
            followed: followed.events,
            mismatch: followed.mismatch.clone(),
            returning: end.returning(&later),
            end,
        }
    }

    /// Tells the outcome of a replay on another variant, of an execution with a forced schedule.
    pub fn prefixed(&self, model: &M) -> PrefixOutcome {
        let followed = self
            .followed
            .as_ref()
            .map_or(self.taken.len(), |followed| followed.events);
        let impossible = self.followed.as_ref().and_then(|followed| followed.mismatch.clone());
        let failure = match &self.ended {
            Ended::Failed(found) => {
                let events = self.events(model).unwrap_or_default();
                events.last().map(|event| (event.clone(), found.clone()))
            }
            Ended::AtRest | Ended::Cut => None,
        };
        PrefixOutcome {
            followed,
            impossible,
            completed: self.taken.len() - followed,
            failure,
            end: End::of(model, &self.system),
        }
    }

    /// Returns the labels as events, found by running them one after the other on the model; the state that they lead to must be that
    /// in which the execution ended. A label that fails is the last event.
    ///
    /// # Errors
    /// When they do not, or lead elsewhere: a bug in the engine, or a model that does not keep its promises.
    pub fn events(&self, model: &M) -> Result<Vec<Event>, String> {
        let mut system = System::initial(model);
        let mut events = Vec::with_capacity(self.taken.len());
        let last = match self.ended {
            Ended::Failed(_) => self.taken.len().saturating_sub(1),
            _ => self.taken.len(),
        };
        for (index, taken) in self.taken.iter().enumerate() {
            let threads = model.threads(taken.process, &system.processes[taken.process.index()]);
            let pending = threads.iter().find(|pending| pending.thread == taken.thread);
            let Some(pending) = pending.filter(|pending| pending.enabled) else {
                return Err(format!("label {} of an execution can't run in its replay", index + 1));
            };
            events.push(system.event(model, taken.process, pending, taken.choice));
            if index < last {
                let done = system.step(model, taken.process, pending, taken.choice);
                done.map_err(|violation| violation.to_string())?;
            }
        }
        if last == self.taken.len() && system.processes != self.system.processes {
            return Err("an execution and its replay end in different states".to_owned());
        }
        Ok(events)
    }
}
