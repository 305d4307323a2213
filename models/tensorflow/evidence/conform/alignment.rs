//! The events of a schedule beside the events of a trace.

use super::Plan;
use super::position::Position;
use super::trace::{Mark, Trace};

/// An event of a trace and the event of the schedule that it stands beside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aligned {
    /// Index into the trace's events.
    pub trace: usize,
    /// Index into the schedule's events; `None` if nothing that its thread did came to a label.
    pub schedule: Option<usize>,
    /// Whether the label ran for this event. Otherwise it is the nearest on the same thread of the trace: the next one for a function
    /// that is entered or a point, the one before for a function that is left.
    pub exact: bool,
}

/// Places every event that was not dropped beside the schedule, in the order of the trace's lines.
pub(super) fn align(trace: &Trace, plan: &Plan, at: &Position) -> Vec<Aligned> {
    let mut aligned = Vec::new();
    for thread in &plan.threads {
        let ran: Vec<Option<usize>> = thread
            .events
            .iter()
            .map(|&event| at.matched.iter().find(|(_, of)| *of == event).map(|(index, _)| *index))
            .collect();
        for (place, &event) in thread.events.iter().enumerate() {
            let before = || ran[..place].iter().rev().find_map(|index| *index);
            let after = || ran[place..].iter().find_map(|index| *index);
            let nearest = match trace.events[event].mark {
                Mark::Leave => before().or_else(after),
                Mark::Enter | Mark::Point => after().or_else(before),
            };
            aligned.push(Aligned {
                trace: event,
                schedule: ran[place].or(nearest),
                exact: ran[place].is_some(),
            });
        }
    }
    aligned.sort_by_key(|aligned| aligned.trace);
    aligned
}
