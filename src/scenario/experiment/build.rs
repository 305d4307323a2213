//! The way from a scenario to its experiment: graphs, job, model.

use std::sync::Arc;

use super::hashes::Hashes;
use super::{Cut, Experiment, ExperimentError, ExperimentProblem, clients};
use crate::models::TensorFlow;
use crate::models::tensorflow::import::run_metadata;
use crate::models::tensorflow::import::slice::{SliceOptions, slice};
use crate::models::tensorflow::job::Job;
use crate::models::tensorflow::job::builtin::{Edges, builtin};
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::job::graph::{Graph, GraphError, NodeKind};
use crate::scenario::{Ends, GraphSource, Input, JobSection, PipelineSection, Scenario, SliceKind, Turn};

impl Experiment {
    /// Reads a scenario's graphs and makes its model.
    ///
    /// # Errors
    /// When a graph cannot be read or the model has no such job.
    pub fn new(scenario: Scenario) -> Result<Self, ExperimentError> {
        let name = scenario.to_string();
        build(scenario).map_err(|problem| ExperimentError {
            scenario: name,
            problem,
        })
    }
}

fn build(scenario: Scenario) -> Result<Experiment, ExperimentProblem> {
    let section = &scenario.document.job;
    let mut graphs = Graphs {
        scenario: &scenario,
        contents: Vec::new(),
        slices: Vec::new(),
    };
    let reading = scenario.read_graph().map(|source| graphs.read(source, Reads::Either));
    let reading = reading.transpose()?;
    let mut training = graphs.read(scenario.graph(), Reads::of(section.input))?;
    let Graphs { contents, slices, .. } = graphs;
    let ends = section.ends.clone().unwrap_or_default();
    for _ in 1..section.queue.map_or(1, |queue| queue.dequeues) {
        let worker = training.partitions[training.worker_partition()].task_name();
        let more = training.with_node(&worker, "QueueDequeueV2", NodeKind::Dequeue);
        training = Arc::new(more.map_err(|error| wrong_task("dequeues", error))?);
    }
    if let Some(task) = &ends.failing_node {
        let failing = training.with_failing_node(task);
        training = Arc::new(failing.map_err(|error| wrong_task("failing_node", error))?);
    }
    let job = Job {
        workers: section.workers,
        steps: clients::steps(section, reading.as_ref(), &training),
        inter_op: section.inter_op_parallelism_threads,
        intra_op: section.intra_op_parallelism_threads,
        variant: scenario.document.runtime.variant,
        partition_order: section.partition_order,
        root_order: section.root_order,
        pipeline: section.pipeline.as_ref().map(PipelineSection::pipeline),
    };
    let model = match section.queue {
        Some(queue) => TensorFlow::with_queue(job, queue.capacity, clients::fills(section)),
        None => TensorFlow::new(job),
    };
    let model = model?.with(faults(&training, &ends)?);
    let kernel = scenario.document.kernel.as_ref();
    let cut = kernel.map(|section| Cut::of(&model, section)).transpose()?;
    Ok(Experiment {
        hashes: Hashes::of(scenario.hash(), &contents, &model),
        model,
        slice: slices.join("; "),
        servers: training.partitions.len() - 1,
        cut,
        scenario,
    })
}

/// Builds the faults: what happens beside the steps.
fn faults(training: &Graph, ends: &Ends) -> Result<Faults, ExperimentProblem> {
    let death = ends.server_dies.as_ref().map(|task| Death {
        task: task.clone(),
        restarts: ends.server_restarts,
    });
    let serves = |task: &str| {
        (training.partitions.iter()).any(|partition| partition.is_server() && partition.task_name() == task)
    };
    if let Some(death) = death.as_ref().filter(|death| !serves(&death.task)) {
        let task = death.task.clone();
        return Err(wrong_task("server_dies", GraphError::NoSuchTask { task }));
    }
    Ok(Faults {
        timeout: ends.operation_timeout,
        close: ends.session_close,
        death,
        queue: None,
    })
}

fn wrong_task(key: &'static str, error: GraphError) -> ExperimentProblem {
    ExperimentProblem::Ends { key, error }
}

/// The nodes that must bring the batch into a step.
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
    /// Returns those of the step that trains.
    fn of(input: Input) -> Self {
        match input {
            Input::Coupled | Input::Read => Self::GetNext,
            Input::Queue => Self::Dequeue,
            Input::Decoupled => Self::Fed,
        }
    }

    /// Says what is wrong with a graph, if something is.
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

/// The graphs of a scenario as they are read.
struct Graphs<'a> {
    scenario: &'a Scenario,
    /// The bytes of all of them, for their hash.
    contents: Vec<u8>,
    /// Remains of each graph, for people.
    slices: Vec<String>,
}

impl Graphs<'_> {
    /// Reads a graph and leaves those of its nodes that the scenario wants.
    fn read(&mut self, source: GraphSource, reads: Reads) -> Result<Arc<Graph>, ExperimentProblem> {
        let graph = self.load(source)?;
        let section = &self.scenario.document.job;
        if let Some(problem) = reads.problem(&graph) {
            let input = section.input;
            return Err(ExperimentProblem::Input { input, problem });
        }
        let (graph, text) = reduce(graph, section, self.scenario.looks_at_outcomes());
        self.slices.push(text);
        Ok(Arc::new(graph))
    }

    fn load(&mut self, source: GraphSource) -> Result<Graph, ExperimentProblem> {
        let mut import = |bytes: &[u8], file: &str| {
            self.contents.extend_from_slice(bytes);
            Ok(run_metadata(bytes, file)?)
        };
        match source {
            GraphSource::Embedded(file, bytes) => import(bytes, file),
            GraphSource::File(path) => match std::fs::read(&path) {
                Ok(bytes) => import(&bytes, &path.display().to_string()),
                Err(error) => Err(ExperimentProblem::Graph { path, error }),
            },
            GraphSource::BuiltIn {
                servers,
                edges,
                updates,
                batch,
            } => {
                let described = format!("{servers} {}", edges.join(","));
                self.contents.extend_from_slice(described.as_bytes());
                let updated = updates.iter().flat_map(|update| format!(",{update}").into_bytes());
                self.contents.extend(updated);
                Ok(builtin(servers, &Edges::try_from(edges)?, &updates, batch)?)
            }
        }
    }
}

/// Leaves the nodes of a graph that the scenario wants, and says which these are.
fn reduce(graph: Graph, section: &JobSection, looks_at_updates: bool) -> (Graph, String) {
    if section.slice == SliceKind::Full {
        let text = format!("full: {} edges, {} nodes", graph.edges.len(), graph.node_ids().count());
        return (graph, text);
    }
    let pairs = section.slice == SliceKind::Pairs;
    let options = SliceOptions {
        keep: if pairs { 1 } else { usize::from(section.slice_keep) },
        keep_updates: section.data.contains(&Turn::Batch) || section.pipeline.is_some() || looks_at_updates,
        pairs,
    };
    let reduced = slice(&graph, &options);
    let text = reduced.to_string();
    (reduced.graph, text.trim_start_matches("slice: ").to_owned())
}
