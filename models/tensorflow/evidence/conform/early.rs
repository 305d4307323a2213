//! Which events of a trace need not be tried late.
//!
//! Doing an event as soon as its time has come never bars another by the trace's order. So it is enough to try it at once, and only
//! that, where the model can't tell the difference either: where no event that is still to come could have been before it with
//! another outcome. What can tell the difference:
//! - installing or clearing a cancel function, starting a call, or taking it out: a cancellation of the same call;
//! - registering a receive, aborting a rendezvous, initializing it: each other;
//! - the first failure that `RunManyGraphs` learns of: all calls of the step.
//!
//! Pool threads and completion queues are no obstacle: a thread of the trace stands for one thread of the model at a time.

use super::plan::{Action, STEP, Slot, Subject};
use super::position::{Context, Position};
use crate::machine::ProcessId;
use crate::models::tensorflow::process::CallId;

impl Context<'_> {
    /// Whether the slot may be done as soon as it can be, whatever else is still to come.
    pub(super) fn is_early(&self, at: &Position, id: ProcessId, slot: &Slot) -> bool {
        let Action::Run { label, subject, .. } = &slot.action else {
            return matches!(slot.action, Action::Past(_));
        };
        let to_come = |wanted: &str| self.is_to_come(at, id, wanted, *subject);
        let process = &at.system.processes[id.index()];
        let mut rendezvous = process.rendezvous.iter();
        let aborted = rendezvous.all(|rendezvous| rendezvous.aborted && rendezvous.local_aborted);
        match (*label, *subject) {
            (
                "Rendezvous.find_or_create"
                | "Master.install_cancel"
                | "Server.request_cancelled"
                | "Call.clear_cancel",
                _,
            ) => true,
            ("Call.install_cancel" | "Call.start" | "Recv.deregister", _) => !to_come("Call.start_cancel"),
            ("Call.start_cancel", _) => !to_come("Call.install_cancel") && !to_come("Call.start"),
            ("Recv.register", _) => to_come("Call.start_cancel") || aborted,
            ("StartAbort.local", _) => aborted && process.execution(STEP).is_none(),
            ("Worker.install_cancel", Subject::Call(call)) => {
                to_come("Server.request_cancelled") || !self.client_cancels(at, call)
            }
            ("Handler.clear_cancel", _) => !to_come("Server.request_cancelled"),
            ("Worker.clear_cancel_local" | "Worker.install_cancel_local", _) => !to_come("Master.cancel_local"),
            ("Master.cancel_local", _) => {
                !to_come("Worker.clear_cancel_local") && !to_come("Worker.install_cancel_local")
            }
            ("RunManyGraphs.when_done", _) => process.master.as_ref().is_some_and(|master| master.failed),
            _ => false,
        }
    }

    /// Whether the trace shows this label on this subject later, in the same process.
    fn is_to_come(&self, at: &Position, id: ProcessId, wanted: &str, of: Subject) -> bool {
        let threads = self.plan.threads.iter().zip(&at.done);
        threads
            .filter(|(thread, _)| thread.process == id)
            .flat_map(|(thread, &done)| &thread.slots[done..])
            .any(
                |slot| matches!(&slot.action, Action::Run { label, subject, .. } if *label == wanted && *subject == of),
            )
    }

    /// Whether the client's side of a call cancels it, later or before.
    fn client_cancels(&self, at: &Position, call: CallId) -> bool {
        let client = self.model.call(call).client;
        let cancelled = at.system.processes[client.index()]
            .client_call(call)
            .is_none_or(|call| call.failed);
        cancelled || self.is_to_come(at, client, "Call.start_cancel", Subject::Call(call))
    }
}
