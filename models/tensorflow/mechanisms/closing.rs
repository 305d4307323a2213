//! The end of a step in its session, and of the session (`distributed_runtime/master_session.cc:1809`, `:1976`, `:1281`).
//!
//! A step runs until every process has answered its `CleanupGraph`. `Close` waits until no step runs, and then until every process has
//! deleted its part of the session. Neither call has a timeout: the 10 seconds of `master_session.cc:1319` are never applied
//! (`grpc_remote_worker.cc:79`, `:219`).

use super::cancellation::{self, Cancelling, Object as SessionObject, look, session};
use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::room::Mechanism;
use super::rpc::{self, Object as RpcObject};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::{Process, StepId};

labels! {
    CLEANED = "Session.cleaned", "CleanupBroadcastHelper::call_done", "master_session.cc:806";
    LEAVE = "Session.leave", "MasterSession::MarkRunCompletion", "master_session.cc:1536";
    CLOSE = "Session.close", "MasterSession::Close (closed_)", "master_session.cc:1976";
    START_CANCEL = "Session.start_cancel", "CancellationManager::StartCancel", "cancellation.cc:30";
    CANCELLED = "Session.cancelled", "CancellationManager::StartCancel (is_cancelled_)", "cancellation.cc:51";
    WAIT_IDLE = "Session.wait_idle", "MasterSession::Close (num_running_is_zero_)", "master_session.cc:1985";
    DELETE = "Session.delete_worker_session", "MasterSession::DeleteWorkerSessions (DeleteWorkerSessionAsync)", "master_session.cc:1326";
    DELETED = "Session.deleted", "MasterSession::DeleteWorkerSessions (BlockingCounter::DecrementCount)", "master_session.cc:1324";
    WAIT_DELETED = "Session.wait_deleted", "MasterSession::DeleteWorkerSessions (BlockingCounter::Wait)", "master_session.cc:1330";
}

program_counter! { Closing;
    /// A process has cleaned up after a step.
    Cleaned(step) => CLEANED,
    /// A step is over in the session, once every process has.
    Leave(step) => LEAVE,
    /// The session is closed to steps that come later.
    Close => CLOSE,
    /// The session's cancellation manager takes its callbacks out.
    StartCancel => START_CANCEL,
    /// It has run them.
    Cancelled => CANCELLED,
    /// The closer waits until no step runs.
    WaitIdle => WAIT_IDLE,
    /// The closer has a process delete its part of the session.
    Delete(call) => DELETE,
    /// A process has done so.
    Deleted => DELETED,
    /// The closer waits until all have.
    WaitDeleted => WAIT_DELETED,
}

objects! { Closing;
    /// The counter of processes that have not deleted their part of the session.
    Deleting = "deleting" per Process,
}

/// Counts a process that has cleaned up after a step. The last one ends the step in the session.
pub(super) fn cleaned(step: StepId) -> super::Pc {
    Pc::Cleaned(step).into()
}

/// Counts a process that has deleted its part of the session.
pub(super) fn deleted() -> super::Pc {
    Pc::Deleted.into()
}

/// Runs `MasterSession::Close`.
pub(in crate::models) fn close(model: &TensorFlow, worker: ProcessId) -> Vec<super::Pc> {
    let cancels = [Pc::Close, Pc::StartCancel, Pc::Cancelled, Pc::WaitIdle];
    let deletes = model.delete_session_calls(worker).map(Pc::Delete);
    let places = cancels.into_iter().chain(deletes).chain([Pc::WaitDeleted]);
    places.map(Into::into).collect()
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        if let Some(session) = &process.session {
            inventory.add(Object::Deleting, &(session.deleting, session.close_returned), || {
                format!("{} processes have not deleted the session", session.deleting)
            });
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let of_session = context.uses(SessionObject::Session, Access::Write);
        match self.0 {
            Pc::Cleaned(_) | Pc::Leave(_) | Pc::Close | Pc::StartCancel | Pc::Cancelled => of_session,
            Pc::WaitIdle => of_session.when(|view| look(view).running == 0),
            Pc::Delete(call) => context.uses(RpcObject::Call(call), Access::Write),
            // The counter only falls, and only its end is waited for.
            Pc::Deleted => context.uses(Object::Deleting, Access::BothMover),
            Pc::WaitDeleted => {
                let waits = context.uses(Object::Deleting, Access::BothMover);
                waits.when(|view| look(view).deleting == 0)
            }
        }
    }

    fn next(self, next: &mut Next<'_>) {
        match self.0 {
            Pc::Cleaned(step) => next.then([Pc::Leave(step)]),
            Pc::StartCancel => next.then(next.model.steps_of(next.id).map(cancellation::cancel_all)),
            Pc::Delete(call) => rpc::next_of_sending(next, call),
            Pc::Leave(_) | Pc::Close | Pc::Cancelled | Pc::WaitIdle | Pc::Deleted | Pc::WaitDeleted => {}
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Cleaned(step) => {
                let cleaning = &mut session(run).cleaning;
                let index = cleaning.iter().position(|(other, _)| *other == step);
                let index = index.expect("the step is cleaned up");
                cleaning[index].1 -= 1;
                if cleaning[index].1 == 0 {
                    cleaning.remove(index);
                    run.then([Pc::Leave(step)]);
                }
            }
            Pc::Leave(_) => session(run).running -= 1,
            Pc::Close => session(run).closed = true,
            Pc::StartCancel => {
                let session = session(run);
                session.cancelling = Cancelling::Now;
                let registered = session.registered;
                run.then(registered.map(cancellation::cancel_all));
            }
            Pc::Cancelled => session(run).cancelling = Cancelling::Done,
            Pc::WaitIdle => {}
            Pc::Delete(call) => rpc::send(run, call),
            Pc::Deleted => session(run).deleting -= 1,
            Pc::WaitDeleted => session(run).close_returned = true,
        }
    }

    fn words(self, view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::Cleaned(_) => "counts a process that has cleaned up",
            Pc::Leave(_) => "ends its step in the session",
            Pc::Close => "closes the session to later steps",
            Pc::StartCancel => "cancels the session's cancellation manager",
            Pc::Cancelled => "has cancelled what was registered",
            Pc::WaitIdle => "finds that no step runs",
            Pc::Delete(call) => return format!("sends {}", view.model.call_words(call)),
            Pc::Deleted => "counts a process that has deleted the session",
            Pc::WaitDeleted => "finds that every process has deleted the session, and returns",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
