//! RPCs and their cancellation (`tf-step.md` section 2.6; `distributed_runtime/rpc/grpc_state.h`, `grpc_call.h`, `call_options.cc`,
//! `rpc/grpc_worker_service.cc`).
//!
//! A call is an object on each of its two sides. On the client's side it is `CallOptions` with the RPC's context: the cancel function is
//! installed, then the call is started; a cancel before the first finds nothing to call, one between the two only marks the context, one
//! after it completes the call on this side at once and resets the stream. On the server's side it is `grpc_call.h`'s `Call` with the
//! handler's `CallOptions`.
//!
//! The frames of one call arrive in order, and a server may read a request together with its reset, in which case the request never
//! reaches the service. Frames of different calls are not ordered here, although they share a connection: see `docs/fidelity.md`.

mod client;
mod server;

use crate::machine::{Access, Label, Lock, ProcessId};
use crate::models::tensorflow::cluster::{CallKind, Declared, Run, View};
use crate::models::tensorflow::mechanisms::crash;
use crate::models::tensorflow::mechanisms::pool;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, CallId, Process, RendezvousId, Thread, ThreadId};
use serde::{Deserialize, Serialize};

pub(in crate::models) use self::client::completion;

static INSTALL: Label = Label {
    name: "Call.install_cancel",
    function: "RPCState (CallOptions::SetCancelCallback)",
    site: "grpc_state.h:54",
};
static START: Label = Label {
    name: "Call.start",
    function: "RPCState (StartCall)",
    site: "grpc_state.h:66",
};
static CHECK_BEFORE: Label = Label {
    name: "Call.check_before_send",
    function: "RpcRemoteRendezvous::RecvFromRemoteAsync (1.13)",
    site: "pull request 23580",
};
static CHECK_AFTER: Label = Label {
    name: "Call.check_after_send",
    function: "RpcRemoteRendezvous::RecvFromRemoteAsync (2.x)",
    site: "rpc_rendezvous_mgr.cc (2.x)",
};
static CANCEL: Label = Label {
    name: "Call.start_cancel",
    function: "CallOptions::StartCancel (ClientContext::TryCancel)",
    site: "call_options.cc:24",
};
static QUEUE_TAKE: Label = Label {
    name: "ClientQueue.next",
    function: "GrpcWorkerCacheThread (CompletionQueue::Next)",
    site: "grpc_worker_cache.cc:101",
};
static QUEUE_IDLE: Label = Label {
    name: "ClientQueue.idle",
    function: "GrpcWorkerCacheThread (CompletionQueue::Next)",
    site: "grpc_worker_cache.cc:101",
};
static CLEAR: Label = Label {
    name: "Call.clear_cancel",
    function: "RPCState::OnCompleted (ClearCancelCallback)",
    site: "grpc_state.h:72",
};
static READ: Label = Label {
    name: "Server.read",
    function: "the HTTP/2 transport reads the stream",
    site: "grpc core",
};
static ACCEPT: Label = Label {
    name: "Server.accept",
    function: "GrpcWorkerServiceThread::*Handler (Schedule)",
    site: "grpc_worker_service.cc:196",
};
static REQUEST_CANCELLED: Label = Label {
    name: "Server.request_cancelled",
    function: "Call::RequestCancelled",
    site: "grpc_call.h:169",
};
static RELEASE: Label = Label {
    name: "Server.cancel_done",
    function: "Call::RequestCancelled (unlock)",
    site: "grpc_call.h:175",
};
static HANDLER_INSTALL: Label = Label {
    name: "Handler.install_cancel",
    function: "GrpcWorkerServiceThread (Call::SetCancelCallback)",
    site: "grpc_worker_service.cc:277",
};
static SERVE_CLEAR: Label = Label {
    name: "Handler.clear_cancel",
    function: "CallOptions::ClearCancelCallback, Call::ClearCancelCallback",
    site: "grpc_worker_service.cc:463",
};
static RESPOND: Label = Label {
    name: "Handler.respond",
    function: "Call::SendResponse",
    site: "grpc_call.h:163",
};

/// A message between processes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Frame {
    /// The request of a call.
    Request(CallId),
    /// The client cancelled the call (RST_STREAM).
    Reset(CallId),
    /// The answer, and whether it carries success (a partition's error travels in the body of an otherwise good answer).
    Response(CallId, bool),
    /// The connection to the sender breaks.
    Lost,
}

impl Frame {
    /// Its number in a [`crate::machine::FrameSet`]; answers of one call share it.
    pub fn number(self) -> usize {
        match self {
            Frame::Request(call) => usize::from(call) * 3 + 1,
            Frame::Reset(call) => usize::from(call) * 3 + 2,
            Frame::Response(call, _) => usize::from(call) * 3 + 3,
            Frame::Lost => 0,
        }
    }
}

