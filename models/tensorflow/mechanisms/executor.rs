//! The executor: one partition of one step (`common_runtime/executor.cc`, `executor.h`).
//!
//! A node's life: its kernel runs (here, in [`super::rendezvous`], [`super::iterator`] or [`super::queue`]), then `NodeDone`. A node that
//! succeeds hands its outputs on and its ready successors are run inline or scheduled; the first that fails aborts the rendezvous and
//! cancels the step's cancellation manager before it counts itself out. When nothing is outstanding, `Finish` schedules the step's
//! callback. The race of two nodes that count themselves out is searched alone by loom: `scenarios/kernel/outstanding_count.toml`.

mod roots;
mod running;

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::cancellation::{self, Cancelling};
use super::context::{Context, Declared, Inventory, Item, Next, Run, View};
use super::room::Mechanism;
use super::{dataset, iterator, queue, rendezvous, rpc};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::pool::Object as PoolObject;
use crate::models::tensorflow::process::{
    ANY_RENDEZVOUS, List, NodeId, Process, RendezvousId, StepId, Thread, ThreadId,
};
use crate::models::tensorflow::release::Status;

pub(super) use self::roots::next_root;
use self::roots::{kept_roots, open_roots};
use self::running::{barrier, count, ended_well, kernel, propagate};
pub(super) use self::running::{ended, run_async};

labels! {
    KERNEL = "Kernel.update", "OpKernel::Compute of a variable's update", "executor.cc:1778";
    PROPAGATE = "Executor.propagate", "ExecutorState::PropagateOutputs", "executor.cc:2037";
    OUTSTANDING = "Executor.outstanding", "ExecutorState::NodeDone (num_outstanding_ops_)", "executor.cc:2177";
    LOOK = "Executor.read_outstanding", "ExecutorState::NodeDone (num_outstanding_ops_)", "executor.cc:2177";
    DISPATCH = "Executor.schedule", "ExecutorState::ScheduleReady", "executor.cc:2189";
    LATCH = "Executor.first_error", "ExecutorState::NodeDone (status_)", "executor.cc:2155";
    CANCEL = "Executor.start_cancel", "CancellationManager::StartCancel", "executor.cc:2170";
    FINISH = "Executor.finish", "ExecutorState::Finish", "executor.cc:2365";
    NEXT_ROOT = "Executor.next_root", "ExecutorState::Process (inline_ready)", "executor.cc:1627";
    BARRIER = "ExecutorBarrier.when_done", "ExecutorBarrier::WhenDone", "executor.h:176";
}

program_counter! { Executor;
    /// A kernel that changes a variable.
    Kernel(step, node) => KERNEL,
    /// A node that succeeded activates its successors. `inline`: on a pool thread that runs the cheap ones itself.
    Propagate(step, node, inline: bool) => PROPAGATE,
    /// A node counts itself out (and its ready successors in). Success, inline as above.
    Outstanding(step, ok: bool, inline: bool) => OUTSTANDING,
    /// Hands the next ready node to the pool.
    Dispatch(step) => DISPATCH,
    /// A node that failed latches the error; only the first goes on to abort.
    Latch(step, status: Status) => LATCH,
    /// The first error cancels the step's cancellation manager.
    Cancel(step) => CANCEL,
    /// Nothing is outstanding: schedule the step's callback.
    Finish(step) => FINISH,
    /// The step's callback begins.
    Barrier(step) => BARRIER,
    /// Variant `count-out-in-two`, which takes the `fetch_sub` apart: a node without ready successors looks whether it is the last.
    Look(step) => LOOK,
    /// `_SOURCE` takes the next of the cheap roots, whose order is not known.
    NextRoot(step) => NEXT_ROOT,
    /// It counts itself out; `last`: it has seen that it is the last.
    CountOut(step, last: bool) => OUTSTANDING,
}

objects! { Executor;
    /// The variables that live here.
    Variables = "variables" per Process,
    /// A step's executor: pending counts of its nodes.
    Frames(StepId) = "frames" per Step,
    /// A step's executor: the first error.
    Status(StepId) = "status" per Step,
    /// A step's executor: the number of outstanding nodes.
    Outstanding(StepId) = "outstanding" per Step,
}

/// `ExecutorState` of the partition of one step.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Execution {
    /// The step.
    pub step: StepId,
    /// Its rendezvous in this process.
    pub rendezvous: RendezvousId,
    /// Inputs that each node still waits for.
    pub pending: SmallVec<[u16; 8]>,
    /// `num_outstanding_ops_`: scheduled, unfinished nodes.
    pub outstanding: u16,
    /// Whether `status_` carries an error.
    pub failed: bool,
    /// Whether that error is derived.
    pub derived: bool,
    /// Progress of its cancellation manager.
    pub cancelling: Cancelling,
    /// Nodes whose attempts on a queue are registered there, sorted.
    pub callbacks: List,
}

