//! From a scenario to a model: where scenarios, imported graphs, the model and the engines meet.

mod clients;
mod engines;
mod hang;
mod kernel;
mod pipeline;
mod recorded;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use thiserror::Error;

use crate::explore::exhaustive::{self, CheckpointError, Checkpointing, Options, Reductions, Status};
use crate::explore::{FoundHang, Verdict};
use crate::machine::{Event, Label};
use crate::models::TensorFlow;
use crate::models::tensorflow::import::slice::{SliceOptions, slice};
use crate::models::tensorflow::import::{ImportError, run_metadata};
use crate::models::tensorflow::job::builtin::{BuiltinError, Edges, builtin};
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::job::graph::{Graph, GraphError, NodeKind};
use crate::models::tensorflow::job::{Job, JobError, PartitionOrder};
use crate::scenario::{Ends, GraphSource, Input, JobSection, Order, PipelineSection, Scenario, SliceKind, Turn};
use crate::schedule::{Ending, Hash, Header, ReplayOutcome, Schedule, replay};

pub use self::engines::{Budget, EngineError, EngineStatus};
pub use self::hang::HangError;
pub use self::kernel::Cut;
pub use self::recorded::{Changed, RecordedError, prepare_recorded, scenario_of};
pub use self::worker::{Request, RequestError, WORKER_COMMAND, WorkerError};

/// A scenario that is ready to run.
pub struct Prepared {
    /// The model of its job, with every label: schedules replay on it, whatever the search that found them left out.
    pub model: TensorFlow,
    /// The scenario, with what the command line changed of it.
    pub scenario: Scenario,
    /// The scenario's hash as its file has it.
    pub scenario_hash: Hash,
    /// Hash of the contents of its graph files.
    pub graph_hash: Hash,
    /// Which nodes of the graph run, for people.
    pub slice: String,
    /// Number of parameter servers of the graph that trains, whether the steps that run need them or not.
    pub servers: usize,
    /// Which part of the job is run; none if all of it is.
    pub cut: Option<Cut>,
}

