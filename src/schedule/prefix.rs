//! Running as much of a schedule as another variant of the model can do, and then to an end.

use super::replay::{Step, complete, follow};
use super::{End, Found, Mismatch, Schedule};
use crate::machine::{Event, Model, System};

/// The outcome of a schedule on another variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixOutcome {
    /// Number of events of the schedule ran.
    pub followed: usize,
    /// The first event that is impossible there, if one is.
    pub impossible: Option<Mismatch>,
    /// Number of labels ran after that.
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
