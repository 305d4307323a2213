//! RPCs and their cancellation (`distributed_runtime/rpc/grpc_state.h`, `grpc_call.h`, `call_options.cc`, `rpc/grpc_worker_service.cc`).
//!
//! A call is an object on each of its two sides. On the client's side it is `CallOptions` with the RPC's context: the cancel function is
//! installed, then the call is started; a cancel before the first finds nothing to call, one between the two only marks the context, one
//! after it completes the call on this side at once and resets the stream. On the server's side it is `grpc_call.h`'s `Call` with the
//! handler's `CallOptions`. The races of `CallOptions` are searched alone by loom: `scenarios/kernel/recv_cancel_race.toml` for a receive,
//! `server_never_starts.toml` for a `RunGraph`.
//!
//! The frames of one call arrive in order, and a server may read a request together with its reset, in which case the request never
//! reaches the service. Frames of different calls are not ordered here, although they share a connection: see `docs/fidelity.md`.

mod client;
mod delivery;
mod server;
mod state;

use smallvec::SmallVec;

use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::room::Mechanism;
use super::{closing, executor, master, rendezvous, worker};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::pool::Object as PoolObject;
use crate::models::tensorflow::process::{CallId, Process, ThreadId};
use crate::models::tensorflow::release::Status;

pub(super) use self::client::{register_receive, send};
pub(in crate::models) use self::delivery::{deliver, next_of_arrival};
pub(super) use self::delivery::{lost_answers, reset};
pub(super) use self::server::{cancel_request, next_of_cancel};
pub use self::state::{ClientCall, Frame, Rpc, ServerCall};

labels! {
    INSTALL = "Call.install_cancel", "RPCState (CallOptions::SetCancelCallback)", "grpc_state.h:54";
    START = "Call.start", "RPCState (StartCall)", "grpc_state.h:66";
    CHECK_BEFORE = "Call.check_before_send", "RpcRemoteRendezvous::RecvFromRemoteAsync (1.13)", "pull request 23580";
    CHECK_AFTER = "Call.check_after_send", "RpcRemoteRendezvous::RecvFromRemoteAsync (2.x)", "rpc_rendezvous_mgr.cc (2.x)";
    CANCEL = "Call.start_cancel", "CallOptions::StartCancel (ClientContext::TryCancel)", "call_options.cc:24";
    QUEUE_TAKE = "ClientQueue.next", "GrpcWorkerCacheThread (CompletionQueue::Next)", "grpc_worker_cache.cc:101";
    QUEUE_IDLE = "ClientQueue.idle", "GrpcWorkerCacheThread (CompletionQueue::Next)", "grpc_worker_cache.cc:101";
    CLEAR = "Call.clear_cancel", "RPCState::OnCompleted (ClearCancelCallback)", "grpc_state.h:72";
    READ = "Server.read", "the HTTP/2 transport reads the stream", "grpc core";
    ACCEPT = "Server.accept", "GrpcWorkerServiceThread::*Handler (Schedule)", "grpc_worker_service.cc:196";
    REQUEST_CANCELLED = "Server.request_cancelled", "Call::RequestCancelled", "grpc_call.h:169";
    RELEASE = "Server.cancel_done", "Call::RequestCancelled (unlock)", "grpc_call.h:175";
    HANDLER_INSTALL = "Handler.install_cancel", "GrpcWorkerServiceThread (Call::SetCancelCallback)", "grpc_worker_service.cc:277";
    SERVE_CLEAR = "Handler.clear_cancel", "CallOptions::ClearCancelCallback, Call::ClearCancelCallback", "grpc_worker_service.cc:463";
    RESPOND = "Handler.respond", "Call::SendResponse", "grpc_call.h:163";
}

