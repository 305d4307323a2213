//! Queue input: a `FIFOQueue` on the worker, filled by a queue runner (`tf-data.md` section 8; `kernels/queue_base.cc`, `fifo_queue.cc`,
//! `framework/cancellation.cc`).
//!
//! An operation on a queue is an *attempt* in one of two lists; no thread waits for it. Whoever adds one flushes the lists: with the mutex held
//! it completes what can be completed, of whichever step; then, without the mutex, it takes each completed attempt's callback out of the
//! cancellation manager of its step, and runs the attempt's completion. So a pool thread of an enqueue step runs the nodes of a training step.
//! `DeregisterCallback` waits while that manager cancels: it is where a pool thread can be blocked.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::machine::{Access, Label, Lock};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::cancellation::Cancelling;
use crate::models::tensorflow::mechanisms::executor;
use crate::models::tensorflow::mechanisms::master::permutation;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, NodeId, StepId, ThreadId};

static TRY: Label = Label {
    name: "Queue.lock",
    function: "FIFOQueue::TryDequeue, TryEnqueue",
    site: "fifo_queue.cc:155",
};
static REGISTER: Label = Label {
    name: "Queue.register_cancel",
    function: "CancellationManager::RegisterCallback",
    site: "cancellation.cc:57",
};
static REFUSED: Label = Label {
    name: "Queue.refused",
    function: "FIFOQueue::TryDequeue (already cancelled)",
    site: "fifo_queue.cc:190",
};
static APPEND: Label = Label {
    name: "Queue.append",
    function: "QueueBase::Attempt",
    site: "fifo_queue.cc:166",
};
static CLOSE: Label = Label {
    name: "Queue.close",
    function: "QueueBase::Close",
    site: "queue_base.cc:240",
};
static FLUSH: Label = Label {
    name: "Queue.flush",
    function: "QueueBase::FlushUnlocked",
    site: "queue_base.cc:314",
};
static DEREGISTER: Label = Label {
    name: "Queue.deregister_cancel",
    function: "CancellationManager::DeregisterCallback",
    site: "cancellation.cc:72",
};
static CANCEL: Label = Label {
    name: "Queue.cancel",
    function: "QueueBase::Cancel",
    site: "queue_base.cc:188",
};

/// Positions in an operation on the queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// Takes the queue's mutex.
    Lock(StepId, NodeId),
    /// Holding it: registers with the cancellation manager of the step.
    Register(StepId, NodeId),
    /// Holding it: the step is cancelled already.
    Refused(StepId, NodeId),
    /// Holding it: the attempt goes into its list, and the mutex is released.
    Append(StepId, NodeId),
    /// The close goes into the list of enqueues.
    Close(StepId, NodeId),
    /// Completes what can be completed.
    Flush,
    /// The attempt of a node is complete, and whether well: its callback is taken out of the cancellation manager.
    Deregister(StepId, NodeId, bool),
    /// The cancellation manager of the step cancels the attempt of a node.
    Cancel(StepId, NodeId),
}

/// An operation that waits in the queue or is completed by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its step.
    pub step: StepId,
    /// Its node.
    pub node: NodeId,
    /// What it does.
    pub kind: AttemptKind,
    /// Whether it was cancelled and so is over already.
    pub cancelled: bool,
}

/// What an attempt does.
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
    /// How many elements it takes.
    pub capacity: u8,
    /// How many it has.
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
    /// An empty one.
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

    /// `FlushUnlocked` while it holds the mutex: alternates between the lists until neither gets on. Returns what it completed, in order, and
    /// whether well.
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

    /// `TryAttemptLocked`: completes attempts of one list from its front, and drops those that were cancelled.
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

    /// `Cancel`: marks the attempt of a node, unless it is complete or marked; whether it was there to mark.
    pub fn cancel(&mut self, step: StepId, node: NodeId) -> bool {
        let mut attempts = self.enqueues.iter_mut().chain(&mut self.dequeues);
        match attempts.find(|attempt| (attempt.step, attempt.node) == (step, node)) {
            Some(attempt) => !std::mem::replace(&mut attempt.cancelled, true),
            None => false,
        }
    }

    /// The attempt of a node that waits.
    pub fn waiting(&self, step: StepId) -> impl Iterator<Item = &Attempt> {
        let all = self.enqueues.iter().chain(&self.dequeues);
        all.filter(move |attempt| attempt.step == step && !attempt.cancelled)
    }
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(in crate::models) fn declare_queue(&self, at: At) -> Declared {
        let queue = self.process.queue.as_ref().expect("the process has the queue");
        let on_queue = |label| Declared::new(label, Object::FifoQueue, Access::Write);
        let cancelling = |step| {
            self.process
                .execution(step)
                .is_some_and(|execution| execution.cancelling == Cancelling::Now)
        };
        match at {
            At::Lock(..) => on_queue(&TRY).when(queue.lock.is_free()),
            At::Register(step, _) => Declared::new(&REGISTER, Object::Cancellation(step), Access::Write),
            At::Refused(..) => on_queue(&REFUSED),
            At::Append(..) => on_queue(&APPEND),
            At::Close(..) => on_queue(&CLOSE).when(queue.lock.is_free()),
            At::Flush => on_queue(&FLUSH).when(queue.lock.is_free()),
            At::Deregister(step, ..) => {
                Declared::new(&DEREGISTER, Object::Cancellation(step), Access::Write).when(!cancelling(step))
            }
            At::Cancel(..) => on_queue(&CANCEL).when(queue.lock.is_free()),
        }
    }
}

