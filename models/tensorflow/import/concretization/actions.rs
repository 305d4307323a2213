//! The actions of a slice's schedule, apart from keeping books.

use super::ConcretizeError;
use super::run::{Run, Who, is_book_keeping};
use crate::machine::{Event, Label, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::{executor, rendezvous};

/// One label that whole graph and slice both have to run.
pub(super) struct Action {
    /// The number of its event in the schedule, from 1.
    pub(super) number: usize,
    pub(super) process: ProcessId,
    pub(super) who: Who,
    pub(super) label: &'static Label,
    pub(super) object: String,
    pub(super) outcome: Outcome,
}

/// The outcome of a label.
pub(super) enum Outcome {
    /// This one of its outcomes.
    Choice(u32),
    /// The active call of this name comes next: its place depends on how many there are.
    Call(String),
}

/// Returns the actions of a schedule.
pub(super) fn of(slice: &TensorFlow, events: &[Event]) -> Result<Vec<Action>, ConcretizeError> {
    let mut run = Run::new(slice);
    let mut actions = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let not_of_slice = || ConcretizeError::NotOfSlice {
            number: index + 1,
            event: told(event),
        };
        let choice = event.choice.unwrap_or(0);
        let threads = run.system.enabled(slice);
        let same = |found: &Event| {
            (&found.process, &found.thread, &found.label, &found.object)
                == (&event.process, &event.thread, &event.label, &event.object)
        };
        let found = threads
            .iter()
            .find(|(id, pending)| same(&run.system.event(slice, *id, pending, choice)));
        let (id, pending) = found
            .filter(|(_, pending)| choice < pending.operation.choices.max(1))
            .ok_or_else(not_of_slice)?;
        let thread = run.thread(*id, pending.thread);
        if !is_book_keeping(&run, *id, thread) {
            let who = if thread.is_at(&executor::FINISH) {
                Who::Anyone
            } else {
                run.who(*id, pending.thread)
            };
            let outcome = if thread.is_at(&rendezvous::ABORT_NEXT) {
                Outcome::Call(slice.call_name(thread.calls[choice as usize]))
            } else {
                Outcome::Choice(choice)
            };
            actions.push(Action {
                number: index + 1,
                process: *id,
                who,
                label: pending.operation.label,
                object: run.object(*id, pending),
                outcome,
            });
        }
        run.step(*id, pending, choice);
    }
    Ok(actions)
}

fn told(event: &Event) -> String {
    format!("{} {} {}", event.process, event.thread, event.label)
}
