//! The input of a step: `IteratorGetNext` (`kernels/data/iterator_ops.cc`) or a queue's dequeue (`kernels/fifo_queue.cc`).
//!
//! Without `[job.pipeline]` the dataset pipeline is one thread here that reports a batch or the end of the data at any time after it
//! was asked; with it the thread calls the iterator of [`super::dataset`]. The callback runs on that thread, not on the pool, but where
//! the kernel is synchronous (variant `sync-get-next`). A dequeue from a closed, empty queue fails inline on the pool thread instead.

use super::context::{Context, Declared, Next, Run, View};
use super::room::Mechanism;
use super::{dataset, executor};
use crate::machine::Access;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::{Data, Variant};
use crate::models::tensorflow::process::{NodeId, StepId, Thread, ThreadId};

labels! {
    SCHEDULE = "GetNext.schedule", "IteratorGetNextOp::ComputeAsync (BackgroundWorker::Schedule)", "iterator_ops.cc:970";
    GET_NEXT = "GetNext.done", "IteratorResource::GetNext", "iterator_ops.cc:992";
    DEQUEUE = "Dequeue.try", "FIFOQueue::TryDequeue", "fifo_queue.cc:155";
}

program_counter! { Iterator;
    /// The kernel hands the work to the iterator's own thread.
    Schedule(step, node) => SCHEDULE,
    /// The iterator's own thread has an answer.
    GetNext(step, node) => GET_NEXT,
    /// The kernel tries the queue.
    Dequeue(step, node) => DEQUEUE,
}

objects! { Iterator;
    /// The input of a step: the iterator's or the queue's.
    Input(StepId) = "input" per Step,
}

/// The choice of a read that finds a batch, where others of its step may not.
const BATCH: u32 = 1;

/// Begins an `IteratorGetNext`.
pub(super) fn schedule(step: StepId, node: NodeId) -> super::Pc {
    Pc::Schedule(step, node).into()
}

/// Begins a dequeue from a queue that is not modelled.
pub(super) fn dequeue(step: StepId, node: NodeId) -> super::Pc {
    Pc::Dequeue(step, node).into()
}

/// Returns true if a read finds a batch, where no pipeline and no queue decides.
fn finds_batch(data: Data, choice: u32) -> bool {
    data == Data::Batch || data == Data::EndOfSome && choice == BATCH
}

/// Returns true if the kernel is synchronous: it waits for the iterator in `Process`, which then runs cheap successors itself.
fn is_synchronous(model: &TensorFlow) -> bool {
    model.variant() == Variant::SyncGetNext
}

impl Mechanism for Counter {
    type Facts = ();

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let (Pc::Schedule(step, _) | Pc::GetNext(step, _) | Pc::Dequeue(step, _)) = self.0;
        let uses = context.uses(Object::Input(step), Access::BothMover);
        let either = context.model.data(step) == Data::EndOfSome && !matches!(self.0, Pc::Schedule(..));
        if either { uses.choices(|_| 2) } else { uses }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            Pc::Schedule(step, node) => {
                next.spawn(ThreadId::GetNext(step, node), [Pc::GetNext(step, node)]);
                if model.data(step).is_piped() {
                    dataset::iterator_resource::next_of_read(next);
                }
            }
            Pc::GetNext(step, node) => {
                let inline = is_synchronous(model);
                match model.data(step) {
                    Data::Batch => next.then(executor::node_done(model, step, node, true, inline)),
                    Data::End => next.then(executor::node_done(model, step, node, false, inline)),
                    Data::EndOfSome | Data::Queued | Data::Pipeline { .. } => {
                        executor::node_done_either(next, step, node, inline);
                    }
                }
            }
            Pc::Dequeue(step, node) if model.data(step) == Data::EndOfSome => {
                executor::node_done_either(next, step, node, false);
            }
            Pc::Dequeue(step, node) => {
                let ok = model.data(step) == Data::Batch;
                next.then(executor::node_done(model, step, node, ok, false));
            }
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Schedule(step, node) => schedule_get_next(run, step, node),
            Pc::GetNext(step, node) => {
                let ok = match run.model.data(step) {
                    Data::Queued => unreachable!("a step that takes its batch from a queue reads no iterator"),
                    Data::Pipeline { .. } => dataset::iterator_resource::tell_answer(run),
                    data => finds_batch(data, run.choice),
                };
                let inline = is_synchronous(run.model);
                run.then(executor::node_done(run.model, step, node, ok, inline));
            }
            Pc::Dequeue(step, node) => {
                let ok = finds_batch(run.model.data(step), run.choice);
                run.then(executor::node_done(run.model, step, node, ok, false));
            }
        }
    }

    fn words(self, view: &View<'_>, choice: u32) -> String {
        let end = |step| match view.model.data(step) {
            data @ (Data::End | Data::EndOfSome) => !finds_batch(data, choice),
            _ => false,
        };
        let text = match self.0 {
            Pc::Schedule(..) => "asks the iterator's thread for a batch",
            Pc::GetNext(step, _) if end(step) => "reports the end of the data",
            Pc::GetNext(step, _) if view.model.data(step).is_piped() => {
                "has what the pipeline has brought: a batch, the end, or an error"
            }
            Pc::GetNext(..) => "has a batch",
            Pc::Dequeue(step, _) if end(step) => "finds the queue closed and empty",
            Pc::Dequeue(..) => "takes a batch from the queue",
        };
        text.to_owned()
    }
}

/// Hands the work to the iterator's thread, or does it here where the kernel is synchronous.
fn schedule_get_next(run: &mut Run<'_>, step: StepId, node: NodeId) {
    let reads = run
        .model
        .data(step)
        .is_piped()
        .then(|| dataset::iterator_resource::read(run.process));
    let places = reads.into_iter().chain([Pc::GetNext(step, node).into()]);
    if is_synchronous(run.model) {
        run.then(places);
    } else {
        let mut reader = Thread::new(ThreadId::GetNext(step, node));
        reader.then(places);
        run.start(reader);
    }
}

#[cfg(test)]
mod tests;
