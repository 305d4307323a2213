//! The compute pool ("inter-op"): Eigen's non-blocking thread pool.
//!
//! Every executor closure, every step-done callback and every handler of an incoming RPC of a process runs here. With one
//! thread the order is Eigen's exactly: outsiders push to the back of its deque, the pool thread itself to the front, and it
//! pops the front. Only after it has found its deque empty may it pop the back: `WaitForWork` looks once more before it blocks.
//! With several threads an outsider pushes to a *random* deque and idle threads steal, so any queued closure may
//! run next: the queue is a bag, and the bag is simply the threads whose next label is [`TAKE`].
//!
//! A thread that gives itself back takes what was pushed in the meantime, or is woken for it. That race is searched alone by loom:
//! `scenarios/kernel/pool_sleep.toml` loses the wake-up in variant `sleep-in-two`, `pool_sleep_announced.toml` beside it does not.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use super::executor;
use super::room::Mechanism;
use crate::machine::{Access, Pending, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::{Process, ThreadId};

labels! {
    TAKE = "Pool.take", "Eigen::NonBlockingThreadPool::WorkerLoop", "NonBlockingThreadPool.h";
    IDLE = "Pool.idle", "Eigen::NonBlockingThreadPool::WorkerLoop (PopFront)", "NonBlockingThreadPool.h";
    SLEEP = "Pool.sleep", "Eigen::EventCount::CommitWait", "EventCount.h";
}

program_counter! { Pool;
    /// Takes a pool thread.
    Take => TAKE,
    /// Gives the pool thread back, and looks for more.
    Idle => IDLE,
    /// Variant `sleep-in-two`, which leaves out `Prewait`: a thread that has found nothing sleeps, whatever has come since.
    Sleep => SLEEP,
}

objects! { Pool;
    /// The compute pool.
    Pool = "pool" per Process,
}

/// The pool of one process.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ComputePool {
    /// Threads that run a closure now.
    pub busy: u8,
    /// Waiting closures in Eigen's order; used with one thread only, since with several the order means nothing. Closures that
    /// stand together were pushed in an order that is not known.
    queue: VecDeque<SmallVec<[ThreadId; 1]>>,
    /// Whether the one thread has something to pop first: it has not found the deque empty since its last closure.
    popping: bool,
    /// Variant `sleep-in-two`: threads that run nothing and do not sleep. Each has a waiting closure that it will take, if no other one.
    awake: u8,
}

impl ComputePool {
    /// Returns true if a pool of `size` threads may give one to the waiting closure `id` now.
    #[inline]
    pub fn may_take(&self, size: u8, id: ThreadId) -> bool {
        let has = |end: Option<&SmallVec<[ThreadId; 1]>>| end.is_some_and(|closures| closures.contains(&id));
        let turn = || has(self.queue.front()) || !self.popping && has(self.queue.back());
        self.busy < size && (size > 1 || turn())
    }

    /// Gives a pool thread to the waiting closure `id`.
    pub fn take(&mut self, size: u8, id: ThreadId) {
        assert!(self.may_take(size, id), "{id:?} takes a pool thread out of turn");
        self.busy += 1;
        self.remove(id);
    }

    /// Gives the pool thread of a closure back.
    pub fn give_back(&mut self) {
        self.busy -= 1;
        self.popping = !self.queue.is_empty();
    }

    /// Wakes a thread for a closure that was pushed, if one sleeps. A thread that is about to sleep does not yet.
    pub fn wake(&mut self, size: u8) {
        self.awake += u8::from(self.busy + self.awake < size);
    }

    /// Takes a waiting closure out of the queue.
    pub fn remove(&mut self, id: ThreadId) {
        for closures in &mut self.queue {
            closures.retain(|other| *other != id);
        }
        self.queue.retain(|closures| !closures.is_empty());
        self.popping &= self.busy == 0 && !self.queue.is_empty();
    }

