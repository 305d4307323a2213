//! Uses of a schedule that hangs: a smaller one, an explanation.

use thiserror::Error;

use super::Experiment;
use crate::diagnose::{ExplainError, ExplainOptions, Explanation, explain, shorten};
use crate::machine::{Event, Signature};
use crate::models::tensorflow::TensorFlow;
use crate::schedule::{Ending, MinimiseError, Minimised, Schedule, length, minimise, replay};

/// The reason why nothing can be made of a schedule.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum HangError {
    /// It promises no hang.
    #[error("ends: {0}, expected a schedule with ends: hang")]
    NoHang(&'static str),
    /// It does not keep its promise.
    #[error("{0}")]
    Broken(String),
    /// It can't be minimised.
    #[error(transparent)]
    Minimise(#[from] MinimiseError),
    /// It can't be explained.
    #[error(transparent)]
    Explain(#[from] ExplainError),
}

impl Experiment {
    /// Returns a smaller schedule of the same hang, and what it took: parts are left out ([`minimise`]), then a search that may store
    /// `max_states` states looks for a shorter way ([`shorten`]).
    ///
    /// # Errors
    /// When the schedule does not end in the hang that it promises.
    pub fn minimise(&self, schedule: &Schedule, max_states: u64) -> Result<(Schedule, Minimised), HangError> {
        let (client, signature) = self.hang_of(schedule)?;
        let smaller = |events: &[Event]| minimise(&self.model, events, &client, &signature);
        let mut minimised = smaller(&schedule.events)?;
        let (given, model) = (minimised.before, self.as_searched());
        let shorter = shorten(&model, &minimised.events, &client, &signature, max_states);
        if let Some(Ok(shorter)) = shorter.map(|events| smaller(&events))
            && shorter.after.events < minimised.after.events
            && shorter.after.switches <= given.switches
        {
            let runs = minimised.runs + shorter.runs;
            minimised = Minimised {
                before: given,
                runs,
                ..shorter
            };
        }
        let mut smaller = self.schedule(schedule.header.ending.clone(), minimised.events.clone());
        self.verify(&mut smaller, &mut super::Labels::new());
        Ok((smaller, minimised))
    }

    /// Returns the hang of a schedule explained ([`explain`]).
    ///
    /// # Errors
    /// When the schedule does not end in the hang that it promises.
    pub fn explain(&self, schedule: &Schedule, options: &ExplainOptions) -> Result<Explanation, HangError> {
        let (client, signature) = self.hang_of(schedule)?;
        let mut explanation = explain(&self.model, &schedule.events, &client, &signature, options)?;
        let recording = &explanation.recording;
        let events: Vec<Event> = recording.events.iter().map(|event| recording.event(event)).collect();
        explanation.length = self.length(&events);
        Ok(explanation)
    }

    /// Returns the length of a hang ([`length`]) as a search counts it, which leaves out what the client's last step leaves on servers.
    pub fn length(&self, events: &[Event]) -> usize {
        length(&self.as_searched(), events).unwrap_or(events.len())
    }

    /// Returns the model without what the client's last step leaves on servers.
    fn as_searched(&self) -> TensorFlow {
        let mut model = self.model.clone();
        model.set_cleans_up(false);
        model
    }

    /// Finds who hangs at the end of a schedule, and how.
    fn hang_of(&self, schedule: &Schedule) -> Result<(String, Signature), HangError> {
        let client = match &schedule.header.ending {
            Ending::Hang { client, .. } => client,
            Ending::Panic { .. } => return Err(HangError::NoHang("panic")),
            Ending::Open => return Err(HangError::NoHang("open")),
        };
        let outcome = replay(&self.model, schedule, |_| {});
        if let Some(problem) = outcome.broken_promise(schedule) {
            return Err(HangError::Broken(problem));
        }
        let hang = outcome.end.hang_of(client);
        let (signature, _) = hang.expect("a schedule that keeps its promise hangs");
        Ok((client.clone(), signature.clone()))
    }
}
