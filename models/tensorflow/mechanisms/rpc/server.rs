//! A call on its server's side: read, cancelled, answered.

use super::At;
use crate::models::tensorflow::cluster::{CallKind, Run};
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::process::{At as Position, CallId, Thread, ThreadId};

impl Run<'_> {
    /// The answer to a peer's receive.
    pub(in crate::models) fn serve(&mut self, call: CallId, ok: bool) {
        self.thread.then([
            Position::Rpc(At::ServeClear(call)),
            Position::Rpc(At::Respond(call, ok)),
        ]);
    }

    /// Outcome 0: the request alone is read. Outcome 1: with its reset, so that it never reaches the service.
    pub(super) fn read(&mut self, id: CallId) {
        let kind = self.model.call(id).kind;
        if self.choice == 1 {
            if let CallKind::RunGraph { .. } = kind {
                self.process.dropped |= 1 << self.model.call(id).step;
            }
            self.process.remove_server_call(id);
            return;
        }
        if matches!(kind, CallKind::CleanupGraph | CallKind::CancelStep) {
            // Nobody waits for its answer and nobody cancels it: the stream is of no further interest.
            self.process.remove_server_call(id);
            return self.thread.then([Position::Rpc(At::Accept(id))]);
        }
        let call = self.process.server_call_mut(id).expect("a stream that is read exists");
        call.accepted = true;
        if std::mem::take(&mut call.reset) {
            self.process.spawn(Thread::new(
                ThreadId::Cancelled(id),
                Position::Rpc(At::RequestCancelled(id)),
            ));
        }
        self.thread.then([Position::Rpc(At::Accept(id))]);
    }

    /// Runs the cancel callback with the call's mutexes held, if both of them are installed by now; else the cancellation is lost,
    /// unless the `CallOptions` that it got to remembers it.
    pub(super) fn request_cancelled(&mut self, id: CallId) {
        let sticky = self.model.is_sticky();
        let Some(call) = self.process.server_call_mut(id) else {
            return;
        };
        if call.callback && call.options {
            self.run_server_cancel(id);
        } else if call.callback && sticky {
            call.wanted = true;
        }
    }

    /// The cancel function of a handler's `CallOptions`, with its mutex held.
    pub(in crate::models) fn run_server_cancel(&mut self, id: CallId) {
        let owner = self.thread.id;
        let info = *self.model.call(id);
        let call = self.process.server_call_mut(id).expect("a cancelled call is kept");
        call.lock.acquire(owner);
        self.thread.then([Position::Rpc(At::Release(id))]);
        self.abort_step(info.step);
        if let CallKind::RunGraph { .. } = info.kind {
            self.thread
                .then([Position::Worker(worker::At::CancelManager(info.step))]);
        }
    }
}
