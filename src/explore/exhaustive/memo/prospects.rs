//! Which global states need not be followed any further, and which processes no longer matter.

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
        if self.is_phantom(process, id) {
            return (FrameSet::NONE, true);
        }
        let (process, state) = (ProcessId(process as u8), &self.locals[process].get(id).value);
        let prospect = guarded(|| {
            (
                self.model.promises(process, state, given),
                self.model.is_sure_to_return(process, state, given),
            )
        });
        prospect.unwrap_or((FrameSet::NONE, false))
    }

    /// The processes that can no longer make a difference to a client: those that neither are sure to return a client themselves nor
    /// can, from here on, exchange anything that matters with a process that can. Their states may be replaced by
    /// [`Memo::phantom_of`]; where that is done already they are not among them. One bit a process.
    pub(in crate::explore::exhaustive) fn irrelevant(&self, tuple: &[u32]) -> u64 {
        let mut relevant: u64 = 0;
        for (process, id) in tuple.iter().enumerate() {
            if !self.known(process, *id).settled {
                relevant |= 1 << process;
            }
        }
        loop {
            let before = relevant;
            for (process, id) in tuple
                .iter()
                .enumerate()
                .filter(|(process, _)| before & (1 << process) == 0)
            {
                let own = self.known(process, *id);
                let mut others = tuple.iter().enumerate().filter(|(other, _)| before & (1 << other) != 0);
                let meets = |(other, of): (usize, &u32)| {
                    let known = self.known(other, *of);
                    own.may_send[other].intersection(known.matters) != FrameSet::NONE
                        || known.requests & (1 << process) != 0
                };
                if others.any(meets) {
                    relevant |= 1 << process;
                }
            }
            if relevant == before {
                break;
            }
        }
        let phantoms = self.phantoms.iter().enumerate();
        let stays = |process: usize, id: u32| relevant & (1 << process) != 0 || tuple[process] == id;
        phantoms
            .filter(|(process, (id, _))| !stays(*process, *id))
            .fold(0, |set, (process, _)| set | 1 << process)
    }

    /// Id and hash of what stands for the state of a process that makes no difference.
    pub(in crate::explore::exhaustive) fn phantom_of(&self, process: usize) -> (u32, u64) {
        self.phantoms[process]
    }

    /// Whether that reduction is on.
    pub(in crate::explore::exhaustive) fn forgets_irrelevant(&self) -> bool {
        !self.phantoms.is_empty()
    }

    /// Whether a local state stands for a process that makes no difference.
    pub(in crate::explore::exhaustive) fn is_phantom(&self, process: usize, id: u32) -> bool {
        self.phantoms.get(process).is_some_and(|(phantom, _)| *phantom == id)
    }
}
