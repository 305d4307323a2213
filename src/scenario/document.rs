//! The contents of a scenario file.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PipelineSection, Size};
use crate::explore::shuttle::Strategy;
use crate::models::tensorflow::job::Variant;

/// A scenario file.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it shows.
    pub description: String,
    /// The scenario with the opposite expectation, relative to this file.
    pub sibling: Option<String>,
    /// What the clients run.
    pub job: JobSection,
    /// What they run it on.
    #[serde(default)]
    pub runtime: RuntimeSection,
    /// Which part of that is run; all of it without.
    pub kernel: Option<KernelSection>,
    /// How to look for hangs.
    #[serde(default)]
    pub engine: EngineSection,
    /// What must come out.
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
    /// How the batch gets into the step.
    pub input: Input,
    /// Number of workers.
    #[serde(default = "one")]
    pub workers: u8,
    /// Threads of each process's compute pool.
    pub inter_op_parallelism_threads: u8,
    /// Threads of each process's intra-op pool; kept for the record, without effect.
    #[serde(default = "one")]
    pub intra_op_parallelism_threads: u8,
    /// In which order the master starts the partitions.
    #[serde(default)]
    pub partition_order: Order,
    /// What the input has in each turn of the client's loop.
    #[serde(default = "end_at_once")]
    pub data: Vec<Turn>,
    /// The queue that the batches come from; input "queue" only. Without it the queue is as full as `data` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueSection>,
    /// What ends a step otherwise than by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Ends>,
    /// Which nodes of the graph run.
    #[serde(default)]
    pub slice: SliceKind,
    /// How many equal receives a merged slice keeps of each class.
    #[serde(default = "two")]
    pub slice_keep: u8,
    /// The pipeline from which the iterator reads, in place of a single thread that answers as `data` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineSection>,
}

fn one() -> u8 {
    1
}

fn two() -> u8 {
    2
}

fn end_at_once() -> Vec<Turn> {
    vec![Turn::End]
}

/// How the batch gets into the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The iterator is in the step.
    Coupled,
    /// A step of its own reads the batch, the next is fed with it.
    Decoupled,
    /// A queue's dequeue is in the step.
    Queue,
    /// No step trains: the client only reads from the pipeline.
    Read,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Input::Coupled => "coupled",
            Input::Decoupled => "decoupled",
            Input::Queue => "queue",
            Input::Read => "read",
        })
    }
}

/// What the input has in one turn of the client's loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// A batch.
    Batch,
    /// The end of the data.
    End,
}

/// `[job.queue]`: the queue, which a queue runner on each worker fills with one element for each batch of `data`, and then closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSection {
    /// How many elements it takes.
    pub capacity: u8,
    /// How many elements a step takes out, each by a dequeue of its own.
    #[serde(default = "one")]
    pub dequeues: u8,
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

/// In which order the master starts the partitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// That of the graph file.
    #[default]
    Recorded,
    /// Every order.
    All,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Recorded => "recorded",
            Order::All => "all",
        })
    }
}

/// Which nodes of the graph run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceKind {
    /// Those that can change whether the step ends, equal ones merged.
    #[default]
    Merged,
    /// The same with one edge for each ordered pair of processes: for the last batch.
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
    /// What has happened before it begins: events as in schedules, one each.
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
    /// Who belongs to it, as in `ps0/*` or `ps0/pool:*`, all of one process.
    pub threads: Vec<String>,
}

/// `[engine]`: how to look for hangs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineSection {
    /// Which engine.
    #[serde(default)]
    pub name: EngineName,
    /// The engines that the scenario is run with where all are run, as a gate does; without it only `name`.
    pub engines: Option<Vec<EngineName>>,
    /// Give up after so many states.
    pub max_states: Option<u64>,
    /// Give up when it needs more memory.
    pub max_memory: Option<Size>,
    /// Give up after so many seconds.
    pub max_time: Option<u64>,
    /// Stop after so many executions, for an engine that runs one after the other.
    pub executions: Option<u64>,
    /// What its random choices are made from.
    pub seed: Option<u64>,
    /// How shuttle chooses schedules.
    pub strategy: Option<Strategy>,
    /// In a gate, search a second time and leave out only what follows from which operations commute. The other reductions rest on
    /// what the model is known to do, so a model that was broken may escape them.
    #[serde(default)]
    pub recheck: bool,
}

impl EngineSection {
    /// The engines that the scenario is run with where all are run.
    pub fn all(&self) -> Vec<EngineName> {
        self.engines.clone().unwrap_or_else(|| vec![self.name])
    }
}

/// The engines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    /// Every state.
    #[default]
    Exhaustive,
    /// Schedules one after the other, on shuttle's coroutines.
    Shuttle,
    /// Real threads.
    Threads,
    /// Every interleaving of a kernel, by loom's search.
    Loom,
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineName::Exhaustive => "exhaustive",
            EngineName::Shuttle => "shuttle",
            EngineName::Threads => "threads",
            EngineName::Loom => "loom",
        })
    }
}

/// `[expect]`: what must come out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The answer.
    pub verdict: ExpectedAnswer,
    /// Whether the search must have ended by itself.
    pub complete: Option<bool>,
    /// Exactly these signatures, in any order.
    pub signatures: Option<Vec<String>>,
    /// Exactly these ways to end, in any order: how the clients end, and which updates they leave on variables.
    pub outcomes: Option<Vec<String>>,
    /// A part of the message of a finding: the model must say that something is wrong that no schedule may lead to.
    pub finding: Option<String>,
}

