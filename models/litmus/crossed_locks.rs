//! Two threads that take two locks: crosswise they can hang, in one order they can't.

use super::{Litmus, Step, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, Lock, ObjectId, ProcessId, WaitFor};

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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum At {
    #[default]
    TakeFirst,
    TakeSecond,
    ReleaseSecond,
    ReleaseFirst,
    Done,
}

/// Two locks and two threads.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    locks: [Lock<u8>; 2],
    threads: [At; 2],
}

impl CrossedLocks {
    /// Returns the lock that the thread takes first.
    fn first(&self, thread: usize) -> usize {
        usize::from(self.crosswise && thread == 1)
    }

    /// Returns the lock of the thread's next step.
    fn lock(&self, state: &State, thread: usize) -> usize {
        let first = self.first(thread);
        match state.threads[thread] {
            At::TakeFirst | At::ReleaseFirst => first,
            At::TakeSecond | At::ReleaseSecond | At::Done => 1 - first,
        }
    }
}

impl Litmus for CrossedLocks {
    type State = State;
    type Thread = u8;
    type Frame = ();

    const OBJECTS: &[&str] = &["lock0", "lock1"];
    const THREADS: &str = "thread";

    fn all_threads(&self, _: ProcessId) -> Vec<u8> {
        vec![0, 1]
    }

    fn next(&self, state: &State, thread: u8) -> Option<Step> {
        let lock = self.lock(state, usize::from(thread));
        let (object, free) = (ObjectId(lock as u32), state.locks[lock].is_free());
        match state.threads[usize::from(thread)] {
            At::TakeFirst => Some(step(&TAKE_FIRST, object, Access::Write, free)),
            At::TakeSecond => Some(step(&TAKE_SECOND, object, Access::Write, free)),
            At::ReleaseSecond => Some(step(&RELEASE_SECOND, object, Access::BothMover, true)),
            At::ReleaseFirst => Some(step(&RELEASE_FIRST, object, Access::BothMover, true)),
            At::Done => None,
        }
    }

    fn apply(&self, state: &mut State, thread: u8, _: u32) -> Option<(ProcessId, ())> {
        let index = usize::from(thread);
        let lock = self.lock(state, index);
        let (at, lock) = (&mut state.threads[index], &mut state.locks[lock]);
        match at {
            At::TakeFirst | At::TakeSecond => lock.acquire(thread),
            At::ReleaseSecond | At::ReleaseFirst | At::Done => lock.release(thread),
        }
        *at = match at {
            At::TakeFirst => At::TakeSecond,
            At::TakeSecond => At::ReleaseSecond,
            At::ReleaseSecond => At::ReleaseFirst,
            At::ReleaseFirst | At::Done => At::Done,
        };
        None
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        state.locks.iter().map(value).collect()
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        let client = |thread: usize| status(&format!("thread{thread}"), state.threads[thread] == At::Done);
        (0..2).map(client).collect()
    }

    fn wait_for(&self, system: &[&State], client: usize) -> WaitFor {
        let state = system[0];
        let mut closure = WaitFor::default();
        let mut nodes: Vec<usize> = Vec::new();
        let mut thread = client;
        while let Some(Step { operation, .. }) = self.next(state, thread as u8) {
            nodes.push(thread);
            closure.push(
                nodes.len().checked_sub(2),
                waits("host", operation.label.name, "lock", None),
            );
            let Some(owner) = state.locks[self.lock(state, thread)].owner() else {
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

    fn footprint(&self, state: &State, thread: u8) -> Footprint {
        let lock = self.lock(state, usize::from(thread));
        let next = Footprint::new().with(ObjectId(lock as u32), Access::Write);
        match state.threads[usize::from(thread)] {
            At::TakeFirst => next.with(ObjectId(1 - lock as u32), Access::Write),
            At::TakeSecond => next,
            _ => Footprint::new(),
        }
    }
}