impl Run<'_> {
    fn queue(&mut self) -> &mut Queue {
        self.process.queue.as_mut().expect("the process has the queue")
    }

    /// Runs the operation of a position.
    pub(in crate::models) fn apply_queue(&mut self, at: At) {
        let thread = self.thread.id;
        match at {
            At::Lock(step, node) => {
                self.queue().lock.acquire(thread);
                self.thread.then([Position::Queue(At::Register(step, node))]);
            }
            At::Register(step, node) => {
                let execution = self.process.execution_mut(step);
                let open = execution.cancelling == Cancelling::No;
                if open {
                    execution.callbacks.push(node);
                    execution.callbacks.sort_unstable();
                }
                let next = if open {
                    At::Append(step, node)
                } else {
                    At::Refused(step, node)
                };
                self.thread.then([Position::Queue(next)]);
            }
            At::Refused(step, node) => {
                self.queue().lock.release(thread);
                self.node_done(step, node, false, false);
            }
            At::Append(step, node) => {
                let kind = match self.node(step, node).kind {
                    NodeKind::Enqueue => AttemptKind::Enqueue,
                    _ => AttemptKind::Dequeue,
                };
                self.queue().lock.release(thread);
                self.append(step, node, kind);
            }
            At::Close(step, node) => self.append(step, node, AttemptKind::Close),
            At::Flush => self.flush(),
            At::Deregister(step, node, ok) => {
                self.process
                    .execution_mut(step)
                    .callbacks
                    .retain(|other| *other != node);
                self.node_done(step, node, ok, false);
            }
            At::Cancel(step, node) => {
                if self.queue().cancel(step, node) {
                    self.thread.then([Position::Queue(At::Flush)]);
                    self.node_done(step, node, false, false);
                }
            }
        }
    }

    fn append(&mut self, step: StepId, node: NodeId, kind: AttemptKind) {
        self.queue().append(Attempt {
            step,
            node,
            kind,
            cancelled: false,
        });
        self.thread.then([Position::Queue(At::Flush)]);
    }

    fn flush(&mut self) {
        for (attempt, ok) in self.queue().flush().into_iter().rev() {
            let (step, node) = (attempt.step, attempt.node);
            // A close is not registered with any cancellation manager.
            match attempt.kind {
                AttemptKind::Close => self.node_done(step, node, ok, false),
                _ => self.thread.then([Position::Queue(At::Deregister(step, node, ok))]),
            }
        }
    }
}

impl View<'_> {
    /// A label that cancels the cancellation manager of a step: it may run the callbacks in any order, since they are in a hash map.
    pub(in crate::models) fn cancels_callbacks(&self, label: &'static Label, step: StepId) -> Declared {
        let access = if self.model.has_queue() {
            Access::Write
        } else {
            Access::Commuting
        };
        let execution = self.process.execution(step);
        let runs = execution.filter(|execution| execution.cancelling == Cancelling::No);
        let callbacks = runs.map_or(0, |execution| execution.callbacks.len() as u8);
        Declared::new(label, Object::Cancellation(step), access).choices((1..=callbacks).product())
    }
}

impl Run<'_> {
    /// `CancellationManager::StartCancel`: takes the callbacks out and runs them one after the other, without its mutex. Without any, what
    /// is between its beginning and its end is seen by nobody.
    pub(in crate::models) fn start_cancel(&mut self, step: StepId) {
        let choice = self.choice;
        let found = self
            .process
            .executions
            .iter_mut()
            .find(|execution| execution.step == step);
        let Some(execution) = found.filter(|execution| execution.cancelling == Cancelling::No) else {
            return;
        };
        let callbacks = std::mem::take(&mut execution.callbacks);
        if callbacks.is_empty() {
            execution.cancelling = Cancelling::Done;
            return;
        }
        execution.cancelling = Cancelling::Now;
        self.thread.then([Position::Executor(executor::At::Cancelled(step))]);
        for &index in permutation(callbacks.len() as u8, choice).iter().rev() {
            let node = callbacks[usize::from(index)];
            self.thread.then([Position::Queue(At::Cancel(step, node))]);
        }
    }
}

#[cfg(test)]
mod tests;
