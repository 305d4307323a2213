//! The labels of `parallel_interleave`.

use super::Worker;
use crate::machine::{Access, ProcessId, SpuriousWakeups};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::Pc as AnyPc;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use crate::models::tensorflow::mechanisms::dataset::captured_function::{self, Call};
use crate::models::tensorflow::mechanisms::dataset::parallel_map::{Object as MapObject, next_of_map_input};
use crate::models::tensorflow::mechanisms::dataset::{
    self, Element, IteratorId, Name, Pulled, Record, Turn, batch, prefetch, tree,
};
use crate::models::tensorflow::mechanisms::room::Mechanism;
use crate::models::tensorflow::process::{Process, ThreadId};

labels! {
    GET_NEXT = "Interleave.get_next", "ParallelInterleaveDatasetOp::Dataset::Iterator::GetNextInternal", "parallel_interleave_dataset_op.cc:257";
    WAIT_FOR_INPUT = "Interleave.wait_for_input", "ParallelInterleaveDatasetOp::Dataset::Iterator::WorkerThread", "parallel_interleave_dataset_op.cc:661";
    PUBLISH_ERROR = "Interleave.publish_error", "ParallelInterleaveDatasetOp::Dataset::Iterator::WorkerThread", "parallel_interleave_dataset_op.cc:711";
    PUBLISH = "Interleave.publish", "ParallelInterleaveDatasetOp::Dataset::Iterator::WorkerThread", "parallel_interleave_dataset_op.cc:765";
    CANCEL = "Interleave.destroy", "ParallelInterleaveDatasetOp::Dataset::Iterator::~Iterator", "parallel_interleave_dataset_op.cc:238";
    JOIN = "Interleave.join", "ParallelInterleaveDatasetOp::Dataset::Iterator::~Iterator (worker_threads_)", "env.cc:47";
}

program_counter! { ParallelInterleave;
    /// The consumer wants an element.
    GetNext(id: IteratorId) => GET_NEXT,
    /// A worker wants a file.
    WaitForInput(id: IteratorId, worker: u8) => WAIT_FOR_INPUT,
    /// A worker has the error of the function that was to make its dataset.
    PublishError(id: IteratorId, worker: u8) => PUBLISH_ERROR,
    /// A worker has the record with this number, or has met the end of its file.
    Publish(id: IteratorId, worker: u8, index: u16) => PUBLISH,
    /// The destructor tells the workers to end.
    Cancel(id: IteratorId) => CANCEL,
    /// The destructor waits for a worker.
    Join(id: IteratorId, worker: u8) => JOIN,
}

objects! { ParallelInterleave;
    /// The mutex of the iterator of `ParallelInterleaveDataset` and what it guards.
    Interleave(IteratorId) = "interleave" per Iterator,
}

/// Asks for an element for the consumer.
pub(in crate::models::tensorflow::mechanisms::dataset) fn get_next(id: IteratorId) -> AnyPc {
    Pc::GetNext(id).into()
}

/// Destroys the iterator.
pub(in crate::models::tensorflow::mechanisms::dataset) fn cancel(id: IteratorId) -> AnyPc {
    Pc::Cancel(id).into()
}

/// Lists what [`file_is_opened`] may do.
pub(in crate::models::tensorflow::mechanisms::dataset) fn next_of_opened(id: IteratorId, worker: u8) -> [AnyPc; 2] {
    [Pc::PublishError(id, worker).into(), Pc::Publish(id, worker, 0).into()]
}

/// Goes on once the function has made the dataset of a worker's file, or failed.
pub(in crate::models::tensorflow::mechanisms::dataset) fn file_is_opened(
    run: &mut Run<'_>,
    id: IteratorId,
    number: u8,
) {
    let pipeline = run.model.the_pipeline();
    let worker = &mut tree(run, id).interleave.workers[usize::from(number)];
    worker.opened = false;
    let fails = pipeline.files[usize::from(worker.file)].function_fails;
    run.then([if fails {
        Pc::PublishError(id, number)
    } else {
        Pc::Publish(id, number, 0)
    }]);
}