    /// Queues a closure. `from_pool`: the caller is a thread of this pool.
    pub fn push(&mut self, size: u8, from_pool: bool, id: ThreadId) {
        match (size, from_pool) {
            (1, true) => self.queue.push_front(smallvec![id]),
            (1, false) => self.queue.push_back(smallvec![id]),
            _ => {}
        }
    }

    /// Queues a closure of the pool's one thread beside the one in front, in whichever order.
    pub fn push_beside(&mut self, id: ThreadId) {
        let front = self.queue.front_mut().expect("a closure in front");
        front.insert(front.partition_point(|other| *other < id), id);
    }

    /// Returns the closures that the one thread runs next, in whichever order.
    pub fn front(&self) -> &[ThreadId] {
        self.queue.front().map_or(&[], SmallVec::as_slice)
    }
}

/// Returns the places of a closure that runs `body`.
pub(super) fn closure(body: &[super::Pc]) -> impl Iterator<Item = super::Pc> {
    let take = std::iter::once(Pc::Take.into());
    take.chain(body.iter().copied()).chain(std::iter::once(Pc::Idle.into()))
}

/// Returns true if a thread at this place waits for a pool thread.
#[inline]
pub(in crate::models) fn takes(place: super::Pc) -> bool {
    matches!(place, super::Pc::Pool(Counter(Pc::Take)))
}

/// Returns true if every pool thread of a process runs a closure.
#[inline]
pub(in crate::models) fn is_busy(model: &TensorFlow, process: &Process) -> bool {
    process.pool.busy >= model.pool_size()
}

#[inline]
fn may_take(view: &View<'_>) -> bool {
    let pool = &view.process.pool;
    pool.may_take(view.model.pool_size(), view.thread.id) && (pool.awake > 0 || !view.model.sleeps_in_two())
}

/// Gives a pool thread back, where it sleeps in two operations: with a closure that no other thread has been woken for it goes on, else it
/// will sleep.
fn look(run: &mut Run<'_>) {
    let waiting = run.process.threads.iter().filter(|thread| thread.is_at(&TAKE)).count();
    if waiting > usize::from(run.process.pool.awake) {
        run.process.pool.give_back();
        run.process.pool.awake += 1;
    } else {
        run.then([Pc::Sleep]);
    }
}