/// Why a scenario cannot run.
#[derive(Debug, Error)]
pub enum RunError {
    /// Its graph is no graph.
    #[error("{scenario}: {error}")]
    Import {
        /// The scenario.
        scenario: String,
        /// What is wrong.
        error: Box<ImportError>,
    },
    /// A graph file cannot be read.
    #[error("{scenario}: graph file {}: {error}", path.display())]
    Graph {
        /// The scenario.
        scenario: String,
        /// The graph file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The description of its built-in graph is wrong.
    #[error("{scenario}: job.edges: {error}")]
    BuiltIn {
        /// The scenario.
        scenario: String,
        /// What is wrong.
        error: BuiltinError,
    },
    /// The batch does not get into the step as the scenario says.
    #[error("{scenario}: job.input: \"{input}\", but {problem}")]
    Input {
        /// The scenario.
        scenario: String,
        /// What it says.
        input: Input,
        /// What the graph shows.
        problem: &'static str,
    },
    /// A step is to end on a task that it does not run on.
    #[error("{scenario}: job.ends.{key}: {error}")]
    Ends {
        /// The scenario.
        scenario: String,
        /// What it says.
        key: &'static str,
        /// What is wrong.
        error: GraphError,
    },
    /// The job has no such kernel.
    #[error("{scenario}: {problem}")]
    Kernel {
        /// The scenario.
        scenario: String,
        /// What is wrong.
        problem: String,
    },
    /// The model cannot get to where the kernel begins: the scenario is wrong, or the model changed under it.
    #[error("{scenario}: {problem}")]
    Begin {
        /// The scenario.
        scenario: String,
        /// The entry that the model cannot do, and what it found instead.
        problem: String,
    },
    /// The model has no such job.
    #[error("{scenario}: {error}")]
    Job {
        /// The scenario.
        scenario: String,
        /// What is wrong.
        error: JobError,
    },
}

/// Reads a scenario's graphs and makes its model. `scenario_hash` is that of the file, before anything was changed.
///
/// # Errors
/// When a graph cannot be read or the model has no such job.
pub fn prepare(scenario: Scenario, scenario_hash: Hash) -> Result<Prepared, RunError> {
    let section = &scenario.document.job;
    let mut contents = Vec::new();
    let mut slices = Vec::new();
    let mut read = |source: GraphSource, reads: Reads| -> Result<Arc<Graph>, RunError> {
        let graph = load(&scenario, source, &mut contents)?;
        if let Some(problem) = reads.problem(&graph) {
            return Err(RunError::Input {
                scenario: scenario.to_string(),
                input: section.input,
                problem,
            });
        }
        let (graph, text) = reduce(graph, section, looks_at_outcomes(&scenario));
        slices.push(text);
        Ok(Arc::new(graph))
    };
    let ends = section.ends.clone().unwrap_or_default();
    let reading = scenario.read_graph().map(|source| read(source, Reads::Either));
    let reading = reading.transpose()?;
    let mut training = read(scenario.graph(), Reads::of(section.input))?;
    for _ in 1..section.queue.map_or(1, |queue| queue.dequeues) {
        let worker = training.partitions[training.worker_partition()].task_name();
        let more = training.with_node(&worker, "QueueDequeueV2", NodeKind::Dequeue);
        training = Arc::new(more.map_err(|error| wrong_task(&scenario, "dequeues", error))?);
    }
    if let Some(task) = &ends.failing_node {
        let failing = training.with_failing_node(task);
        training = Arc::new(failing.map_err(|error| wrong_task(&scenario, "failing_node", error))?);
    }
    let job = Job {
        workers: section.workers,
        steps: clients::steps(section, reading.as_ref(), &training),
        inter_op: section.inter_op_parallelism_threads,
        intra_op: section.intra_op_parallelism_threads,
        variant: scenario.document.runtime.variant,
        partition_order: match section.partition_order {
            Order::Recorded => PartitionOrder::Recorded,
            Order::All => PartitionOrder::All,
        },
        pipeline: section.pipeline.as_ref().map(PipelineSection::pipeline),
    };
    let model = match section.queue {
        Some(queue) => TensorFlow::with_queue(job, queue.capacity, clients::fills(section)),
        None => TensorFlow::new(job),
    };
    let model = model.map_err(|error| RunError::Job {
        scenario: scenario.to_string(),
        error,
    })?;
    let model = model.with(circumstances(&scenario, &training, &ends)?);
    let kernel = scenario.document.kernel.as_ref();
    let cut = kernel.map(|section| Cut::of(&scenario, &model, section)).transpose()?;
    Ok(Prepared {
        model,
        scenario_hash,
        graph_hash: Hash::of(&contents),
        slice: slices.join("; "),
        servers: training.partitions.len() - 1,
        cut,
        scenario,
    })
}

/// What happens beside the steps.
fn circumstances(scenario: &Scenario, training: &Graph, ends: &Ends) -> Result<Faults, RunError> {
    let death = ends.server_dies.as_ref().map(|task| Death {
        task: task.clone(),
        restarts: ends.server_restarts,
    });
    let serves = |task: &str| {
        (training.partitions.iter()).any(|partition| partition.is_server() && partition.task_name() == task)
    };
    if let Some(death) = death.as_ref().filter(|death| !serves(&death.task)) {
        let task = death.task.clone();
        return Err(wrong_task(scenario, "server_dies", GraphError::NoSuchTask { task }));
    }
    Ok(Faults {
        timeout: ends.operation_timeout,
        close: ends.session_close,
        death,
        queue: None,
    })
}

fn wrong_task(scenario: &Scenario, key: &'static str, error: GraphError) -> RunError {
    RunError::Ends {
        scenario: scenario.to_string(),
        key,
        error,
    }
}

/// Which nodes must bring the batch into a step.
#[derive(Clone, Copy)]
enum Reads {
    /// The end of an iterator.
    GetNext,
    /// A queue's dequeue.
    Dequeue,
    /// One of the two.
    Either,
    /// None: it is fed.
    Fed,
}

impl Reads {
    /// Those of the step that trains.
    fn of(input: Input) -> Self {
        match input {
            Input::Coupled | Input::Read => Self::GetNext,
            Input::Queue => Self::Dequeue,
            Input::Decoupled => Self::Fed,
        }
    }

