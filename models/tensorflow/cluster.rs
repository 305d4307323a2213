//! A job as a system: its processes, steps and calls; `thread` says how a label of a thread is declared and run.

use std::ops::Range;

use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::analysis::Footprints;
use crate::models::tensorflow::job::faults::Faults;
use crate::models::tensorflow::job::graph::{Graph, Node};
use crate::models::tensorflow::job::{Data, Job, JobError, JobStep, Order, Variant};
use crate::models::tensorflow::objects::Numbering;
use crate::models::tensorflow::process::{CallId, StepId};

mod calls;
mod layout;
mod nodes;
mod system;

/// A process in its role for the job.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ProcessInfo {
    /// Task name, as in `ps0`.
    pub name: String,
    /// `worker` or `ps`.
    pub role: String,
}

/// One `sess.run` of one client.
#[derive(Clone, Debug)]
pub struct StepInfo {
    /// Name for people, as in `step0` or `worker1/step0`.
    pub name: String,
    /// The process of its client and master.
    pub worker: ProcessId,
    /// Index into the job's steps.
    pub index: usize,
    /// The process of each partition.
    pub process_of: Vec<ProcessId>,
    /// Calls of each partition, `None` for the worker's own.
    calls_of: Vec<Option<PartitionCalls>>,
    /// The `RecvTensor` call of each edge.
    recv: Vec<CallId>,
    /// Calls per edge: those of its sender whose values its `_Send` waits for.
    needs: Vec<Vec<CallId>>,
    /// The step that the client runs next, if this one ends well.
    next: Option<StepId>,
    /// The step that it runs next, if this one ends in an error.
    after_error: Option<StepId>,
    /// Whether a node of its graph fails by itself.
    has_failing_node: bool,
}

#[derive(Clone, Copy, Debug)]
struct PartitionCalls {
    run_graph: CallId,
    cleanup: CallId,
    cancel_step: CallId,
}

/// The purpose of an RPC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CallKind {
    /// `RecvTensor` of an edge.
    RecvTensor {
        /// Index into the graph's edges.
        edge: u16,
    },
    /// `RunGraph` of a partition.
    RunGraph {
        /// Index into the graph's partitions.
        partition: u16,
    },
    /// `CleanupGraph`; its answer is modelled only where somebody waits for it: whoever closes the session.
    CleanupGraph,
    /// `DeleteWorkerSession`.
    DeleteSession,
    /// The message of variant `remember-cancelled-steps`; it can't be cancelled.
    CancelStep,
}

/// An RPC that may be made once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallInfo {
    /// The step that it belongs to.
    pub step: StepId,
    /// Purpose of the call.
    pub kind: CallKind,
    /// The process that sends it.
    pub client: ProcessId,
    /// The process that serves it.
    pub server: ProcessId,
}

/// One job on one runtime: the model.
#[derive(Clone, Debug)]
pub struct TensorFlow {
    job: Job,
    processes: Vec<ProcessInfo>,
    steps: Vec<StepInfo>,
    calls: Vec<CallInfo>,
    /// Names of the variables of each process.
    variables: Vec<Vec<String>>,
    /// First step of each worker's client, by process.
    first: Vec<Option<StepId>>,
    cancels_in_order: bool,
    cleans_up: bool,
    pub(in crate::models) faults: Faults,
    pub(in crate::models) numbering: Numbering,
    pub(in crate::models) footprints: Footprints,
    /// Those of the job's steps that each worker's client runs.
    loops: Vec<Range<usize>>,
    /// Index of the first of the job's steps that the queue runner runs.
    runner_from: usize,
    /// Whether names tell the worker, and the step: there are several, or were in the job that this one is a part of.
    tells_workers: bool,
    pub(in crate::models) tells_steps: bool,
    /// The node `_SOURCE` that every partition has.
    source: Node,
}

impl TensorFlow {
    /// Lays out a job.
    ///
    /// # Errors
    /// When there is nothing to run, or more than the model's ids can name.
    pub fn new(job: Job) -> Result<Self, JobError> {
        layout::lay_out(job, Vec::new(), Vec::new())
    }

    /// Builds the same where the clients after the first one run steps of their own, one list for each.
    ///
    /// # Errors
    /// When there is nothing to run, more than the model's ids can name, or not one list for each worker.
    pub fn with_own_steps(job: Job, others: Vec<Vec<JobStep>>) -> Result<Self, JobError> {
        layout::lay_out(job, others, Vec::new())
    }

    /// Builds the same with batches from a queue of `capacity` elements, which a queue runner on each worker fills by these steps.
    ///
    /// # Errors
    /// When there is nothing to run, or more than the model's ids can name.
    pub fn with_queue(job: Job, capacity: u8, runner: Vec<JobStep>) -> Result<Self, JobError> {
        let mut model = layout::lay_out(job, Vec::new(), runner)?;
        model.faults.queue = Some(capacity);
        Ok(model)
    }

