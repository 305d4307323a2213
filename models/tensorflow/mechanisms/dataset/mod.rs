//! The `tf.data` pipeline of a worker: `list_files`, `parallel_interleave`, `prefetch`, `batch`, `map`, and the iterator resource
//! (`kernels/data/`).
//!
//! One thread calls the next stage: `IteratorGetNext`'s thread calls [`parallel_map`]; its runner thread calls [`batch`], which calls
//! [`prefetch`]; its thread calls [`parallel_interleave`], whose worker threads read the files. The functions of `map` and of
//! `parallel_interleave` are closures on the compute pool of the process ([`captured_function`]), the same one that runs the step.
//! A mutex that guards a stage is an object, and so is each notification; what a thread does while it holds the mutex is one label.
//! Without `[job.pipeline]` there is [`super::iterator`]'s one thread in place of all this.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::context::{Run, View};
use crate::machine::{Lock, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::process::{Process, Thread, ThreadId};

pub mod batch;
pub mod captured_function;
pub mod delivery;
pub mod graphs;
pub mod iterator_resource;
mod names;
pub mod parallel_interleave;
pub mod parallel_map;
pub mod prefetch;
pub mod teardown;

pub use delivery::{Batch, Delivery, Outcome, Record, WrongDelivery};
pub use names::{Name, OtherRequest};

use batch::RunnerFrame;
use parallel_interleave::ParallelInterleave;
use parallel_map::{Invocation, ParallelMap};
use prefetch::Prefetch;

/// An input file of the pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct InputFile {
    /// Number of its records.
    pub records: u16,
    /// Whether the function that makes its dataset fails. (A file that is missing does not do that: reading it fails.)
    pub function_fails: bool,
}

/// The pipeline that a job reads from, as the user's program builds it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Pipeline {
    /// The files, in the order in which `list_files` names them.
    pub files: Vec<InputFile>,
    /// `parallel_interleave(cycle_length)`: files that are read from in turn. At least 1.
    pub cycle_length: u8,
    /// `parallel_interleave(prefetch_input_elements)`: files that are opened ahead of their turn.
    pub prefetch_input_elements: u8,
    /// `parallel_interleave(buffer_output_elements)`: records that are read ahead of each file. At least 1.
    pub buffer_output_elements: u8,
    /// `parallel_interleave(sloppy)`: whether a file that is not ready is passed over.
    pub sloppy: bool,
    /// `prefetch(buffer_size)`: records. At least 1.
    pub prefetch: u8,
    /// `batch(batch_size)`: records. At least 1.
    pub batch_size: u8,
    /// `batch(drop_remainder)`: whether a last batch that is not full is dropped.
    pub drop_remainder: bool,
    /// `map(num_parallel_calls)`: batches that are parsed at once. At least 1.
    pub num_parallel_calls: u8,
    /// Whether the client closes its session when it leaves its loop, which destroys the iterator.
    pub closes_session: bool,
    /// Number of other masters, each of which makes a session on this worker meanwhile and deletes it again.
    pub other_masters: u8,
}

impl Pipeline {
    /// Returns the pipeline with every bound as low as it can be, on files with this number of records each.
    pub fn smallest(files: &[u16], batch_size: u8) -> Self {
        let file = |&records: &u16| InputFile {
            records,
            function_fails: false,
        };
        Self {
            files: files.iter().map(file).collect(),
            cycle_length: 1,
            prefetch_input_elements: 0,
            buffer_output_elements: 1,
            sloppy: true,
            prefetch: 1,
            batch_size,
            drop_remainder: false,
            num_parallel_calls: 1,
            closes_session: false,
            other_masters: 0,
        }
    }

    /// Returns how many records an epoch has.
    pub fn records(&self) -> usize {
        self.files.iter().map(|file| usize::from(file.records)).sum()
    }

    /// Returns how many batches an epoch has.
    pub fn batches(&self) -> usize {
        let size = usize::from(self.batch_size).max(1);
        if self.drop_remainder {
            self.records() / size
        } else {
            self.records().div_ceil(size)
        }
    }
}

/// An iterator that a process has made: the first has number 0.
pub type IteratorId = u8;

/// The record that an element is, or the error in place of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Element {
    /// A record.
    Record(Record),
    /// A status that is not ok.
    Error,
}

