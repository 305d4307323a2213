//! Queue input: a `FIFOQueue` on the worker, filled by a queue runner (`kernels/queue_base.cc`, `fifo_queue.cc`,
//! `framework/cancellation.cc`).
//!
//! An operation on a queue is an *attempt* in one of two lists; no thread waits for it. Whoever adds one flushes the lists: with the mutex
//! held it completes what can be completed, of whichever step; then, without the mutex, it takes each completed attempt's callback out of
//! the cancellation manager of its step, and runs the attempt's completion. So a pool thread of an enqueue step runs the nodes of a
//! training step. `DeregisterCallback` waits while that manager cancels: it is where a pool thread can be blocked.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::cancellation::{Cancelling, Object as CancellationObject};
use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::executor;
use super::room::Mechanism;
use crate::machine::{Access, Lock, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::process::{NodeId, Process, StepId, ThreadId};

labels! {
    TRY = "Queue.lock", "FIFOQueue::TryDequeue, TryEnqueue", "fifo_queue.cc:155";
    REGISTER = "Queue.register_cancel", "CancellationManager::RegisterCallback", "cancellation.cc:61";
    REFUSED = "Queue.refused", "FIFOQueue::TryDequeue (already cancelled)", "fifo_queue.cc:190";
    APPEND = "Queue.append", "QueueBase::Attempt", "fifo_queue.cc:166";
    CLOSE = "Queue.close", "QueueBase::Close", "queue_base.cc:240";
    FLUSH = "Queue.flush", "QueueBase::FlushUnlocked", "queue_base.cc:314";
    DEREGISTER = "Queue.deregister_cancel", "CancellationManager::DeregisterCallback", "cancellation.cc:72";
    CANCEL = "Queue.cancel", "QueueBase::Cancel", "queue_base.cc:188";
}

program_counter! { Queue;
    /// Takes the queue's mutex.
    Lock(step, node) => TRY,
    /// Holding it: registers with the cancellation manager of the step.
    Register(step, node) => REGISTER,
    /// Holding it: the step is cancelled already.
    Refused(step, node) => REFUSED,
    /// Holding it: the attempt goes into its list, and the mutex is released.
    Append(step, node) => APPEND,
    /// The close goes into the list of enqueues.
    Close(step, node) => CLOSE,
    /// Completes what can be completed.
    Flush => FLUSH,
    /// The attempt of a node is complete, and whether well: its callback is taken out of the cancellation manager.
    Deregister(step, node, ok: bool) => DEREGISTER,
    /// The cancellation manager of the step cancels the attempt of a node.
    Cancel(step, node) => CANCEL,
}

objects! { Queue;
    /// The queue of a worker: its elements and its attempts.
    FifoQueue = "fifo_queue" per Process,
}

/// An operation that waits in the queue or is completed by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its step.
    pub step: StepId,
    /// Its node.
    pub node: NodeId,
    /// Kind of the attempt.
    pub kind: AttemptKind,
    /// Whether it was cancelled and so is over already.
    pub cancelled: bool,
}

/// The kind of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum AttemptKind {
    /// Adds an element.
    Enqueue,
    /// Takes one.
    Dequeue,
    /// Closes the queue to later enqueues.
    Close,
}

/// `FIFOQueue`. Elements are alike, so their number stands for them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    /// Number of elements that it takes.
    pub capacity: u8,
    /// Number of elements that it has.
    pub size: u8,
    /// `closed_`.
    pub closed: bool,
    /// The mutex, while an attempt registers with its cancellation manager.
    pub lock: Lock<ThreadId>,
    /// `enqueue_attempts_`, closes among them, first first.
    pub enqueues: SmallVec<[Attempt; 2]>,
    /// `dequeue_attempts_`.
    pub dequeues: SmallVec<[Attempt; 2]>,
}

impl Queue {
    /// Returns an empty one.
    pub fn new(capacity: u8) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// Adds an attempt to its list.
    pub fn append(&mut self, attempt: Attempt) {
        match attempt.kind {
            AttemptKind::Dequeue => self.dequeues.push(attempt),
            AttemptKind::Enqueue | AttemptKind::Close => self.enqueues.push(attempt),
        }
    }

    /// Runs `FlushUnlocked` while it holds the mutex: alternates between the lists until neither gets on. Returns what it completed, in
    /// order, and whether well.
    pub fn flush(&mut self) -> Vec<(Attempt, bool)> {
        let mut completed = Vec::new();
        loop {
            let before = completed.len();
            self.advance(true, &mut completed);
            self.advance(false, &mut completed);
            if completed.len() == before {
                return completed;
            }
        }
    }