    /// Returns true if the batches come from a queue that is modelled.
    pub(in crate::models) fn has_queue(&self) -> bool {
        self.faults.queue.is_some()
    }

    /// Returns true if the queue runner runs this step, not the client that trains.
    pub(in crate::models) fn is_runners(&self, step: StepId) -> bool {
        self.steps[usize::from(step)].index >= self.runner_from
    }

    /// Returns true if `StartAbort` cancels the active calls in ascending order only (a reduction) or in any order.
    pub fn set_cancels_in_order(&mut self, in_order: bool) {
        self.cancels_in_order = in_order;
        self.footprints = Footprints::default();
    }

    /// Returns true if the step after which a client leaves its loop is cleaned up. Without it nothing can be said of leaks, but nothing
    /// else changes for a client: `CleanupGraph` is sent when every partition has answered.
    pub fn set_cleans_up(&mut self, cleans_up: bool) {
        self.cleans_up = cleans_up;
        self.footprints = Footprints::default();
    }

    /// See [`TensorFlow::set_cleans_up`].
    pub fn cleans_up(&self) -> bool {
        self.cleans_up
    }

    /// Returns the job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Returns those of the job's steps that each worker's client runs.
    pub fn loops(&self) -> &[Range<usize>] {
        &self.loops
    }

    /// Returns true if every worker's client runs the same steps.
    pub fn is_even(&self) -> bool {
        self.loops.iter().all(|steps| *steps == self.loops[0])
    }

    /// Returns every process.
    pub fn processes(&self) -> &[ProcessInfo] {
        &self.processes
    }

    /// Returns every step of every client.
    pub fn steps(&self) -> &[StepInfo] {
        &self.steps
    }

    /// Returns every call that may be made.
    pub fn calls(&self) -> &[CallInfo] {
        &self.calls
    }

    /// Returns one of them.
    pub fn call(&self, id: CallId) -> &CallInfo {
        &self.calls[usize::from(id)]
    }

    /// Ids of the processes.
    pub(in crate::models) fn process_ids(&self) -> impl Iterator<Item = ProcessId> + Clone {
        ProcessId::all(self.processes.len())
    }

    /// Returns the steps whose client and master are this process.
    pub(in crate::models) fn steps_of(&self, worker: ProcessId) -> impl Iterator<Item = StepId> {
        let steps = (0..).zip(&self.steps).filter(move |(_, info)| info.worker == worker);
        steps.map(|(step, _)| step)
    }

    /// Returns a step's name.
    pub fn step_name(&self, step: StepId) -> &str {
        &self.steps[usize::from(step)].name
    }

    /// Returns a step's graph.
    pub fn graph(&self, step: StepId) -> &Graph {
        &self.job.steps[self.steps[usize::from(step)].index].graph
    }

    /// Returns the partition of a step that a process runs.
    pub fn partition(&self, step: StepId, process: ProcessId) -> usize {
        let processes = &self.steps[usize::from(step)].process_of;
        processes
            .iter()
            .position(|other| *other == process)
            .expect("the process has a partition of the step")
    }

    /// Names of the variables of a process, in the order of `Process::variables`.
    pub fn variables(&self, process: ProcessId) -> &[String] {
        &self.variables[process.index()]
    }

    pub(in crate::models) fn pool_size(&self) -> u8 {
        self.job.inter_op
    }

    pub(in crate::models) fn pool_is_ordered(&self) -> bool {
        self.job.inter_op == 1
    }

    /// Nodes that count themselves out commute, but for the last one, which goes on to `Finish`: with one pool thread, and with a queue,
    /// where a thread that flushes has more to do after that, it matters which thread it is. Where each has looked before, it matters
    /// to who looks next.
    pub(in crate::models) fn count_access(&self) -> Access {
        if self.pool_is_ordered() || self.has_queue() || self.counts_out_in_two() {
            Access::Write
        } else {
            Access::Commuting
        }
    }

    /// Returns true if a node looks at the count and takes itself off it in two operations: the last may not know that it is the last.
    pub(in crate::models) fn counts_out_in_two(&self) -> bool {
        self.job.variant == Variant::CountOutInTwo
    }

    /// Returns true if whoever has an answer looks at the count of partitions and lowers it in two operations: the last may not know that
    /// it is the last.
    pub(in crate::models) fn counts_answers_in_two(&self) -> bool {
        self.job.variant == Variant::CountAnswersInTwo
    }

    /// Returns true if a pool thread looks for a closure and goes to sleep in two operations: a closure that comes between them may wake
    /// nobody.
    pub(in crate::models) fn sleeps_in_two(&self) -> bool {
        self.job.variant == Variant::SleepInTwo
    }

    /// Returns the access of a push: pushing a closure onto a bag commutes with all else; the deque of a one-thread pool has an order, and
    /// where threads are woken, whom a push finds asleep matters.
    pub(in crate::models) fn push_access(&self) -> Access {
        if self.pool_is_ordered() || self.sleeps_in_two() {
            Access::Write
        } else {
            Access::BothMover
        }
    }

