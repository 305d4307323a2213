//! Running as much of a schedule as another variant of the model can do, and then to an end.

use super::Schedule;
use super::replay::{End, Mismatch, Step, follow};
use crate::machine::{ContractViolation, Event, Model, System};

/// A completion that has not ended by then will not: no model of ours runs as many labels.
const COMPLETION_MAX: usize = 1_000_000;

/// What became of a schedule on another variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixOutcome {
    /// How many events of the schedule ran.
    pub followed: usize,
    /// The first event that is impossible there, if one is.
    pub impossible: Option<Mismatch>,
    /// How many labels ran after that.
    pub completed: usize,
    /// The label that broke its contract and ended the completion, a bug in the model, if one did.
    pub violation: Option<ContractViolation>,
    /// The state in the end.
    pub end: End,
}

/// Follows a schedule until its next event is impossible, then runs the first enabled thread in canonical order, with
/// choice 0, until none can run. `on_event` sees the events of both parts.
///
/// # Panics
/// If a label of the model panics.
pub fn replay_prefix<M: Model>(model: &M, schedule: &Schedule, mut on_event: impl FnMut(&Step<'_>)) -> PrefixOutcome {
    let mut system = System::initial(model);
    let (followed, impossible) = follow(model, &mut system, schedule, &mut on_event);
    let mut completed = 0;
    let mut violation = None;
    while completed < COMPLETION_MAX {
        let enabled = system.enabled(model);
        let Some((process, pending)) = enabled.first() else {
            break;
        };
        let event: Event = system.event(model, *process, pending, 0);
        if let Err(broken) = system.step(model, *process, pending, 0) {
            violation = Some(broken);
            break;
        }
        completed += 1;
        on_event(&Step {
            number: followed + completed,
            event: &event,
            label: pending.operation.label,
            others: enabled.len() - 1,
        });
    }
    PrefixOutcome {
        followed,
        impossible,
        completed,
        violation,
        end: End::of(model, &system),
    }
}
