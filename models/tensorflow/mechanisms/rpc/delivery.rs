//! Effects of a frame's arrival.

use super::{Frame, Pc, Rpc, ServerCall, completes, completion};
use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::context::Next;
use crate::models::tensorflow::mechanisms::crash;
use crate::models::tensorflow::process::{CallId, Process, Thread, ThreadId};
use crate::models::tensorflow::release::Status;

fn start<P: Into<super::super::Pc>>(process: &mut Process, name: ThreadId, places: impl IntoIterator<Item = P>) {
    let mut thread = Thread::new(name);
    thread.then(places);
    process.spawn(thread);
}

/// Delivers a frame.
pub(in crate::models) fn deliver(model: &TensorFlow, process: &mut Process, from: ProcessId, frame: Frame) {
    if crash::swallows(process, from) {
        // What was here does not come again.
        if let Frame::Request(id) = frame {
            process.arrived.insert(usize::from(id));
        }
        return;
    }
    match frame {
        Frame::Lost => crash::lose(model, process, from),
        Frame::Request(id) => {
            process.arrived.insert(usize::from(id));
            let index = process.server_calls.partition_point(|other| other.id < id);
            process.server_calls.insert(index, ServerCall::arrived(id));
            start(process, ThreadId::Arrival(id), [Pc::Read(id)]);
        }
        Frame::Reset(id) => reset(process, id),
        Frame::Response(id, status) => {
            if let Some(call) = process.client_call_mut(id)
                && call.rpc == Rpc::Sent
            {
                call.fail(status);
                call.rpc = Rpc::Complete;
                start(process, ThreadId::Completion(id), completion(id));
            }
        }
    }
}

/// Cancels a request for its client. An answered call's stream is closed: its reset means nothing.
pub(in crate::models::tensorflow::mechanisms) fn reset(process: &mut Process, id: CallId) {
    let Some(call) = process.server_call_mut(id) else {
        return;
    };
    if std::mem::replace(&mut call.abandoned, true) {
        return;
    }
    if call.accepted {
        start(process, ThreadId::Cancelled(id), [Pc::RequestCancelled(id)]);
    } else {
        call.reset = true;
    }
}

/// Calls that wait for the answer of a process fail, since the connection to it is lost.
pub(in crate::models::tensorflow::mechanisms) fn lost_answers(
    model: &TensorFlow,
    process: &mut Process,
    peer: ProcessId,
) {
    let mut over = Vec::new();
    for call in &mut process.client_calls {
        if model.call(call.id).server == peer && call.rpc == Rpc::Sent {
            call.fail(Status::Error);
            call.rpc = Rpc::Complete;
            over.push(call.id);
        }
    }
    for call in over {
        start(process, ThreadId::Completion(call), completion(call));
    }
}

/// Lists what may follow from the arrival of a frame that concerns a call: on its server's side, or on its client's.
pub(in crate::models) fn next_of_arrival(next: &mut Next<'_>, frame: Frame) {
    match frame {
        Frame::Request(call) => next.spawn(ThreadId::Arrival(call), [Pc::Read(call)]),
        Frame::Reset(call) => next.spawn(ThreadId::Cancelled(call), [Pc::RequestCancelled(call)]),
        Frame::Response(call, _) => completes(next, call),
        Frame::Lost => {}
    }
}