    pub(in crate::models) fn cancels_in_order(&self) -> bool {
        self.cancels_in_order
    }

    /// Returns true if the master cleans up after a step. Where a queue runner is a second client of the worker, always: one of the two
    /// may have returned where the other hangs, and that hang's schedule is one of the whole model.
    pub(in crate::models) fn cleans_up_after(&self, step: StepId) -> bool {
        let closes = self.pipeline().is_some_and(|pipeline| pipeline.closes_session);
        self.cleans_up || closes || self.awaits_cleanup() || self.has_queue() || self.is_followed(step)
    }

    /// Returns true if somebody waits for the answers to `CleanupGraph`: whoever closes the session waits until no step runs, and a step
    /// runs until they are there (`MarkRunCompletion`, `master_session.cc:1809`).
    pub(in crate::models) fn awaits_cleanup(&self) -> bool {
        self.faults.close
    }

    /// Returns the `DeleteWorkerSession` calls of the session of a worker: to every other process, since no device filter is modelled.
    pub(in crate::models) fn delete_session_calls(&self, worker: ProcessId) -> impl Iterator<Item = CallId> {
        let deletes = move |info: &CallInfo| info.client == worker && info.kind == CallKind::DeleteSession;
        let calls = (0..).zip(&self.calls).filter(move |(_, info)| deletes(info));
        calls.map(|(call, _)| call)
    }

    pub(in crate::models) fn variant(&self) -> Variant {
        self.job.variant
    }

    pub(in crate::models) fn is_sticky(&self) -> bool {
        self.job.variant == Variant::StickyCancel
    }

    pub(in crate::models) fn fails_deferred(&self) -> bool {
        self.job.variant == Variant::AbortDeferred
    }

    pub(in crate::models) fn remembers_cancelled(&self) -> bool {
        self.job.variant == Variant::RememberCancelledSteps
    }

    pub(in crate::models) fn partition_order(&self) -> Order {
        self.job.partition_order
    }

    /// Returns true if the roots of a partition may be handed on in any order. Where any closure in the pool may run next, the order
    /// in which they come there means nothing.
    pub(in crate::models) fn hands_roots_on_in_any_order(&self) -> bool {
        self.pool_is_ordered() && self.job.root_order == Order::All
    }

    pub(in crate::models) fn data(&self, step: StepId) -> Data {
        self.job.steps[self.steps[usize::from(step)].index].data
    }

    /// Returns true if nothing of a step can fail: it has its batch, none of its nodes fails by itself, and nothing comes from outside.
    /// Then nobody aborts, cancels or resets. Footprints look at it, no label does.
    pub(in crate::models) fn cannot_fail(&self, step: StepId) -> bool {
        let info = &self.steps[usize::from(step)];
        let undisturbed = self.faults == Faults::default() && self.job.pipeline.is_none();
        undisturbed && self.data(step) == Data::Batch && !info.has_failing_node
    }

    /// Returns the step that the client runs after this one, by how this one ended.
    pub(in crate::models) fn next_step(&self, step: StepId, ok: bool) -> Option<StepId> {
        let info = &self.steps[usize::from(step)];
        if ok { info.next } else { info.after_error }
    }

    /// Returns true if the client may run another step after this one.
    pub(in crate::models) fn is_followed(&self, step: StepId) -> bool {
        self.next_step(step, true).or(self.next_step(step, false)).is_some()
    }

    /// Returns the first step of a worker's client.
    pub(in crate::models) fn first_step(&self, process: ProcessId) -> Option<StepId> {
        self.first[process.index()]
    }

    pub(in crate::models) fn partitions(&self, step: StepId) -> u16 {
        self.steps[usize::from(step)].process_of.len() as u16
    }

    /// Returns the `RunGraph` call of a partition, unless it is the worker's own.
    pub(in crate::models) fn run_graph_of(&self, step: StepId, partition: u16) -> Option<CallId> {
        self.steps[usize::from(step)].calls_of[usize::from(partition)].map(|calls| calls.run_graph)
    }

    pub(in crate::models) fn cleanup_call(&self, step: StepId, partition: u16) -> Option<CallId> {
        self.steps[usize::from(step)].calls_of[usize::from(partition)].map(|calls| calls.cleanup)
    }

    pub(in crate::models) fn cancel_step_call(&self, step: StepId, partition: u16) -> Option<CallId> {
        self.steps[usize::from(step)].calls_of[usize::from(partition)].map(|calls| calls.cancel_step)
    }

    /// Returns the `RunGraph` call that a process serves for a step, unless it is the worker itself.
    pub(in crate::models) fn run_graph_call(&self, step: StepId, process: ProcessId) -> Option<CallId> {
        self.run_graph_of(step, self.partition(step, process) as u16)
    }
}
