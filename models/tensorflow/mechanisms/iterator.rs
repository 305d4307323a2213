//! The input of a step: `IteratorGetNext` or a queue's dequeue (`tf-data.md` sections 1, 8, 10).
//!
//! Without `[job.pipeline]` the dataset pipeline is one thread here that reports a batch or the end of the data at any time after it
//! was asked (`tf-data.md` 10.D.9); with it the thread calls the iterator of [`crate::models::tensorflow::mechanisms::dataset`]. The callback runs on that thread, not
//! on the pool, but where the kernel is synchronous (variant `sync-get-next`). A dequeue from a closed, empty queue fails inline on the
//! pool thread instead.

use crate::machine::{Access, Label};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::job::{Data, Variant};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, NodeId, StepId, Thread, ThreadId};
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
    pub(in crate::models) fn declare_iterator(&self, at: At) -> Declared {
        match at {
            At::Schedule(step, _) => Declared::new(&SCHEDULE, Object::Input(step), Access::BothMover),
            At::GetNext(step, _) => Declared::new(&GET_NEXT, Object::Input(step), Access::BothMover),
            At::Dequeue(step, _) => Declared::new(&DEQUEUE, Object::Input(step), Access::BothMover),
        }
    }
}

impl Run<'_> {
    /// Runs the operation of a position.
    pub(in crate::models) fn apply_iterator(&mut self, at: At) {
        match at {
            At::Schedule(step, node) => self.schedule_get_next(step, node),
            At::GetNext(step, node) => {
                let ok = match self.model.data(step) {
                    Data::Batch => true,
                    Data::End => false,
                    Data::Queued => unreachable!("a step that takes its batch from a queue reads no iterator"),
                    Data::Pipeline { .. } => self.tell_answer(),
                };
                // A synchronous kernel is done in `Process`, which runs cheap successors itself.
                let inline = self.model.variant() == Variant::SyncGetNext;
                self.node_done(step, node, ok, inline);
            }
            At::Dequeue(step, node) => {
                let ok = self.model.data(step) == Data::Batch;
                self.node_done(step, node, ok, false);
            }
        }
    }

    /// Hands the work to the iterator's thread, or does it here where the kernel is synchronous.
    fn schedule_get_next(&mut self, step: StepId, node: NodeId) {
        let answers = Position::Iterator(At::GetNext(step, node));
        let synchronous = self.model.variant() == Variant::SyncGetNext;
        if synchronous {
            self.thread.then([answers]);
        }
        let own = Thread::new(ThreadId::GetNext(step, node), answers);
        let caller = if synchronous {
            None
        } else {
            Some(std::mem::replace(&mut self.thread, own))
        };
        if self.model.data(step).is_piped() {
            self.read_iterator();
        }
        if let Some(caller) = caller {
            let reader = std::mem::replace(&mut self.thread, caller);
            self.process.spawn(reader);
        }
    }
}