/// The partitions that run or ran here: step, rendezvous, and whether anything of it can still fail for the first time. With a queue
/// nothing is said: whoever flushes may do something for a step that has not begun, and that must not grow when another one ends.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(in crate::models) struct Facts(SmallVec<[(StepId, RendezvousId, bool); 1]>);

impl Facts {
    fn of(&self, step: StepId) -> Option<&(StepId, RendezvousId, bool)> {
        self.0.iter().find(|(other, ..)| *other == step)
    }

    /// Returns the rendezvous of a step's partition.
    pub(super) fn rendezvous(&self, step: StepId) -> RendezvousId {
        self.of(step).map_or(ANY_RENDEZVOUS, |(_, rendezvous, _)| *rendezvous)
    }

    fn failed(&self, step: StepId) -> bool {
        self.of(step).is_some_and(|(.., failed)| *failed)
    }
}

/// Lists the first labels of a node's kernel: what `ExecutorState::Process` does with the node on the running thread.
pub(super) fn begin(model: &TensorFlow, id: ProcessId, step: StepId, node: NodeId) -> SmallVec<[super::Pc; 2]> {
    let place = match model.node(step, id, node).kind {
        NodeKind::Recv { .. } | NodeKind::Feed => rendezvous::validate(step, node),
        NodeKind::Send { .. } | NodeKind::Fetch => rendezvous::send(step, node),
        NodeKind::GetNext => iterator::schedule(step, node),
        NodeKind::MakeIterator => dataset::iterator_resource::make_iterator(step, node),
        NodeKind::Dequeue | NodeKind::Enqueue if model.has_queue() => queue::attempt(step, node),
        NodeKind::CloseQueue => queue::close(step, node),
        NodeKind::Dequeue | NodeKind::Enqueue => iterator::dequeue(step, node),
        NodeKind::Update { .. } => Pc::Kernel(step, node).into(),
        NodeKind::Fails => return node_done(model, step, node, false, true).into_iter().collect(),
        NodeKind::Other => return node_done(model, step, node, true, true).into_iter().collect(),
    };
    smallvec![place]
}

/// Runs `NodeDone`, with `PropagateOutputs` before it where the node succeeded. `inline`: called by `Process` itself, which then
/// runs cheap successors on its thread; an asynchronous kernel's callback hands all of them to the pool.
pub(super) fn node_done(
    model: &TensorFlow,
    step: StepId,
    node: NodeId,
    status: impl Into<Status>,
    inline: bool,
) -> [super::Pc; 2] {
    let status = status.into();
    let ok = status.is_ok();
    let first = if ok {
        Pc::Propagate(step, node, inline)
    } else {
        Pc::Latch(step, status)
    };
    let count = if !ok && model.counts_out_in_two() {
        Pc::Look(step)
    } else {
        Pc::Outstanding(step, ok, inline)
    };
    [first.into(), count.into()]
}

/// Lists the same where it is not known how the node ends: with an error only if anything of the step can fail.
pub(super) fn node_done_either(next: &mut Next<'_>, step: StepId, node: NodeId, inline: bool) {
    next.then(node_done(next.model, step, node, true, inline));
    node_may_fail(next, step, node, inline);
}

/// Says that a node may end with an error, if anything of the step can fail.
pub(super) fn node_may_fail(next: &mut Next<'_>, step: StepId, node: NodeId, inline: bool) {
    if !next.model.cannot_fail(step) {
        for status in next.model.failures() {
            next.then(node_done(next.model, step, node, status, inline));
        }
    }
}

/// Goes on in `ExecutorState::Process` with the nodes that it kept for itself.
pub(super) fn go_on_inline(run: &mut Run<'_>) {
    let at_end = |thread: &Thread| thread.stack.last().is_some_and(|pc| pc.label() == &super::pool::IDLE);
    if let (ThreadId::Node(step, _), false) = (run.thread.id, run.thread.inline.is_empty())
        && at_end(&run.thread)
    {
        if open_roots(run.model, run.id, step, &run.thread, &run.thread.inline) > 1 {
            return run.then([Pc::NextRoot(step)]);
        }
        let node = run.thread.inline.remove(0);
        run.then(begin(run.model, run.id, step, node));
    }
}

