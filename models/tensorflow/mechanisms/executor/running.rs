//! What the labels of an executor do.

use smallvec::{SmallVec, smallvec};

use super::{Execution, OUTSTANDING, Pc};
use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::cancellation::Cancelling;
use crate::models::tensorflow::mechanisms::context::Run;
use crate::models::tensorflow::mechanisms::{master, rendezvous, rpc, worker};
use crate::models::tensorflow::process::{List, NodeId, RendezvousId, SOURCE, StepId, ThreadId};
use crate::models::tensorflow::release::Status;

/// Runs `ExecutorState::RunAsync`: the partition starts, with its one root outstanding.
pub(in crate::models::tensorflow::mechanisms) fn run_async(run: &mut Run<'_>, step: StepId, rendezvous: RendezvousId) {
    run.process.started.insert(usize::from(step));
    let execution = Execution {
        step,
        rendezvous,
        pending: run.model.pending(step, run.id),
        outstanding: 1,
        failed: false,
        derived: false,
        cancelling: Cancelling::No,
        callbacks: List::new(),
    };
    let place = run.process.executions.partition_point(|other| other.step < step);
    run.process.executions.insert(place, execution);
    run.schedule(ThreadId::Node(step, SOURCE), &[]);
}

/// Runs the callback of a partition, that of `DoRunGraph`: the answer to its call, or on the worker itself the report to the master.
pub(in crate::models::tensorflow::mechanisms) fn ended(
    model: &TensorFlow,
    id: ProcessId,
    step: StepId,
    status: Status,
) -> [super::super::Pc; 2] {
    match model.run_graph_call(step, id) {
        Some(call) => rpc::serve(call, status),
        None => [worker::clear_local(step), master::when_done(step, status)],
    }
}

/// Runs the callback of a partition that ended well: it takes what the client fetches from here, if anything, before it answers.
pub(super) fn ended_well(
    model: &TensorFlow,
    id: ProcessId,
    step: StepId,
    rendezvous: RendezvousId,
) -> SmallVec<[super::super::Pc; 2]> {
    if model.is_fetched(step, id) {
        smallvec![rendezvous::receive_outputs(step, rendezvous)]
    } else {
        ended(model, id, step, Status::Ok).into()
    }
}

/// Runs `ExecutorBarrier::WhenDone`, which aborts once more on an error, then the callback of the partition.
pub(super) fn barrier(run: &mut Run<'_>, step: StepId) {
    let index = run
        .process
        .executions
        .iter()
        .position(|execution| execution.step == step);
    let execution = run.process.executions.remove(index.expect("the step runs here"));
    let status = Status::of(execution.failed, execution.derived);
    if status.is_ok() {
        run.then(ended_well(run.model, run.id, step, execution.rendezvous));
    } else {
        run.then(ended(run.model, run.id, step, status));
    }
    let again = run.model.abort_status(run.model.cancelled_status());
    run.then(
        execution
            .failed
            .then(|| rendezvous::abort(step, execution.rendezvous, again)),
    );
}

pub(super) fn kernel(run: &mut Run<'_>, step: StepId, node: NodeId) {
    if let NodeKind::Update { variable } = run.node(step, node).kind {
        let index = run.model.variable_index(step, run.id, variable);
        let counter = &mut run.process.variables[index];
        *counter = counter.saturating_add(1);
    }
    run.then(super::node_done(run.model, step, node, true, true));
}

pub(super) fn propagate(run: &mut Run<'_>, step: StepId, node: NodeId) {
    let successors = run.model.successors(step, run.id, node);
    let execution = run.process.execution_mut(step);
    for &successor in successors {
        let pending = &mut execution.pending[usize::from(successor)];
        *pending -= 1;
        if *pending == 0 {
            run.thread.dispatch.push(successor);
        }
    }
    if run.thread.dispatch.is_empty() && run.model.counts_out_in_two() {
        let next = run.thread.stack.pop();
        debug_assert!(next.is_some_and(|pc| pc.label() == &OUTSTANDING));
        run.then([Pc::Look(step)]);
    }
}

/// Updates `num_outstanding_ops_`, then `ScheduleReady`'s split of the ready nodes into those that this thread runs itself and those
/// that it hands to the pool (`executor.cc:2189-2232`).
pub(super) fn count(run: &mut Run<'_>, step: StepId, ok: bool, inline: bool) {
    let ready = std::mem::take(&mut run.thread.dispatch);
    let open = super::roots::open_roots(run.model, run.id, step, &run.thread, &ready);
    let execution = run.process.execution_mut(step);
    if ready.is_empty() || !ok {
        execution.outstanding -= 1;
        let is_last = execution.outstanding == 0;
        return run.then(is_last.then_some(Pc::Finish(step)));
    }
    execution.outstanding += ready.len() as u16 - 1;
    if inline {
        let cheap = |node: &NodeId| !run.node(step, *node).expensive;
        let (mut kept, mut handed): (List, List) = ready.iter().copied().partition(cheap);
        if kept.is_empty() && run.thread.inline.is_empty() {
            // Of expensive nodes only, the thread keeps the last.
            let last = if open > 1 {
                run.choice as usize
            } else {
                handed.len() - 1
            };
            kept.push(handed.remove(last));
        }
        run.thread.inline.extend(kept);
        run.thread.dispatch = handed;
    } else {
        run.thread.dispatch = ready;
    }
    run.then((!run.thread.dispatch.is_empty()).then_some(Pc::Dispatch(step)));
}
