//! `map` with `num_parallel_calls` (`kernels/data/parallel_map_iterator.cc`): a runner thread starts calls, the consumer takes their
//! results in order.
//!
//! One condition variable serves the consumer, the runner and the destructor, so every change wakes all. A call completes on the
//! pool, or on the runner where there is nothing to parse; its result has a notification of its own. After the end of the data the
//! runner goes on to fill free places with results that say "end".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::captured_function::{self, Call};
use super::delivery::Outcome;
use super::{IteratorId, Name, Tree, batch, datasets, iterator_is_destroyed, prefetch, tree};
use crate::machine::{Access, Condvar, ProcessId, SpuriousWakeups};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::Pc as AnyPc;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use crate::models::tensorflow::mechanisms::room::Mechanism;
use crate::models::tensorflow::process::{Process, ThreadId};

labels! {
    GET_NEXT = "ParallelMap.get_next", "ParallelMapIterator::GetNextInternal", "parallel_map_iterator.cc:78";
    AWAIT = "ParallelMap.await_result", "ParallelMapIterator::GetNextInternal (WaitForNotification)", "parallel_map_iterator.cc:94";
    RUNNER = "ParallelMap.start_calls", "ParallelMapIterator::RunnerThread", "parallel_map_iterator.cc:240";
    COMPLETED = "ParallelMap.call_completed", "ParallelMapIterator::CallCompleted", "parallel_map_iterator.cc:189";
    NOTIFY = "ParallelMap.notify_result", "ParallelMapIterator::CallCompleted (Notify)", "parallel_map_iterator.cc:196";
    DESTROY = "ParallelMap.destroy", "ParallelMapIterator::~ParallelMapIterator", "parallel_map_iterator.cc:48";
    JOIN = "ParallelMap.join", "ParallelMapIterator::~ParallelMapIterator (runner_thread_)", "env.cc:47";
}

program_counter! { ParallelMap;
    /// The consumer wants a result.
    GetNext(id: IteratorId) => GET_NEXT,
    /// The consumer waits for the result that it took.
    Await(id: IteratorId) => AWAIT,
    /// The runner wants to start calls.
    Runner(id: IteratorId) => RUNNER,
    /// A call counts itself out.
    Completed(id: IteratorId, number: u16) => COMPLETED,
    /// A callback notifies who waits for its result.
    Notify(id: IteratorId, number: u16) => NOTIFY,
    /// The runner does so, and turns to its next call.
    NotifyAndGoOn(id: IteratorId, number: u16) => NOTIFY,
    /// The destructor tells the runner to end and waits for the calls.
    Destroy(id: IteratorId) => DESTROY,
    /// The destructor waits for the runner.
    Join(id: IteratorId) => JOIN,
}

objects! { ParallelMap;
    /// The mutex of `ParallelMapIterator` and what it guards.
    Map(IteratorId) = "map" per Iterator,
    /// The notifications of its `InvocationResult`s.
    Results(IteratorId) = "results" per Iterator,
    /// The threads of an iterator, to those that join them.
    Threads(IteratorId) = "threads" per Iterator,
}

/// `InvocationResult`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Invocation {
    /// Its place in the order of calls.
    pub number: u16,
    /// Outcome that the call came to, or will come to.
    pub outcome: Option<Outcome>,
    /// `notification`.
    pub notified: bool,
}

/// The state behind the mutex.
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
    /// The results that consumers took and wait for: each on the stack of its consumer.
    pub taken: SmallVec<[(ThreadId, Invocation); 1]>,
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

    /// Returns the result of a call, while a consumer or the runner has it.
    fn invocation(&mut self, number: u16) -> Option<&mut Invocation> {
        let taken = self.taken.iter_mut().map(|(_, invocation)| invocation);
        let mut known = self.results.iter_mut().chain(taken);
        known.find(|invocation| invocation.number == number)
    }

    /// Returns the result that a consumer waits for.
    fn taken_by(&self, consumer: ThreadId) -> Option<&Invocation> {
        let mut taken = self.taken.iter();
        taken.find_map(|(thread, invocation)| (*thread == consumer).then_some(invocation))
    }
}

/// Asks for a result for the consumer.
pub(super) fn get_next(id: IteratorId) -> AnyPc {
    Pc::GetNext(id).into()
}

/// Destroys an iterator, from `map` down.
pub(super) fn destroy(id: IteratorId) -> AnyPc {
    Pc::Destroy(id).into()
}

/// Completes a call, on the thread of its callback.
pub(super) fn completes(id: IteratorId, number: u16) -> [AnyPc; 2] {
    [Pc::Completed(id, number).into(), Pc::Notify(id, number).into()]
}

/// Takes the answer of `batch` for the runner's call.
pub(super) fn map_input(run: &mut Run<'_>, id: IteratorId, outcome: Outcome) {
    let tree = tree(run, id);
    let number = tree.runner.number;
    let parses = matches!(outcome, Outcome::Batch(_));
    if let Some(invocation) = tree.map.invocation(number) {
        invocation.outcome = Some(outcome);
    }
    if parses {
        run.then([captured_function::run(id, Call::Map(number))]);
    } else {
        run.then([Pc::Completed(id, number), Pc::NotifyAndGoOn(id, number)]);
    }
}

