//! The labels of `parallel_interleave`.

use super::At;
use crate::machine::{Access, Label, SpuriousWakeups};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::mechanisms::dataset::captured_function::{self, Call};
use crate::models::tensorflow::mechanisms::dataset::{
    At as Stage, Element, IteratorId, Name, Object, Record, Turn, prefetch,
};
use crate::models::tensorflow::objects::Object as Any;

static GET_NEXT: Label = Label {
    name: "Interleave.get_next",
    function: "ParallelInterleaveDatasetOp::Dataset::Iterator::GetNextInternal",
    site: "parallel_interleave_dataset_op.cc:257",
};
static WAIT_FOR_INPUT: Label = Label {
    name: "Interleave.wait_for_input",
    function: "ParallelInterleaveDatasetOp::Dataset::Iterator::WorkerThread",
    site: "parallel_interleave_dataset_op.cc:661",
};
static PUBLISH_ERROR: Label = Label {
    name: "Interleave.publish_error",
    function: "ParallelInterleaveDatasetOp::Dataset::Iterator::WorkerThread",
    site: "parallel_interleave_dataset_op.cc:711",
};
static PUBLISH: Label = Label {
    name: "Interleave.publish",
    function: "ParallelInterleaveDatasetOp::Dataset::Iterator::WorkerThread",
    site: "parallel_interleave_dataset_op.cc:765",
};
static CANCEL: Label = Label {
    name: "Interleave.destroy",
    function: "ParallelInterleaveDatasetOp::Dataset::Iterator::~Iterator",
    site: "parallel_interleave_dataset_op.cc:238",
};
static JOIN: Label = Label {
    name: "Interleave.join",
    function: "ParallelInterleaveDatasetOp::Dataset::Iterator::~Iterator (worker_threads_)",
    site: "env.cc:47",
};

impl View<'_> {
    pub(in crate::models::tensorflow::mechanisms::dataset) fn declare_interleave(&self, at: At) -> Declared {
        let me = self.thread.id;
        let monitor =
            |label, id, awake| Declared::new(label, Any::Dataset(Object::Interleave(id)), Access::Write).when(awake);
        let worker = |label, id: IteratorId, number: u8| {
            let condvar = &self.tree(id).interleave.workers[usize::from(number)].condvar;
            monitor(label, id, condvar.may_wake(me, SpuriousWakeups::Never))
        };
        match at {
            At::GetNext(id) => {
                let interleave = &self.tree(id).interleave;
                let mut workers = interleave.workers.iter();
                let waits = interleave.sloppy.is_waiting(me) || workers.any(|worker| worker.condvar.is_waiting(me));
                monitor(&GET_NEXT, id, !waits)
            }
            At::WaitForInput(id, number) => worker(&WAIT_FOR_INPUT, id, number),
            At::PublishError(id, number) => worker(&PUBLISH_ERROR, id, number),
            At::Publish(id, number, _) => worker(&PUBLISH, id, number),
            At::Cancel(id) => monitor(&CANCEL, id, true),
            // A thread that has ended stays so.
            At::Join(id, number) => Declared::new(&JOIN, Any::Dataset(Object::Threads(id)), Access::BothMover)
                .when(self.has_ended(Name::Worker(id, number))),
        }
    }
}

impl Run<'_> {
    pub(in crate::models::tensorflow::mechanisms::dataset) fn apply_interleave(&mut self, at: At) {
        let (model, thread) = (self.model, self.thread.id);
        let pipeline = model.the_pipeline();
        match at {
            At::GetNext(id) => {
                let interleave = &mut self.tree(id).interleave;
                let starts = interleave.start_workers(pipeline);
                let pulled = interleave.get_next(pipeline, model.variant(), thread);
                for number in 0..starts {
                    let first = At::WaitForInput(id, number);
                    self.start_thread(Name::Worker(id, number), Stage::Interleave(first));
                }
                self.goes_to(match pulled {
                    Some(pulled) => Stage::Prefetch(prefetch::At::Publish(id, pulled)),
                    None => Stage::Interleave(At::GetNext(id)),
                });
            }
            At::WaitForInput(id, number) => match self.tree(id).interleave.wait_for_input(number, thread) {
                Turn::Done => self.goes_to(Stage::Function(captured_function::At::Run(id, Call::File(number)))),
                Turn::Parked => self.goes_to(Stage::Interleave(at)),
                Turn::Cancelled => {}
            },
            At::PublishError(id, number) => {
                let interleave = &mut self.tree(id).interleave;
                match interleave.wait_for_room(pipeline, number, thread) {
                    Turn::Done => {
                        interleave.publish_error(model.variant(), number);
                        self.goes_to(Stage::Interleave(At::WaitForInput(id, number)));
                    }
                    Turn::Parked => self.goes_to(Stage::Interleave(at)),
                    Turn::Cancelled => {}
                }
            }
            At::Publish(id, number, index) => self.publish_record(id, number, index),
            At::Cancel(id) => {
                let interleave = &mut self.tree(id).interleave;
                interleave.cancel();
                if interleave.workers.is_empty() {
                    self.input_is_destroyed(id);
                } else {
                    self.goes_to(Stage::Interleave(At::Join(id, 0)));
                }
            }
            At::Join(id, number) => {
                if usize::from(number) + 1 < self.tree(id).interleave.workers.len() {
                    self.goes_to(Stage::Interleave(At::Join(id, number + 1)));
                } else {
                    self.input_is_destroyed(id);
                }
            }
        }
    }

    /// The function has made the dataset of a worker's file, or failed.
    pub(in crate::models::tensorflow::mechanisms::dataset) fn file_is_opened(&mut self, id: IteratorId, number: u8) {
        let pipeline = self.model.the_pipeline();
        let worker = &mut self.tree(id).interleave.workers[usize::from(number)];
        worker.opened = false;
        let fails = pipeline.files[usize::from(worker.file)].function_fails;
        self.goes_to(Stage::Interleave(if fails {
            At::PublishError(id, number)
        } else {
            At::Publish(id, number, 0)
        }));
    }

    fn publish_record(&mut self, id: IteratorId, number: u8, index: u16) {
        let (pipeline, thread) = (self.model.the_pipeline(), self.thread.id);
        let interleave = &mut self.tree(id).interleave;
        let file = interleave.workers[usize::from(number)].file;
        let is_record = index < pipeline.files[usize::from(file)].records;
        match interleave.wait_for_room(pipeline, number, thread) {
            Turn::Done => {
                let element = is_record.then_some(Element::Record(Record { file, index }));
                interleave.publish(pipeline, number, element);
                self.goes_to(Stage::Interleave(if is_record {
                    At::Publish(id, number, index + 1)
                } else {
                    At::WaitForInput(id, number)
                }));
            }
            Turn::Parked => self.goes_to(Stage::Interleave(At::Publish(id, number, index))),
            Turn::Cancelled => {}
        }
    }
}