    /// Runs `TryAttemptLocked`: completes attempts of one list from its front, and drops those that were cancelled.
    fn advance(&mut self, enqueues: bool, completed: &mut Vec<(Attempt, bool)>) {
        loop {
            let list = if enqueues { &self.enqueues } else { &self.dequeues };
            let Some(&first) = list.first() else { return };
            if !first.cancelled {
                let Some(ok) = self.attempt(first.kind) else { return };
                completed.push((first, ok));
            }
            let list = if enqueues {
                &mut self.enqueues
            } else {
                &mut self.dequeues
            };
            list.remove(0);
        }
    }

    /// Runs an attempt that is the first of its list: none if it has to wait, else whether it went well.
    fn attempt(&mut self, kind: AttemptKind) -> Option<bool> {
        match kind {
            AttemptKind::Close => Some(!std::mem::replace(&mut self.closed, true)),
            AttemptKind::Enqueue if self.closed => Some(false),
            AttemptKind::Enqueue if self.size < self.capacity => {
                self.size += 1;
                Some(true)
            }
            AttemptKind::Dequeue if self.size > 0 => {
                self.size -= 1;
                Some(true)
            }
            AttemptKind::Dequeue if self.closed => Some(false),
            AttemptKind::Enqueue | AttemptKind::Dequeue => None,
        }
    }

    /// Runs `Cancel`: marks the attempt of a node, and returns true unless it is complete or marked.
    pub fn cancel(&mut self, step: StepId, node: NodeId) -> bool {
        let mut attempts = self.enqueues.iter_mut().chain(&mut self.dequeues);
        match attempts.find(|attempt| (attempt.step, attempt.node) == (step, node)) {
            Some(attempt) => !std::mem::replace(&mut attempt.cancelled, true),
            None => false,
        }
    }

    /// Returns the attempt of a node that waits.
    pub fn waiting(&self, step: StepId) -> impl Iterator<Item = &Attempt> {
        let all = self.enqueues.iter().chain(&self.dequeues);
        all.filter(move |attempt| attempt.step == step && !attempt.cancelled)
    }
}

/// Begins an attempt on the queue.
pub(super) fn attempt(step: StepId, node: NodeId) -> super::Pc {
    Pc::Lock(step, node).into()
}

/// Closes the queue.
pub(super) fn close(step: StepId, node: NodeId) -> super::Pc {
    Pc::Close(step, node).into()
}

/// Cancels the attempt of a node.
pub(super) fn cancel(step: StepId, node: NodeId) -> super::Pc {
    Pc::Cancel(step, node).into()
}

impl TensorFlow {
    /// Returns the nodes of a process's steps that use its queue.
    pub(in crate::models) fn queue_nodes(&self, id: ProcessId) -> impl Iterator<Item = (StepId, NodeId)> {
        self.steps_of(id).flat_map(move |step| {
            let nodes = &self.graph(step).partitions[self.partition(step, id)].nodes;
            let uses = |kind| matches!(kind, NodeKind::Dequeue | NodeKind::Enqueue | NodeKind::CloseQueue);
            let nodes = (0..).zip(nodes).filter(move |(_, node)| uses(node.kind));
            nodes.map(move |(node, _)| (step, node))
        })
    }
}

