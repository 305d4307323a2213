//! The environment of a pending operation: all that other threads and arrivals may still do.

use std::cell::OnceCell;
use std::sync::Arc;

use super::Local;
use crate::machine::{Access, Footprint, FrameSet, Independence, Pending, ThreadName};

/// Returns true if something in `footprint` may fail to commute with the next operation of another thread, or gives a new thread the
/// name that this one has.
fn conflict<T>(footprint: &Footprint, pending: &Pending<T>, name: Option<ThreadName>) -> bool {
    let operation = &pending.operation;
    // Whatever the model says: taking a permit can be disabled by others who take one.
    let access = if operation.takes_permit {
        Access::Write
    } else {
        operation.access
    };
    let part = |part| footprint.conflicts_with(part, Access::Write);
    footprint.conflicts_with(operation.object, access)
        || operation.part.is_some_and(part)
        || name.is_some_and(|name| footprint.spawns(name))
}

/// Footprints of each thread, and of frames still to come: asked of the model one at a time, when needed.
pub(super) struct Environment<'a, M: Independence> {
    local: &'a Local<'a, M>,
    state: &'a M::Process,
    pendings: &'a [Pending<M::Thread>],
    frames: &'a FrameSet,
    facts: OnceCell<M::Facts>,
    footprints: Vec<OnceCell<Arc<Footprint>>>,
    deliveries: OnceCell<Arc<Footprint>>,
}

impl<'a, M: Independence> Environment<'a, M> {
    /// Returns those of a state in which only `frames` may still arrive.
    pub(super) fn new(
        local: &'a Local<'a, M>,
        state: &'a M::Process,
        pendings: &'a [Pending<M::Thread>],
        frames: &'a FrameSet,
    ) -> Self {
        Self {
            local,
            state,
            pendings,
            frames,
            facts: OnceCell::new(),
            footprints: pendings.iter().map(|_| OnceCell::new()).collect(),
            deliveries: OnceCell::new(),
        }
    }

    fn facts(&self) -> &M::Facts {
        let Local { model, process, .. } = self.local;
        self.facts.get_or_init(|| model.facts(*process, self.state))
    }

    fn footprint(&self, index: usize) -> &Footprint {
        let Local { model, process, .. } = self.local;
        let thread = self.pendings[index].thread;
        self.footprints[index].get_or_init(|| model.footprint(*process, self.state, self.facts(), thread))
    }

    fn deliveries(&self) -> &Footprint {
        let Local { model, process, .. } = self.local;
        self.deliveries
            .get_or_init(|| model.delivery_footprint(*process, self.state, self.facts(), self.frames))
    }

    fn name(&self, index: usize) -> Option<ThreadName> {
        self.local.model.name(self.local.process, self.pendings[index].thread)
    }

    /// Returns true if nothing that another thread or an arrival may do conflicts with the thread's next operation.
    pub(super) fn leave_free(&self, index: usize) -> bool {
        let (pending, name) = (&self.pendings[index], self.name(index));
        let operation = &pending.operation;
        if operation.access == Access::BothMover
            && operation.part.is_none()
            && !operation.takes_permit
            && name.is_none()
        {
            return true;
        }
        let mut others = (0..self.pendings.len()).filter(|other| *other != index);
        !others.any(|other| conflict(self.footprint(other), pending, name))
            && !conflict(self.deliveries(), pending, name)
    }

    /// Returns true if no other thread and no arrival may give the thread's name to a new one.
    pub(super) fn leave_name(&self, index: usize) -> bool {
        self.name(index).is_none_or(|name| {
            let mut others = (0..self.pendings.len()).filter(|other| *other != index);
            !others.any(|other| self.footprint(other).spawns(name)) && !self.deliveries().spawns(name)
        })
    }

    /// Returns the smallest set of enabled threads, not all of them unless nothing else can interfere, such that nothing that any other
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
            let (pending, name) = (&self.pendings[member], self.name(member));
            if conflict(self.deliveries(), pending, name) {
                return None;
            }
            for other in 0..self.pendings.len() {
                if members.contains(&other) || !conflict(self.footprint(other), pending, name) {
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
