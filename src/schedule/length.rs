//! The length of a hang.

use super::Impossible;
use super::guide::{Walk, moves_of};
use crate::machine::{Event, Independence, ProcessId, System};

/// Returns the length of a schedule that hangs: the number of events after which no thread can do anything that matters. The rest only
/// brings the system to rest. A search finds hangs at this length, whatever order brings the others to rest.
///
/// # Errors
/// When an event is impossible.
pub fn length<M: Independence>(model: &M, events: &[Event]) -> Result<usize, Impossible> {
    let moves = moves_of(model, System::initial(model), events)?;
    let mut walk = Walk::new(model);
    let mut live: Vec<bool> = ProcessId::all(model.process_count())
        .map(|id| is_live(model, &walk, id))
        .collect();
    for (index, wanted) in moves.iter().enumerate() {
        if !live.contains(&true) {
            return Ok(index);
        }
        walk.attempt(wanted);
        for id in walk.receivers().iter().copied().chain([wanted.process]) {
            live[id.index()] = is_live(model, &walk, id);
        }
    }
    Ok(moves.len())
}

/// Returns true if a thread of the process can do something that matters.
fn is_live<M: Independence>(model: &M, walk: &Walk<'_, M>, id: ProcessId) -> bool {
    let mut state = walk.system().processes[id.index()].clone();
    model.eliminate_dead(id, &mut state);
    model.threads(id, &state).iter().any(|pending| pending.enabled)
}