/// Lists how an attempt that is complete goes on. A close is not registered with any cancellation manager.
fn complete(model: &TensorFlow, step: StepId, node: NodeId, closes: bool, ok: bool) -> SmallVec<[super::Pc; 2]> {
    if closes {
        executor::node_done(model, step, node, ok, false).into_iter().collect()
    } else {
        SmallVec::from_iter([Pc::Deregister(step, node, ok).into()])
    }
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        if let Some(queue) = &process.queue {
            inventory.add(Object::FifoQueue, queue, || {
                let open = if queue.closed { "closed" } else { "open" };
                let waiting = queue.enqueues.len() + queue.dequeues.len();
                format!("{open}, {} elements, {waiting} attempts wait", queue.size)
            });
            inventory.lock(Object::FifoQueue, queue.lock.owner());
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let on_queue = context.uses(Object::FifoQueue, Access::Write);
        let free = |view: &View<'_>| view.process.queue.as_ref().is_some_and(|queue| queue.lock.is_free());
        match self.0 {
            Pc::Lock(..) | Pc::Close(..) | Pc::Flush | Pc::Cancel(..) => on_queue.when(free),
            Pc::Register(step, _) => context.uses(CancellationObject::Cancellation(step), Access::Write),
            Pc::Refused(..) | Pc::Append(..) => on_queue,
            Pc::Deregister(step, ..) => {
                let manager = context.uses(CancellationObject::Cancellation(step), Access::Write);
                manager.when(|view| {
                    let execution = view.process.execution(step);
                    execution.is_none_or(|execution| execution.cancelling != Cancelling::Now)
                })
            }
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            Pc::Lock(step, node) => next.then([Pc::Register(step, node)]),
            Pc::Register(step, node) => next.then([Pc::Append(step, node), Pc::Refused(step, node)]),
            Pc::Refused(step, node) => executor::node_may_fail(next, step, node, false),
            Pc::Append(..) | Pc::Close(..) => next.then([Pc::Flush]),
            Pc::Flush => {
                for (step, node) in model.queue_nodes(next.id) {
                    let closes = model.node(step, next.id, node).kind == NodeKind::CloseQueue;
                    for ok in [true, false] {
                        next.then(complete(model, step, node, closes, ok));
                    }
                }
            }
            Pc::Deregister(step, node, ok) => next.then(executor::node_done(model, step, node, ok, false)),
            Pc::Cancel(step, node) => {
                next.then([Pc::Flush]);
                executor::node_may_fail(next, step, node, false);
            }
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        let (model, thread) = (run.model, run.thread.id);
        match self.0 {
            Pc::Lock(step, node) => {
                queue(run).lock.acquire(thread);
                run.then([Pc::Register(step, node)]);
            }
            Pc::Register(step, node) => {
                let execution = run.process.execution_mut(step);
                let open = execution.cancelling == Cancelling::No;
                if open {
                    execution.callbacks.push(node);
                    execution.callbacks.sort_unstable();
                }
                run.then([if open {
                    Pc::Append(step, node)
                } else {
                    Pc::Refused(step, node)
                }]);
            }
            Pc::Refused(step, node) => {
                queue(run).lock.release(thread);
                run.then(executor::node_done(model, step, node, false, false));
            }
            Pc::Append(step, node) => {
                let kind = match run.node(step, node).kind {
                    NodeKind::Enqueue => AttemptKind::Enqueue,
                    _ => AttemptKind::Dequeue,
                };
                queue(run).lock.release(thread);
                append(run, step, node, kind);
            }
            Pc::Close(step, node) => append(run, step, node, AttemptKind::Close),
            Pc::Flush => {
                let completed = queue(run).flush();
                run.then(completed.into_iter().flat_map(|(attempt, ok)| {
                    let closes = attempt.kind == AttemptKind::Close;
                    complete(model, attempt.step, attempt.node, closes, ok)
                }));
            }
            Pc::Deregister(step, node, ok) => {
                run.process.execution_mut(step).callbacks.retain(|other| *other != node);
                run.then(executor::node_done(model, step, node, ok, false));
            }
            Pc::Cancel(step, node) => {
                if queue(run).cancel(step, node) {
                    run.then([Pc::Flush]);
                    run.then(executor::node_done(model, step, node, false, false));
                }
            }
        }
    }

    fn words(self, view: &View<'_>, _choice: u32) -> String {
        let name = |step, node| view.node_name(step, node);
        match self.0 {
            Pc::Lock(step, node) => format!("takes the queue's mutex for {}", name(step, node)),
            Pc::Register(step, node) => {
                format!("registers {} with the step's cancellation manager", name(step, node))
            }
            Pc::Refused(step, node) => format!("fails {}, since the step is cancelled already", name(step, node)),
            Pc::Append(step, node) => format!("adds the attempt of {} to the queue", name(step, node)),
            Pc::Close(..) => "adds the close to the queue".to_owned(),
            Pc::Flush => "completes what the queue can complete".to_owned(),
            Pc::Deregister(step, node, _) => {
                format!(
                    "takes the attempt of {} out of its cancellation manager",
                    name(step, node)
                )
            }
            Pc::Cancel(step, node) => format!("cancels the attempt of {}, if it still waits", name(step, node)),
        }
    }
}

fn queue<'a>(run: &'a mut Run<'_>) -> &'a mut Queue {
    run.process.queue.as_mut().expect("the process has the queue")
}

fn append(run: &mut Run<'_>, step: StepId, node: NodeId, kind: AttemptKind) {
    queue(run).append(Attempt {
        step,
        node,
        kind,
        cancelled: false,
    });
    run.then([Pc::Flush]);
}

#[cfg(test)]
mod tests;
