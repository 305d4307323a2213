//! What the labels of an executor do.

use super::{Execution, OUTSTANDING, Pc};
use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::cancellation::Cancelling;
use crate::models::tensorflow::mechanisms::context::Run;
use crate::models::tensorflow::mechanisms::{master, rendezvous, rpc, worker};
use crate::models::tensorflow::process::{List, NodeId, RendezvousId, StepId};

/// Begins a partition: `ExecutorState::RunAsync` before any root runs.
pub(in crate::models::tensorflow::mechanisms) fn start(run: &mut Run<'_>, step: StepId, rendezvous: RendezvousId) {
    run.process.started.insert(usize::from(step));
    let execution = Execution {
        step,
        rendezvous,
        pending: run.model.pending(step, run.id),
        outstanding: run.model.roots(step, run.id).len() as u16,
        failed: false,
        cancelling: Cancelling::No,
        callbacks: List::new(),
    };
    let place = run.process.executions.partition_point(|other| other.step < step);
    run.process.executions.insert(place, execution);
}

/// Runs the callback of a partition, that of `DoRunGraph`: the answer to its call, or on the worker itself the report to the master.
pub(super) fn ended(model: &TensorFlow, id: ProcessId, step: StepId, ok: bool) -> [super::super::Pc; 2] {
    match model.run_graph_call(step, id) {
        Some(call) => rpc::serve(call, ok),
        None => [worker::clear_local(step), master::when_done(step, ok)],
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
    run.then(ended(run.model, run.id, step, !execution.failed));
    run.then(execution.failed.then(|| rendezvous::abort(step, execution.rendezvous)));
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
    let execution = run.process.execution_mut(step);
    if ready.is_empty() || !ok {
        execution.outstanding -= 1;
        let is_last = execution.outstanding == 0;
        return run.then(is_last.then_some(Pc::Finish(step)));
    }
    execution.outstanding += ready.len() as u16 - 1;
    if inline {
        let mut expensive = None;
        for node in ready {
            if !run.node(step, node).expensive {
                run.thread.inline.push(node);
            } else if let Some(previous) = expensive.replace(node) {
                run.thread.dispatch.push(previous);
            }
        }
        match expensive {
            Some(last) if run.thread.inline.is_empty() => run.thread.inline.push(last),
            Some(last) => run.thread.dispatch.push(last),
            None => {}
        }
    } else {
        run.thread.dispatch = ready;
    }
    run.then((!run.thread.dispatch.is_empty()).then_some(Pc::Dispatch(step)));
}
