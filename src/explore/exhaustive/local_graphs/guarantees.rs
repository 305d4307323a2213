//! Global states that need not be followed any further: what processes guarantee to each other, and what is inevitable then.

use smallvec::SmallVec;

use super::sets::EMPTY;
use super::{Deliveries, LocalGraphs};
use crate::explore::exhaustive::reduction::guarded;
use crate::machine::{ProcessId, Reducible};

impl<M: Reducible> LocalGraphs<'_, M> {
    /// Returns true if nothing that follows from this state is of interest: every client has its answer or is sure to get it, and leaks
    /// are not asked for.
    pub(in crate::explore::exhaustive) fn is_settled(&self, cache: &mut Deliveries, tuple: &[u32]) -> bool {
        if self.reductions.leaks {
            return false;
        }
        let mut known = (0..).zip(tuple).map(|(process, id)| self.known(process, *id));
        known.all(|known| known.settled) || self.reductions.sure_return && self.guaranteed(cache, tuple).1
    }

    /// Derives guarantees from guarantees until there are no new ones. Returns the number of all guarantees together, and whether every
    /// client is sure to return; not all of the guarantees where that is known before.
    pub(in crate::explore::exhaustive) fn guaranteed(&self, cache: &mut Deliveries, tuple: &[u32]) -> (u32, bool) {
        let mut by_process: SmallVec<[u32; 16]> = SmallVec::from_elem(EMPTY, tuple.len());
        // What the processes from each one on guarantee.
        let mut later: SmallVec<[u32; 16]> = SmallVec::from_elem(EMPTY, tuple.len() + 1);
        loop {
            for process in (0..tuple.len()).rev() {
                later[process] = self.join_guarantees(cache, later[process + 1], by_process[process]);
            }
            let (mut more, mut sure, mut earlier) = (false, true, EMPTY);
            for (process, &id) in tuple.iter().enumerate() {
                let assumed = self.join_guarantees(cache, earlier, later[process + 1]);
                let key = (ProcessId::new(process), id, assumed);
                let (guarantees, inevitable) = *cache
                    .guarantees
                    .entry(key)
                    .or_insert_with(|| self.guarantees_of(process, id, assumed));
                more |= by_process[process] != guarantees;
                by_process[process] = guarantees;
                earlier = self.join_guarantees(cache, earlier, guarantees);
                sure &= inevitable;
            }
            if sure || !more {
                return (earlier, sure);
            }
        }
    }

    fn join_guarantees(&self, cache: &mut Deliveries, one: u32, other: u32) -> u32 {
        self.guarantee_sets.union(&mut cache.guarantee_unions, one, other)
    }

    fn guarantees_of(&self, process: usize, id: u32, assumed: u32) -> (u32, bool) {
        let (process, state) = (ProcessId::new(process), &self.locals[process].get(id).value);
        let assumed = self.guarantee_sets.get(assumed);
        let found = guarded(|| {
            let inevitable = self.model.is_inevitable(process, state, assumed);
            (self.model.guarantees(process, state, assumed), inevitable)
        });
        // A model that fails here guarantees nothing, which is sound; it fails again where that is reported.
        found.map_or((EMPTY, false), |(set, inevitable)| {
            (self.guarantee_sets.number(set), inevitable)
        })
    }
}
