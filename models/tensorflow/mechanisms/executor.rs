//! The executor: one partition of one step (`tf-step.md` section 2.3; `common_runtime/executor.cc`, `executor.h`).
//!
//! A node's life: its kernel runs (here, in [`crate::models::tensorflow::mechanisms::rendezvous`] or [`crate::models::tensorflow::mechanisms::iterator`]), then `NodeDone`. A node that succeeds hands
//! its outputs on and its ready successors are run inline or scheduled; the first that fails aborts the rendezvous and cancels the
//! step's cancellation manager before it counts itself out. When nothing is outstanding, `Finish` schedules the step's callback.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::machine::{Access, Label};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::cancellation::Cancelling;
use crate::models::tensorflow::mechanisms::dataset;
use crate::models::tensorflow::mechanisms::iterator;
use crate::models::tensorflow::mechanisms::master;
use crate::models::tensorflow::mechanisms::pool;
use crate::models::tensorflow::mechanisms::queue;
use crate::models::tensorflow::mechanisms::rendezvous;
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, List, NodeId, RendezvousId, StepId, ThreadId};

static KERNEL: Label = Label {
    name: "Kernel.update",
    function: "OpKernel::Compute of a variable's update",
    site: "executor.cc:1778",
};
static PROPAGATE: Label = Label {
    name: "Executor.propagate",
    function: "ExecutorState::PropagateOutputs",
    site: "executor.cc:2037",
};
static OUTSTANDING: Label = Label {
    name: "Executor.outstanding",
    function: "ExecutorState::NodeDone (num_outstanding_ops_)",
    site: "executor.cc:2177",
};
/// Of the variant that takes the `fetch_sub` of [`OUTSTANDING`] apart.
static LOOK: Label = Label {
    name: "Executor.read_outstanding",
    function: "ExecutorState::NodeDone (num_outstanding_ops_)",
    site: "executor.cc:2177",
};
static DISPATCH: Label = Label {
    name: "Executor.schedule",
    function: "ExecutorState::ScheduleReady",
    site: "executor.cc:2189",
};
static LATCH: Label = Label {
    name: "Executor.first_error",
    function: "ExecutorState::NodeDone (status_)",
    site: "executor.cc:2155",
};
static CANCEL: Label = Label {
    name: "Executor.start_cancel",
    function: "CancellationManager::StartCancel",
    site: "executor.cc:2170",
};
static CANCELLED: Label = Label {
    name: "Executor.cancelled",
    function: "CancellationManager::StartCancel (is_cancelled_)",
    site: "cancellation.cc:46",
};
static FINISH: Label = Label {
    name: "Executor.finish",
    function: "ExecutorState::Finish",
    site: "executor.cc:2365",
};
static BARRIER: Label = Label {
    name: "ExecutorBarrier.when_done",
    function: "ExecutorBarrier::WhenDone",
    site: "executor.h:176",
};

/// Positions in the executor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// A kernel that changes a variable.
    Kernel(StepId, NodeId),
    /// A node that succeeded activates its successors. `true`: on a pool thread that runs the cheap ones itself.
    Propagate(StepId, NodeId, bool),
    /// A node counts itself out (and its ready successors in). Success, inline as above.
    Outstanding(StepId, bool, bool),
    /// Hands the next ready node to the pool.
    Dispatch(StepId),
    /// A node that failed latches the error; only the first goes on to abort.
    Latch(StepId),
    /// The first error cancels the step's cancellation manager.
    Cancel(StepId),
    /// That has run the callbacks which were registered.
    Cancelled(StepId),
    /// Nothing is outstanding: schedule the step's callback.
    Finish(StepId),
    /// The step's callback begins.
    Barrier(StepId),
    /// Variant `count-out-in-two`: a node without ready successors looks whether it is the last.
    Look(StepId),
    /// It counts itself out; `true`: it has seen that it is the last.
    CountOut(StepId, bool),
}

/// `ExecutorState` of the partition of one step.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Execution {
    /// The step.
    pub step: StepId,
    /// Its rendezvous in this process.
    pub rendezvous: RendezvousId,
    /// Inputs that each node still waits for.
    pub pending: SmallVec<[u8; 16]>,
    /// `num_outstanding_ops_`: scheduled, unfinished nodes.
    pub outstanding: u16,
    /// Whether `status_` carries an error.
    pub failed: bool,
    /// How far its cancellation manager has come.
    pub cancelling: Cancelling,
    /// Nodes whose attempts on a queue are registered there, sorted.
    pub callbacks: List,
}

