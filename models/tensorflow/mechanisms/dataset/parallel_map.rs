//! `map` with `num_parallel_calls` (`tf-data.md` section 5; `kernels/data/parallel_map_iterator.cc`): a runner thread starts calls,
//! the consumer takes their results in order.
//!
//! One condition variable serves the consumer, the runner and the destructor, so every change wakes all. A call completes on the
//! pool, or on the runner where there is nothing to parse; its result has a notification of its own. After the end of the data the
//! runner goes on to fill free places with results that say "end".

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::delivery::Outcome;
use super::{At as Stage, IteratorId, Name, Object, captured_function, prefetch};
use crate::machine::{Access, Condvar, Label, SpuriousWakeups};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::objects::Object as Any;
use crate::models::tensorflow::process::ThreadId;

static GET_NEXT: Label = Label {
    name: "ParallelMap.get_next",
    function: "ParallelMapIterator::GetNextInternal",
    site: "parallel_map_iterator.cc:78",
};
static AWAIT: Label = Label {
    name: "ParallelMap.await_result",
    function: "ParallelMapIterator::GetNextInternal (WaitForNotification)",
    site: "parallel_map_iterator.cc:94",
};
static RUNNER: Label = Label {
    name: "ParallelMap.start_calls",
    function: "ParallelMapIterator::RunnerThread",
    site: "parallel_map_iterator.cc:240",
};
static COMPLETED: Label = Label {
    name: "ParallelMap.call_completed",
    function: "ParallelMapIterator::CallCompleted",
    site: "parallel_map_iterator.cc:189",
};
static NOTIFY: Label = Label {
    name: "ParallelMap.notify_result",
    function: "ParallelMapIterator::CallCompleted (Notify)",
    site: "parallel_map_iterator.cc:196",
};
static DESTROY: Label = Label {
    name: "ParallelMap.destroy",
    function: "ParallelMapIterator::~ParallelMapIterator",
    site: "parallel_map_iterator.cc:48",
};
static JOIN: Label = Label {
    name: "ParallelMap.join",
    function: "ParallelMapIterator::~ParallelMapIterator (runner_thread_)",
    site: "env.cc:47",
};

/// Positions in `map`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The consumer wants a result.
    GetNext(IteratorId),
    /// The consumer waits for the result that it took.
    Await(IteratorId),
    /// The runner wants to start calls.
    Runner(IteratorId),
    /// A call counts itself out.
    Completed(IteratorId, u16),
    /// A call notifies who waits for its result.
    Notify(IteratorId, u16),
    /// The destructor tells the runner to end and waits for the calls.
    Destroy(IteratorId),
    /// The destructor waits for the runner.
    Join(IteratorId),
}

/// `InvocationResult`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Invocation {
    /// Its place in the order of calls.
    pub number: u16,
    /// What the call came to, or will come to.
    pub outcome: Option<Outcome>,
    /// `notification`.
    pub notified: bool,
}

/// What the mutex guards.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ParallelMap {
    /// Whether `runner_thread_` was started.
    pub started: bool,
    /// `cancelled_`.
    pub cancelled: bool,
    /// `num_calls_`.
    pub calls: u8,
    /// `invocation_results_`, oldest first.
    pub results: SmallVec<[Invocation; 1]>,
    /// The result that the consumer took and waits for: on the consumer's stack.
    pub taken: Option<Invocation>,
    /// Number of the next call.
    pub next: u16,
    /// `cond_var_`.
    pub condvar: Condvar<ThreadId>,
}

impl ParallelMap {
    fn is_busy(&self, limit: u8) -> bool {
        self.calls >= limit || self.results.len() >= usize::from(limit)
    }

    /// Adds calls until none fits any more; returns the first and the one after the last.
    fn start_calls(&mut self, limit: u8) -> (u16, u16) {
        let first = self.next;
        while !self.is_busy(limit) {
            self.results.push(Invocation {
                number: self.next,
                outcome: None,
                notified: false,
            });
            self.next += 1;
            self.calls += 1;
        }
        self.condvar.notify_all();
        (first, self.next)
    }

    /// The result of a call, while somebody has it.
    fn invocation(&mut self, number: u16) -> Option<&mut Invocation> {
        let mut known = self.results.iter_mut().chain(&mut self.taken);
        known.find(|invocation| invocation.number == number)
    }
}

