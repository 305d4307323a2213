//! The way from a scenario to its experiment: graphs, job, model.

use std::sync::Arc;

use super::closed_world::ClosedWorld;
use super::hashes::Hashes;
use super::reads::Reads;
use super::{Cut, Experiment, ExperimentError, ExperimentProblem, clients};
use crate::models::TensorFlow;
use crate::models::tensorflow::import::run_metadata;
use crate::models::tensorflow::import::slice::{SliceOptions, slice};
use crate::models::tensorflow::job::Job;
use crate::models::tensorflow::job::builtin::{Edges, builtin};
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::job::graph::{Graph, GraphError, NodeKind, Partition};
use crate::scenario::{Ends, GraphSource, JobSection, PipelineSection, Scenario, SliceKind, Turn};

impl Experiment {
    /// Reads a scenario's graphs and makes its model.
    ///
    /// # Errors
    /// When a graph cannot be read or the model has no such job.
    pub fn new(scenario: Scenario) -> Result<Self, ExperimentError> {
        let name = scenario.to_string();
        let line = scenario.assumption_line;
        build(scenario).map_err(|problem| ExperimentError {
            scenario: match problem {
                ExperimentProblem::Assumption { .. } => format!("{name}:{line}"),
                _ => name,
            },
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
        world: ClosedWorld::default(),
    };
    let reading = scenario.read_graph().map(|source| graphs.read(source, Reads::Either));
    let reading = reading.transpose()?;
    let mut training = graphs.read(scenario.graph(), Reads::of(section.input))?;
    let Graphs {
        contents,
        slices,
        world,
        ..
    } = graphs;
    let (unmodelled, assumptions) = world.assuming(&section.assume_never_waits)?;
    let ends = section.ends.clone().unwrap_or_default();
    let of_graph = training.reads().count();
    let dequeues = section
        .queue
        .map_or(0, |queue| of_graph.max(usize::from(queue.dequeues)));
    for _ in of_graph..dequeues {
        let worker = training.partitions[training.worker_partition()].task_name();
        let more = training.with_node(&worker, "QueueDequeueV2", NodeKind::Dequeue);
        training = Arc::new(more.map_err(|error| wrong_task("dequeues", error))?);
    }
    if let Some(task) = &ends.failing_node {
        let failing = training.with_failing_node(task);
        training = Arc::new(failing.map_err(|error| wrong_task("failing_node", error))?);
    }
    let lists = section.data.lists().iter();
    let mut loops = lists.map(|turns| clients::steps(section, turns, reading.as_ref(), &training));
    let job = Job {
        workers: section.workers,
        steps: loops.next().unwrap_or_default(),
        inter_op: section.inter_op_parallelism_threads,
        intra_op: section.intra_op_parallelism_threads,
        variant: scenario.document.runtime.variant,
        partition_order: section.partition_order,
        root_order: section.root_order,
        pipeline: section.pipeline.as_ref().map(PipelineSection::pipeline),
    };
    let model = match section.queue {
        Some(queue) => TensorFlow::with_queue(job, queue.capacity, clients::fills(section, dequeues)),
        None => TensorFlow::with_own_steps(job, loops.collect()),
    };
    let model = model?.with(faults(&training, &ends)?);
    let kernel = scenario.document.kernel.as_ref();
    let cut = kernel.map(|section| Cut::of(&model, section)).transpose()?;
    Ok(Experiment {
        hashes: Hashes::of(scenario.hash(), &contents, &model, (&unmodelled, &assumptions)),
        model,
        slice: slices.join("; "),
        servers: training.partitions.len() - 1,
        cut,
        unmodelled,
        assumptions,
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
        let servers = training.partitions.iter().filter(|partition| partition.is_server());
        let servers: Vec<String> = servers.map(Partition::task_name).collect();
        return Err(ExperimentProblem::Dies {
            task: death.task.clone(),
            servers: servers.join(", "),
        });
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

/// The graphs of a scenario as they are read.
struct Graphs<'a> {
    scenario: &'a Scenario,
    /// The bytes of all of them, for their hash.
    contents: Vec<u8>,
    /// Remains of each graph, for people.
    slices: Vec<String>,
    /// Contents of the whole graphs that the model leaves out.
    world: ClosedWorld,
}

impl Graphs<'_> {
    /// Reads a graph and leaves those of its nodes that the scenario wants.
    fn read(&mut self, source: GraphSource, reads: Reads) -> Result<Arc<Graph>, ExperimentProblem> {
        let graph = self.load(source)?;
        let section = &self.scenario.document.job;
        let graph = reads.choose(&graph, section)?;
        self.world.add(&graph);
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
    // Of several reads one may end while another brings its batch, so that some tensors of the last step are sent: what is said for a
    // slice speaks of one read.
    if section.slice == SliceKind::Full || graph.reads_several_times() {
        let text = format!("full: {} edges, {} nodes", graph.edges.len(), graph.node_ids().count());
        return (graph, text);
    }
    let pairs = section.slice == SliceKind::Pairs;
    let options = SliceOptions {
        keep: if pairs { 1 } else { usize::from(section.slice_keep) },
        keep_updates: section.data.contains(Turn::Batch) || section.pipeline.is_some() || looks_at_updates,
        pairs,
    };
    let reduced = slice(&graph, &options);
    let text = reduced.to_string();
    (reduced.graph, text.trim_start_matches("slice: ").to_owned())
}