/// The answer that a stage gets from the one before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Pulled {
    /// An element.
    Element(Element),
    /// There are no more.
    End,
}

/// The outcome of a look at a condition under a mutex comes out for a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// It holds: the thread has done what it came for.
    Done,
    /// It does not: the thread is parked and will look again.
    Parked,
    /// The stage is being destroyed: the thread ends.
    Cancelled,
}

/// An iterator and the iterators that it reads from.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Tree {
    /// Its number.
    pub id: IteratorId,
    /// `map`.
    pub map: ParallelMap,
    /// The stack of `map`'s runner thread.
    pub runner: RunnerFrame,
    /// Whether `batch` still has its input, `prefetch` and all below.
    pub has_input: bool,
    /// `prefetch`.
    pub prefetch: Prefetch,
    /// `parallel_interleave`.
    pub interleave: ParallelInterleave,
    /// The answers that reading threads got from `map` and have not told yet.
    pub answers: SmallVec<[(ThreadId, Invocation); 1]>,
    /// Records that were delivered. No label looks at it but to say that it is wrong.
    pub delivery: Delivery,
}

impl Tree {
    fn new(id: IteratorId, pipeline: &Pipeline) -> Self {
        Self {
            id,
            map: ParallelMap::default(),
            runner: RunnerFrame::default(),
            has_input: true,
            prefetch: Prefetch::default(),
            interleave: ParallelInterleave::default(),
            answers: SmallVec::new(),
            delivery: Delivery::new(pipeline),
        }
    }
}

/// The pipelines of one process.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Datasets {
    /// `IteratorResource::iterator_`.
    pub current: IteratorId,
    /// Iterators that are not destroyed yet, by number.
    pub trees: SmallVec<[Tree; 1]>,
    /// `SessionMgr::mu_`, while a session is destroyed.
    pub sessions: Lock<ThreadId>,
}

impl Datasets {
    /// Returns the pipelines at the start: an iterator was made before anything runs here.
    pub fn new(pipeline: &Pipeline) -> Self {
        let mut trees = SmallVec::new();
        trees.push(Tree::new(0, pipeline));
        Self {
            current: 0,
            trees,
            sessions: Lock::default(),
        }
    }

    /// Returns an iterator, if it is not destroyed.
    pub fn tree(&self, id: IteratorId) -> Option<&Tree> {
        self.trees.iter().find(|tree| tree.id == id)
    }
}

/// Final facts of an iterator: which threads were started, what is destroyed, what has ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(in crate::models) struct TreeFacts {
    /// The runner thread of `map` was started.
    pub(super) runs: bool,
    /// The thread of `prefetch` was started.
    pub(super) prefetches: bool,
    /// The worker threads of `parallel_interleave` were started.
    pub(super) reads: bool,
    /// `batch` still has its input.
    pub(super) has_input: bool,
    /// The first file that the list has not handed out; none once it has ended.
    next_file: Option<u8>,
    /// The files that workers were given and have not taken.
    given: SmallVec<[Option<u8>; 2]>,
}

/// Facts of an iterator that is still to be made.
static FRESH: TreeFacts = TreeFacts {
    runs: false,
    prefetches: false,
    reads: false,
    has_input: true,
    next_file: Some(0),
    given: SmallVec::new_const(),
};

impl TreeFacts {
    fn of(tree: &Tree) -> Self {
        let interleave = &tree.interleave;
        Self {
            runs: tree.map.started,
            prefetches: tree.prefetch.started,
            reads: !interleave.workers.is_empty(),
            has_input: tree.has_input,
            next_file: (!interleave.input_ended).then_some(interleave.next_file),
            given: interleave.workers.iter().map(|worker| worker.input).collect(),
        }
    }

    /// Returns the files that a worker may still open.
    pub(super) fn may_open(&self, pipeline: &Pipeline, worker: u8) -> impl Iterator<Item = u8> + use<> {
        let given = self.given.get(usize::from(worker)).copied().flatten();
        let left = self.next_file.unwrap_or(u8::MAX)..pipeline.files.len() as u8;
        left.chain(given)
    }
}

