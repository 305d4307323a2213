//! The other question: is there a run in which every client returns?

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::search::{Limits, NoKeeper, Search};
use super::{Options, Reductions, cycles, rebuild};
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
        options,
        started: Instant::now(),
        before: Duration::ZERO,
        interrupt,
        stop_at_first_return: true,
    };
    let reductions = Reductions {
        leaks: false,
        ..options.reductions
    };
    let run = |reductions| {
        let mut search = Search::new(model, reductions);
        search.run(&limits, &mut |_| {}, &mut NoKeeper);
        search
    };
    let mut search = run(reductions);
    let ended = search.stopped_by.is_none() && search.found.returns.is_none();
    if ended && reductions.partial_order && cycles::possible(&search) {
        let without = Reductions {
            partial_order: false,
            ..reductions
        };
        search = run(without);
    }
    if let Some(state) = search.found.returns {
        return rebuild::events_to(&search, state).map_or_else(Returns::Undecided, Returns::Can);
    }
    let failed = search.found.broken.into_keys().next().map(|(_, message)| message);
    match search.stopped_by.or(search.initial_error).or(failed) {
        Some(reason) => Returns::Undecided(reason),
        None => Returns::Cannot,
    }
}
