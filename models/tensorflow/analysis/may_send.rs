//! The frames that a process may still send.

use crate::machine::{FrameSet, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::{CallInfo, CallKind};
use crate::models::tensorflow::mechanisms::context::Item;
use crate::models::tensorflow::mechanisms::rpc::{Frame, Rpc};
use crate::models::tensorflow::mechanisms::{executor, rendezvous};
use crate::models::tensorflow::process::{CallId, Process, Thread, ThreadId};
use crate::models::tensorflow::release::Status;

impl TensorFlow {
    pub(super) fn is_ever_made(&self, info: &CallInfo) -> bool {
        match info.kind {
            CallKind::CleanupGraph => self.cleans_up_after(info.step),
            CallKind::DeleteSession => self.faults().close,
            CallKind::CancelStep => self.remembers_cancelled(),
            _ => true,
        }
    }

    /// Returns the frames that a process may still send to `to` while that does nothing.
    pub(in crate::models) fn frames_that_may_come(
        &self,
        from: ProcessId,
        process: &Process,
        to: ProcessId,
    ) -> FrameSet {
        let mut frames = FrameSet::none();
        if self.is_mortal(from) && process.thread(ThreadId::Death).is_some() {
            frames.insert(Frame::Lost.number());
        }
        for (call, info) in (0..).zip(self.calls()) {
            if info.client == from && info.server == to && self.is_ever_made(info) {
                let (request, reset) = match info.kind {
                    CallKind::RecvTensor { .. } => self.receive_may_send(process, call),
                    CallKind::RunGraph { .. } => self.run_graph_may_send(process, call, info),
                    CallKind::CleanupGraph | CallKind::DeleteSession | CallKind::CancelStep => (true, false),
                };
                if request {
                    frames.insert(Frame::Request(call).number());
                }
                if reset {
                    frames.insert(Frame::Reset(call).number());
                }
            }
        }
        for call in process.server_calls.iter().filter(|call| !call.abandoned) {
            if self.call(call.id).client == to {
                frames.insert(Frame::Response(call.id, Status::Ok).number());
            }
        }
        frames
    }

    /// Says whether a `_Recv` may still send its request, and a reset.
    fn receive_may_send(&self, process: &Process, call: CallId) -> (bool, bool) {
        let (step, node) = self.recv_node(call);
        let execution = process.execution(step);
        // After the abort has gone through the active calls, only a later check cancels a call.
        let aborted = execution.is_some_and(|execution| {
            let state = &process.rendezvous[usize::from(execution.rendezvous)];
            state.aborted && state.lock.is_free()
        });
        let cancels = !self.cannot_fail(step) && (!aborted || self.variant().checks_after_send());
        if let Some(record) = process.client_call(call) {
            return match record.rpc {
                Rpc::Fresh => (true, cancels),
                Rpc::Sent => (false, cancels),
                Rpc::Marked | Rpc::Complete => (false, false),
            };
        }
        // One that is still to be validated finds the error.
        let in_time = |thread: &Thread| !aborted || thread.is_at(&rendezvous::REGISTER);
        let to_come =
            self.call_is_to_come(process, call) && process.thread(ThreadId::Node(step, node)).is_none_or(in_time);
        (to_come, to_come && cancels)
    }

    /// Returns true if a `_Recv` that has no call may still make one.
    pub(in crate::models) fn call_is_to_come(&self, process: &Process, call: CallId) -> bool {
        let (step, node) = self.recv_node(call);
        let Some(execution) = process.execution(step) else {
            return !process.started.contains(usize::from(step)) && !process.dropped.contains(usize::from(step));
        };
        let begins = |item| match item {
            Item::Node(of, other) => (of, other) == (step, node),
            Item::Pc(pc) => {
                let begins = [&rendezvous::VALIDATE, &rendezvous::REGISTER].contains(&pc.label());
                begins && (pc.subject().step, pc.subject().node) == (Some(step), Some(node))
            }
        };
        let waits = execution.pending[usize::from(node)] > 0;
        waits || process.threads.iter().flat_map(executor::items).any(begins)
    }

    /// Says whether the master may still send a partition's `RunGraph`, and a reset.
    fn run_graph_may_send(&self, process: &Process, call: CallId, info: &CallInfo) -> (bool, bool) {
        let Some(master) = process.master.as_ref().filter(|master| master.step == info.step) else {
            return (true, !self.cannot_fail(info.step));
        };
        let Some(record) = process.client_call(call) else {
            // Before the client runs the step; afterwards its record is gone for good.
            let before =
                !master.returned && master.outcome.is_none() && process.thread(ThreadId::Step(info.step)).is_none();
            return (before, before && !self.cannot_fail(info.step));
        };
        let cancels = !self.cannot_fail(info.step) && (!master.failed || !master.lock.is_free());
        match record.rpc {
            Rpc::Fresh => (true, cancels),
            Rpc::Sent => (false, cancels),
            Rpc::Marked | Rpc::Complete => (false, false),
        }
    }
}