/// Final facts of the pipelines of a process.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(in crate::models) struct Facts {
    /// The iterator that the resource holds.
    current: IteratorId,
    trees: SmallVec<[(IteratorId, TreeFacts); 1]>,
}

impl Facts {
    fn of(process: &Process) -> Self {
        let Some(datasets) = process.datasets.as_deref() else {
            return Self::default();
        };
        Self {
            current: datasets.current,
            trees: datasets
                .trees
                .iter()
                .map(|tree| (tree.id, TreeFacts::of(tree)))
                .collect(),
        }
    }

    pub(super) fn tree(&self, id: IteratorId) -> &TreeFacts {
        let found = self.trees.iter().find(|(other, _)| *other == id);
        found.map_or(&FRESH, |(_, facts)| facts)
    }

    /// Returns the iterators that the resource holds or may come to hold.
    fn to_come(&self, model: &TensorFlow) -> impl Iterator<Item = IteratorId> + use<> {
        self.current..model.iterators()
    }
}

fn datasets<'a>(run: &'a mut Run<'_>) -> &'a mut Datasets {
    run.process.datasets.as_deref_mut().expect("the process has a pipeline")
}

fn tree<'a>(run: &'a mut Run<'_>, id: IteratorId) -> &'a mut Tree {
    let mut trees = datasets(run).trees.iter_mut();
    trees.find(|tree| tree.id == id).expect("the iterator is not destroyed")
}

/// Ends an iterator whose last part is gone.
fn iterator_is_destroyed(run: &mut Run<'_>, id: IteratorId) {
    datasets(run).trees.retain(|tree| tree.id != id);
}

/// The iterators of the process of a view that are not destroyed.
fn trees(process: &Process) -> impl Iterator<Item = &Tree> {
    process.datasets.iter().flat_map(|datasets| &datasets.trees)
}

impl View<'_> {
    fn tree(&self, id: IteratorId) -> &Tree {
        let tree = trees(self.process).find(|tree| tree.id == id);
        tree.expect("the iterator is not destroyed")
    }

    /// Returns true if a thread of the pipeline has ended, or never began.
    fn has_ended(&self, name: Name) -> bool {
        self.process.thread(ThreadId::Dataset(name)).is_none()
    }
}

impl TensorFlow {
    /// Returns the pipeline of the job.
    pub(in crate::models) fn pipeline(&self) -> Option<&Pipeline> {
        self.job().pipeline.as_ref()
    }

    /// Returns the pipeline, where a label of it runs.
    fn the_pipeline(&self) -> &Pipeline {
        self.pipeline().expect("the job has a pipeline")
    }

    /// Returns the number of iterators that a process makes at most.
    pub(in crate::models) fn iterators(&self) -> IteratorId {
        let steps = self.job().steps.iter();
        let makes = steps.filter(|step| graphs::makes_iterator(&step.graph)).count();
        self.pipeline().map_or(0, |_| 1 + makes as IteratorId)
    }

    /// Gives a process what it has of pipelines at the start.
    pub(in crate::models) fn initial_datasets(&self, id: ProcessId, process: &mut Process) {
        let Some(pipeline) = self.pipeline().filter(|_| self.first_step(id).is_some()) else {
            return;
        };
        process.datasets = Some(Box::new(Datasets::new(pipeline)));
        for master in 0..pipeline.other_masters {
            let request = OtherRequest::Create(master);
            let mut thread = Thread::new(ThreadId::Dataset(Name::OtherRequest(request)));
            thread.then([teardown::other_request(request)]);
            process.spawn(thread);
        }
    }

    /// Returns true if a thread of a process's compute pool may wait for something that needs another one of them: where a synchronous
    /// kernel reads from the pipeline or destroys it, and where a handler waits for a session that is being destroyed. With a queue
    /// whoever flushes it may wait in `DeregisterCallback`. A pool thread that sleeps through a push does not run what was pushed.
    pub(in crate::models) fn pool_may_block(&self, id: ProcessId) -> bool {
        if self.sleeps_in_two() || self.has_queue() && self.first_step(id).is_some() {
            return true;
        }
        let Some(pipeline) = self.pipeline().filter(|_| self.first_step(id).is_some()) else {
            return false;
        };
        self.variant() == Variant::SyncGetNext || self.iterators() > 1 || pipeline.other_masters > 0
    }
}
