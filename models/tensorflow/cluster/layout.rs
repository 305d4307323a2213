//! The processes, steps and calls of a job.

use std::ops::Range;
use std::sync::Arc;

use super::{CallInfo, CallKind, PartitionCalls, ProcessInfo, StepInfo, TensorFlow};
use crate::machine::ProcessId;
use crate::models::tensorflow::analysis::Footprints;
use crate::models::tensorflow::job::faults::Faults;
use crate::models::tensorflow::job::graph::{Graph, Node, NodeKind};
use crate::models::tensorflow::job::{Data, Job, JobError, JobStep, Order};
use crate::models::tensorflow::mechanisms::dataset::graphs::makes_iterator;
use crate::models::tensorflow::objects::Numbering;
use crate::models::tensorflow::process::{CallId, StepId};

/// Steps have 16 bits in names of threads and objects, and some of their numbers a meaning of their own.
const STEPS: usize = 10_000;
/// Processes too.
const PROCESSES: usize = 10_000;
/// Five partitions have 120 orders; six would not fit the choices of a label.
const ORDERED_PARTITIONS: usize = 5;

/// Lays a job out. `others` are the steps of the clients after the first one, where they are not those of the job.
pub(super) fn lay_out(mut job: Job, others: Vec<Vec<JobStep>>, runner: Vec<JobStep>) -> Result<TensorFlow, JobError> {
    let first = 0..job.steps.len();
    let mut loops = vec![first];
    for steps in others {
        loops.push(job.steps.len()..job.steps.len() + steps.len());
        job.steps.extend(steps);
    }
    if loops.len() == 1 {
        loops = vec![loops[0].clone(); usize::from(job.workers)];
    }
    if loops.iter().any(Range::is_empty) {
        return Err(JobError::NoSteps);
    }
    if loops.len() != usize::from(job.workers) {
        return Err(JobError::Loops {
            lists: loops.len(),
            workers: job.workers,
        });
    }
    let runner_from = job.steps.len();
    if runner_from > 0 {
        job.steps.extend(runner);
    }
    check(&job)?;
    let mut model = TensorFlow {
        processes: Vec::new(),
        steps: Vec::new(),
        calls: Vec::new(),
        variables: Vec::new(),
        first: Vec::new(),
        cancels_in_order: false,
        cleans_up: true,
        faults: Faults::default(),
        numbering: Numbering::default(),
        footprints: Footprints::default(),
        loops,
        runner_from,
        tells_workers: job.workers > 1,
        tells_steps: false,
        source: Node::source(),
        job,
    };
    for worker in 0..model.job.workers {
        model.process(&format!("worker{worker}"), "worker");
    }
    for worker in 0..model.job.workers {
        let first = model.steps.len() as StepId;
        let steps = model.loops[usize::from(worker)].clone();
        model.run_by(worker, "step", steps);
        model.run_by(worker, "fill", runner_from..model.job.steps.len());
        model.first[usize::from(worker)] = Some(first);
    }
    for worker in model.process_ids().collect::<Vec<_>>() {
        if let Some(first) = model.first[worker.index()] {
            for other in model.process_ids().filter(|other| *other != worker).collect::<Vec<_>>() {
                model.new_call(first, CallKind::DeleteSession, worker, other);
            }
        }
    }
    let (processes, calls) = (model.processes.len(), model.calls.len());
    limit("the number of processes", processes, PROCESSES)?;
    limit("the number of steps", model.steps.len(), STEPS)?;
    limit("the number of calls", calls, usize::from(CallId::MAX) - 1)?;
    model.tells_steps = model.steps.len() > 1;
    model.numbering = Numbering::of(&model);
    Ok(model)
}

fn limit(what: &'static str, count: usize, limit: usize) -> Result<(), JobError> {
    if count > limit {
        Err(JobError::TooLarge { what, count, limit })
    } else {
        Ok(())
    }
}

fn check(job: &Job) -> Result<(), JobError> {
    if job.workers == 0 {
        return Err(JobError::NoWorkers);
    }
    if job.inter_op == 0 {
        return Err(JobError::NoPoolThreads);
    }
    if job.steps.is_empty() {
        return Err(JobError::NoSteps);
    }
    let uses_pipeline = |step: &JobStep| step.data.is_piped() || makes_iterator(&step.graph);
    if let (None, Some(step)) = (&job.pipeline, job.steps.iter().position(uses_pipeline)) {
        return Err(JobError::NoPipeline { step });
    }
    limit("the number of workers", usize::from(job.workers), PROCESSES)?;
    limit("the number of steps", job.steps.len(), STEPS)?;
    let most = job
        .steps
        .iter()
        .map(|step| step.graph.partitions.len())
        .max()
        .unwrap_or(0);
    if job.partition_order == Order::All {
        limit(
            "the number of partitions with partition_order = \"all\"",
            most,
            ORDERED_PARTITIONS,
        )?;
    }
    Ok(())
}

/// Returns the calls that receive what the `_Send` of an edge waits for, in its own partition.
fn received_for(graph: &Graph, edge: u16, recv: &[CallId]) -> Vec<CallId> {
    let sender = graph.sender(edge);
    let nodes = &graph.partitions[usize::from(sender.partition)].nodes;
    let mut seen = vec![false; nodes.len()];
    let mut open = vec![sender.node];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        if std::mem::replace(&mut seen[usize::from(node)], true) {
            continue;
        }
        if let NodeKind::Recv { edge } = nodes[usize::from(node)].kind {
            found.push(recv[usize::from(edge)]);
        }
        open.extend(&nodes[usize::from(node)].inputs);
    }
    found
}

