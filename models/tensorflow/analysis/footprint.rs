//! What threads may still do to the objects of their process: the footprints of partial-order reduction.
//!
//! A footprint is a union over the positions on a thread's stack and over everything that these may start: further labels of the
//! same thread, closures, answers to calls. It depends on the state in one way only: what a rendezvous that is aborted can no longer
//! suffer, since aborting is final and a second `StartAbort` changes nothing.
//!
//! [`positions`] says what a thread at a position may do next, [`consequences`] what follows from that, [`frames`] which frames a
//! process may still send.

mod consequences;
mod frames;
mod positions;

use crate::machine::{Access, Footprint, FrameSet, ObjectId, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::rpc::{Frame, Rpc};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{NodeId, Process, StepId, ThreadId};

/// Collects a footprint.
struct Future<'a> {
    model: &'a TensorFlow,
    id: ProcessId,
    process: &'a Process,
    footprint: Footprint,
    nodes: Vec<(StepId, NodeId)>,
    started: Vec<Object>,
}

impl TensorFlow {
    pub(in crate::models) fn future_of(&self, id: ProcessId, process: &Process, thread: ThreadId) -> Footprint {
        let mut future = Future::new(self, id, process);
        if self.may_still_die(id, process) {
            future.everything();
        } else {
            future.thread(process.thread(thread).expect("a live thread"));
        }
        future.footprint
    }

    pub(in crate::models) fn arrivals_at(&self, id: ProcessId, process: &Process, frames: &FrameSet) -> Footprint {
        let mut future = Future::new(self, id, process);
        if self.may_still_die(id, process) {
            future.everything();
            return future.footprint;
        }
        for (call, info) in (0..).zip(self.calls()) {
            let may_come = frames.contains(Frame::Request(call).number());
            if info.server == id && may_come && !process.arrived.contains(call) && self.is_ever_made(info) {
                future.request(call);
            }
        }
        for call in process.server_calls.iter().filter(|call| !call.abandoned) {
            if frames.contains(Frame::Reset(call.id).number()) {
                // A reset that comes before the request is read may drop it, whatever else is settled by then.
                if !call.accepted {
                    future.uses(Object::Call(call.id), Access::Write);
                }
                future.cancellation(call.id);
            }
        }
        if frames.contains(Frame::Lost.number()) && !self.is_mortal(id) {
            for (call, info) in (0..).zip(self.calls()) {
                if info.client == id && self.is_mortal(info.server) {
                    future.uses(Object::Call(call), Access::Write);
                    future.completion(call);
                } else if info.server == id && self.is_mortal(info.client) {
                    future.uses(Object::Call(call), Access::Write);
                    future.cancellation(call);
                }
            }
        }
        for call in process.client_calls.iter().filter(|call| call.rpc == Rpc::Sent) {
            if frames.contains(Frame::Response(call.id, true).number()) {
                future.completion(call.id);
            }
        }
        future.footprint
    }
}

impl<'a> Future<'a> {
    fn new(model: &'a TensorFlow, id: ProcessId, process: &'a Process) -> Self {
        Self {
            model,
            id,
            process,
            footprint: Footprint::new(),
            nodes: Vec::new(),
            started: Vec::new(),
        }
    }

    /// That of a process that may still die.
    fn everything(&mut self) {
        for object in 0..self.model.object_count() {
            self.footprint.insert(ObjectId(object), Access::Write);
        }
    }

    fn uses(&mut self, object: Object, access: Access) {
        self.footprint.insert(self.model.object(object), access);
    }

    /// Whether this is the first time that this part of the future is looked at.
    fn first(&mut self, what: Object) -> bool {
        let new = !self.started.contains(&what);
        if new {
            self.started.push(what);
        }
        new
    }
}
