//! What stands in the way of a pending operation: all that other threads and arrivals may still do.

use std::cell::OnceCell;

use super::Local;
use crate::machine::{Access, Footprint, FrameSet, Model, Pending};

/// Whether something in `footprint` may fail to commute with the pending operation.
fn conflict<T>(footprint: &Footprint, pending: &Pending<T>) -> bool {
    let operation = &pending.operation;
    // Whatever the model says: taking a server can be disabled by others who take one.
    let access = if operation.takes_server {
        Access::Write
    } else {
        operation.access
    };
    let part = |part| footprint.conflicts_with(part, Access::Write);
    footprint.conflicts_with(operation.object, access) || operation.part.is_some_and(part)
}

/// What each thread, and frames still to come, may do: asked of the model one at a time, when it is needed.
pub(super) struct Surroundings<'a, M: Model> {
    local: &'a Local<'a, M>,
    state: &'a M::Process,
    pendings: &'a [Pending<M::Thread>],
    frames: FrameSet,
    futures: Vec<OnceCell<Footprint>>,
    arrivals: OnceCell<Footprint>,
}

impl<'a, M: Model> Surroundings<'a, M> {
    /// Those of a state in which only `frames` may still arrive.
    pub(super) fn new(
        local: &'a Local<'a, M>,
        state: &'a M::Process,
        pendings: &'a [Pending<M::Thread>],
        frames: FrameSet,
    ) -> Self {
        Self {
            local,
            state,
            pendings,
            frames,
            futures: pendings.iter().map(|_| OnceCell::new()).collect(),
            arrivals: OnceCell::new(),
        }
    }

    fn future(&self, index: usize) -> &Footprint {
        let Local { model, process, .. } = self.local;
        self.futures[index].get_or_init(|| model.future(*process, self.state, self.pendings[index].thread))
    }

    fn arrivals(&self) -> &Footprint {
        let Local { model, process, .. } = self.local;
        self.arrivals
            .get_or_init(|| model.arrivals(*process, self.state, self.frames))
    }

    /// Returns true if nothing that another thread or an arrival may do conflicts with the thread's next operation.
    pub(super) fn leave_free(&self, index: usize) -> bool {
        let pending = &self.pendings[index];
        let operation = &pending.operation;
        if operation.access == Access::Free && operation.part.is_none() && !operation.takes_server {
            return true;
        }
        let mut others = (0..self.pendings.len()).filter(|other| *other != index);
        !others.any(|other| conflict(self.future(other), pending)) && !conflict(self.arrivals(), pending)
    }

    /// The smallest set of enabled threads, not all of them unless nothing else can interfere, such that nothing that any other
    /// thread or an arrival may do conflicts with their next operations.
    pub(super) fn smallest_component(&self) -> Option<Vec<usize>> {
        let mut best: Option<Vec<usize>> = None;
        for seed in (0..self.pendings.len()).filter(|&index| self.pendings[index].enabled) {
            if let Some(component) = self.component(seed)
                && best.as_ref().is_none_or(|best| component.len() < best.len())
            {
                best = Some(component);
            }
        }
        best
    }

    fn component(&self, seed: usize) -> Option<Vec<usize>> {
        let mut members = vec![seed];
        let mut next = 0;
        while let Some(&member) = members.get(next) {
            next += 1;
            let pending = &self.pendings[member];
            if conflict(self.arrivals(), pending) {
                return None;
            }
            for other in 0..self.pendings.len() {
                if members.contains(&other) || !conflict(self.future(other), pending) {
                    continue;
                }
                // A thread that waits now may go on without any of the members: it can't be one.
                if !self.pendings[other].enabled {
                    return None;
                }
                members.push(other);
            }
        }
        members.sort_unstable();
        Some(members)
    }
}
