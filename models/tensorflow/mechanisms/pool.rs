//! The compute pool ("inter-op"): Eigen's non-blocking thread pool (`tf-step.md` section 1).
//!
//! Every executor closure, every step-done callback and every handler of an incoming RPC of a process runs here. With one
//! thread the order is Eigen's exactly: outsiders push to the back of its deque, the pool thread itself to the front, and it
//! pops the front. With several threads an outsider pushes to a *random* deque and idle threads steal, so any queued closure may
//! run next: the queue is a bag, and the bag is simply the threads whose position is [`At::PoolTake`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::machine::Label;
use crate::models::tensorflow::process::{At, Process, Thread, ThreadId};

/// A pool thread takes a closure.
pub static TAKE: Label = Label {
    name: "Pool.take",
    function: "Eigen::NonBlockingThreadPool::WorkerLoop",
    site: "NonBlockingThreadPool.h",
};
/// A pool thread is done with a closure.
pub static IDLE: Label = Label {
    name: "Pool.idle",
    function: "Eigen::NonBlockingThreadPool::WorkerLoop",
    site: "NonBlockingThreadPool.h",
};

/// The pool of one process.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ComputePool {
    /// Threads that run a closure now.
    pub busy: u8,
    /// Waiting closures in Eigen's order; used with one thread only, since with several the order means nothing.
    pub queue: VecDeque<ThreadId>,
}

impl ComputePool {
    /// Whether a pool of `size` threads may give one to the waiting closure `id` now.
    pub fn may_take(&self, size: u8, id: ThreadId) -> bool {
        self.busy < size && (size > 1 || self.queue.front() == Some(&id))
    }

    /// Gives a pool thread to the waiting closure `id`.
    pub fn take(&mut self, size: u8, id: ThreadId) {
        assert!(self.may_take(size, id), "{id:?} takes a pool thread out of turn");
        self.busy += 1;
        if size == 1 {
            self.queue.pop_front();
        }
    }
}

/// `ThreadPool::Schedule`: adds a closure that will run `body`. `from_pool`: the caller is a thread of this pool.
pub fn schedule(process: &mut Process, size: u8, from_pool: bool, id: ThreadId, body: &[At]) {
    let mut closure = Thread::new(id, At::PoolIdle);
    closure.stack.extend(body.iter().rev().copied());
    closure.then([At::PoolTake]);
    process.spawn(closure);
    if size == 1 {
        if from_pool {
            process.pool.queue.push_front(id);
        } else {
            process.pool.queue.push_back(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: ThreadId = ThreadId::Handler(1);
    const SECOND: ThreadId = ThreadId::Handler(2);
    const THIRD: ThreadId = ThreadId::Handler(3);

    #[test]
    fn one_thread_pops_its_own_closures_first_and_those_of_outsiders_in_order() {
        let mut process = Process::default();
        schedule(&mut process, 1, false, FIRST, &[]);
        schedule(&mut process, 1, false, SECOND, &[]);
        schedule(&mut process, 1, true, THIRD, &[]);
        for expected in [THIRD, FIRST, SECOND] {
            for id in [FIRST, SECOND, THIRD] {
                assert_eq!(process.pool.may_take(1, id), id == expected);
            }
            process.pool.take(1, expected);
            process.pool.busy -= 1;
        }
    }

    #[test]
    fn several_threads_run_any_closure_but_no_more_than_they_are() {
        let mut process = Process::default();
        for id in [FIRST, SECOND, THIRD] {
            schedule(&mut process, 2, false, id, &[]);
        }
        process.pool.take(2, SECOND);
        assert!(process.pool.may_take(2, THIRD));
        process.pool.take(2, THIRD);
        assert!(!process.pool.may_take(2, FIRST));
    }
}