impl Execution {
    /// The state before any root runs: `outstanding` is the number of roots.
    pub fn new(step: StepId, rendezvous: RendezvousId, pending: SmallVec<[u8; 16]>, roots: u16) -> Self {
        Self {
            step,
            rendezvous,
            pending,
            outstanding: roots,
            failed: false,
            cancelling: Cancelling::No,
            callbacks: List::new(),
        }
    }
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(in crate::models) fn declare_executor(&self, at: At) -> Declared {
        let (label, object, access) = match at {
            At::Kernel(..) => (&KERNEL, Object::Variables, Access::Commuting),
            At::Propagate(step, node, _) => {
                let alone = self.model.successors(step, self.id, node).is_empty();
                (
                    &PROPAGATE,
                    Object::Frames(step),
                    if alone { Access::BothMover } else { Access::Write },
                )
            }
            At::Outstanding(step, ..) => (&OUTSTANDING, Object::Outstanding(step), self.model.count_access()),
            At::Look(step) => (&LOOK, Object::Outstanding(step), Access::Read),
            At::CountOut(step, _) => (&OUTSTANDING, Object::Outstanding(step), Access::Write),
            At::Dispatch(_) => (&DISPATCH, Object::Pool, self.model.push_access()),
            At::Latch(step) => {
                let failed = self.process.execution(step).is_some_and(|execution| execution.failed);
                (
                    &LATCH,
                    Object::Status(step),
                    if failed { Access::Read } else { Access::Write },
                )
            }
            At::Cancel(step) => return self.cancels_callbacks(&CANCEL, step),
            At::Cancelled(step) => (&CANCELLED, Object::Cancellation(step), Access::Write),
            At::Finish(_) => (&FINISH, Object::Pool, self.model.push_access()),
            At::Barrier(step) => (&BARRIER, Object::Status(step), Access::Read),
        };
        Declared::new(label, object, access)
    }
}

