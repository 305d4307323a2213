//! Two threads that take two locks: crosswise they can hang, in one order they can't.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, Lock, ObjectId, Pending, ProcessId, WaitFor};

static TAKE_FIRST: Label = label("Thread.take_first", "crossed_locks:1");
static TAKE_SECOND: Label = label("Thread.take_second", "crossed_locks:2");
static RELEASE_SECOND: Label = label("Thread.release_second", "crossed_locks:3");
static RELEASE_FIRST: Label = label("Thread.release_first", "crossed_locks:4");

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct CrossedLocks {
    /// Whether the second thread takes the locks in the other order.
    pub crosswise: bool,
}

/// The place where a thread stands: what it does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    TakeFirst,
    TakeSecond,
    ReleaseSecond,
    ReleaseFirst,
    Done,
}

/// Two locks and two threads.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    locks: [Lock<u8>; 2],
    threads: [At; 2],
}

impl CrossedLocks {
    /// Returns the lock that the thread takes first.
    fn first(&self, thread: usize) -> usize {
        usize::from(self.crosswise && thread == 1)
    }

    /// Returns the label, lock and access of the thread's next step.
    fn next(&self, state: &State, thread: usize) -> Option<(&'static Label, usize, Access)> {
        let first = self.first(thread);
        match state.threads[thread] {
            At::TakeFirst => Some((&TAKE_FIRST, first, Access::Write)),
            At::TakeSecond => Some((&TAKE_SECOND, 1 - first, Access::Write)),
            At::ReleaseSecond => Some((&RELEASE_SECOND, 1 - first, Access::BothMover)),
            At::ReleaseFirst => Some((&RELEASE_FIRST, first, Access::BothMover)),
            At::Done => None,
        }
    }
}

impl Litmus for CrossedLocks {
    type State = State;
    type Thread = u8;
    type Frame = ();

    fn initial(&self) -> State {
        State {
            locks: [Lock::default(); 2],
            threads: [At::TakeFirst; 2],
        }
    }

    fn threads(&self, _process: ProcessId, state: &State) -> Vec<Pending<u8>> {
        let one = |thread: u8| {
            let (label, lock, access) = self.next(state, usize::from(thread))?;
            let enabled = access == Access::BothMover || state.locks[lock].is_free();
            Some(pending(thread, label, lock as u16, access, enabled))
        };
        (0..2).filter_map(one).collect()
    }

    fn apply(&self, _: ProcessId, state: &mut State, thread: u8, _: u32, _: &mut Vec<(ProcessId, ())>) {
        let index = usize::from(thread);
        let first = self.first(index);
        state.threads[index] = match state.threads[index] {
            At::TakeFirst => {
                state.locks[first].acquire(thread);
                At::TakeSecond
            }
            At::TakeSecond => {
                state.locks[1 - first].acquire(thread);
                At::ReleaseSecond
            }
            At::ReleaseSecond => {
                state.locks[1 - first].release(thread);
                At::ReleaseFirst
            }
            At::ReleaseFirst | At::Done => {
                state.locks[first].release(thread);
                At::Done
            }
        };
    }

    fn thread_name(&self, thread: u8) -> String {
        format!("thread{thread}")
    }

    fn object_name(&self, object: ObjectId) -> String {
        format!("lock{}", object.0)
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        (0..2)
            .map(|lock| (ObjectId(lock), value(&state.locks[usize::from(lock)])))
            .collect()
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        let client = |thread: usize| status(&format!("thread{thread}"), state.threads[thread] == At::Done);
        (0..2).map(client).collect()
    }

    fn wait_for(&self, system: &[&State], process: ProcessId, client: usize) -> WaitFor {
        let state = system[process.index()];
        let mut closure = WaitFor::default();
        let mut nodes: Vec<usize> = Vec::new();
        let mut thread = client;
        while let Some((label, lock, _)) = self.next(state, thread) {
            nodes.push(thread);
            closure.push(nodes.len().checked_sub(2), waits("host", label.name, "lock", None));
            let Some(owner) = state.locks[lock].owner() else {
                break;
            };
            thread = usize::from(owner);
            if let Some(again) = nodes.iter().position(|&node| node == thread) {
                closure.edges.push((nodes.len() - 1, again));
                break;
            }
        }
        closure
    }

    fn footprint(&self, _: ProcessId, state: &State, thread: u8) -> Footprint {
        let first = self.first(usize::from(thread));
        let (first, second) = (ObjectId(first as u16), ObjectId(1 - first as u16));
        match state.threads[usize::from(thread)] {
            At::TakeFirst => Footprint::new().with(first, Access::Write).with(second, Access::Write),
            At::TakeSecond => Footprint::new().with(second, Access::Write),
            _ => Footprint::new(),
        }
    }
}