/// Lists what a thread has before it: its places, and the nodes and calls that it carries.
pub(in crate::models) fn items(thread: &Thread) -> impl Iterator<Item = Item> {
    let places = thread.stack.iter().copied().map(Item::Pc);
    let own = match thread.id {
        ThreadId::Node(step, node) => Some((step, node)),
        _ => None,
    };
    // A closure that has not begun has all of its node before it.
    let waits = own.filter(|_| thread.is_at(&super::pool::TAKE));
    let inline = own
        .into_iter()
        .flat_map(|(step, _)| thread.inline.iter().map(move |&node| (step, node)));
    // Whoever flushes a queue may complete nodes of another step.
    let hands_out = |place: &super::Pc| match place {
        super::Pc::Executor(Counter(Pc::Dispatch(step) | Pc::Outstanding(step, ..))) => Some(*step),
        _ => None,
    };
    let step = thread.stack.iter().rev().find_map(hands_out);
    let dispatch = step
        .into_iter()
        .flat_map(|step| thread.dispatch.iter().map(move |&node| (step, node)));
    let nodes = waits
        .into_iter()
        .chain(inline)
        .chain(dispatch)
        .map(|(step, node)| Item::Node(step, node));
    let calls = thread.calls.iter().map(|&call| Item::Pc(rpc::cancel(call)));
    places.chain(nodes).chain(calls)
}

impl Mechanism for Counter {
    type Facts = Facts;

    fn facts(model: &TensorFlow, _id: ProcessId, process: &Process) -> Facts {
        if model.has_queue() {
            return Facts::default();
        }
        let fact = |step: StepId| match process.execution(step) {
            Some(execution) => Some((step, execution.rendezvous, execution.failed)),
            None => (process.started.contains(usize::from(step))).then_some((step, ANY_RENDEZVOUS, true)),
        };
        Facts((0..model.steps().len() as StepId).filter_map(fact).collect())
    }

