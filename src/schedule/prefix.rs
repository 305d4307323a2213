//! Running as much of a schedule as another variant of the model can do, and then to an end.

use super::Schedule;
use super::replay::{End, Found, Mismatch, Step, follow, others, run};
use crate::machine::{Event, Model, System};

/// A completion that has not ended by then will not: no model of ours runs as many labels.
const COMPLETION_MAX: usize = 100_000;

/// What became of a schedule on another variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixOutcome {
    /// How many events of the schedule ran.
    pub followed: usize,
    /// The first event that is impossible there, if one is.
    pub impossible: Option<Mismatch>,
    /// How many labels ran after that.
    pub completed: usize,
    /// The label that failed and so ended the completion, a bug in the model, if one did.
    pub failure: Option<(Event, Found)>,
    /// The state in the end.
    pub end: End,
}

/// Follows a schedule until its next event is impossible, then runs the first enabled thread in canonical order, with
/// choice 0, until none can run. `on_event` sees the events of both parts.
pub fn replay_prefix<M: Model>(model: &M, schedule: &Schedule, mut on_event: impl FnMut(&Step<'_>)) -> PrefixOutcome {
    let mut system = System::initial(model);
    let (followed, impossible) = follow(model, &mut system, schedule, &mut on_event);
    let (completed, failure) = complete(model, &mut system, followed, &mut on_event);
    PrefixOutcome {
        followed,
        impossible,
        completed,
        failure,
        end: End::of(model, &system),
    }
}

/// Runs the first enabled thread, with choice 0, until none can run or a label fails; returns how many ran and which failed.
pub(super) fn complete<M: Model>(
    model: &M,
    system: &mut System<M::Process>,
    followed: usize,
    on_event: &mut dyn FnMut(&Step<'_>),
) -> (usize, Option<(Event, Found)>) {
    for completed in 0..COMPLETION_MAX {
        let enabled = system.enabled(model);
        let Some((process, pending)) = enabled.first() else {
            return (completed, None);
        };
        let event = system.event(model, *process, pending, 0);
        let others = others(model, system, &enabled, (*process, pending.thread));
        let mut next = system.clone();
        if let Err(found) = run(model, &mut next, *process, pending, 0) {
            return (completed, Some((event, found)));
        }
        *system = next;
        on_event(&Step {
            number: followed + completed + 1,
            event: &event,
            label: pending.operation.label,
            others: &others,
        });
    }
    (COMPLETION_MAX, None)
}
