//! A call on its client's side: started, cancelled, completed.

use super::{ClientCall, Frame, INSTALL, Pc, Rpc, START, completion};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::context::Run;
use crate::models::tensorflow::mechanisms::{closing, crash, executor, master, rendezvous};
use crate::models::tensorflow::process::{CallId, Process, RendezvousId, ThreadId};
use crate::models::tensorflow::release::Status;

fn client<'a>(run: &'a mut Run<'_>, id: CallId) -> &'a mut ClientCall {
    run.process.client_call_mut(id).expect("the call is not over")
}

fn is_receive(model: &TensorFlow, id: CallId) -> bool {
    matches!(model.call(id).kind, CallKind::RecvTensor { .. })
}

/// Notes the call of a `_Recv` that its rendezvous has registered, or told to abort.
pub(in crate::models::tensorflow::mechanisms) fn register_receive(
    run: &mut Run<'_>,
    call: CallId,
    rendezvous: RendezvousId,
    aborted: Option<Status>,
) {
    let record = ClientCall {
        failed: aborted.is_some(),
        derived: aborted == Some(Status::Derived),
        wanted: aborted.is_some() && run.model.is_sticky(),
        ..ClientCall::receive(call, rendezvous)
    };
    run.process.insert_client_call(record);
}

pub(super) fn install(run: &mut Run<'_>, id: CallId) {
    let call = client(run, id);
    call.installed = true;
    if std::mem::take(&mut call.wanted) {
        try_cancel(run, id);
    }
}

/// Returns true if the call is looked at once more after it was started.
pub(super) fn checks_after_send(model: &TensorFlow, id: CallId) -> bool {
    model.variant().checks_after_send() && is_receive(model, id)
}

pub(super) fn start(run: &mut Run<'_>, id: CallId) {
    let checks = checks_after_send(run.model, id);
    let (server, cancelled) = (run.model.call(id).server, run.model.cancelled_status());
    let call = client(run, id);
    call.unchecked = checks;
    if call.rpc == Rpc::Marked {
        call.fail(cancelled);
        master::never_sent(run, id);
        completed(run, id);
    } else {
        call.rpc = Rpc::Sent;
        // A call to a process that is not there waits for it.
        if !crash::is_lost(run.process, server) {
            run.send(server, Frame::Request(id));
        }
    }
    run.then(checks.then_some(Pc::CheckAfterSend(id)));
}

/// Makes a call without `CallOptions`, whose answer is waited for.
pub(in crate::models::tensorflow::mechanisms) fn send(run: &mut Run<'_>, id: CallId) {
    run.process.insert_client_call(ClientCall::run_graph(id));
    start(run, id);
}

pub(super) fn check_before_send(run: &mut Run<'_>, id: CallId) {
    let status = client(run, id).status();
    if !status.is_ok() {
        let issues = |pc: &mut super::super::Pc| {
            let label = pc.label();
            (label == &INSTALL || label == &START) && pc.subject().call == Some(id)
        };
        run.thread.stack.retain(|pc| !issues(pc));
        if run.model.variant().splits_mutexes() {
            return run.then([rendezvous::deregister(id)]);
        }
        run.process.remove_client_call(id);
        let (step, node) = run.model.recv_node(id);
        run.then(executor::node_done(run.model, step, node, status, false));
    }
}

pub(super) fn check_after_send(run: &mut Run<'_>, id: CallId) {
    let failed = run.process.client_call_mut(id).is_some_and(|call| {
        call.unchecked = false;
        call.failed
    });
    if failed {
        try_cancel(run, id);
    }
}

/// Runs `CallOptions::StartCancel` as `StartAbort` and `RunManyGraphs` call it. For a receive, the error is remembered first.
pub(super) fn cancel(run: &mut Run<'_>, id: CallId) {
    let (sticky, receive) = (run.model.is_sticky(), is_receive(run.model, id));
    let process = &mut *run.process;
    let Some(call) = process.client_calls.iter_mut().find(|call| call.id == id) else {
        return;
    };
    // A receive is told the status of its rendezvous, or that it is cancelled.
    if let (true, Some(rendezvous)) = (receive, call.rendezvous) {
        call.fail(process.rendezvous[usize::from(rendezvous)].status());
        call.fail(run.model.cancelled_status());
    }
    if call.installed {
        try_cancel(run, id);
    } else if sticky && call.rpc == Rpc::Fresh {
        call.wanted = true;
    }
}

/// Runs `ClientContext::TryCancel`.
fn try_cancel(run: &mut Run<'_>, id: CallId) {
    let (server, cancelled) = (run.model.call(id).server, run.model.cancelled_status());
    let call = client(run, id);
    match call.rpc {
        Rpc::Fresh => call.rpc = Rpc::Marked,
        Rpc::Sent => {
            call.fail(cancelled);
            run.send(server, Frame::Reset(id));
            completed(run, id);
        }
        Rpc::Marked | Rpc::Complete => {}
    }
}

/// Ends the call on this side: an event for its completion-queue thread.
fn completed(run: &mut Run<'_>, id: CallId) {
    client(run, id).rpc = Rpc::Complete;
    run.spawn(ThreadId::Completion(id), completion(id));
}

/// Runs `OnCompleted`: clear, then what the call is for.
pub(super) fn complete(run: &mut Run<'_>, id: CallId) {
    let call = client(run, id);
    call.installed = false;
    let status = call.status();
    match run.model.call(id).kind {
        CallKind::RecvTensor { .. } => run.then([rendezvous::deregister(id)]),
        CallKind::RunGraph { .. } => run.then([master::when_done(run.model.call(id).step, status)]),
        CallKind::CleanupGraph => {
            run.process.remove_client_call(id);
            run.then([closing::cleaned(run.model.call(id).step)]);
        }
        CallKind::DeleteSession => {
            run.process.remove_client_call(id);
            run.then([closing::deleted()]);
        }
        CallKind::CancelStep => {}
    }
    if run.model.variant().has_callback_pool() {
        leave_queue(run, id);
    }
}

/// Hands the rest of a completion to the pool of callbacks: the queue is free before it runs.
fn leave_queue(run: &mut Run<'_>, id: CallId) {
    let idle = super::super::Pc::from(Pc::QueueIdle(id));
    run.thread.stack.retain(|pc| *pc != idle);
    run.then([idle]);
}

pub(super) fn cancel_words(process: &Process, id: CallId, name: &str) -> String {
    match process.client_call(id) {
        None => format!("cancels {name}, which is over: nothing happens"),
        Some(call) if !call.installed => format!("cancels {name}, which has no cancel function: nothing happens"),
        Some(call) => match call.rpc {
            Rpc::Fresh => format!("cancels {name} before it is sent"),
            Rpc::Sent => format!("cancels {name}, which was sent: a reset follows it"),
            Rpc::Marked | Rpc::Complete => format!("cancels {name} once more: nothing happens"),
        },
    }
}