/// Lists what [`map_input`] may do: with a batch, or without.
pub(super) fn next_of_map_input(next: &mut Next<'_>, id: IteratorId, may_have_batch: bool) {
    next.then(may_have_batch.then(|| captured_function::run(id, Call::Map(u16::MAX))));
    next.then([Pc::Completed(id, u16::MAX), Pc::NotifyAndGoOn(id, u16::MAX)]);
}

/// Leaves a call for which the runner has done what it can, and turns to the next one of its list, or looks for more.
pub(super) fn next_call(run: &mut Run<'_>, id: IteratorId) {
    let frame = &mut tree(run, id).runner;
    frame.number += 1;
    if frame.number < frame.end {
        return batch::get_next(run, id);
    }
    *frame = super::RunnerFrame::default();
    run.then([Pc::Runner(id)]);
}

/// Lists what [`next_call`] may do.
pub(super) fn next_of_next_call(next: &mut Next<'_>, id: IteratorId) {
    next.then([Pc::Runner(id)]);
    batch::next_of_get_next(next, id);
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for tree in super::trees(process) {
            let map = &tree.map;
            let numbers: Vec<u16> = map.results.iter().map(|result| result.number).collect();
            let value = (map.started, map.cancelled, map.calls, &numbers, map.next, &map.condvar);
            inventory.add(Object::Map(tree.id), &value, || {
                let cancelled = if map.cancelled { "; cancelled" } else { "" };
                format!("{} calls open, results {numbers:?}{cancelled}", map.calls)
            });
            let taken = map.taken.iter().map(|(_, invocation)| invocation);
            let notified = map.results.iter().chain(taken).filter(|result| result.notified);
            let notified: BTreeSet<u16> = notified.map(|result| result.number).collect();
            inventory.value(Object::Results(tree.id), &notified);
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let monitor = |id| {
            let map = context.uses(Object::Map(id), Access::Write);
            map.when(|view| {
                let tree = super::trees(view.process).find(|tree| tree.id == id);
                tree.is_none_or(|tree| tree.map.condvar.may_wake(view.thread.id, SpuriousWakeups::Never))
            })
        };
        match self.0 {
            Pc::GetNext(id) | Pc::Runner(id) | Pc::Completed(id, _) | Pc::Destroy(id) => monitor(id),
            // Only the one that waits for a result looks at its notification, and can't before it is notified.
            Pc::Await(id) => {
                let result = context.uses(Object::Results(id), Access::BothMover);
                result.when(|view| {
                    let taken = view.tree(id).map.taken_by(view.thread.id);
                    taken.is_some_and(|taken| taken.notified)
                })
            }
            Pc::Notify(id, _) | Pc::NotifyAndGoOn(id, _) => context.uses(Object::Results(id), Access::BothMover),
            // A thread that has ended stays so.
            Pc::Join(id) => {
                let threads = context.uses(Object::Threads(id), Access::BothMover);
                threads.when(|view| view.has_ended(Name::Runner(id)))
            }
        }
    }

    fn next(self, next: &mut Next<'_>) {
        match self.0 {
            Pc::GetNext(id) => {
                if !next.facts.iterator_resource.tree(id).runs {
                    next.spawn(ThreadId::Dataset(Name::Runner(id)), [Pc::Runner(id)]);
                }
                next.then([Pc::GetNext(id), Pc::Await(id)]);
            }
            Pc::Runner(id) => {
                next.then([Pc::Runner(id)]);
                batch::next_of_get_next(next, id);
            }
            Pc::NotifyAndGoOn(id, _) => next_of_next_call(next, id),
            Pc::Await(_) | Pc::Completed(..) | Pc::Notify(..) => {}
            Pc::Destroy(id) => next.then([Pc::Destroy(id), Pc::Join(id)]),
            Pc::Join(id) => next.then(
                next.facts
                    .iterator_resource
                    .tree(id)
                    .has_input
                    .then(|| prefetch::cancel(id)),
            ),
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::GetNext(id) => map_get_next(run, id),
            Pc::Await(id) => {
                let thread = run.thread.id;
                let tree = tree(run, id);
                let place = tree.map.taken.iter().position(|(consumer, _)| *consumer == thread);
                let answer = tree.map.taken.remove(place.expect("a result is waited for"));
                tree.answers.push(answer);
                tree.answers.sort_unstable_by_key(|(consumer, _)| *consumer);
            }
            Pc::Runner(id) => run_calls(run, id),
            Pc::Completed(id, _) => {
                let map = &mut tree(run, id).map;
                map.calls -= 1;
                map.condvar.notify_all();
            }
            Pc::Notify(id, number) => notify_result(run, id, number),
            Pc::NotifyAndGoOn(id, number) => {
                notify_result(run, id, number);
                next_call(run, id);
            }
            Pc::Destroy(id) => {
                let thread = run.thread.id;
                let map = &mut tree(run, id).map;
                if !std::mem::replace(&mut map.cancelled, true) {
                    map.condvar.notify_all();
                }
                let waits = map.calls > 0;
                if waits {
                    map.condvar.wait(thread);
                }
                run.then([if waits { Pc::Destroy(id) } else { Pc::Join(id) }]);
            }
            Pc::Join(id) if tree(run, id).has_input => run.then([prefetch::cancel(id)]),
            Pc::Join(id) => iterator_is_destroyed(run, id),
        }
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::GetNext(_) => "takes the oldest result of map, or waits for one",
            Pc::Await(_) => "finds the result that it took complete",
            Pc::Runner(_) => "starts as many calls as there is room for, or waits for room",
            Pc::Completed(_, number) => return format!("counts call {number} out and wakes all who wait for map"),
            Pc::Notify(_, number) | Pc::NotifyAndGoOn(_, number) => {
                return format!("notifies who waits for result {number}");
            }
            Pc::Destroy(_) => "tells the runner to end and waits for the open calls",
            Pc::Join(_) => "joins the runner",
        };
        text.to_owned()
    }

    fn waits(self, view: &View<'_>) -> Waits {
        match self.0 {
            Pc::GetNext(id) | Pc::Join(id) => Waits::one(Name::Runner(id)),
            Pc::Await(id) => {
                let tree = view.tree(id);
                let taken = tree.map.taken_by(view.thread.id);
                Waits::For(taken.map_or_else(Vec::new, |taken| who_completes(tree, taken.number)))
            }
            Pc::Destroy(id) => Waits::For(in_flight(view.tree(id), view.process)),
            Pc::Runner(_) => Waits::InVain("its results are full, and nobody takes one"),
            Pc::Completed(..) | Pc::Notify(..) | Pc::NotifyAndGoOn(..) => Waits::HELD,
        }
    }

    fn erased(self) -> Self {
        Self(match self.0 {
            Pc::Completed(id, _) => Pc::Completed(id, u16::MAX),
            Pc::Notify(id, _) => Pc::Notify(id, u16::MAX),
            Pc::NotifyAndGoOn(id, _) => Pc::NotifyAndGoOn(id, u16::MAX),
            other => other,
        })
    }
}

