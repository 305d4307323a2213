//! A shorter way into a hang, by search.
//!
//! Leaving out parts of a run ends where every change by itself loses the hang. A search does not: from a point of the run it finds the
//! shortest way on to the same hang. It begins late, where little is left to happen, and goes back while the bound lets it end: from
//! the beginning, the way that it finds is the shortest of all.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::explore::exhaustive::{Options, search};
use crate::explore::{StartFrom, Verdict};
use crate::machine::{Event, ProcessId, Reducible, Signature, System};
use crate::schedule::{Walk, length, moves_of};

/// Number of points of a run from which the rest is searched.
const POINTS: usize = 4;

/// Returns a shorter schedule that ends in the hang of `client` with `signature`, if a search finds one that stores at most `max_states`
/// states. A shorter one has fewer events that matter ([`length`]).
pub fn shorten<M: Reducible>(
    model: &M,
    events: &[Event],
    client: &str,
    signature: &Signature,
    max_states: u64,
) -> Option<Vec<Event>> {
    if max_states == 0 {
        return None;
    }
    let moves = moves_of(model, System::initial(model), events).ok()?;
    let mut end = Walk::new(model);
    end.follow(&moves);
    let client = end.system().client(model, client)?;
    let mut shortest: Option<Vec<Event>> = None;
    for point in (0..POINTS).rev() {
        let best = shortest.as_deref().unwrap_or(events);
        let from = best.len() * point / POINTS;
        let most = length(model, best).ok()?.saturating_sub(from);
        let (found, complete) = way_on(model, &best[..from], (client, signature), most, max_states)?;
        if let Some(way) = found {
            shortest = Some([&best[..from], &way].concat());
        } else if !complete {
            break;
        }
    }
    shortest
}

/// Searches the shortest way on to a hang, in fewer than `most` events. Also returns whether the search saw all that is as short.
fn way_on<M: Reducible>(
    model: &M,
    before: &[Event],
    ((process, client), signature): ((ProcessId, usize), &Signature),
    most: usize,
    max_states: u64,
) -> Option<(Option<Vec<Event>>, bool)> {
    let moves = moves_of(model, System::initial(model), before).ok()?;
    let mut walk = Walk::new(model);
    walk.follow(&moves);
    let start_from = StartFrom {
        model,
        start: walk.system(),
        client: (process, client),
    };
    let options = Options {
        max_states: Some(max_states),
        ..Options::default()
    };
    // States are expanded by depth. What is deeper than the run that is there can be left alone, whenever the search notices that.
    let deep = AtomicBool::new(false);
    let Verdict { hangs, stopped_by, .. } = search(&start_from, &options, &deep, &mut |status| {
        if status.depth >= most as u64 {
            deep.store(true, Ordering::Relaxed);
        }
    });
    let shorter = hangs
        .into_iter()
        .find(|hang| hang.signature == *signature && hang.length < most);
    let complete = stopped_by.is_none() || deep.into_inner();
    Some((shorter.map(|hang| hang.events), complete))
}
