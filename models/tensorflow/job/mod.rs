//! Jobs, as a user would describe them, before they become processes.

pub mod builtin;
pub mod faults;
pub mod graph;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use thiserror::Error;

use crate::models::tensorflow::job::graph::Graph;
use crate::models::tensorflow::mechanisms::dataset::Pipeline;

/// A distributed training job: one or more workers, the servers that their graphs name, and what each client runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// Number of workers, each with its own client, that share the servers. At least 1.
    pub workers: u8,
    /// Steps that each client runs, one after the other; a client stops at the first that ends in an error, as the user's loop does.
    pub steps: Vec<JobStep>,
    /// `inter_op_parallelism_threads`: threads of the compute pool in every process. At least 1.
    pub inter_op: u8,
    /// `intra_op_parallelism_threads`: kept for the record; no label depends on it (`docs/fidelity.md` says why).
    pub intra_op: u8,
    /// Variant of the runtime.
    pub variant: Variant,
    /// Order in which the master issues its `RunGraph` calls (`RunPartitionsHelper`, `master_session.cc:657`): that of a hash map,
    /// arbitrary but fixed for a graph.
    pub partition_order: Order,
    /// Order in which `_SOURCE` hands on the roots of a partition: that of an `EdgeSet` (`graph/edgeset.h:61`), which is the order of
    /// the nodes up to four edges, then that of pointers, arbitrary but fixed for a graph. With several pool threads, any closure in
    /// the pool may run next anyway, so that only a pool of one thread looks at it.
    pub root_order: Order,
    /// The pipeline that each worker's iterator reads from; without one a single thread stands for it.
    pub pipeline: Option<Pipeline>,
}

/// One `sess.run` of a client.
#[derive(Clone, Debug)]
pub struct JobStep {
    /// The partition graphs that it runs.
    pub graph: Arc<Graph>,
    /// Batches that the input has left for the step.
    pub data: Data,
}

/// The input's state when a step asks for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Data {
    /// There is one.
    Batch,
    /// The data has ended: the read reports `OutOfRange`.
    End,
    /// The data ends somewhere among the several reads of the step: each finds a batch or reports `OutOfRange`. That all find one is among
    /// the outcomes.
    EndOfSome,
    /// Whatever the job's pipeline brings.
    Pipeline {
        /// Whether the client catches an error and goes on with its next step. Without that it stops.
        catches: bool,
    },
    /// The queue decides ([`crate::models::tensorflow::mechanisms::queue`]).
    Queued,
}

/// An order that the runtime takes from a container without one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Order {
    /// The order in the exported graph.
    #[default]
    Recorded,
    /// Every order: a choice.
    All,
}

/// A runtime: a release of TensorFlow, or 1.12 with one change to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Variant {
    /// As released.
    Tf112,
    /// TensorFlow 1.13.1, after its source.
    Tf113,
    /// TensorFlow 1.15, after its source.
    Tf115,
    /// TensorFlow 2.x, after its source of August 2025.
    Tf2,
    /// Pull request 23580: a receive that finds an error on its call after registering it ends without sending.
    NoSendAfterAbort,
    /// One change of 2.x: after the call is started, it is cancelled if it carries an error by then.
    CheckAfterSend,
    /// Proposal: `CallOptions` remembers a `StartCancel` that found no function.
    StickyCancel,
    /// Proposal: `StartAbort` also fails the deferred receives.
    AbortDeferred,
    /// Proposal: the master tells every process whose `RunGraph` it cancelled, and the process remembers.
    RememberCancelledSteps,
    /// TensorFlow 1.2 (issue 10369): `IteratorGetNext` is a synchronous kernel and waits on its pool thread.
    SyncGetNext,
    /// Proposal: a worker of `parallel_interleave` signals the sloppy consumer when the function of a file has failed, too.
    SignalCreationError,
    /// A wrong change: `parallel_interleave` takes a file for exhausted while records of it are still buffered. It loses records.
    EndBeforeDrained,
    /// A wrong change: a node looks how many are outstanding and counts itself out in two operations, no longer in one.
    CountOutInTwo,
    /// A wrong change: whoever has the answer of a partition looks how many are missing and counts it in two operations, no longer in one.
    CountAnswersInTwo,
    /// A wrong change: a pool thread looks into its queue and goes to sleep in two operations, and does not announce between them that it will.
    SleepInTwo,
}

