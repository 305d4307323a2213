//! The contents of a scenario file.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::Display;

use super::{PipelineSection, Size, Turns};
use crate::explore::{Answer, Strategy, UnknownStrategy, sample, shuttle};
use crate::models::tensorflow::job::{Order, Variant};

/// A scenario file.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Purpose of the scenario.
    pub description: String,
    /// The control: the scenario with the opposite expectation, relative to this file.
    pub sibling: Option<String>,
    /// Job that the clients run.
    pub job: JobSection,
    /// Runtime that they run it on.
    #[serde(default)]
    pub runtime: RuntimeSection,
    /// The part that is run; all of it without.
    pub kernel: Option<KernelSection>,
    /// Engine that looks for hangs.
    #[serde(default)]
    pub engine: EngineSection,
    /// Verdict that must come out.
    pub expect: Option<Expect>,
}

/// `[job]`: what the clients run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSection {
    /// `RunMetadata` file of the step, relative to the scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// `RunMetadata` file of the step that only reads the batch; decoupled input only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_graph: Option<String>,
    /// Number of parameter servers of a built-in graph, in place of `graph`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<u8>,
    /// Edges of a built-in graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edges: Option<Vec<String>>,
    /// Updates of a built-in graph, as in `ps1 beta_power after ps0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<String>,
    /// Way by which the batch gets into the step.
    pub input: Input,
    /// Number of workers.
    #[serde(default = "one")]
    pub workers: u8,
    /// Threads of each process's compute pool.
    pub inter_op_parallelism_threads: u8,
    /// Threads of each process's intra-op pool; kept for the record, without effect.
    #[serde(default = "one")]
    pub intra_op_parallelism_threads: u8,
    /// Order in which the master starts the partitions.
    #[serde(default)]
    pub partition_order: Order,
    /// Order in which the roots of a partition are handed on; matters with one pool thread only.
    #[serde(default = "every_order", skip_serializing_if = "is_every_order")]
    pub root_order: Order,
    /// Batches of the input in each turn of the client's loop; one list for every worker, or one list of its own for each.
    #[serde(default = "end_at_once")]
    pub data: Turns,
    /// The queue that the batches come from; input "queue" only. Without it the queue is as full as `data` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueSection>,
    /// Faults that end a step otherwise than by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Ends>,
    /// Nodes of the graph that run.
    #[serde(default)]
    pub slice: SliceKind,
    /// Number of equal receives that a merged slice keeps of each class.
    #[serde(default = "two")]
    pub slice_keep: u8,
    /// Ops of which the scenario takes for granted that their kernels never wait, though the model does not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assume_never_waits: Vec<String>,
    /// The pipeline from which the iterator reads, in place of a single thread that answers as `data` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineSection>,
}

pub(super) fn one() -> u8 {
    1
}

fn every_order() -> Order {
    Order::All
}

fn is_every_order(order: &Order) -> bool {
    *order == Order::All
}

pub(super) fn two() -> u8 {
    2
}

fn end_at_once() -> Turns {
    Turns::Equal(vec![Turn::End])
}

/// The way by which the batch gets into the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Input {
    /// The iterator is in the step.
    Coupled,
    /// A step of its own reads the batch, the next is fed with it. Without a graph of the step that reads, Python does it.
    Decoupled,
    /// A queue's dequeue is in the step.
    Queue,
    /// No step trains: the client only reads from the pipeline.
    Read,
}

/// The input in one turn of the client's loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// A batch.
    Batch,
    /// The end of the data.
    End,
}

/// `[job.queue]`: the queue, which a queue runner on each worker fills with one element for each batch of `data`, or with `elements`, and
/// then closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSection {
    /// Number of elements that it takes.
    pub capacity: u8,
    /// Number of elements that a step takes out, each by a dequeue of its own; at least as many as the graph has dequeues.
    #[serde(default = "one")]
    pub dequeues: u8,
    /// Number of elements that the queue runner has; without it, as many as the client takes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements: Option<u8>,
}

/// `[job.ends]`: what ends a step otherwise than by itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ends {
    /// The task in whose partition a node fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_node: Option<String>,
    /// Whether `operation_timeout_in_ms` is set.
    pub operation_timeout: bool,
    /// Whether another thread of each worker closes its session.
    pub session_close: bool,
    /// The server that dies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_dies: Option<String>,
    /// Whether it comes back.
    pub server_restarts: bool,
}

/// The choice of nodes of the graph that run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceKind {
    /// Those that can change whether the step ends, equal ones merged.
    #[default]
    Merged,
    /// The merged slice with one edge for each ordered pair of processes: for the last batch.
    Pairs,
    /// All.
    Full,
}

/// `[runtime]`: what the clients run it on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSection {
    /// The runtime's variant.
    #[serde(deserialize_with = "variant", serialize_with = "variant_name")]
    pub variant: Variant,
}