    /// What is wrong with a graph, if something is.
    fn problem(self, graph: &Graph) -> Option<&'static str> {
        let has = |kind: NodeKind| graph.node_ids().any(|id| graph.node(id).kind == kind);
        let (iterator, queue) = (has(NodeKind::GetNext), has(NodeKind::Dequeue));
        match self {
            Self::GetNext if !iterator => Some("the graph has no IteratorGetNext"),
            Self::Dequeue if !queue => Some("the graph has no dequeue"),
            Self::Either if !iterator && !queue => {
                Some("the graph of job.read_graph has no IteratorGetNext and no dequeue")
            }
            Self::Fed if iterator || queue => {
                Some("the graph of job.graph reads a batch of its own, expected one that is fed")
            }
            _ => None,
        }
    }
}

/// The graph of a source; its bytes are added to `contents`.
fn load(scenario: &Scenario, source: GraphSource, contents: &mut Vec<u8>) -> Result<Graph, RunError> {
    let name = scenario.to_string();
    let import = |bytes: &[u8], file: &str| {
        run_metadata(bytes, file).map_err(|error| RunError::Import {
            scenario: name.clone(),
            error: Box::new(error),
        })
    };
    match source {
        GraphSource::Embedded(file, bytes) => {
            contents.extend_from_slice(bytes);
            import(bytes, file)
        }
        GraphSource::File(path) => {
            let bytes = std::fs::read(&path).map_err(|error| RunError::Graph {
                scenario: name.clone(),
                path: path.clone(),
                error,
            })?;
            contents.extend_from_slice(&bytes);
            import(&bytes, &path.display().to_string())
        }
        GraphSource::BuiltIn {
            servers,
            edges,
            updates,
            batch,
        } => {
            contents.extend_from_slice(format!("{servers} {}", edges.join(",")).as_bytes());
            contents.extend(updates.iter().flat_map(|update| format!(",{update}").into_bytes()));
            let graph = Edges::try_from(edges).and_then(|edges| builtin(servers, &edges, &updates, batch));
            graph.map_err(|error| RunError::BuiltIn { scenario: name, error })
        }
    }
}

/// Whether the scenario says how its clients end.
pub fn looks_at_outcomes(scenario: &Scenario) -> bool {
    let expect = scenario.document.expect.as_ref();
    expect.is_some_and(|expect| expect.outcomes.is_some())
}

/// The nodes of a graph that the scenario wants, and which these are.
fn reduce(graph: Graph, section: &JobSection, looks_at_updates: bool) -> (Graph, String) {
    match section.slice {
        SliceKind::Full => {
            let nodes: usize = graph.partitions.iter().map(|partition| partition.nodes.len()).sum();
            let text = format!("full: {} edges, {nodes} nodes", graph.edges.len());
            (graph, text)
        }
        SliceKind::Merged | SliceKind::Pairs => {
            let pairs = section.slice == SliceKind::Pairs;
            let reduced = slice(
                &graph,
                &SliceOptions {
                    keep: if pairs { 1 } else { usize::from(section.slice_keep) },
                    keep_updates: section.data.contains(&Turn::Batch) || section.pipeline.is_some() || looks_at_updates,
                    pairs,
                },
            );
            let text = reduced.to_string();
            (reduced.graph, text.trim_start_matches("slice: ").to_owned())
        }
    }
}

/// The hash of the running program: what it does next with a checkpoint is what the one that wrote it would have done only if both
/// are the same.
fn program() -> Result<String, CheckpointError> {
    static PROGRAM: OnceLock<Hash> = OnceLock::new();
    if let Some(known) = PROGRAM.get() {
        return Ok(known.to_string());
    }
    let io = |path: PathBuf, error| CheckpointError::Io { path, error };
    let path = std::env::current_exe().map_err(|error| io(PathBuf::from("the running program"), error))?;
    let bytes = std::fs::read(&path).map_err(|error| io(path, error))?;
    Ok(PROGRAM.get_or_init(|| Hash::of(&bytes)).to_string())
}

/// The labels that occur in some schedules, by name.
pub type Labels = BTreeMap<&'static str, &'static Label>;