fn map_get_next(run: &mut Run<'_>, id: IteratorId) {
    let thread = run.thread.id;
    let map = &mut tree(run, id).map;
    let starts = !std::mem::replace(&mut map.started, true);
    let next = if map.results.is_empty() {
        map.condvar.wait(thread);
        Pc::GetNext(id)
    } else {
        map.taken.push((thread, map.results.remove(0)));
        map.taken.sort_unstable_by_key(|(consumer, _)| *consumer);
        map.condvar.notify_all();
        Pc::Await(id)
    };
    if starts {
        run.spawn(ThreadId::Dataset(Name::Runner(id)), [Pc::Runner(id)]);
    }
    run.then([next]);
}

/// Runs a round of the runner's loop.
fn run_calls(run: &mut Run<'_>, id: IteratorId) {
    let (limit, thread) = (run.model.the_pipeline().num_parallel_calls, run.thread.id);
    let tree = tree(run, id);
    if tree.map.cancelled {
        return;
    }
    if tree.map.is_busy(limit) {
        tree.map.condvar.wait(thread);
        return run.then([Pc::Runner(id)]);
    }
    (tree.runner.number, tree.runner.end) = tree.map.start_calls(limit);
    batch::get_next(run, id);
}

/// Notifies the result: the callback holds the result, and with it the notification, even where the iterator is destroyed by now.
fn notify_result(run: &mut Run<'_>, id: IteratorId, number: u16) {
    let mut trees = datasets(run).trees.iter_mut();
    if let Some(tree) = trees.find(|tree| tree.id == id)
        && let Some(invocation) = tree.map.invocation(number)
    {
        invocation.notified = true;
    }
}

/// Returns the closures of a call of `map`, or the runner that has not called it yet.
fn who_completes(tree: &Tree, number: u16) -> Vec<ThreadId> {
    let mut threads = Call::Map(number).closures(tree.id);
    if (tree.runner.number..tree.runner.end).contains(&number) {
        threads.push(ThreadId::Dataset(Name::Runner(tree.id)));
    }
    threads
}

/// Returns the threads that can complete the calls for which the destructor of `map` waits.
fn in_flight(tree: &Tree, process: &Process) -> Vec<ThreadId> {
    let completes = |id: &ThreadId| match id {
        ThreadId::Dataset(Name::Body(of, Call::Map(_)) | Name::Callback(of, Call::Map(_))) => *of == tree.id,
        ThreadId::Dataset(Name::Runner(of)) => *of == tree.id && tree.runner.number < tree.runner.end,
        _ => false,
    };
    process
        .threads
        .iter()
        .map(|thread| thread.id)
        .filter(completes)
        .collect()
}