/// Returns a thread that waits for a pool thread, with its next operation. That is the same for all of them, `waiting` being one: in a large
/// partition most threads are such, and only their turn differs.
#[inline]
pub(in crate::models) fn pending_like(waiting: &Pending<ThreadId>, view: &View<'_>) -> Pending<ThreadId> {
    Pending {
        thread: view.thread.id,
        enabled: may_take(view),
        operation: waiting.operation.clone(),
    }
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        let pool = &process.pool;
        inventory.add(Object::Pool, pool, || {
            format!("{} of {} threads busy", pool.busy, model.pool_size())
        });
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        match self.0 {
            Pc::Take => {
                let take = context.uses(Object::Pool, Access::Write).taking_permit();
                take.when(may_take)
            }
            Pc::Idle | Pc::Sleep if context.model.sleeps_in_two() => context.uses(Object::Pool, Access::Write),
            Pc::Sleep => unreachable!("no thread sleeps but in one variant"),
            // The one thread looks whether its deque is empty. One that is not stays so, since nobody else takes from it.
            Pc::Idle => {
                let has_more = context.view.is_some_and(|view| !view.process.pool.queue.is_empty());
                let access = if has_more {
                    Access::BothMover
                } else {
                    context.model.push_access()
                };
                context.uses(Object::Pool, access)
            }
        }
    }

    /// Lists little: a closure's continuation follows from its node, see [`super::context::Item::Node`].
    fn next(self, next: &mut Next<'_>) {
        let sleeps = next.model.sleeps_in_two() && self.0 == Pc::Idle;
        next.then(sleeps.then_some(Pc::Sleep));
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Take => {
                run.process.pool.take(run.model.pool_size(), run.thread.id);
                run.process.pool.awake = run.process.pool.awake.saturating_sub(1);
                if let ThreadId::Node(step, node) = run.thread.id {
                    run.then(executor::begin(run.model, run.id, step, node));
                }
            }
            Pc::Idle if run.model.sleeps_in_two() => look(run),
            Pc::Idle => run.process.pool.give_back(),
            Pc::Sleep => run.process.pool.busy -= 1,
        }
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        let words = match self.0 {
            Pc::Take => "begins on a pool thread",
            Pc::Idle => "gives its pool thread back",
            Pc::Sleep => "has found no closure, and its pool thread goes to sleep",
        };
        words.to_owned()
    }

    fn waits(self, view: &View<'_>) -> Waits {
        match self.0 {
            Pc::Take if view.model.sleeps_in_two() && view.process.pool.busy == 0 => {
                Waits::InVain("the pool's threads sleep, and none was woken for it")
            }
            // The closures that run on the pool and do not end.
            Pc::Take => {
                let running = view
                    .process
                    .threads
                    .iter()
                    .filter(|thread| thread.is_pooled() && !thread.is_at(&TAKE));
                Waits::For(running.map(|thread| thread.id).collect())
            }
            Pc::Idle | Pc::Sleep => Waits::HELD,
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
        let mut pool = ComputePool::default();
        pool.push(1, false, FIRST);
        pool.push(1, false, SECOND);
        pool.push(1, true, THIRD);
        // The thread pops: it runs the closure that pushed the third.
        pool.popping = true;
        for expected in [THIRD, FIRST, SECOND] {
            for id in [FIRST, SECOND, THIRD] {
                assert_eq!(pool.may_take(1, id), id == expected);
            }
            pool.take(1, expected);
            pool.give_back();
        }
    }

    #[test]
    fn one_thread_that_found_its_deque_empty_may_take_the_last_closure_first() {
        let mut pool = ComputePool::default();
        for id in [FIRST, SECOND, THIRD] {
            pool.push(1, false, id);
        }
        let may_take = |pool: &ComputePool| [FIRST, SECOND, THIRD].map(|id| pool.may_take(1, id));
        assert_eq!(may_take(&pool), [true, false, true]);
        pool.take(1, THIRD);
        pool.give_back();
        assert_eq!(may_take(&pool), [true, false, false], "it has more to pop");
    }

    #[test]
    fn one_thread_takes_closures_of_unknown_order_in_any() {
        let mut pool = ComputePool::default();
        pool.push(1, false, FIRST);
        pool.push(1, true, THIRD);
        pool.push_beside(SECOND);
        assert_eq!(pool.front(), [SECOND, THIRD]);
        pool.take(1, THIRD);
        pool.give_back();
        assert_eq!([FIRST, SECOND].map(|id| pool.may_take(1, id)), [false, true]);
    }

    #[test]
    fn a_push_wakes_a_thread_that_sleeps_and_none_that_is_about_to() {
        let mut pool = ComputePool::default();
        pool.wake(1);
        assert_eq!(pool.awake, 1, "it slept");
        pool.wake(1);
        assert_eq!(pool.awake, 1, "there is no other one");
        (pool.awake, pool.busy) = (0, 1);
        pool.wake(1);
        assert_eq!(pool.awake, 0, "it has looked, and does not sleep yet");
        pool.wake(2);
        assert_eq!(pool.awake, 1, "the other one sleeps");
    }

    #[test]
    fn several_threads_run_any_closure_but_no_more_than_they_are() {
        let mut pool = ComputePool::default();
        for id in [FIRST, SECOND, THIRD] {
            pool.push(2, false, id);
        }
        pool.take(2, SECOND);
        assert!(pool.may_take(2, THIRD));
        pool.take(2, THIRD);
        assert!(!pool.may_take(2, FIRST));
    }
}