program_counter! { Rpc;
    /// Client: installs the cancel function.
    Install(call) => INSTALL,
    /// Client: starts the call.
    Start(call) => START,
    /// Client, `no-send-after-abort`: ends the node if the call carries an error.
    CheckBeforeSend(call) => CHECK_BEFORE,
    /// Client, `check-after-send`: cancels the call if it carries an error.
    CheckAfterSend(call) => CHECK_AFTER,
    /// Client: `StartCancel` of the call.
    Cancel(call) => CANCEL,
    /// Client: the completion-queue thread of the server's process takes the completion.
    QueueTake(call) => QUEUE_TAKE,
    /// Client: and is done with it.
    QueueIdle(call) => QUEUE_IDLE,
    /// Client: the completion begins.
    Clear(call) => CLEAR,
    /// Server: the transport reads the stream.
    Read(call) => READ,
    /// Server: a completion-queue thread schedules the handler.
    Accept(call) => ACCEPT,
    /// Server: a completion-queue thread learns of the cancellation.
    RequestCancelled(call) => REQUEST_CANCELLED,
    /// Server: and is done with it.
    Release(call) => RELEASE,
    /// Server: the handler installs the call's cancel callback.
    HandlerInstall(call) => HANDLER_INSTALL,
    /// Server: before it answers, the cancel callbacks are cleared.
    ServeClear(call) => SERVE_CLEAR,
    /// Server: the answer, and whether it is a success.
    Respond(call, status: Status) => RESPOND,
}

objects! { Rpc;
    /// The client completion queue of a remote process.
    Queue(ProcessId) = "queue" per Peer,
    /// A call, on the side that this process is on.
    Call(CallId) = "call" per Call,
}

/// Makes a call: its cancel function is installed, then it is started.
pub(super) fn issue(call: CallId) -> [super::Pc; 2] {
    [Pc::Install(call).into(), Pc::Start(call).into()]
}

/// Makes the call of a `_Recv`.
pub(super) fn receive(model: &TensorFlow, call: CallId) -> SmallVec<[super::Pc; 3]> {
    let check = model
        .variant()
        .checks_before_send()
        .then_some(Pc::CheckBeforeSend(call).into());
    check.into_iter().chain(issue(call)).collect()
}

/// Runs `StartCancel` of a call.
pub(in crate::models) fn cancel(call: CallId) -> super::Pc {
    Pc::Cancel(call).into()
}

/// Answers a request.
pub(super) fn serve(call: CallId, status: impl Into<Status>) -> [super::Pc; 2] {
    [Pc::ServeClear(call).into(), Pc::Respond(call, status.into()).into()]
}

/// Answers a request whose handler has no cancel callbacks.
pub(super) fn respond(call: CallId) -> super::Pc {
    Pc::Respond(call, Status::Ok).into()
}

/// Says that a call that nobody can cancel may be made, and then answered.
pub(super) fn next_of_sending(next: &mut Next<'_>, call: CallId) {
    next.send(next.model.call(call).server, Frame::Request(call));
    completes(next, call);
}

/// Installs the call's cancel callback in the handler of a request.
pub(super) fn install_callback(call: CallId) -> super::Pc {
    Pc::HandlerInstall(call).into()
}

/// Returns the completion of a call as the places of a completion-queue thread.
fn completion(call: CallId) -> [super::Pc; 3] {
    [Pc::QueueTake(call), Pc::Clear(call), Pc::QueueIdle(call)].map(Into::into)
}

/// Returns true if a place answers this call with success.
pub(in crate::models) fn answers_well(pc: super::Pc, call: CallId) -> bool {
    matches!(pc, super::Pc::Rpc(Counter(Pc::Respond(other, Status::Ok))) if other == call)
}

/// Says that a call may end on this side: an event for its completion-queue thread.
fn completes(next: &mut Next<'_>, call: CallId) {
    next.spawn(ThreadId::Completion(call), completion(call));
}