impl Run<'_> {
    /// What `ExecutorState::Process` does with a node on the running thread: the first labels of its kernel.
    pub(in crate::models) fn start_node(&mut self, step: StepId, node: NodeId) {
        let at = match self.node(step, node).kind {
            NodeKind::Recv { .. } | NodeKind::Feed => Position::Rendezvous(rendezvous::At::Validate(step, node)),
            NodeKind::Send { .. } | NodeKind::Fetch => Position::Rendezvous(rendezvous::At::SendCheck(step, node)),
            NodeKind::GetNext => Position::Iterator(iterator::At::Schedule(step, node)),
            NodeKind::MakeIterator => Position::Dataset(dataset::At::Resource(
                dataset::iterator_resource::At::MakeIterator(step, node),
            )),
            NodeKind::Dequeue | NodeKind::Enqueue if self.model.has_queue() => {
                Position::Queue(queue::At::Lock(step, node))
            }
            NodeKind::CloseQueue => Position::Queue(queue::At::Close(step, node)),
            NodeKind::Dequeue | NodeKind::Enqueue => Position::Iterator(iterator::At::Dequeue(step, node)),
            NodeKind::Update { .. } => Position::Executor(At::Kernel(step, node)),
            NodeKind::Fails => return self.node_done(step, node, false, true),
            NodeKind::Other => return self.node_done(step, node, true, true),
        };
        self.thread.then([at]);
    }

    /// `NodeDone`, with `PropagateOutputs` before it where the node succeeded. `inline`: called by `Process` itself, which then
    /// runs cheap successors on its thread; an asynchronous kernel's callback hands all of them to the pool.
    pub(in crate::models) fn node_done(&mut self, step: StepId, node: NodeId, ok: bool, inline: bool) {
        let outstanding = if !ok && self.model.counts_out_in_two() {
            Position::Executor(At::Look(step))
        } else {
            Position::Executor(At::Outstanding(step, ok, inline))
        };
        let first = if ok {
            At::Propagate(step, node, inline)
        } else {
            At::Latch(step)
        };
        self.thread.then([Position::Executor(first), outstanding]);
    }

    /// Runs the operation of a position.
    pub(in crate::models) fn apply_executor(&mut self, at: At) {
        match at {
            At::Kernel(step, node) => self.kernel(step, node),
            At::Propagate(step, node, _) => self.propagate(step, node),
            At::Outstanding(step, ok, inline) => self.count(step, ok, inline),
            At::Look(step) => {
                let is_last = self.process.execution_mut(step).outstanding == 1;
                self.thread.then([Position::Executor(At::CountOut(step, is_last))]);
            }
            At::CountOut(step, is_last) => {
                self.process.execution_mut(step).outstanding -= 1;
                if is_last {
                    self.thread.then([Position::Executor(At::Finish(step))]);
                }
            }
            At::Dispatch(step) => {
                let node = self.thread.dispatch.remove(0);
                if !self.thread.dispatch.is_empty() {
                    self.thread.then([Position::Executor(At::Dispatch(step))]);
                }
                self.schedule_node(step, node);
            }
            At::Latch(step) => {
                let execution = self.process.execution_mut(step);
                if !std::mem::replace(&mut execution.failed, true) {
                    let rendezvous = execution.rendezvous;
                    let abort = Position::Rendezvous(rendezvous::At::AbortLocal(rendezvous));
                    self.thread.then([abort, Position::Executor(At::Cancel(step))]);
                }
            }
            At::Cancel(step) => self.start_cancel(step),
            At::Cancelled(step) => {
                // Its partition may have ended meanwhile.
                if let Some(execution) = self.process.executions.iter_mut().find(|other| other.step == step) {
                    execution.cancelling = Cancelling::Done;
                }
            }
            At::Finish(step) => {
                let (size, pooled) = (self.model.pool_size(), self.thread.is_pooled());
                let body = [Position::Executor(At::Barrier(step))];
                pool::schedule(self.process, size, pooled, ThreadId::Done(step), &body);
            }
            At::Barrier(step) => self.barrier(step),
        }
    }

    /// `ExecutorBarrier::WhenDone`, which aborts once more on an error, then the callback of the partition: that of `DoRunGraph`.
    fn barrier(&mut self, step: StepId) {
        let index = self
            .process
            .executions
            .iter()
            .position(|execution| execution.step == step);
        let execution = self.process.executions.remove(index.expect("the step runs here"));
        let ok = !execution.failed;
        match self.model.run_graph_call(step, self.id) {
            Some(call) => self.serve(call, ok),
            None => self.thread.then([
                Position::Worker(worker::At::ClearLocal(step)),
                Position::Master(master::At::WhenDone(step, ok)),
            ]),
        }
        if execution.failed {
            self.thread
                .then([Position::Rendezvous(rendezvous::At::AbortLocal(execution.rendezvous))]);
        }
    }

    /// Puts a node's closure into the pool.
    pub(in crate::models) fn schedule_node(&mut self, step: StepId, node: NodeId) {
        let (size, pooled) = (self.model.pool_size(), self.thread.is_pooled());
        pool::schedule(self.process, size, pooled, ThreadId::Node(step, node), &[]);
    }

    fn kernel(&mut self, step: StepId, node: NodeId) {
        if let NodeKind::Update { variable } = self.node(step, node).kind {
            let index = self.model.variable_index(step, self.id, variable);
            let counter = &mut self.process.variables[index];
            *counter = counter.saturating_add(1);
        }
        self.node_done(step, node, true, true);
    }

    fn propagate(&mut self, step: StepId, node: NodeId) {
        let successors = self.model.successors(step, self.id, node);
        let execution = self.process.execution_mut(step);
        for &successor in successors {
            let pending = &mut execution.pending[usize::from(successor)];
            *pending -= 1;
            if *pending == 0 {
                self.thread.dispatch.push(successor);
            }
        }
        if self.thread.dispatch.is_empty() && self.model.counts_out_in_two() {
            let next = self.thread.stack.pop();
            debug_assert!(matches!(next, Some(Position::Executor(At::Outstanding(..)))));
            self.thread.then([Position::Executor(At::Look(step))]);
        }
    }

    /// `num_outstanding_ops_`, then `ScheduleReady`'s split of the ready nodes into those that this thread runs itself and those
    /// that it hands to the pool (`executor.cc:2189-2232`).
    fn count(&mut self, step: StepId, ok: bool, inline: bool) {
        let ready = std::mem::take(&mut self.thread.dispatch);
        let execution = self.process.execution_mut(step);
        if ready.is_empty() || !ok {
            execution.outstanding -= 1;
            if execution.outstanding == 0 {
                self.thread.then([Position::Executor(At::Finish(step))]);
            }
            return;
        }
        execution.outstanding += ready.len() as u16 - 1;
        if inline {
            let mut expensive = None;
            for node in ready {
                if !self.node(step, node).expensive {
                    self.thread.inline.push(node);
                } else if let Some(previous) = expensive.replace(node) {
                    self.thread.dispatch.push(previous);
                }
            }
            match expensive {
                Some(last) if self.thread.inline.is_empty() => self.thread.inline.push(last),
                Some(last) => self.thread.dispatch.push(last),
                None => {}
            }
        } else {
            self.thread.dispatch = ready;
        }
        if !self.thread.dispatch.is_empty() {
            self.thread.then([Position::Executor(At::Dispatch(step))]);
        }
    }
}
