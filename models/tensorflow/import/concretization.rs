//! Concretization: from a schedule of a slice to one of the whole graph.
//!
//! The slice has fewer nodes, so fewer threads, smaller counts and fewer calls; a node that has a closure of its own in the slice may
//! run inline in the whole graph, behind a node that the slice left out. What a schedule *does*, though, has names that both share:
//! which receive is validated, which call is started, who aborts what. `actions` reads that off the schedule; `whole` does it again on
//! the whole graph, in the same order, with the other nodes run where they stand in the way:
//!
//! - book-keeping (pool threads, counters, successors) runs when the thread of the next action needs it;
//! - a node that was left out runs when the node of the next action waits for it;
//! - all others, receives among them, run when the partition must end, and whatever is left at the very end. So they come last, as the
//!   argument in `import/slice.rs` has it.
//!
//! This is a fixed policy, no search. That it ends in the same hang is not assumed: the schedule that comes out is replayed like any
//! other, and its signature compared.

mod actions;
mod run;
mod whole;

use thiserror::Error;

use crate::machine::Event;
use crate::models::tensorflow::TensorFlow;

/// A schedule of the whole graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Concretized {
    /// The labels, until no thread can run.
    pub events: Vec<Event>,
    /// Number of those that the schedule of the slice does not have.
    pub inserted: usize,
}

/// The reason why a schedule of a slice can't be told for the whole graph.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConcretizeError {
    /// It is no schedule of the slice.
    #[error("event {number} ({event}) can't run on the slice")]
    NotOfSlice {
        /// Its number, from 1.
        number: usize,
        /// The event.
        event: String,
    },
    /// The whole graph can't do what the slice did, or not under the policy.
    #[error("event {number} ({event}) can't run on the whole graph: {reason}")]
    Stuck {
        /// Its number, from 1.
        number: usize,
        /// The event.
        event: String,
        /// The obstacle.
        reason: String,
    },
    /// Nobody wants to know any more.
    #[error("it was ended before it was told for the whole graph")]
    Ended,
}

/// Tells the schedule `events` of `slice` for `full`, the same job with every node of its graphs.
///
/// # Errors
/// When `events` are no schedule of `slice`, or one of them can't be made to run on `full`.
pub fn concretize(slice: &TensorFlow, events: &[Event], full: &TensorFlow) -> Result<Concretized, ConcretizeError> {
    concretize_while(slice, events, full, &|| true)
}

/// Does what [`concretize`] does for as long as `wanted` says so.
///
/// # Errors
/// As [`concretize`], and when it was ended.
pub fn concretize_while(
    slice: &TensorFlow,
    events: &[Event],
    full: &TensorFlow,
    wanted: &dyn Fn() -> bool,
) -> Result<Concretized, ConcretizeError> {
    let actions = actions::of(slice, events)?;
    whole::run(full, slice, &actions, wanted)
}
