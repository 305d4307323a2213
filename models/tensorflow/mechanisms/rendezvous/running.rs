//! Effects of a rendezvous' labels.

use super::state::{insert, remove};
use super::{Pc, Rendezvous};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::context::Run;
use crate::models::tensorflow::mechanisms::master::permutation;
use crate::models::tensorflow::mechanisms::{executor, rpc, worker};
use crate::models::tensorflow::process::{CallId, List, NodeId, RendezvousId, StepId};
use crate::models::tensorflow::release::Status;

/// Runs the operation of a place.
pub(super) fn apply(pc: Pc, run: &mut Run<'_>) {
    match pc {
        Pc::Validate(step, node) => validate(run, step, node),
        Pc::Register(step, node) => register(run, step, node),
        Pc::Deregister(call) => deregister(run, call),
        Pc::Feed(step, node) => {
            let status = executing(run, step).local_status();
            run.then(executor::node_done(run.model, step, node, status, false));
        }
        Pc::RecvOutputs(step, id) => {
            let status = of(run, id).local_status();
            run.then(executor::ended(run.model, run.id, step, status));
        }
        Pc::SendCheck(step, node) if executing(run, step).aborted => {
            let status = executing(run, step).status();
            run.then(executor::node_done(run.model, step, node, status, true));
        }
        Pc::SendCheck(step, node) => run.then([after_send_check(run.model, step, node)]),
        Pc::SendStatus(step, node) if executing(run, step).local_aborted => {
            let status = executing(run, step).local_status();
            run.then(executor::node_done(run.model, step, node, status, true));
        }
        Pc::SendStatus(step, node) => run.then([Pc::SendLocal(step, node)]),
        Pc::SendLocal(step, node) => send_local(run, step, node),
        Pc::RegisterCall(call) => {
            let record = run.process.client_call(call).expect("the call is not over");
            let rendezvous = record.rendezvous.expect("a receive is registered");
            if of(run, rendezvous).swept {
                run.then([rpc::cancel(call)]);
            } else {
                insert(&mut of(run, rendezvous).active, call);
            }
        }
        // A process that was told that the step is cancelled answers its receives with the error.
        Pc::FindToReceive(step, call) if run.process.cancelled_steps.contains(usize::from(step)) => {
            run.then(rpc::serve(call, false))
        }
        Pc::FindToReceive(step, call) => {
            let id = find_or_create(run, step);
            run.then([Pc::RecvLocal(step, call, id)]);
        }
        Pc::FindToExecute(step) => {
            let id = find_or_create(run, step);
            run.then([Pc::Initialize(step, id)]);
        }
        Pc::FindToAbort(step) => {
            let id = find_or_create(run, step);
            run.then([worker::set_timer(step, id)]);
        }
        Pc::Initialize(step, id) => initialize(run, step, id),
        Pc::RecvLocal(step, call, id) => recv_local(run, step, call, id),
        Pc::LocalValidate(_, call, id) if of(run, id).aborted => {
            let status = of(run, id).status();
            run.then(rpc::serve(call, status));
        }
        Pc::LocalValidate(step, call, id) => run.then([after_local_check(run.model, step, call, id)]),
        Pc::LocalStatus(_, call, id) if of(run, id).local_aborted => {
            let status = of(run, id).local_status();
            run.then(rpc::serve(call, status));
        }
        Pc::LocalStatus(step, call, id) => run.then([Pc::LocalRecv(step, call, id)]),
        Pc::LocalRecv(_, call, id) => local_recv(run, call, id),
        _ => apply_abort(pc, run),
    }
}

