//! Events of a trace that need not be tried late.
//!
//! Doing an event as soon as its time has come never bars another by the trace's order. So it is enough to try it at once, and only
//! that, where the model can't tell the difference either: where no event that is still to come could have been before it with
//! another outcome. What can tell the difference:
//! - installing or clearing a cancel function, starting a call, or taking it out: a cancellation of the same call;
//! - registering a receive, aborting a rendezvous, initializing it: each other;
//! - the first failure that `RunManyGraphs` learns of: all calls of the step.
//!
//! Pool threads are no obstacle: a thread of the trace stands for one thread of the model at a time. A completion keeps its queue to its
//! end, and so bars the others of that queue, unless the trace has them on the same thread.

use super::plan::{Action, Slot, Subject};
use super::position::{Context, Position};
use crate::machine::{Label, ProcessId};
use crate::models::tensorflow::mechanisms::{master, rendezvous, rpc, worker};
use crate::models::tensorflow::process::CallId;

impl Context<'_> {
    /// Returns true if the slot may be done as soon as it can be, whatever else is still to come.
    pub(super) fn is_early(&self, at: &Position, id: ProcessId, slot: &Slot) -> bool {
        let Action::Run { label, subject, .. } = &slot.action else {
            return matches!(slot.action, Action::Past(_));
        };
        let to_come = |wanted| self.is_to_come(at, id, wanted, *subject);
        let process = &at.system.processes[id.index()];
        let mut rendezvous = process.rendezvous.iter();
        let aborted = rendezvous.all(|rendezvous| rendezvous.aborted && rendezvous.local_aborted);
        let is = |labels: &[&'static Label]| labels.contains(label);
        if is(&[&rendezvous::FIND, &master::OPTIONS, &rpc::REQUEST_CANCELLED]) {
            true
        } else if let (true, Subject::Call(call)) = (is(&[&rpc::CLEAR]), *subject) {
            !self.shares_queue(at, id, slot, call)
        } else if is(&[&rpc::INSTALL, &rpc::START, &rendezvous::DEREGISTER]) {
            !to_come(&rpc::CANCEL)
        } else if is(&[&rpc::CANCEL]) {
            !to_come(&rpc::INSTALL) && !to_come(&rpc::START)
        } else if is(&[&rendezvous::REGISTER]) {
            to_come(&rpc::CANCEL) || aborted
        } else if is(&[&rendezvous::ABORT_LOCAL]) {
            aborted && process.execution(self.plan.step).is_none()
        } else if let (true, Subject::Call(call)) = (is(&[&worker::INSTALL]), *subject) {
            to_come(&rpc::REQUEST_CANCELLED) || !self.client_cancels(at, call)
        } else if is(&[&rpc::SERVE_CLEAR]) {
            !to_come(&rpc::REQUEST_CANCELLED)
        } else if is(&[&worker::CLEAR_LOCAL, &worker::INSTALL_LOCAL]) {
            !to_come(&worker::CANCEL_LOCAL)
        } else if is(&[&worker::CANCEL_LOCAL]) {
            !to_come(&worker::CLEAR_LOCAL) && !to_come(&worker::INSTALL_LOCAL)
        } else {
            is(&[&master::WHEN_DONE]) && process.master.as_ref().is_some_and(|master| master.failed)
        }
    }

    /// Returns true if the trace shows this label on this subject later, in the same process.
    fn is_to_come(&self, at: &Position, id: ProcessId, wanted: &'static Label, of: Subject) -> bool {
        self.slots_left(at, id).any(
            |slot| matches!(&slot.action, Action::Run { label, subject, .. } if *label == wanted && *subject == of),
        )
    }

    /// Returns true if another thread of the trace is still to end a call of the same completion queue.
    fn shares_queue(&self, at: &Position, id: ProcessId, slot: &Slot, call: CallId) -> bool {
        let server = self.model.call(call).server;
        let ends = |slot: &Slot| match slot.action.of_call() {
            Some((label, other)) => label == &rpc::CLEAR && self.model.call(other).server == server,
            None => false,
        };
        let threads = self.plan.threads.iter().zip(&at.done);
        let others = threads.filter(|(thread, done)| {
            thread.process == id && thread.slots.get(**done).is_none_or(|next| next.line != slot.line)
        });
        others.flat_map(|(thread, &done)| &thread.slots[done..]).any(ends)
    }

    /// Returns true if the client's side of a call cancels it, later or before.
    fn client_cancels(&self, at: &Position, call: CallId) -> bool {
        let client = self.model.call(call).client;
        let cancelled = at.system.processes[client.index()]
            .client_call(call)
            .is_none_or(|call| call.failed);
        cancelled || self.is_to_come(at, client, &rpc::CANCEL, Subject::Call(call))
    }
}