impl View<'_> {
    pub(super) fn declare_map(&self, at: At) -> Declared {
        let monitor = |label, id| {
            let condvar = self.process.datasets.as_deref().and_then(|datasets| datasets.tree(id));
            let awake = condvar.is_none_or(|tree| tree.map.condvar.may_wake(self.thread.id, SpuriousWakeups::Never));
            Declared::new(label, Any::Dataset(Object::Map(id)), Access::Write).when(awake)
        };
        // Only the one that waits for a result looks at its notification, and cannot before it is notified.
        let result = |label, id| Declared::new(label, Any::Dataset(Object::Results(id)), Access::BothMover);
        match at {
            At::GetNext(id) => monitor(&GET_NEXT, id),
            At::Await(id) => {
                let taken = self.tree(id).map.taken.as_ref();
                result(&AWAIT, id).when(taken.is_some_and(|taken| taken.notified))
            }
            At::Runner(id) => monitor(&RUNNER, id),
            At::Completed(id, _) => monitor(&COMPLETED, id),
            At::Notify(id, _) => result(&NOTIFY, id),
            At::Destroy(id) => monitor(&DESTROY, id),
            // A thread that has ended stays so.
            At::Join(id) => Declared::new(&JOIN, Any::Dataset(Object::Threads(id)), Access::BothMover)
                .when(self.has_ended(Name::Runner(id))),
        }
    }
}

impl Run<'_> {
    pub(super) fn apply_map(&mut self, at: At) {
        match at {
            At::GetNext(id) => self.map_get_next(id),
            At::Await(id) => {
                let tree = self.tree(id);
                let taken = tree.map.taken.take().expect("a result is waited for");
                tree.answer = taken.outcome;
            }
            At::Runner(id) => self.run_calls(id),
            At::Completed(id, _) => {
                let map = &mut self.tree(id).map;
                map.calls -= 1;
                map.condvar.notify_all();
            }
            At::Notify(id, number) => self.notify_result(id, number),
            At::Destroy(id) => {
                let thread = self.thread.id;
                let map = &mut self.tree(id).map;
                if !std::mem::replace(&mut map.cancelled, true) {
                    map.condvar.notify_all();
                }
                let waits = map.calls > 0;
                if waits {
                    map.condvar.wait(thread);
                }
                self.goes_to(Stage::Map(if waits { At::Destroy(id) } else { At::Join(id) }));
            }
            At::Join(id) => {
                if self.tree(id).has_input {
                    self.goes_to(Stage::Prefetch(prefetch::At::Cancel(id)));
                } else {
                    self.iterator_is_destroyed(id);
                }
            }
        }
    }

    fn map_get_next(&mut self, id: IteratorId) {
        let thread = self.thread.id;
        let map = &mut self.tree(id).map;
        let starts = !std::mem::replace(&mut map.started, true);
        let next = if map.results.is_empty() {
            map.condvar.wait(thread);
            At::GetNext(id)
        } else {
            map.taken = Some(map.results.remove(0));
            map.condvar.notify_all();
            At::Await(id)
        };
        if starts {
            self.start_thread(Name::Runner(id), Stage::Map(At::Runner(id)));
        }
        self.goes_to(Stage::Map(next));
    }

    /// A round of the runner's loop.
    fn run_calls(&mut self, id: IteratorId) {
        let (limit, thread) = (self.model.the_pipeline().num_parallel_calls, self.thread.id);
        let tree = self.tree(id);
        if tree.map.cancelled {
            return;
        }
        if tree.map.is_busy(limit) {
            tree.map.condvar.wait(thread);
            return self.goes_to(Stage::Map(At::Runner(id)));
        }
        (tree.runner.number, tree.runner.end) = tree.map.start_calls(limit);
        self.batch_get_next(id);
    }

    /// `batch` has an answer for the runner's call.
    pub(super) fn map_input(&mut self, id: IteratorId, outcome: Outcome) {
        let tree = self.tree(id);
        let number = tree.runner.number;
        let parses = matches!(outcome, Outcome::Batch(_));
        if let Some(invocation) = tree.map.invocation(number) {
            invocation.outcome = Some(outcome);
        }
        if parses {
            let call = captured_function::Call::Map(number);
            self.goes_to(Stage::Function(captured_function::At::Run(id, call)));
        } else {
            self.goes_to(Stage::Map(At::Notify(id, number)));
            self.goes_to(Stage::Map(At::Completed(id, number)));
        }
    }

    /// The runner has done what it can for a call and turns to the next one of its list, or looks for more.
    pub(super) fn next_call(&mut self, id: IteratorId) {
        let frame = &mut self.tree(id).runner;
        frame.number += 1;
        if frame.number < frame.end {
            return self.batch_get_next(id);
        }
        *frame = super::RunnerFrame::default();
        self.goes_to(Stage::Map(At::Runner(id)));
    }

    /// The callback holds the result, and with it the notification, even where the iterator is destroyed by now.
    fn notify_result(&mut self, id: IteratorId, number: u16) {
        let mut trees = self.datasets().trees.iter_mut();
        if let Some(tree) = trees.find(|tree| tree.id == id)
            && let Some(invocation) = tree.map.invocation(number)
        {
            invocation.notified = true;
        }
        if self.thread.id == ThreadId::Dataset(Name::Runner(id)) {
            self.next_call(id);
        }
    }
}