/// Runs the same for the labels that abort a rendezvous.
fn apply_abort(pc: Pc, run: &mut Run<'_>) {
    match pc {
        Pc::AbortLocal(step, id, status) => abort_local(run, step, id, status),
        Pc::AbortWaiters(_, id, status) => fail_waiters(run, id, status),
        Pc::AbortRemote(step, id, status) => abort_remote(run, step, id, status),
        Pc::AbortCalls(step, id) => abort_calls(run, step, id),
        Pc::CancelledByManager(step, id) => {
            of(run, id).swept = true;
            abort_calls(run, step, id);
        }
        Pc::AbortNext(step, id) => {
            let call = run.thread.calls.remove(run.choice as usize);
            let last = run.thread.calls.is_empty();
            let next = if last {
                Pc::AbortUnlock(step, id)
            } else {
                Pc::AbortNext(step, id)
            };
            run.then([rpc::cancel(call), next.into()]);
        }
        Pc::AbortUnlock(_, id) => {
            let owner = run.thread.id;
            of(run, id).lock.release(owner);
        }
        Pc::FailDeferred(_, id) => {
            let rendezvous = of(run, id);
            rendezvous.cancelled = true;
            let deferred = std::mem::take(&mut rendezvous.deferred);
            run.then(serve_all(deferred, Status::Error));
        }
        Pc::Cleanup(step) => {
            if let Some(index) = run.process.table.iter().position(|(other, _)| *other == step) {
                let (_, id) = run.process.table.remove(index);
                let status = run.model.abort_status(run.model.cancelled_status());
                run.then([Pc::AbortLocal(step, id, status)]);
            }
        }
        _ => unreachable!("no label that aborts a rendezvous"),
    }
}

/// Returns what follows a look at `status_` in `Send`.
pub(super) fn after_send_check(model: &TensorFlow, step: StepId, node: NodeId) -> Pc {
    if model.variant().splits_mutexes() {
        Pc::SendStatus(step, node)
    } else {
        Pc::SendLocal(step, node)
    }
}

/// Returns what follows a look at `status_` in `RecvLocalAsyncInternal`.
pub(super) fn after_local_check(model: &TensorFlow, step: StepId, call: CallId, id: RendezvousId) -> Pc {
    if model.variant().splits_mutexes() {
        Pc::LocalStatus(step, call, id)
    } else {
        Pc::LocalRecv(step, call, id)
    }
}

fn of<'a>(run: &'a mut Run<'_>, id: RendezvousId) -> &'a mut Rendezvous {
    &mut run.process.rendezvous[usize::from(id)]
}

fn executing<'a>(run: &'a mut Run<'_>, step: StepId) -> &'a mut Rendezvous {
    let id = run.process.execution(step).expect("its node runs").rendezvous;
    of(run, id)
}

/// Returns receives in the order with this number.
fn ordered(calls: List, order: u32) -> List {
    let order = permutation(calls.len(), order as usize);
    order.iter().map(|&index| calls[usize::from(index)]).collect()
}

/// Returns the answers to receives that fail, in order.
fn serve_all(calls: List, status: Status) -> impl Iterator<Item = super::super::Pc> {
    calls.into_iter().flat_map(move |call| rpc::serve(call, status))
}

fn validate(run: &mut Run<'_>, step: StepId, node: NodeId) {
    let status = executing(run, step).status();
    if !status.is_ok() {
        run.then(executor::node_done(run.model, step, node, status, false));
    } else if run.node(step, node).kind == NodeKind::Feed {
        run.then([Pc::Feed(step, node)]);
    } else {
        run.then([Pc::Register(step, node)]);
    }
}

/// Registers the call of a `_Recv`. With an error it is told to abort instead, which, without a cancel function, leaves
/// nothing but the remembered status (and, with `sticky-cancel`, the wish to cancel).
fn register(run: &mut Run<'_>, step: StepId, node: NodeId) {
    let call = run.model.recv_call(step, run.id, node);
    let rendezvous = run.process.execution(step).expect("its node runs").rendezvous;
    let aborted = Some(of(run, rendezvous).status()).filter(|status| !status.is_ok());
    let apart = run.model.variant().splits_mutexes();
    if aborted.is_none() && !apart {
        insert(&mut of(run, rendezvous).active, call);
    }
    rpc::register_receive(run, call, rendezvous, aborted);
    run.then(rpc::receive(run.model, call));
    run.then((aborted.is_none() && apart).then_some(Pc::RegisterCall(call)));
}

fn deregister(run: &mut Run<'_>, call: CallId) {
    let record = run.process.client_call(call).expect("the call is not over");
    let (rendezvous, status) = (record.rendezvous.expect("a receive is registered"), record.status());
    remove(&mut of(run, rendezvous).active, call);
    run.process.remove_client_call(call);
    let (step, node) = run.model.recv_node(call);
    run.then(executor::node_done(run.model, step, node, status, false));
}

