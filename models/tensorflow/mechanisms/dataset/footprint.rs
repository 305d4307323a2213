//! What the threads of a pipeline may still do: its part of [`crate::models::tensorflow::analysis::footprint`].
//!
//! Coarse on purpose: a thread that is under way may do all that its loop can do. Two things are looked at, both of them final: which
//! threads have been started (what they do is their own future) and what is destroyed or has ended.

use super::captured_function::{self, Call};
use super::{At, Datasets, IteratorId, Name, Object, parallel_map, teardown};
use crate::machine::{Access, Footprint};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::objects::Object as Any;
use crate::models::tensorflow::process::{Process, ThreadId};

/// Collects the footprint of one thread.
struct Reach<'a> {
    model: &'a TensorFlow,
    datasets: &'a Datasets,
    footprint: &'a mut Footprint,
}

impl TensorFlow {
    /// Adds what `thread`, which stands at `at`, may still do in the pipelines of its process.
    pub(in crate::models) fn dataset_future(&self, process: &Process, thread: ThreadId, at: At, into: &mut Footprint) {
        self.reach(process, into, |reach| match thread {
            ThreadId::Dataset(Name::Runner(id)) => reach.runner(id),
            ThreadId::Dataset(Name::Prefetch(id)) => reach.prefetch(id),
            ThreadId::Dataset(Name::Worker(id, worker)) => reach.worker(id, worker, at),
            _ => reach.position(at),
        });
    }

    /// Adds what an `IteratorGetNext` that has yet to run may do.
    pub(in crate::models) fn read_future(&self, process: &Process, into: &mut Footprint) {
        self.reach(process, into, |reach| {
            reach.map(reach.datasets.current);
            for id in reach.datasets.current + 1..reach.model.iterators() {
                reach.everything(id);
            }
        });
    }

    /// Adds what a `MakeIterator` that has yet to run may do.
    pub(in crate::models) fn make_iterator_future(&self, process: &Process, into: &mut Footprint) {
        self.reach(process, into, |reach| {
            reach.writes(Object::Resource);
            for id in reach.datasets.current..reach.model.iterators() {
                reach.everything(id);
            }
        });
    }

    /// Adds what a client that has yet to leave its loop may do to its session.
    pub(in crate::models) fn close_future(&self, process: &Process, into: &mut Footprint) {
        if self.pipeline().is_some_and(|pipeline| pipeline.closes_session) {
            self.reach(process, into, |reach| reach.close());
        }
    }

    fn reach(&self, process: &Process, footprint: &mut Footprint, collect: impl FnOnce(&mut Reach<'_>)) {
        if let Some(datasets) = process.datasets.as_deref() {
            collect(&mut Reach {
                model: self,
                datasets,
                footprint,
            });
        }
    }
}

impl Reach<'_> {
    fn writes(&mut self, object: Object) {
        let object = self.model.object(Any::Dataset(object));
        self.footprint.insert(object, Access::Write);
    }

    fn pool(&mut self) {
        self.footprint.insert(self.model.object(Any::Pool), Access::Write);
    }

    fn everything(&mut self, id: IteratorId) {
        self.writes(Object::Map(id));
        self.writes(Object::Prefetch(id));
        self.writes(Object::Interleave(id));
        self.pool();
    }

    fn close(&mut self) {
        self.writes(Object::Sessions);
        for id in self.datasets.current..self.model.iterators() {
            self.everything(id);
        }
    }

    /// The consumer of `map`.
    fn map(&mut self, id: IteratorId) {
        self.writes(Object::Map(id));
        if self.datasets.tree(id).is_some_and(|tree| !tree.map.started) {
            self.everything(id);
        }
    }

    fn runner(&mut self, id: IteratorId) {
        self.writes(Object::Map(id));
        if self.datasets.tree(id).is_some_and(|tree| tree.has_input) {
            self.everything(id);
        }
        self.pool();
    }

    fn prefetch(&mut self, id: IteratorId) {
        self.writes(Object::Prefetch(id));
        self.writes(Object::Interleave(id));
        let tree = self.datasets.tree(id);
        if tree.is_some_and(|tree| tree.interleave.workers.is_empty()) {
            self.pool();
        }
    }

    /// A worker that has opened its file goes to the pool only for another file.
    fn worker(&mut self, id: IteratorId, worker: u8, at: At) {
        self.writes(Object::Interleave(id));
        let Some(tree) = self.datasets.tree(id) else { return };
        let list_has_more = !tree.interleave.input_ended;
        let has_file = tree.interleave.workers.get(usize::from(worker));
        if matches!(at, At::Function(_)) || list_has_more || has_file.is_some_and(|worker| worker.input.is_some()) {
            self.pool();
        }
    }

    fn position(&mut self, at: At) {
        match at {
            At::Map(parallel_map::At::GetNext(id)) => self.map(id),
            At::Map(parallel_map::At::Completed(id, _)) => self.writes(Object::Map(id)),
            At::Map(parallel_map::At::Await(_) | parallel_map::At::Notify(..)) => {}
            At::Map(parallel_map::At::Destroy(id) | parallel_map::At::Join(id) | parallel_map::At::Runner(id)) => {
                self.everything(id);
            }
            At::Prefetch(super::prefetch::At::Cancel(id) | super::prefetch::At::Join(id)) => self.everything(id),
            At::Interleave(super::parallel_interleave::At::Cancel(id)) => self.writes(Object::Interleave(id)),
            At::Interleave(super::parallel_interleave::At::Join(..)) => {}
            At::Function(captured_function::At::Finish(id, call)) => {
                self.pool();
                if matches!(call, Call::Map(_)) {
                    self.writes(Object::Map(id));
                }
            }
            At::Function(captured_function::At::Notify(..)) => {}
            At::Resource(_) => {
                self.writes(Object::Resource);
                self.everything(self.datasets.current);
            }
            At::Teardown(teardown::At::Delete) => self.close(),
            At::Teardown(teardown::At::Deleted | teardown::At::Closed) => {
                self.footprint.insert(self.model.object(Any::Client), Access::Write);
            }
            At::Teardown(teardown::At::OtherRequest) => {
                self.pool();
                self.writes(Object::Sessions);
            }
            At::Teardown(teardown::At::Create) => self.writes(Object::Sessions),
            // Only threads of the pipeline stand there, and they are told apart by name.
            At::Prefetch(_) | At::Interleave(_) | At::Function(_) => {}
        }
    }
}
