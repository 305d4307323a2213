//! A call on its server's side: read, cancelled, answered.

use super::Pc;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::context::{Next, Run};
use crate::models::tensorflow::mechanisms::{rendezvous, worker};
use crate::models::tensorflow::process::{CallId, ThreadId};

/// Reads a request. Outcome 0: the request alone is read. Outcome 1: with its reset, so that it never reaches the service.
pub(super) fn read(run: &mut Run<'_>, id: CallId) {
    let info = *run.model.call(id);
    if run.choice == 1 {
        if let CallKind::RunGraph { .. } = info.kind {
            run.process.dropped.insert(usize::from(info.step));
        }
        run.process.remove_server_call(id);
        return;
    }
    run.then([Pc::Accept(id)]);
    let unanswered = info.kind == CallKind::CleanupGraph && !run.model.awaits_cleanup();
    if unanswered || info.kind == CallKind::CancelStep {
        // Nobody waits for its answer and nobody cancels it: the stream is of no further interest.
        return run.process.remove_server_call(id);
    }
    let call = run.process.server_call_mut(id).expect("a stream that is read exists");
    call.accepted = true;
    if std::mem::take(&mut call.reset) {
        run.spawn(ThreadId::Cancelled(id), [Pc::RequestCancelled(id)]);
    }
}

/// Returns true if the cancel function of a request's handler only writes a line to the log.
fn logs_only(model: &TensorFlow, id: CallId) -> bool {
    let receive = matches!(model.call(id).kind, CallKind::RecvTensor { .. });
    receive && model.variant().logs_cancelled_receives()
}

/// Runs the cancel callback with the call's mutexes held, if both of them are installed by now; else the cancellation is lost,
/// unless the `CallOptions` that it got to remembers it.
pub(super) fn request_cancelled(run: &mut Run<'_>, id: CallId) {
    let (sticky, logs) = (run.model.is_sticky(), logs_only(run.model, id));
    let Some(call) = run.process.server_call_mut(id) else {
        return;
    };
    if logs {
        // The cancel function of the handler does nothing to the step.
    } else if call.callback && call.options {
        cancel_request(run, id);
    } else if call.callback && sticky {
        call.wanted = true;
    }
}

/// Runs the cancel function of a handler's `CallOptions`, with its mutex held.
pub(in crate::models::tensorflow::mechanisms) fn cancel_request(run: &mut Run<'_>, id: CallId) {
    let owner = run.thread.id;
    let info = *run.model.call(id);
    let call = run.process.server_call_mut(id).expect("a cancelled call is kept");
    call.lock.acquire(owner);
    let cancels = matches!(info.kind, CallKind::RunGraph { .. }).then(|| worker::cancel_manager(info.step));
    let aborts = [rendezvous::abort_step(info.step), Pc::Release(id).into()];
    run.then(cancels.into_iter().chain(aborts));
}

/// Lists what [`cancel_request`] may do.
pub(in crate::models::tensorflow::mechanisms) fn next_of_cancel(next: &mut Next<'_>, id: CallId) {
    if logs_only(next.model, id) {
        return;
    }
    let info = next.model.call(id);
    next.then([Pc::Release(id).into(), rendezvous::abort_step(info.step)]);
    next.then(matches!(info.kind, CallKind::RunGraph { .. }).then(|| worker::cancel_manager(info.step)));
}