impl Prepared {
    /// Searches every state. With `cancel_order`, `StartAbort` cancels the active calls in ascending order only: a reduction. What
    /// the client's last step leaves on servers is cleaned up only if the engine is asked for leaks.
    pub fn search(
        &self,
        options: &Options,
        cancel_order: bool,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Verdict {
        let model = self.searched(options.reductions, cancel_order);
        let verdict = match &self.cut {
            None => exhaustive::search(&model, options, interrupt, progress),
            Some(cut) => exhaustive::search(&cut.kernel(model), options, interrupt, progress),
        };
        self.told(verdict, options.reductions, cancel_order)
    }

    /// The same, with checkpoints in the file `place.path`; what they are of is added to `place.identity`.
    ///
    /// # Errors
    /// When the checkpoint that is there can't be used, or none can be written.
    pub fn search_with_checkpoints(
        &self,
        options: &Options,
        cancel_order: bool,
        mut place: Checkpointing,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Result<Verdict, CheckpointError> {
        place.identity.extend(self.identity(cancel_order)?);
        let model = self.searched(options.reductions, cancel_order);
        let verdict = match &self.cut {
            None => exhaustive::search_with_checkpoints(&model, options, &place, interrupt, progress),
            Some(cut) => exhaustive::search_with_checkpoints(&cut.kernel(model), options, &place, interrupt, progress),
        };
        Ok(self.told(verdict?, options.reductions, cancel_order))
    }

    /// Whether a search goes on until servers are cleaned up. What a step leaves on variables is the same before, and there is less to
    /// search.
    fn cleans_up(&self, reductions: Reductions) -> bool {
        reductions.leaks && !looks_at_outcomes(&self.scenario)
    }

    /// A verdict with what was left out of the model before the engine saw it.
    fn told(&self, verdict: Verdict, reductions: Reductions, cancel_order: bool) -> Verdict {
        let mut verdict = match &self.cut {
            None => verdict,
            Some(cut) => cut.complete(verdict),
        };
        if cancel_order {
            verdict.reductions.push("cancel order".to_owned());
        }
        if !self.cleans_up(reductions) {
            verdict.leaks.clear();
            verdict.reductions.push("no clean-up".to_owned());
        }
        verdict
    }

    /// The model as an exhaustive search has it.
    fn searched(&self, reductions: Reductions, cancel_order: bool) -> TensorFlow {
        let mut model = self.model.clone();
        model.set_cancels_in_order(cancel_order);
        model.set_cleans_up(self.cleans_up(reductions));
        model
    }

    /// All that decides what a search of this scenario does, but for the engine's reductions.
    fn identity(&self, cancel_order: bool) -> Result<Vec<(String, String)>, CheckpointError> {
        let document = &self.scenario.document;
        let named = |name: &str, value: String| (name.to_owned(), value);
        Ok(vec![
            named("scenario", self.scenario_hash.to_string()),
            named("graph", self.graph_hash.to_string()),
            named("slice", document.job.slice_text()),
            named("kernel", format!("{:?}", document.kernel)),
            named("variant", document.runtime.variant.to_string()),
            named("partition order", document.job.partition_order.to_string()),
            named("cancel order", cancel_order.to_string()),
            named("program", program()?),
        ])
    }

    /// The schedule of a hang that was found.
    pub fn schedule_of(&self, hang: &FoundHang) -> Schedule {
        let ending = Ending::Hang {
            client: hang.client.clone(),
            signature: hang.signature.id(),
            waits: hang.signature.to_string(),
        };
        self.schedule(ending, hang.events.clone())
    }

    /// A schedule of this scenario.
    pub fn schedule(&self, ending: Ending, events: Vec<Event>) -> Schedule {
        let document = &self.scenario.document;
        let header = Header {
            scenario: self.scenario.file_name(),
            scenario_hash: self.scenario_hash,
            graph_hash: self.graph_hash,
            slice: document.job.slice_text(),
            variant: document.runtime.variant.to_string(),
            partition_order: document.job.partition_order.to_string(),
            ending,
        };
        Schedule::record(header, events)
    }

    /// Runs a schedule that was just recorded again, to be sure of it; collects the labels that occur in it and notes in the
    /// schedule who else could have run.
    pub fn verify(&self, schedule: &mut Schedule, labels: &mut Labels) -> ReplayOutcome {
        let mut others = Vec::new();
        let outcome = replay(&self.model, schedule, |step| {
            labels.insert(step.label.name, step.label);
            others.push(step.others.to_vec());
        });
        schedule.note_others(others);
        outcome
    }
}
