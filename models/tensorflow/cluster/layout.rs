//! The processes, steps and calls of a job.

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

pub(super) fn lay_out(mut job: Job, runner: Vec<JobStep>) -> Result<TensorFlow, JobError> {
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
        runner_from,
        source: Node::source(),
        job,
    };
    for worker in 0..model.job.workers {
        model.process(&format!("worker{worker}"), "worker");
    }
    for worker in 0..model.job.workers {
        let first = model.steps.len() as StepId;
        for index in 0..model.job.steps.len() {
            model.step(worker, index);
        }
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

    fn step(&mut self, worker: u8, index: usize) {
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
        let own = match index.checked_sub(self.runner_from) {
            None => format!("step{index}"),
            Some(number) => format!("fill{number}"),
        };
        let name = if self.job.workers > 1 {
            format!("worker{worker}/{own}")
        } else {
            own
        };
        let next = (![self.runner_from, self.job.steps.len()].contains(&(index + 1))).then_some(id + 1);
        // The loop over an epoch ends with the data; the next epoch begins with the next step.
        let data = self.job.steps[index].data;
        let after_error = next.filter(|_| matches!(data, Data::End | Data::Pipeline { catches: true }));
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