impl Default for RuntimeSection {
    fn default() -> Self {
        Self {
            variant: Variant::Tf112,
        }
    }
}

fn variant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Variant, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(serde::de::Error::custom)
}

fn variant_name<S: Serializer>(variant: &Variant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(variant)
}

/// `[kernel]`: a part of the job, small enough to run every interleaving of.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelSection {
    /// Events that have happened before it begins, as in schedules, one each.
    #[serde(default)]
    pub begin: Vec<String>,
    /// Threads of which one at a time runs.
    #[serde(default)]
    pub groups: Vec<GroupSection>,
}

/// One of the groups of a kernel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSection {
    /// Its name, for people.
    pub name: String,
    /// Threads that belong to it, as in `ps0/*` or `ps0/pool:*`, all of one process.
    pub threads: Vec<String>,
}

/// `[engine]`: how to look for hangs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineSection {
    /// Name of the engine.
    #[serde(default)]
    pub name: EngineName,
    /// The engines that the scenario is run with where all are run, as a gate does; without it only `name`.
    pub engines: Option<Vec<EngineName>>,
    /// Give up after N states (verdict: undecided).
    pub max_states: Option<u64>,
    /// Give up when it needs more memory.
    pub max_memory: Option<Size>,
    /// Give up after N seconds (verdict: undecided).
    pub max_time: Option<u64>,
    /// Number of executions, for an engine that runs one after the other.
    pub executions: Option<u64>,
    /// Seed of its random choices.
    pub seed: Option<u64>,
    /// Strategy by which the sampler or shuttle chooses schedules.
    pub strategy: Option<Strategy>,
    /// A gate's instruction to search a second time and leave out only what follows from which operations commute. The other reductions
    /// rest on what the model is known to do, so a model that was broken may escape them.
    #[serde(default)]
    pub recheck: bool,
}

impl EngineSection {
    /// Returns the engines that the scenario is run with where all are run.
    pub fn all(&self) -> Vec<EngineName> {
        self.engines.clone().unwrap_or_else(|| vec![self.name])
    }
}

/// The engines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, Display)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EngineName {
    /// Whatever decides the job within the bounds: every state, its parts, samples of the whole.
    #[default]
    Auto,
    /// Every state.
    Exhaustive,
    /// Schedules one after the other, straight over the states of the model.
    Sample,
    /// Schedules one after the other, on shuttle's coroutines.
    Shuttle,
    /// Real threads.
    Threads,
    /// Every interleaving of a kernel, by loom's search.
    Loom,
}

impl EngineName {
    /// Returns true if it looks at every state where it can.
    pub fn searches(self) -> bool {
        matches!(self, Self::Auto | Self::Exhaustive)
    }

    /// Checks that the engine has a strategy, if it is one that looks at it.
    ///
    /// # Errors
    /// When it does not.
    pub fn fits(self, strategy: &Strategy) -> Result<(), UnknownStrategy> {
        match self {
            Self::Auto | Self::Sample => sample::fits(strategy),
            Self::Shuttle => shuttle::fits(strategy),
            Self::Exhaustive | Self::Threads | Self::Loom => Ok(()),
        }
    }
}

/// `[expect]`: what must come out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The answer.
    pub verdict: Answer,
    /// Whether the search must have ended by itself.
    pub complete: Option<bool>,
    /// Exactly these signatures, in any order.
    pub signatures: Option<Vec<String>>,
    /// Exactly these ways to end, in any order: how the clients end, and which updates they leave on variables.
    pub outcomes: Option<Vec<String>>,
    /// A part of the message of a finding: the model must say that something is wrong that no schedule may lead to.
    pub finding: Option<String>,
}

impl JobSection {
    /// Says which nodes of the graph run, as schedules say it.
    pub fn slice_text(&self) -> String {
        match self.slice {
            SliceKind::Merged => format!("merged keep={}", self.slice_keep),
            SliceKind::Pairs => "pairs".to_owned(),
            SliceKind::Full => "full".to_owned(),
        }
    }

    /// Reads what [`JobSection::slice_text`] wrote.
    ///
    /// # Errors
    /// When it is something else; the text says what was expected.
    pub fn set_slice_text(&mut self, text: &str) -> Result<(), String> {
        if text == "full" {
            self.slice = SliceKind::Full;
            return Ok(());
        }
        if text == "pairs" {
            self.slice = SliceKind::Pairs;
            return Ok(());
        }
        let keep = text.strip_prefix("merged keep=").and_then(|keep| keep.parse().ok());
        let Some(keep) = keep.filter(|keep| *keep > 0) else {
            return Err(format!(
                "slice \"{text}\", expected \"full\", \"pairs\" or \"merged keep=N\""
            ));
        };
        self.slice = SliceKind::Merged;
        self.slice_keep = keep;
        Ok(())
    }
}
