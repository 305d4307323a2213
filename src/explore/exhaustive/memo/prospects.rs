//! Which global states need not be followed any further.

use super::{Deliveries, Memo};
use crate::explore::exhaustive::reduction::guarded;
use crate::machine::{FrameSet, Model, ProcessId};

/// Promises are derived for no more processes than this.
const MOST_PROCESSES: usize = 32;

impl<M: Model> Memo<'_, M> {
    /// Whether nothing that follows from this state is of interest: every client has its answer or is sure to get it, and leaks are not
    /// asked for.
    pub(in crate::explore::exhaustive) fn is_settled(&self, cache: &mut Deliveries, tuple: &[u32]) -> bool {
        if self.reductions.leaks {
            return false;
        }
        let returned = tuple
            .iter()
            .enumerate()
            .all(|(process, id)| self.known(process, *id).settled);
        returned || self.reductions.sure_return && self.is_sure(cache, tuple)
    }

    /// Derives promises from promises until there are no new ones, then asks the clients.
    pub(in crate::explore::exhaustive) fn is_sure(&self, cache: &mut Deliveries, tuple: &[u32]) -> bool {
        self.promises(cache, tuple).1
    }

    /// What all promise together, and whether every client is sure to return; not all of the promises where that is so before.
    pub(in crate::explore::exhaustive) fn promises(&self, cache: &mut Deliveries, tuple: &[u32]) -> (FrameSet, bool) {
        let mut promised = [FrameSet::NONE; MOST_PROCESSES];
        if tuple.len() > MOST_PROCESSES {
            return (FrameSet::NONE, false);
        }
        loop {
            let mut more = false;
            let mut sure = true;
            for (process, id) in tuple.iter().enumerate() {
                let others = promised.iter().enumerate().filter(|(other, _)| *other != process);
                let given = others.fold(FrameSet::NONE, |given, (_, promises)| given.union(*promises));
                let key = (process as u8, *id, given);
                let (promises, returns) = *cache
                    .prospects
                    .entry(key)
                    .or_insert_with(|| self.prospect(process, *id, given));
                more |= promised[process] != promises;
                promised[process] = promises;
                sure &= returns;
            }
            if sure || !more {
                return (promised.into_iter().fold(FrameSet::NONE, FrameSet::union), sure);
            }
        }
    }

    fn prospect(&self, process: usize, id: u32, given: FrameSet) -> (FrameSet, bool) {
        let (process, state) = (ProcessId(process as u8), &self.locals[process].get(id).value);
        let prospect = guarded(|| {
            (
                self.model.promises(process, state, given),
                self.model.is_sure_to_return(process, state, given),
            )
        });
        prospect.unwrap_or((FrameSet::NONE, false))
    }
}