/// Every variant with its name in scenarios.
const VARIANTS: &[(Variant, &str)] = &[
    (Variant::Tf112, "tf-1.12"),
    (Variant::Tf113, "tf-1.13"),
    (Variant::Tf115, "tf-1.15"),
    (Variant::Tf2, "tf-2"),
    (Variant::NoSendAfterAbort, "no-send-after-abort"),
    (Variant::CheckAfterSend, "check-after-send"),
    (Variant::StickyCancel, "sticky-cancel"),
    (Variant::AbortDeferred, "abort-deferred"),
    (Variant::RememberCancelledSteps, "remember-cancelled-steps"),
    (Variant::SyncGetNext, "sync-get-next"),
    (Variant::SignalCreationError, "signal-creation-error"),
    (Variant::EndBeforeDrained, "end-before-drained"),
    (Variant::CountOutInTwo, "count-out-in-two"),
    (Variant::CountAnswersInTwo, "count-answers-in-two"),
    (Variant::SleepInTwo, "sleep-in-two"),
];

impl Data {
    /// Returns true if a pipeline decides what there is.
    pub fn is_piped(self) -> bool {
        matches!(self, Self::Pipeline { .. })
    }
}

impl Variant {
    /// Returns all of them, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Variant> {
        VARIANTS.iter().map(|(variant, _)| *variant)
    }

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        let named = VARIANTS.iter().find(|(variant, _)| *variant == self);
        named.map_or("?", |(_, name)| name)
    }

    /// Returns those that change how the processes of a step work together, not what is behind its input, nor what only one of them does.
    pub fn of_steps() -> impl Iterator<Item = Variant> {
        let others = [
            Self::SyncGetNext,
            Self::SignalCreationError,
            Self::EndBeforeDrained,
            Self::CountOutInTwo,
            Self::CountAnswersInTwo,
            Self::SleepInTwo,
        ];
        Self::all().filter(move |variant| !others.contains(variant))
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no variant's.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("unknown runtime variant `{name}`, expected one of {known}")]
pub struct UnknownVariant {
    name: String,
    known: String,
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        VARIANTS
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(variant, _)| *variant)
            .ok_or_else(|| UnknownVariant {
                name: name.to_owned(),
                known: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
            })
    }
}

/// A job that can't be run.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum JobError {
    /// No worker.
    #[error("job: workers is 0, expected at least 1")]
    NoWorkers,
    /// No pool thread.
    #[error("job: inter_op_parallelism_threads is 0, expected at least 1")]
    NoPoolThreads,
    /// No step.
    #[error("job: there is no step to run, expected at least one")]
    NoSteps,
    /// Clients with steps of their own, and not one list for each.
    #[error("job: there are {lists} lists of steps, expected one for each of {workers} workers")]
    Loops {
        /// Number of lists.
        lists: usize,
        /// Number of workers.
        workers: u8,
    },
    /// A step that reads from a pipeline, or makes an iterator of one, in a job that has none.
    #[error("job: step {step} uses a pipeline, but the job has none")]
    NoPipeline {
        /// Index of the step.
        step: usize,
    },
    /// A graph without a worker's partition.
    #[error("job: step {step}: the graph has no partition on a worker, expected exactly one")]
    NoWorkerPartition {
        /// Index of the step.
        step: usize,
    },
    /// More processes, calls or steps than the model's ids can name.
    #[error("job: {what} is {count}, more than the {limit} that the model can name")]
    TooLarge {
        /// The thing of which there are too many.
        what: &'static str,
        /// Number that was found.
        count: usize,
        /// Greatest number that is allowed.
        limit: usize,
    },
}