impl TensorFlow {
    /// Builds the same with other graphs and another number of workers: a job that this one contains.
    ///
    /// # Errors
    /// When there is nothing to run, or more than the model's ids can name.
    pub fn reduced(&self, workers: u8, graph: impl Fn(&Graph) -> Graph) -> Result<Self, JobError> {
        let mut graphs: Vec<(Arc<Graph>, Arc<Graph>)> = Vec::new();
        let mut steps: Vec<JobStep> = Vec::new();
        for step in &self.job.steps {
            let known = graphs.iter().find(|(whole, _)| Arc::ptr_eq(whole, &step.graph));
            let known = known.map(|(_, reduced)| Arc::clone(reduced));
            let reduced = known.unwrap_or_else(|| {
                let reduced = Arc::new(graph(&step.graph));
                graphs.push((Arc::clone(&step.graph), Arc::clone(&reduced)));
                reduced
            });
            steps.push(JobStep {
                graph: reduced,
                ..step.clone()
            });
        }
        let runner = steps.split_off(self.runner_from);
        let mut others = Vec::new();
        if !self.is_even() {
            let loops = self.loops.iter().take(usize::from(workers)).skip(1);
            others.extend(loops.map(|own| steps[own.clone()].to_vec()));
            steps.truncate(self.loops[0].end);
        }
        let job = Job {
            workers,
            steps,
            ..self.job.clone()
        };
        let mut model = lay_out(job, others, runner)?;
        model.faults = self.faults.clone();
        // Everything keeps the name that it has in this job, so that schedules can be told here.
        (model.tells_workers, model.tells_steps) = (self.tells_workers, self.tells_steps);
        for (own, whole) in model.steps.iter_mut().zip(&self.steps) {
            own.name.clone_from(&whole.name);
        }
        Ok(model)
    }

    /// Returns the process of this name, added if it is new.
    fn process(&mut self, name: &str, role: &str) -> ProcessId {
        let known = self.processes.iter().position(|process| process.name == name);
        let index = known.unwrap_or_else(|| {
            self.processes.push(ProcessInfo {
                name: name.to_owned(),
                role: role.to_owned(),
            });
            self.variables.push(Vec::new());
            self.first.push(None);
            self.processes.len() - 1
        });
        ProcessId::new(index)
    }

    fn new_call(&mut self, step: StepId, kind: CallKind, client: ProcessId, server: ProcessId) -> CallId {
        self.calls.push(CallInfo {
            step,
            kind,
            client,
            server,
        });
        (self.calls.len() - 1) as CallId
    }

    /// The process of each partition of a graph, added if it is new, with its variables.
    fn processes_of(&mut self, graph: &Graph, own: usize, master: ProcessId) -> Vec<ProcessId> {
        let mut process_of = Vec::new();
        for (partition, content) in graph.partitions.iter().enumerate() {
            let process = if partition == own {
                master
            } else {
                self.process(&content.task_name(), &content.job)
            };
            for name in &content.variables {
                let known = &mut self.variables[process.index()];
                if !known.contains(name) {
                    known.push(name.clone());
                }
            }
            process_of.push(process);
        }
        process_of
    }

    /// Adds the steps that one client of a worker runs, one after the other.
    fn run_by(&mut self, worker: u8, name: &str, steps: Range<usize>) {
        for index in steps.clone() {
            let own = format!("{name}{}", index - steps.start);
            let own = match self.job.workers {
                0 | 1 => own,
                _ => format!("worker{worker}/{own}"),
            };
            self.step(worker, index, own, index + 1 == steps.end);
        }
    }

    fn step(&mut self, worker: u8, index: usize, name: String, is_last: bool) {
        let id = self.steps.len() as StepId;
        let graph = self.job.steps[index].graph.clone();
        let own = graph.worker_partition();
        let master = ProcessId::new(usize::from(worker));
        let process_of = self.processes_of(&graph, own, master);
        let recv: Vec<CallId> = graph
            .edges
            .iter()
            .enumerate()
            .map(|(edge, content)| {
                let (client, server) = (
                    process_of[usize::from(content.to)],
                    process_of[usize::from(content.from)],
                );
                self.new_call(id, CallKind::RecvTensor { edge: edge as u16 }, client, server)
            })
            .collect();
        let needs = (0..graph.edges.len())
            .map(|edge| received_for(&graph, edge as u16, &recv))
            .collect();
        let mut calls_of = Vec::new();
        for (partition, &process) in process_of.iter().enumerate() {
            calls_of.push((partition != own).then(|| PartitionCalls {
                run_graph: self.new_call(
                    id,
                    CallKind::RunGraph {
                        partition: partition as u16,
                    },
                    master,
                    process,
                ),
                cleanup: self.new_call(id, CallKind::CleanupGraph, master, process),
                cancel_step: self.new_call(id, CallKind::CancelStep, master, process),
            }));
        }
        let next = (!is_last).then_some(id + 1);
        // The loop over an epoch ends with the data; the next epoch begins with the next step.
        let data = self.job.steps[index].data;
        let after_error =
            next.filter(|_| matches!(data, Data::End | Data::EndOfSome | Data::Pipeline { catches: true }));
        let next = next.filter(|_| data != Data::End);
        self.steps.push(StepInfo {
            name,
            worker: master,
            index,
            process_of,
            calls_of,
            recv,
            needs,
            next,
            after_error,
            has_failing_node: graph.node_ids().any(|id| graph.node(id).kind == NodeKind::Fails),
        });
    }
}
