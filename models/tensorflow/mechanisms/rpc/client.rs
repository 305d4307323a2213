//! A call on its client's side: started, cancelled, completed.

use super::{At, ClientCall, Frame, Rpc};
use crate::models::tensorflow::cluster::{CallKind, Run};
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::mechanisms::crash;
use crate::models::tensorflow::mechanisms::master;
use crate::models::tensorflow::mechanisms::rendezvous;
use crate::models::tensorflow::process::{At as Position, CallId, Thread, ThreadId};

impl Run<'_> {
    fn client(&mut self, id: CallId) -> &mut ClientCall {
        self.process.client_call_mut(id).expect("the call is not over")
    }

    pub(super) fn install(&mut self, id: CallId) {
        let call = self.client(id);
        call.installed = true;
        if std::mem::take(&mut call.wanted) {
            self.try_cancel(id);
        }
    }

    pub(super) fn start(&mut self, id: CallId) {
        let checks = self.model.variant() == Variant::CheckAfterSend
            && matches!(self.model.call(id).kind, CallKind::RecvTensor { .. });
        let server = self.model.call(id).server;
        let call = self.client(id);
        call.unchecked = checks;
        if call.rpc == Rpc::Marked {
            call.failed = true;
            self.never_sent(id);
            self.completed(id);
        } else {
            call.rpc = Rpc::Sent;
            // A call to a process that is not there waits for it.
            if !crash::is_lost(self.process, server) {
                self.sent.push((server, Frame::Request(id)));
            }
        }
        if checks {
            self.thread.then([Position::Rpc(At::CheckAfterSend(id))]);
        }
    }

    pub(super) fn check_before_send(&mut self, id: CallId) {
        if self.client(id).failed {
            self.process.remove_client_call(id);
            self.thread
                .stack
                .retain(|at| !matches!(at, Position::Rpc(At::Install(other) | At::Start(other)) if *other == id));
            let (step, node) = self.model.recv_node(id);
            self.node_done(step, node, false, false);
        }
    }

    /// `CallOptions::StartCancel` as `StartAbort` and `RunManyGraphs` call it. For a receive, the error is remembered first.
    pub(super) fn cancel(&mut self, id: CallId) {
        let sticky = self.model.variant() == Variant::StickyCancel;
        let receive = matches!(self.model.call(id).kind, CallKind::RecvTensor { .. });
        let Some(call) = self.process.client_call_mut(id) else {
            return;
        };
        if receive {
            call.failed = true;
        }
        if call.installed {
            self.try_cancel(id);
        } else if sticky && call.rpc == Rpc::Fresh {
            call.wanted = true;
        }
    }

    /// `ClientContext::TryCancel`.
    pub(super) fn try_cancel(&mut self, id: CallId) {
        let server = self.model.call(id).server;
        let call = self.client(id);
        match call.rpc {
            Rpc::Fresh => call.rpc = Rpc::Marked,
            Rpc::Sent => {
                call.failed = true;
                self.sent.push((server, Frame::Reset(id)));
                self.completed(id);
            }
            Rpc::Marked | Rpc::Complete => {}
        }
    }

    /// The call is over on this side: an event for its completion-queue thread.
    fn completed(&mut self, id: CallId) {
        self.client(id).rpc = Rpc::Complete;
        self.process.spawn(completion(id));
    }

    /// `OnCompleted`: clear, then what the call is for.
    pub(super) fn complete(&mut self, id: CallId) {
        let call = self.client(id);
        call.installed = false;
        let failed = call.failed;
        let next = match self.model.call(id).kind {
            CallKind::RecvTensor { .. } => Position::Rendezvous(rendezvous::At::Deregister(id)),
            CallKind::RunGraph { .. } => Position::Master(master::At::WhenDone(self.model.call(id).step, !failed)),
            CallKind::CleanupGraph | CallKind::CancelStep => return,
        };
        self.thread.then([next]);
    }

    fn never_sent(&mut self, id: CallId) {
        if let CallKind::RunGraph { .. } = self.model.call(id).kind
            && let Some(master) = &mut self.process.master
        {
            master.never_sent |= 1 << self.model.call(id).server.0;
        }
    }
}

/// The completion of a call as a thread.
pub(in crate::models) fn completion(id: CallId) -> Thread {
    let mut thread = Thread::new(ThreadId::Completion(id), Position::Rpc(At::QueueIdle(id)));
    thread.then([Position::Rpc(At::QueueTake(id)), Position::Rpc(At::Clear(id))]);
    thread
}
