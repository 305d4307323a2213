//! The other question: is there a run in which every client returns?

use std::sync::atomic::AtomicBool;

use super::search::{Limits, NoKeeper, Search};
use super::{Options, Reductions, rebuild};
use crate::machine::{Event, Reducible};

/// The answer whether some run lets every client return.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Returns {
    /// These events lead to a state from which every client is sure to return.
    Can(Vec<Event>),
    /// None does: every state was looked at.
    Cannot,
    /// A bound ended the search first, or the model failed; the text says which.
    Undecided(String),
}

/// Searches for a run in which every client returns, shortest first.
///
/// The reductions keep every state at rest, and who has returned in it, so they keep the answer; where the model may run for ever,
/// the search is repeated without partial order, as for a hang.
pub fn returns<M: Reducible>(model: &M, options: &Options, interrupt: &AtomicBool) -> Returns {
    let limits = Limits {
        stop_at_first_return: true,
        ..Limits::new(options, interrupt)
    };
    let reductions = Reductions {
        leaks: false,
        ..options.reductions
    };
    let (search, _) = Search::new(model, reductions).completed(&limits, &mut |_| {}, &mut NoKeeper);
    if let Some(state) = search.found.returns {
        return rebuild::events_to(&search, state).map_or_else(Returns::Undecided, Returns::Can);
    }
    let failed = search.found.broken.into_keys().next().map(|(_, message)| message);
    match search.stopped_by.or(search.initial_error).or(failed) {
        Some(reason) => Returns::Undecided(reason),
        None => Returns::Cannot,
    }
}
