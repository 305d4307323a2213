//! The length of a hang.

use super::Impossible;
use super::guide::{Walk, moves_of};
use crate::machine::{Event, Independence, ProcessId, System};

/// Returns the length of a schedule that hangs: the number of its events that matter. What only runs because it can still run, whenever
/// it does, is not counted: dead threads, and what brings the system to rest. A search finds hangs at this length.
///
/// # Errors
/// When an event is impossible.
pub fn length<M: Independence>(model: &M, events: &[Event]) -> Result<usize, Impossible> {
    let moves = moves_of(model, System::initial(model), events)?;
    let mut walk = Walk::new(model);
    for id in ProcessId::all(model.process_count()) {
        walk.eliminate_dead(id);
    }
    for wanted in &moves {
        if walk.attempt(wanted) {
            let touched: Vec<_> = walk.receivers().iter().copied().chain([wanted.process]).collect();
            for id in touched {
                walk.eliminate_dead(id);
            }
        }
    }
    // Where the rest did not follow without the dead, all of them count.
    let at_rest = walk.enabled().next().is_none();
    Ok(if at_rest { walk.len() } else { moves.len() })
}