/// Says that `ClientContext::TryCancel` may run: the call ends on this side, and its server is told.
fn may_cancel(next: &mut Next<'_>, call: CallId) {
    next.send(next.model.call(call).server, Frame::Reset(call));
    completes(next, call);
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for peer in model.process_ids() {
            let busy = process.busy_queues.contains(peer.index());
            inventory.value(Object::Queue(peer), &busy);
            if busy {
                inventory.text(Object::Queue(peer), || "runs a callback".to_owned());
            }
        }
        for call in &process.client_calls {
            // Not the number of its rendezvous, which changes when another one is dropped.
            let options = (call.installed, call.wanted, call.status(), call.unchecked);
            inventory.add(Object::Call(call.id), &(options, call.rpc), || call.words());
        }
        for call in &process.server_calls {
            inventory.add(Object::Call(call.id), call, || call.words());
            inventory.lock(Object::Call(call.id), call.lock.owner());
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let model = context.model;
        let writes = |call| context.uses(Object::Call(call), Access::Write);
        let free = |call| context.uses(Object::Call(call), Access::BothMover);
        let unlocked = |view: &View<'_>, call| {
            view.process
                .server_call(call)
                .is_none_or(|record| record.lock.is_free())
        };
        match self.0 {
            Pc::Install(call)
            | Pc::Start(call)
            | Pc::CheckBeforeSend(call)
            | Pc::CheckAfterSend(call)
            | Pc::Cancel(call) => writes(call),
            Pc::QueueTake(call) => {
                let peer = model.call(call).server;
                let take = context.uses(Object::Queue(peer), Access::Write).taking_permit();
                take.when(|view| !view.process.busy_queues.contains(peer.index()))
            }
            Pc::QueueIdle(call) => context.uses(Object::Queue(model.call(call).server), Access::BothMover),
            Pc::Clear(call) => {
                writes(call).when(|view| !view.process.client_call(call).is_some_and(|record| record.unchecked))
            }
            Pc::Read(call) => writes(call).choices(|view| {
                let record = view.process.server_call(call).expect("a stream that is read exists");
                if record.reset { 2 } else { 1 }
            }),
            Pc::Accept(_) => context.uses(PoolObject::Pool, model.push_access()),
            Pc::RequestCancelled(call) | Pc::ServeClear(call) => writes(call).when(|view| unlocked(view, call)),
            Pc::Release(call) => free(call),
            // Between this and the handler's own function a cancellation is lost either way, unless it is remembered.
            Pc::HandlerInstall(call) if model.is_sticky() => writes(call),
            Pc::HandlerInstall(call) => free(call),
            // The callbacks are cleared: a cancellation that comes now finds nothing, one that comes later finds no call.
            Pc::Respond(call, _) => free(call),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            Pc::Install(call) if model.is_sticky() => may_cancel(next, call),
            Pc::Start(call) => {
                next.send(model.call(call).server, Frame::Request(call));
                completes(next, call);
                next.then(client::checks_after_send(model, call).then_some(Pc::CheckAfterSend(call)));
            }
            Pc::CheckBeforeSend(call) => {
                let (step, node) = model.recv_node(call);
                executor::node_may_fail(next, step, node, false);
                next.then(model.variant().splits_mutexes().then(|| rendezvous::deregister(call)));
            }
            Pc::CheckAfterSend(call) | Pc::Cancel(call) => may_cancel(next, call),
            Pc::Clear(call) => {
                next.then(model.variant().has_callback_pool().then_some(Pc::QueueIdle(call)));
                match model.call(call).kind {
                    CallKind::RecvTensor { .. } => next.then([rendezvous::deregister(call)]),
                    CallKind::RunGraph { .. } => master::next_of_answer(next, model.call(call).step),
                    CallKind::CleanupGraph => next.then([closing::cleaned(model.call(call).step)]),
                    CallKind::DeleteSession => next.then([closing::deleted()]),
                    CallKind::CancelStep => {}
                }
            }
            Pc::Read(call) => {
                next.then([Pc::Accept(call)]);
                if !model.cannot_fail(model.call(call).step) {
                    next.spawn(ThreadId::Cancelled(call), [Pc::RequestCancelled(call)]);
                }
            }
            Pc::Accept(call) => {
                let handler = worker::handler(model, next.facts.crash.restarted(), call);
                next.schedule(ThreadId::Handler(call), &handler);
            }
            Pc::RequestCancelled(call) => next_of_cancel(next, call),
            Pc::Respond(call, status) => next.send(model.call(call).client, Frame::Response(call, status)),
            Pc::Install(_)
            | Pc::QueueTake(_)
            | Pc::QueueIdle(_)
            | Pc::Release(_)
            | Pc::HandlerInstall(_)
            | Pc::ServeClear(_) => {}
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Install(call) => client::install(run, call),
            Pc::Start(call) => client::start(run, call),
            Pc::CheckBeforeSend(call) => client::check_before_send(run, call),
            Pc::CheckAfterSend(call) => client::check_after_send(run, call),
            Pc::Cancel(call) => client::cancel(run, call),
            Pc::QueueTake(call) => run.process.busy_queues.insert(run.model.call(call).server.index()),
            Pc::QueueIdle(call) => run.process.busy_queues.remove(run.model.call(call).server.index()),
            Pc::Clear(call) => client::complete(run, call),
            Pc::Read(call) => server::read(run, call),
            Pc::Accept(call) => {
                let handler = worker::handler(run.model, run.process.connections.restarted, call);
                run.schedule(ThreadId::Handler(call), &handler);
            }
            Pc::RequestCancelled(call) => server::request_cancelled(run, call),
            Pc::Release(call) => {
                let owner = run.thread.id;
                let record = run.process.server_call_mut(call).expect("a locked call is kept");
                record.lock.release(owner);
            }
            Pc::HandlerInstall(call) => run.process.server_call_mut(call).expect("its handler runs").callback = true,
            Pc::ServeClear(call) => {
                if let Some(record) = run.process.server_call_mut(call) {
                    (record.callback, record.options) = (false, false);
                }
            }
            Pc::Respond(call, status) => {
                run.process.remove_server_call(call);
                run.send(run.model.call(call).client, Frame::Response(call, status));
            }
        }
    }

    fn words(self, view: &View<'_>, choice: u32) -> String {
        let process = view.process;
        let name = |call| view.model.call_words(call);
        match self.0 {
            Pc::Install(id) if process.client_call(id).is_some_and(|call| call.failed) => {
                format!(
                    "installs the cancel function of {}, which was told to abort before",
                    name(id)
                )
            }
            Pc::Install(id) => format!("installs the cancel function of {}", name(id)),
            Pc::Start(id) => match process.client_call(id) {
                Some(call) if call.rpc == Rpc::Marked => {
                    format!(
                        "would start {}, but it is cancelled already: it is never sent",
                        name(id)
                    )
                }
                Some(call) if call.failed => format!("sends {} all the same", name(id)),
                _ => format!("sends {}", name(id)),
            },
            Pc::CheckBeforeSend(id) => format!("looks whether {} carries an error before it sends it", name(id)),
            Pc::CheckAfterSend(id) => format!("looks whether {} carries an error after it was sent", name(id)),
            Pc::Cancel(id) => client::cancel_words(process, id, &name(id)),
            Pc::QueueTake(id) => format!("takes the completion of {}", name(id)),
            Pc::QueueIdle(_) => "is done with the completion".to_owned(),
            Pc::Clear(id) => format!("completes {}", name(id)),
            Pc::Read(id) if choice == 1 => {
                format!(
                    "reads {} together with its reset: it never reaches the service",
                    name(id)
                )
            }
            Pc::Read(id) => format!("reads {}", name(id)),
            Pc::Accept(id) => format!("hands {} to the pool", name(id)),
            Pc::RequestCancelled(id) => match process.server_call(id) {
                None => format!("learns that {} is cancelled, which is answered already", name(id)),
                Some(call) if call.callback && call.options => format!("runs the cancel function of {}", name(id)),
                Some(_) => format!(
                    "learns that {} is cancelled, but no cancel function is installed: nothing happens",
                    name(id)
                ),
            },
            Pc::Release(_) => "is done with the cancellation".to_owned(),
            Pc::HandlerInstall(id) => format!("installs the service's cancel callback of {}", name(id)),
            Pc::ServeClear(id) => format!("clears the cancel callbacks of {}", name(id)),
            Pc::Respond(id, Status::Ok) => format!("answers {}", name(id)),
            Pc::Respond(id, Status::Derived) => format!("answers {} with a derived error", name(id)),
            Pc::Respond(id, Status::Error) => format!("answers {} with an error", name(id)),
        }
    }
}

#[cfg(test)]
mod tests;