/// Returns what every thread may look at of a worker. A thread's own stack belongs to no object.
fn shared(worker: &Worker) -> impl std::hash::Hash + use<'_> {
    (worker.input, &worker.outputs, worker.producing, &worker.condvar)
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for tree in dataset::trees(process).filter(|tree| tree.has_input) {
            let of = &tree.interleave;
            let list = (of.next_file, of.input_ended, of.next, of.cancelled);
            let workers: Vec<_> = of.workers.iter().map(shared).collect();
            let value = (list, workers, &of.slots, &of.staging, &of.sloppy);
            inventory.add(Object::Interleave(tree.id), &value, || {
                let worker = |worker: &Worker| {
                    let state = if worker.producing { "reads" } else { "idle" };
                    format!("{state}, {} buffered", worker.outputs.len())
                };
                let workers: Vec<String> = of.workers.iter().map(worker).collect();
                let workers = if workers.is_empty() {
                    "none".to_owned()
                } else {
                    workers.join("; ")
                };
                let list = if of.input_ended { "no more files" } else { "more files" };
                let cancelled = if of.cancelled { "; cancelled" } else { "" };
                format!("workers: {workers}; {list}{cancelled}")
            });
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let monitor = |id| context.uses(Object::Interleave(id), Access::Write);
        match self.0 {
            Pc::GetNext(id) => monitor(id).when(|view| {
                let (me, interleave) = (view.thread.id, &view.tree(id).interleave);
                let mut workers = interleave.workers.iter();
                !interleave.sloppy.is_waiting(me) && !workers.any(|worker| worker.condvar.is_waiting(me))
            }),
            Pc::WaitForInput(id, number) | Pc::PublishError(id, number) | Pc::Publish(id, number, _) => monitor(id)
                .when(|view| {
                    let condvar = &view.tree(id).interleave.workers[usize::from(number)].condvar;
                    condvar.may_wake(view.thread.id, SpuriousWakeups::Never)
                }),
            Pc::Cancel(id) => monitor(id),
            // A thread that has ended stays so.
            Pc::Join(id, number) => {
                let threads = context.uses(MapObject::Threads(id), Access::BothMover);
                threads.when(|view| view.has_ended(Name::Worker(id, number)))
            }
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let pipeline = next.model.the_pipeline();
        let workers = pipeline.cycle_length + pipeline.prefetch_input_elements;
        match self.0 {
            Pc::GetNext(id) => {
                let starts = !next.facts.iterator_resource.tree(id).reads;
                for number in (0..workers).filter(|_| starts) {
                    next.spawn(
                        ThreadId::Dataset(Name::Worker(id, number)),
                        [Pc::WaitForInput(id, number)],
                    );
                }
                next.then([prefetch::publish(id, Pulled::End), Pc::GetNext(id).into()]);
            }
            Pc::WaitForInput(id, number) => {
                next.then([Pc::WaitForInput(id, number)]);
                let files = next.facts.iterator_resource.tree(id).may_open(pipeline, number);
                next.then(files.map(|file| captured_function::run(id, Call::File { worker: number, file })));
            }
            Pc::PublishError(id, number) => next.then([Pc::PublishError(id, number), Pc::WaitForInput(id, number)]),
            Pc::Publish(id, number, index) => {
                next.then([Pc::Publish(id, number, index), Pc::WaitForInput(id, number)]);
            }
            Pc::Cancel(id) | Pc::Join(id, _) => {
                next.then((0..workers).map(|number| Pc::Join(id, number)));
                // The input is gone: the runner tells what it has gathered.
                next_of_map_input(next, id, true);
            }
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        let (model, thread) = (run.model, run.thread.id);
        let pipeline = model.the_pipeline();
        match self.0 {
            Pc::GetNext(id) => {
                let interleave = &mut tree(run, id).interleave;
                let starts = interleave.start_workers(pipeline);
                let pulled = interleave.get_next(pipeline, model.variant(), thread);
                for number in 0..starts {
                    run.spawn(
                        ThreadId::Dataset(Name::Worker(id, number)),
                        [Pc::WaitForInput(id, number)],
                    );
                }
                run.then([match pulled {
                    Some(pulled) => prefetch::publish(id, pulled),
                    None => Pc::GetNext(id).into(),
                }]);
            }
            Pc::WaitForInput(id, worker) => match tree(run, id).interleave.wait_for_input(worker, thread) {
                Turn::Done => {
                    let file = tree(run, id).interleave.workers[usize::from(worker)].file;
                    run.then([captured_function::run(id, Call::File { worker, file })]);
                }
                Turn::Parked => run.then([self.0]),
                Turn::Cancelled => {}
            },
            Pc::PublishError(id, number) => {
                let interleave = &mut tree(run, id).interleave;
                match interleave.wait_for_room(pipeline, number, thread) {
                    Turn::Done => {
                        interleave.publish_error(model.variant(), number);
                        run.then([Pc::WaitForInput(id, number)]);
                    }
                    Turn::Parked => run.then([self.0]),
                    Turn::Cancelled => {}
                }
            }
            Pc::Publish(id, number, index) => publish_record(run, id, number, index),
            Pc::Cancel(id) => {
                let interleave = &mut tree(run, id).interleave;
                interleave.cancel();
                join_next(run, id, 0);
            }
            Pc::Join(id, number) => join_next(run, id, number + 1),
        }
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::GetNext(_) => "takes an element of a file whose turn it is, or waits for one",
            Pc::WaitForInput(..) => "takes the file that it was given, or waits for one",
            Pc::PublishError(..) => "publishes that its file has no dataset and signals its own condition variable",
            Pc::Publish(_, _, index) => {
                return format!("publishes record {index} of its file, or that there is none, or waits for room");
            }
            Pc::Cancel(_) => "tells the worker threads to end",
            Pc::Join(_, worker) => return format!("joins worker thread {worker}"),
        };
        text.to_owned()
    }

    fn waits(self, view: &View<'_>) -> Waits {
        match self.0 {
            Pc::GetNext(id) => {
                let workers = &view.tree(id).interleave.workers;
                if workers.iter().any(|worker| !worker.outputs.is_empty()) {
                    return Waits::InVain("an element is there, but nobody has signalled the condition variable");
                }
                let producing = (0u8..).zip(workers).filter(|(_, worker)| worker.producing);
                Waits::For(
                    producing
                        .map(|(number, _)| ThreadId::Dataset(Name::Worker(id, number)))
                        .collect(),
                )
            }
            Pc::Join(id, worker) => Waits::one(Name::Worker(id, worker)),
            Pc::WaitForInput(..) | Pc::PublishError(..) | Pc::Publish(..) | Pc::Cancel(_) => {
                Waits::InVain("nobody gives it a file or takes from its buffer")
            }
        }
    }

    fn erased(self) -> Self {
        match self.0 {
            Pc::Publish(id, number, _) => Self(Pc::Publish(id, number, 0)),
            _ => self,
        }
    }
}

/// Turns the destructor to a worker, or after the last one goes on with what is left.
fn join_next(run: &mut Run<'_>, id: IteratorId, number: u8) {
    if usize::from(number) < tree(run, id).interleave.workers.len() {
        run.then([Pc::Join(id, number)]);
    } else {
        batch::input_is_destroyed(run, id);
    }
}

fn publish_record(run: &mut Run<'_>, id: IteratorId, number: u8, index: u16) {
    let (pipeline, thread) = (run.model.the_pipeline(), run.thread.id);
    let interleave = &mut tree(run, id).interleave;
    let file = interleave.workers[usize::from(number)].file;
    let is_record = index < pipeline.files[usize::from(file)].records;
    match interleave.wait_for_room(pipeline, number, thread) {
        Turn::Done => {
            let element = is_record.then_some(Element::Record(Record { file, index }));
            interleave.publish(pipeline, number, element);
            run.then([if is_record {
                Pc::Publish(id, number, index + 1)
            } else {
                Pc::WaitForInput(id, number)
            }]);
        }
        Turn::Parked => run.then([Pc::Publish(id, number, index)]),
        Turn::Cancelled => {}
    }
}