fn send_local(run: &mut Run<'_>, step: StepId, node: NodeId) {
    let call = run.model.send_call(step, run.id, node);
    let apart = run.model.variant().splits_mutexes();
    let rendezvous = executing(run, step);
    if rendezvous.local_aborted && !apart {
        let status = rendezvous.local_status();
        return run.then(executor::node_done(run.model, step, node, status, true));
    }
    let waiter = call.filter(|&call| remove(&mut rendezvous.waiters, call));
    if let (Some(call), None) = (call, waiter) {
        insert(&mut rendezvous.values, call);
    }
    run.then(executor::node_done(run.model, step, node, true, true));
    run.then(waiter.into_iter().flat_map(|call| rpc::serve(call, true)));
}

fn abort_local(run: &mut Run<'_>, step: StepId, id: RendezvousId, status: Status) {
    let apart = run.model.variant().splits_mutexes();
    let rendezvous = of(run, id);
    if !std::mem::replace(&mut rendezvous.local_aborted, true) {
        rendezvous.local_derived = status == Status::Derived;
    }
    run.then([Pc::AbortRemote(step, id, status)]);
    if apart {
        run.then([Pc::AbortWaiters(step, id, status)]);
    } else {
        fail_waiters(run, id, status);
    }
}

/// Empties the local table.
fn fail_waiters(run: &mut Run<'_>, id: RendezvousId, status: Status) {
    let choice = run.choice;
    let rendezvous = of(run, id);
    rendezvous.values.clear();
    let waiters = ordered(std::mem::take(&mut rendezvous.waiters), choice);
    run.then(serve_all(waiters, status));
}

fn abort_remote(run: &mut Run<'_>, step: StepId, id: RendezvousId, status: Status) {
    let apart = run.model.variant().splits_mutexes();
    let rendezvous = of(run, id);
    if std::mem::replace(&mut rendezvous.aborted, true) {
        return;
    }
    rendezvous.derived = status == Status::Derived;
    if apart {
        run.then([Pc::AbortCalls(step, id)]);
    } else {
        abort_calls(run, step, id);
    }
}

/// Takes the mutex of the calls, and turns to the first of those that are active.
fn abort_calls(run: &mut Run<'_>, step: StepId, id: RendezvousId) {
    let (fails_deferred, owner) = (run.model.fails_deferred(), run.thread.id);
    let rendezvous = of(run, id);
    let active = std::mem::take(&mut rendezvous.active);
    if !active.is_empty() {
        rendezvous.lock.acquire(owner);
    }
    let deferred = if fails_deferred {
        std::mem::take(&mut rendezvous.deferred)
    } else {
        List::new()
    };
    run.then(serve_all(deferred, Status::Error));
    if !active.is_empty() {
        run.thread.calls = active;
        run.then([Pc::AbortNext(step, id)]);
    }
}

fn find_or_create(run: &mut Run<'_>, step: StepId) -> RendezvousId {
    let process = &mut *run.process;
    if let Some((_, id)) = process.table.iter().find(|(other, _)| *other == step) {
        return *id;
    }
    let id = process.rendezvous.len() as RendezvousId;
    process.rendezvous.push(Rendezvous::new(step));
    let index = process.table.partition_point(|(other, _)| *other < step);
    process.table.insert(index, (step, id));
    id
}

fn initialize(run: &mut Run<'_>, step: StepId, id: RendezvousId) {
    let choice = run.choice;
    let rendezvous = of(run, id);
    rendezvous.initialized = true;
    let deferred = ordered(std::mem::take(&mut rendezvous.deferred), choice);
    run.then([worker::begin(run.model, run.id, step, id)]);
    run.then(deferred.into_iter().map(|call| Pc::LocalValidate(step, call, id)));
}

fn recv_local(run: &mut Run<'_>, step: StepId, call: CallId, id: RendezvousId) {
    let fails_deferred = run.model.fails_deferred();
    let rendezvous = of(run, id);
    if rendezvous.initialized {
        run.then([Pc::LocalValidate(step, call, id)]);
    } else if rendezvous.cancelled || rendezvous.aborted && fails_deferred {
        run.then(rpc::serve(call, false));
    } else {
        insert(&mut rendezvous.deferred, call);
    }
}

fn local_recv(run: &mut Run<'_>, call: CallId, id: RendezvousId) {
    let apart = run.model.variant().splits_mutexes();
    let rendezvous = of(run, id);
    if rendezvous.local_aborted && !apart {
        let status = rendezvous.local_status();
        run.then(rpc::serve(call, status));
    } else if remove(&mut rendezvous.values, call) {
        run.then(rpc::serve(call, true));
    } else {
        insert(&mut rendezvous.waiters, call);
    }
}