/// An answer that a scenario expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedAnswer {
    /// A client can hang.
    Hang,
    /// None can.
    NoHang,
    /// A bound ends the search first.
    Undecided,
}

impl fmt::Display for ExpectedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExpectedAnswer::Hang => "hang",
            ExpectedAnswer::NoHang => "no_hang",
            ExpectedAnswer::Undecided => "undecided",
        })
    }
}

/// A value that does not go with the others.
#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    problem: String,
}

impl Contradiction {
    pub(super) fn new(section: &'static str, key: &'static str, problem: &str) -> Self {
        Self {
            section,
            key,
            problem: problem.to_owned(),
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {}", self.section, self.key, self.problem)
    }
}

impl Document {
    /// Looks for values that are out of range or contradict each other.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        self.job.check()?;
        self.engine.check()?;
        let Some(expect) = &self.expect else { return Ok(()) };
        let signatures = expect.signatures.as_deref().unwrap_or_default();
        let wrong = |problem| Contradiction {
            section: "expect",
            key: "signatures",
            problem,
        };
        if !signatures.is_empty() && expect.verdict != ExpectedAnswer::Hang {
            return Err(wrong(format!(
                "only verdict \"hang\" has any, not \"{}\"",
                expect.verdict
            )));
        }
        let is_id = |id: &String| id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match signatures.iter().find(|id| !is_id(id)) {
            Some(id) => Err(wrong(format!("\"{id}\", expected eight hexadecimal digits"))),
            None => Ok(()),
        }
    }
}

impl EngineSection {
    fn check(&self) -> Result<(), Contradiction> {
        let engines = self.engines.as_deref();
        let rules = [
            (
                engines.is_some_and(<[_]>::is_empty),
                "engines",
                "empty, expected at least one",
            ),
            (
                engines.is_some_and(|engines| !engines.contains(&self.name)),
                "engines",
                "expected `name` (exhaustive, if not given) to be one of them",
            ),
            (self.executions == Some(0), "executions", "0, expected at least 1"),
        ];
        match rules.into_iter().find(|(broken, ..)| *broken) {
            Some((_, key, problem)) => Err(Contradiction {
                section: "engine",
                key,
                problem: problem.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

impl JobSection {
    fn check(&self) -> Result<(), Contradiction> {
        let decoupled = self.input == Input::Decoupled;
        let reads_only = self.input == Input::Read;
        let piped = self.pipeline.is_some();
        let rules = [
            (
                self.graph.is_none() && self.servers.is_none() && !reads_only,
                "graph",
                "missing; expected a RunMetadata file, or `servers`",
            ),
            (
                self.graph.is_some() && self.servers.is_some(),
                "servers",
                "expected either this or `graph`, not both",
            ),
            (
                self.graph.is_some() && reads_only,
                "graph",
                "input \"read\" runs no step that trains",
            ),
            (
                self.servers.is_some() && reads_only,
                "servers",
                "input \"read\" runs no step that trains",
            ),
            (
                reads_only && !piped,
                "input",
                "\"read\" needs a pipeline to read from: [job.pipeline]",
            ),
            (
                piped && self.input == Input::Queue,
                "input",
                "a queue does not read from [job.pipeline]",
            ),
            (
                piped && self.data != end_at_once(),
                "data",
                "does not go with [job.pipeline], which says what the input has",
            ),
            (self.servers == Some(0), "servers", "0, expected at least 1"),
            (
                self.edges.is_some() && self.servers.is_none(),
                "edges",
                "only goes with `servers`",
            ),
            (
                self.servers.is_some() && self.edges.is_none(),
                "edges",
                "missing; expected the edges of the built-in graph",
            ),
            (
                !self.updates.is_empty() && self.servers.is_none(),
                "updates",
                "only goes with `servers`",
            ),
            (
                self.queue.is_some() && self.input != Input::Queue,
                "queue",
                "only goes with input \"queue\"",
            ),
            (
                self.queue
                    .is_some_and(|queue| queue.capacity == 0 || queue.dequeues == 0),
                "queue",
                "capacity and dequeues, expected at least 1",
            ),
            (
                self.queue.is_some()
                    && self
                        .ends
                        .as_ref()
                        .is_some_and(|ends| ends.session_close || ends.operation_timeout),
                "queue",
                "does not go with session_close or operation_timeout",
            ),
            (
                self.ends
                    .as_ref()
                    .is_some_and(|ends| ends.server_restarts && ends.server_dies.is_none()),
                "ends",
                "server_restarts only goes with server_dies",
            ),
            (
                decoupled && self.read_graph.is_none(),
                "read_graph",
                "missing; input \"decoupled\" reads the batch with it",
            ),
            (
                !decoupled && self.read_graph.is_some(),
                "read_graph",
                "only goes with input \"decoupled\"",
            ),
            (self.workers == 0, "workers", "0, expected at least 1"),
            (
                self.inter_op_parallelism_threads == 0,
                "inter_op_parallelism_threads",
                "0, expected at least 1",
            ),
            (
                self.intra_op_parallelism_threads == 0,
                "intra_op_parallelism_threads",
                "0, expected at least 1",
            ),
            (
                self.data.is_empty(),
                "data",
                "empty, expected one entry for each turn of the client's loop",
            ),
            (self.slice_keep == 0, "slice_keep", "0, expected at least 1"),
        ];
        match rules.into_iter().find(|(broken, ..)| *broken) {
            Some((_, key, problem)) => Err(Contradiction::new("job", key, problem)),
            None => self.pipeline.as_ref().map_or(Ok(()), PipelineSection::check),
        }
    }

    /// Which nodes of the graph run, as schedules say it.
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
