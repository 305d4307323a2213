//! What stands in the way of a pending operation: all that other threads and arrivals may still do.

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

/// What all but one thread may still do.
pub(super) struct Surroundings {
    futures: Vec<Footprint>,
    arrivals: Footprint,
}

impl Surroundings {
    pub(super) fn of<M: Model>(local: &Local<'_, M>, state: &M::Process, pendings: &[Pending<M::Thread>]) -> Self {
        Self::with(local, state, pendings, local.frames)
    }

    pub(super) fn with<M: Model>(
        local: &Local<'_, M>,
        state: &M::Process,
        pendings: &[Pending<M::Thread>],
        frames: FrameSet,
    ) -> Self {
        let future = |pending: &Pending<M::Thread>| local.model.future(local.process, state, pending.thread);
        Self {
            futures: pendings.iter().map(future).collect(),
            arrivals: local.model.arrivals(local.process, state, frames),
        }
    }

    pub(super) fn leave_free<T>(&self, index: usize, pending: &Pending<T>) -> bool {
        !conflict(&self.arrivals, pending)
            && !self
                .futures
                .iter()
                .enumerate()
                .any(|(other, footprint)| other != index && conflict(footprint, pending))
    }

    /// The smallest set of enabled threads, not all of them unless nothing else can interfere, such that nothing that any other
    /// thread or an arrival may do conflicts with their next operations.
    pub(super) fn smallest_component<T>(&self, pendings: &[Pending<T>]) -> Option<Vec<usize>> {
        let mut best: Option<Vec<usize>> = None;
        for seed in (0..pendings.len()).filter(|&index| pendings[index].enabled) {
            if let Some(component) = self.component(seed, pendings)
                && best.as_ref().is_none_or(|best| component.len() < best.len())
            {
                best = Some(component);
            }
        }
        best
    }

    fn component<T>(&self, seed: usize, pendings: &[Pending<T>]) -> Option<Vec<usize>> {
        let mut members = vec![seed];
        let mut next = 0;
        while let Some(&member) = members.get(next) {
            next += 1;
            let pending = &pendings[member];
            if conflict(&self.arrivals, pending) {
                return None;
            }
            for (other, footprint) in self.futures.iter().enumerate() {
                if members.contains(&other) || !conflict(footprint, pending) {
                    continue;
                }
                // A thread that waits now may go on without any of the members: it can't be one.
                if !pendings[other].enabled {
                    return None;
                }
                members.push(other);
            }
        }
        members.sort_unstable();
        Some(members)
    }
}
