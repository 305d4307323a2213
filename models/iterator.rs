//! The input of a step: `IteratorGetNext` or a queue's dequeue (`tf-data.md` sections 1, 8, 10).
//!
//! The dataset pipeline is one thread here that reports a batch or the end of the data at any time after it was asked
//! (`tf-data.md` 10.D.9). The callback runs on that thread, not on the pool. A dequeue from a closed, empty queue fails inline on the
//! pool thread instead.

use super::cluster::{Declared, Run, View};
use super::job::Data;
use super::objects::Object;
use super::process::{At as Position, NodeId, StepId, Thread, ThreadId};
use crate::machine::{Access, Label};
use serde::{Deserialize, Serialize};

static SCHEDULE: Label = Label {
    name: "GetNext.schedule",
    function: "IteratorGetNextOp::ComputeAsync (BackgroundWorker::Schedule)",
    site: "iterator_ops.cc:970",
};
static GET_NEXT: Label = Label {
    name: "GetNext.done",
    function: "IteratorResource::GetNext",
    site: "iterator_ops.cc:992",
};
static DEQUEUE: Label = Label {
    name: "Dequeue.try",
    function: "FIFOQueue::TryDequeue",
    site: "fifo_queue.cc:155",
};

/// Positions in the input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The kernel hands the work to the iterator's own thread.
    Schedule(StepId, NodeId),
    /// That thread has an answer.
    GetNext(StepId, NodeId),
    /// The kernel tries the queue.
    Dequeue(StepId, NodeId),
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(super) fn declare_iterator(&self, at: At) -> Declared {
        match at {
            At::Schedule(step, _) => Declared::new(&SCHEDULE, Object::Input(step), Access::Free),
            At::GetNext(step, _) => Declared::new(&GET_NEXT, Object::Input(step), Access::Free),
            At::Dequeue(step, _) => Declared::new(&DEQUEUE, Object::Input(step), Access::Free),
        }
    }
}

impl Run<'_> {
    /// Runs the operation of a position.
    pub(super) fn apply_iterator(&mut self, at: At) {
        match at {
            At::Schedule(step, node) => {
                let id = ThreadId::GetNext(step, node);
                self.process
                    .spawn(Thread::new(id, Position::Iterator(At::GetNext(step, node))));
            }
            At::GetNext(step, node) => {
                let ok = self.model.data(step) == Data::Batch;
                self.node_done(step, node, ok, false);
            }
            At::Dequeue(step, node) => {
                let ok = self.model.data(step) == Data::Batch;
                self.node_done(step, node, ok, false);
            }
        }
    }
}