/// Positions in the RPC layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// Client: installs the cancel function.
    Install(CallId),
    /// Client: starts the call.
    Start(CallId),
    /// Client, `no-send-after-abort`: ends the node if the call carries an error.
    CheckBeforeSend(CallId),
    /// Client, `check-after-send`: cancels the call if it carries an error.
    CheckAfterSend(CallId),
    /// Client: `StartCancel` of the call.
    Cancel(CallId),
    /// Client: the completion-queue thread of the server's process takes the completion.
    QueueTake(CallId),
    /// Client: and is done with it.
    QueueIdle(CallId),
    /// Client: the completion begins.
    Clear(CallId),
    /// Server: the transport reads the stream.
    Read(CallId),
    /// Server: a completion-queue thread schedules the handler.
    Accept(CallId),
    /// Server: a completion-queue thread learns of the cancellation.
    RequestCancelled(CallId),
    /// Server: and is done with it.
    Release(CallId),
    /// Server: the handler installs the call's cancel callback.
    HandlerInstall(CallId),
    /// Server: before it answers, the cancel callbacks are cleared.
    ServeClear(CallId),
    /// Server: the answer, and whether it is a success.
    Respond(CallId, bool),
}

/// How far an RPC is on the client's side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Rpc {
    /// Not started.
    Fresh,
    /// Cancelled before it was started: starting it will not send anything.
    Marked,
    /// Sent, unanswered.
    Sent,
    /// Answered, cancelled or never sent: complete on this side.
    Complete,
}

/// A call on its client's side.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ClientCall {
    /// Which call.
    pub id: CallId,
    /// The rendezvous that a receive is registered with.
    pub rendezvous: Option<RendezvousId>,
    /// Whether `CallOptions` has its cancel function.
    pub installed: bool,
    /// `sticky-cancel`: a `StartCancel` found no function and waits for one.
    pub wanted: bool,
    /// How far the RPC is.
    pub rpc: Rpc,
    /// Whether the call's status carries an error: its own, or that of the rendezvous it was told to abort with.
    pub failed: bool,
    /// `check-after-send`: the completion waits until the check is done.
    pub unchecked: bool,
}

impl ClientCall {
    /// The call of a `_Recv`.
    pub fn receive(id: CallId, rendezvous: RendezvousId) -> Self {
        Self {
            rendezvous: Some(rendezvous),
            ..Self::run_graph(id)
        }
    }

    /// A `RunGraph` call.
    pub fn run_graph(id: CallId) -> Self {
        Self {
            id,
            rendezvous: None,
            installed: false,
            wanted: false,
            rpc: Rpc::Fresh,
            failed: false,
            unchecked: false,
        }
    }
}

/// A call on its server's side.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ServerCall {
    /// Which call.
    pub id: CallId,
    /// The reset has arrived and was not read yet.
    pub reset: bool,
    /// Whether the request was read and given to the service.
    pub accepted: bool,
    /// Whether the service's cancel callback is installed.
    pub callback: bool,
    /// Whether the handler's `CallOptions` has its cancel function.
    pub options: bool,
    /// `sticky-cancel`: a `StartCancel` found no function and waits for one.
    pub wanted: bool,
    /// Whether the client has cancelled the call: whatever is answered, nobody listens.
    pub abandoned: bool,
    /// The callback's mutexes while the cancellation runs.
    pub lock: Lock<ThreadId>,
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(in crate::models) fn declare_rpc(&self, at: At) -> Declared {
        let (model, process) = (self.model, self.process);
        let call = |label, id| Declared::new(label, Object::Call(id), Access::Write);
        match at {
            At::Install(id) => call(&INSTALL, id),
            At::Start(id) => call(&START, id),
            At::CheckBeforeSend(id) => call(&CHECK_BEFORE, id),
            At::CheckAfterSend(id) => call(&CHECK_AFTER, id),
            At::Cancel(id) => call(&CANCEL, id),
            At::QueueTake(id) => {
                let peer = model.call(id).server;
                let idle = process.busy_queues & (1 << peer.0) == 0;
                Declared::new(&QUEUE_TAKE, Object::Queue(peer), Access::Write)
                    .when(idle)
                    .taking_server()
            }
            At::QueueIdle(id) => Declared::new(&QUEUE_IDLE, Object::Queue(model.call(id).server), Access::BothMover),
            At::Clear(id) => {
                let unchecked = process.client_call(id).is_some_and(|record| record.unchecked);
                call(&CLEAR, id).when(!unchecked)
            }
            At::Read(id) => {
                let reset = process.server_call(id).expect("a stream that is read exists").reset;
                call(&READ, id).choices(if reset { 2 } else { 1 })
            }
            At::Accept(_) => Declared::new(&ACCEPT, Object::Pool, model.push_access()),
            At::RequestCancelled(id) => {
                let free = process.server_call(id).is_none_or(|record| record.lock.is_free());
                call(&REQUEST_CANCELLED, id).when(free)
            }
            At::Release(id) => Declared::new(&RELEASE, Object::Call(id), Access::BothMover),
            // Between this and the handler's own function a cancellation is lost either way, unless it is remembered.
            At::HandlerInstall(id) => {
                let access = if model.is_sticky() {
                    Access::Write
                } else {
                    Access::BothMover
                };
                Declared::new(&HANDLER_INSTALL, Object::Call(id), access)
            }
            At::ServeClear(id) => {
                let free = process.server_call(id).is_none_or(|record| record.lock.is_free());
                call(&SERVE_CLEAR, id).when(free)
            }
            // The callbacks are cleared: a cancellation that comes now finds nothing, one that comes later finds no call.
            At::Respond(id, _) => Declared::new(&RESPOND, Object::Call(id), Access::BothMover),
        }
    }
}