    fn objects(model: &TensorFlow, id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        inventory.value(Object::Variables, &process.variables);
        if !process.variables.is_empty() {
            let updates = || process.variables.iter().map(|&count| u32::from(count)).sum::<u32>();
            inventory.text(Object::Variables, || format!("{} updates applied", updates()));
        }
        for execution in &process.executions {
            let (step, pending) = (execution.step, &execution.pending);
            debug_assert_eq!(
                pending.len(),
                model.graph(step).partitions[model.partition(step, id)].nodes.len()
            );
            inventory.add(Object::Frames(step), pending, || {
                let ready = pending.iter().filter(|&&count| count == 0).count();
                format!("{ready} of {} nodes have all inputs", pending.len())
            });
            let failed = execution.failed;
            inventory.add(Object::Status(step), &(failed, execution.derived), || {
                if failed { "failed" } else { "ok" }.to_owned()
            });
            let outstanding = execution.outstanding;
            inventory.add(Object::Outstanding(step), &outstanding, || {
                format!("{outstanding} nodes outstanding")
            });
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let model = context.model;
        match self.0 {
            Pc::Kernel(..) => context.uses(Object::Variables, Access::Commuting),
            Pc::Propagate(step, node, _) => {
                let alone = model.successors(step, context.id, node).is_empty();
                context.uses(
                    Object::Frames(step),
                    if alone { Access::BothMover } else { Access::Write },
                )
            }
            Pc::Outstanding(step, ..) => {
                let counts = context.uses(Object::Outstanding(step), model.count_access());
                counts.choices(|view| kept_roots(view, step))
            }
            Pc::NextRoot(step) => {
                let takes = context.uses(Object::Frames(step), Access::BothMover);
                takes.choices(|view| open_roots(model, view.id, step, view.thread, &view.thread.inline))
            }
            Pc::Look(step) => context.uses(Object::Outstanding(step), Access::Read),
            Pc::CountOut(step, _) => context.uses(Object::Outstanding(step), Access::Write),
            Pc::Dispatch(_) | Pc::Finish(_) => context.uses(PoolObject::Pool, model.push_access()),
            Pc::Latch(step, _) => {
                let execution = context.view.and_then(|view| view.process.execution(step));
                let failed = context.facts.executor.failed(step) || execution.is_some_and(|execution| execution.failed);
                context.uses(Object::Status(step), if failed { Access::Read } else { Access::Write })
            }
            Pc::Cancel(step) => cancellation::declare_start(context, step),
            Pc::Barrier(step) => context.uses(Object::Status(step), Access::Read),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            Pc::Kernel(step, node) => next.then(node_done(model, step, node, true, true)),
            Pc::Propagate(step, node, _) => {
                for &successor in model.successors(step, next.id, node) {
                    next.carry(step, successor);
                }
                next.then(model.counts_out_in_two().then_some(Pc::Look(step)));
            }
            Pc::Outstanding(step, ..) => next.then([Pc::Finish(step), Pc::Dispatch(step)]),
            // What it may go on with are nodes that it carries.
            Pc::NextRoot(_) => {}
            Pc::Look(step) => next.then([Pc::CountOut(step, true), Pc::CountOut(step, false)]),
            Pc::CountOut(step, _) => next.then([Pc::Finish(step)]),
            Pc::Dispatch(step) => next.then([Pc::Dispatch(step)]),
            Pc::Latch(step, _) if next.facts.executor.failed(step) => {}
            Pc::Latch(step, status) => {
                let status = model.abort_status(status);
                next.then([rendezvous::abort(step, next.facts.executor.rendezvous(step), status)]);
                next.then([Pc::Cancel(step)]);
            }
            Pc::Cancel(step) => cancellation::next_of_start(next, step),
            Pc::Finish(step) => next.schedule(ThreadId::Done(step), &[Pc::Barrier(step).into()]),
            Pc::Barrier(step) => {
                next.then(ended_well(model, next.id, step, next.facts.executor.rendezvous(step)));
                if !model.cannot_fail(step) {
                    let status = model.abort_status(model.cancelled_status());
                    next.then([rendezvous::abort(step, next.facts.executor.rendezvous(step), status)]);
                    for status in model.failures() {
                        next.then(ended(model, next.id, step, status));
                    }
                }
            }
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Kernel(step, node) => kernel(run, step, node),
            Pc::Propagate(step, node, _) => propagate(run, step, node),
            Pc::Outstanding(step, ok, inline) => count(run, step, ok, inline),
            Pc::NextRoot(step) => {
                let node = run.thread.inline.remove(run.choice as usize);
                run.then(begin(run.model, run.id, step, node));
            }
            Pc::Look(step) => {
                let is_last = run.process.execution_mut(step).outstanding == 1;
                run.then([Pc::CountOut(step, is_last)]);
            }
            Pc::CountOut(step, is_last) => {
                run.process.execution_mut(step).outstanding -= 1;
                run.then(is_last.then_some(Pc::Finish(step)));
            }
            Pc::Dispatch(step) => {
                let node = run.thread.dispatch.remove(0);
                run.then((!run.thread.dispatch.is_empty()).then_some(Pc::Dispatch(step)));
                run.schedule(ThreadId::Node(step, node), &[]);
            }
            Pc::Latch(step, status) => {
                let execution = run.process.execution_mut(step);
                if !std::mem::replace(&mut execution.failed, true) {
                    execution.derived = status == Status::Derived;
                    let abort = rendezvous::abort(step, execution.rendezvous, run.model.abort_status(status));
                    run.then([abort, Pc::Cancel(step).into()]);
                }
            }
            Pc::Cancel(step) => cancellation::start(run, step),
            Pc::Finish(step) => run.schedule(ThreadId::Done(step), &[Pc::Barrier(step).into()]),
            Pc::Barrier(step) => barrier(run, step),
        }
    }

    fn words(self, view: &View<'_>, choice: u32) -> String {
        let execution = |step| view.process.execution(step);
        let text = match self.0 {
            Pc::Kernel(step, node) => return format!("applies the update {}", view.node_name(step, node)),
            Pc::Propagate(step, node, _) => return format!("hands the outputs of {} on", view.node_name(step, node)),
            Pc::NextRoot(step) => {
                let node = view.thread.inline[choice as usize];
                return format!("goes on with the root {}", view.node_name(step, node));
            }
            Pc::Outstanding(..) => "counts its node out",
            Pc::Look(step) if execution(step).is_some_and(|execution| execution.outstanding == 1) => {
                "sees that its node is the last that is outstanding"
            }
            Pc::Look(_) => "sees that other nodes are outstanding",
            Pc::CountOut(_, true) => "counts its node out, as the last",
            Pc::CountOut(_, false) => "counts its node out, not as the last",
            Pc::Dispatch(_) => "hands a ready node to the pool",
            Pc::Latch(step, _) if execution(step).is_some_and(|execution| execution.failed) => {
                "reports an error; the partition has failed already"
            }
            Pc::Latch(..) => "reports the partition's first error",
            Pc::Cancel(_) => "cancels the step's cancellation manager",
            Pc::Finish(_) => "ends the partition, of which nothing is outstanding",
            Pc::Barrier(_) => "runs the partition's callback",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
