//! Causal order: the events of a run that had to come before others, and what can be moved without changing anything.

use super::guide::{Move, Walk};
use crate::machine::{BitSet, Model, Operation, Pending, ProcessId};

/// The causal order of a run. Events are counted from 0.
///
/// An event is before a later one if both are of one thread, if their declared operations conflict, if the one made the other's
/// thread able to do it, or if both send to the same process from one; and if there is a chain of such. Two events that are not
/// ordered so can be exchanged where they stand next to each other, and nobody notices.
pub(crate) struct Causes {
    operations: Vec<Operation>,
    processes: Vec<ProcessId>,
    /// Processes that got a frame of each event.
    receivers: Vec<Vec<ProcessId>>,
    before: Vec<BitSet>,
}

impl Causes {
    /// Runs moves that are all possible from the beginning.
    pub(crate) fn of<M: Model>(model: &M, moves: &[Move<M::Thread>]) -> Self {
        let mut causes = Self {
            operations: Vec::with_capacity(moves.len()),
            processes: moves.iter().map(|made| made.process).collect(),
            receivers: Vec::with_capacity(moves.len()),
            before: Vec::with_capacity(moves.len()),
        };
        let mut walk = Walk::new(model);
        // Who made a thread able to do what it does next.
        let mut wakers: Vec<((ProcessId, M::Thread), usize)> = Vec::new();
        for (index, made) in moves.iter().enumerate() {
            let before = walk.pending().to_vec();
            let pending = walk.able(made).expect("the move was made before").clone();
            walk.step(made.process, &pending, made.choice);
            let mut set = BitSet::new();
            let mut follows = |causes: &Self, earlier: usize| {
                set.insert(earlier);
                set.extend(&causes.before[earlier]);
            };
            wakers.retain(|(woken, waker)| {
                let mine = *woken == made.mover();
                if mine {
                    follows(&causes, *waker);
                }
                !mine
            });
            causes.operations.push(pending.operation);
            causes.receivers.push(walk.receivers().to_vec());
            for (earlier, other) in moves.iter().enumerate().take(index) {
                let same_thread = other.mover() == made.mover();
                if same_thread || causes.conflict(earlier, index) || causes.send_alike(earlier, index) {
                    follows(&causes, earlier);
                }
            }
            causes.before.push(set);
            for (id, (old, new)) in before.iter().zip(walk.pending()).enumerate() {
                let id = ProcessId::new(id);
                let woken = new.iter().filter(|pending| wakes(old, pending));
                let woken = woken
                    .map(|pending| (id, pending.thread))
                    .filter(|woken| *woken != made.mover());
                wakers.extend(woken.map(|woken| (woken, index)));
            }
        }
        causes
    }

    /// Returns true if the operations of two events of one process conflict.
    pub(crate) fn conflict(&self, one: usize, other: usize) -> bool {
        self.processes[one] == self.processes[other] && self.operations[one].conflicts(&self.operations[other])
    }

    /// Returns true if two events of one process send to the same process.
    pub(crate) fn send_alike(&self, one: usize, other: usize) -> bool {
        let to = &self.receivers[other];
        self.processes[one] == self.processes[other] && self.receivers[one].iter().any(|receiver| to.contains(receiver))
    }

    /// Returns true if `one` had to come before `other`.
    pub(crate) fn is_before(&self, one: usize, other: usize) -> bool {
        self.before[other].contains(one)
    }

    /// Returns true if nothing between two events had to be between them.
    pub(crate) fn are_next(&self, one: usize, other: usize) -> bool {
        (one + 1..other).all(|between| !(self.is_before(one, between) && self.is_before(between, other)))
    }
}

/// Returns true if a thread can do now what it could not do before.
fn wakes<T: Copy + Eq>(before: &[Pending<T>], now: &Pending<T>) -> bool {
    now.enabled && before.iter().all(|old| old != now)
}