impl Run<'_> {
    /// Runs the operation of a position.
    pub(in crate::models) fn apply_rpc(&mut self, at: At) {
        match at {
            At::Install(id) => self.install(id),
            At::Start(id) => self.start(id),
            At::CheckBeforeSend(id) => self.check_before_send(id),
            At::CheckAfterSend(id) => {
                let failed = self.process.client_call_mut(id).is_some_and(|call| {
                    call.unchecked = false;
                    call.failed
                });
                if failed {
                    self.try_cancel(id);
                }
            }
            At::Cancel(id) => self.cancel(id),
            At::QueueTake(id) => self.process.busy_queues |= 1 << self.model.call(id).server.0,
            At::QueueIdle(id) => self.process.busy_queues &= !(1 << self.model.call(id).server.0),
            At::Clear(id) => self.complete(id),
            At::Read(id) => self.read(id),
            At::Accept(id) => {
                let size = self.model.pool_size();
                let body = self.handler(id);
                pool::schedule(self.process, size, false, ThreadId::Handler(id), &body);
            }
            At::RequestCancelled(id) => self.request_cancelled(id),
            At::Release(id) => {
                let owner = self.thread.id;
                self.process
                    .server_call_mut(id)
                    .expect("a locked call is kept")
                    .lock
                    .release(owner);
            }
            At::HandlerInstall(id) => {
                self.process.server_call_mut(id).expect("its handler runs").callback = true;
            }
            At::ServeClear(id) => {
                if let Some(call) = self.process.server_call_mut(id) {
                    (call.callback, call.options) = (false, false);
                }
            }
            At::Respond(id, ok) => {
                self.process.remove_server_call(id);
                self.sent.push((self.model.call(id).client, Frame::Response(id, ok)));
            }
        }
    }
}

/// A frame arrives at a process.
pub(in crate::models) fn deliver(
    model: &crate::models::tensorflow::TensorFlow,
    process: &mut Process,
    from: ProcessId,
    frame: Frame,
) {
    if crash::swallows(process, from) {
        // What was here does not come again.
        if let Frame::Request(id) = frame {
            process.arrived.insert(id);
        }
        return;
    }
    match frame {
        Frame::Lost => crash::lose(model, process, from),
        Frame::Request(id) => {
            process.arrived.insert(id);
            let index = process.server_calls.partition_point(|other| other.id < id);
            process.server_calls.insert(
                index,
                ServerCall {
                    id,
                    reset: false,
                    accepted: false,
                    callback: false,
                    options: false,
                    wanted: false,
                    abandoned: false,
                    lock: Lock::default(),
                },
            );
            process.spawn(Thread::new(ThreadId::Arrival(id), Position::Rpc(At::Read(id))));
        }
        Frame::Reset(id) => reset(process, id),
        Frame::Response(id, ok) => {
            let waits = !matches!(model.call(id).kind, CallKind::CleanupGraph | CallKind::CancelStep);
            if let Some(call) = process.client_call_mut(id)
                && waits
                && call.rpc == Rpc::Sent
            {
                call.failed |= !ok;
                call.rpc = Rpc::Complete;
                process.spawn(completion(id));
            }
        }
    }
}

/// The client of a request cancels it. An answered call's stream is closed: its reset means nothing.
pub(in crate::models) fn reset(process: &mut Process, id: CallId) {
    let Some(call) = process.server_call_mut(id) else {
        return;
    };
    if std::mem::replace(&mut call.abandoned, true) {
        return;
    }
    if call.accepted {
        process.spawn(Thread::new(
            ThreadId::Cancelled(id),
            Position::Rpc(At::RequestCancelled(id)),
        ));
    } else {
        call.reset = true;
    }
}
