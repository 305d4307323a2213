//! The rendezvous of one step in one process (`distributed_runtime/base_rendezvous_mgr.cc`, `rpc/rpc_rendezvous_mgr.cc`,
//! `framework/rendezvous.cc`).
//!
//! A rendezvous has two mutexes: that of its *local* table (values and waiters by key) and that of its *remote* half (`status_`,
//! `active_`, `session_`, `deferred_calls_`). `StartAbort` takes them one after the other, and holds the second while it cancels the
//! active calls one by one. Its race with a receive that comes to the local table is searched alone by loom:
//! `scenarios/kernel/recv_local_race.toml`, where 2.x has two mutexes for the local table, too, and `recv_local_race_one_mutex.toml`.

mod aborting;
mod following;
mod running;
mod state;

use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::room::Mechanism;
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::{ANY_RENDEZVOUS, CallId, NodeId, Process, RendezvousId, StepId};
use crate::models::tensorflow::release::Status;

pub(in crate::models) use self::state::Facts;
pub use self::state::Rendezvous;

labels! {
    VALIDATE = "Recv.validate", "BaseRemoteRendezvous::ValidateDevices", "base_rendezvous_mgr.cc:205";
    REGISTER = "Recv.register", "BaseRemoteRendezvous::RegisterCall", "base_rendezvous_mgr.cc:377";
    DEREGISTER = "Recv.deregister", "BaseRemoteRendezvous::DeregisterCall", "base_rendezvous_mgr.cc:386";
    OUTPUTS = "RecvOutputs.local", "GraphMgr::RecvOutputs (LocalRendezvousImpl::RecvAsync)", "graph_mgr.cc:355";
    FEED = "Recv.feed", "LocalRendezvousImpl::RecvAsync of a fed value", "rendezvous.cc:196";
    SEND_CHECK = "Send.check", "BaseRemoteRendezvous::Send (status_)", "base_rendezvous_mgr.cc:187";
    SEND_LOCAL = "Send.local", "LocalRendezvousImpl::Send", "rendezvous.cc:153";
    BY_MANAGER = "Recv.cancelled_by_manager", "BaseRemoteRendezvous::CancelledByManager", "base_rendezvous_mgr.cc:421 (2.x)";
    REGISTER_CALL = "Recv.register_call", "BaseRemoteRendezvous::RegisterCall (calls_)", "base_rendezvous_mgr.cc:467 (2.x)";
    SEND_STATUS = "Send.status", "LocalRendezvous::Send (status_)", "local_rendezvous.cc:176 (2.x)";
    LOCAL_STATUS = "RecvLocal.status", "LocalRendezvous::RecvAsync (status_)", "local_rendezvous.cc:246 (2.x)";
    ABORT_WAITERS = "StartAbort.waiters", "LocalRendezvous::DoAbort (table_buckets_)", "local_rendezvous.cc:418 (2.x)";
    ABORT_CALLS = "StartAbort.calls", "BaseRemoteRendezvous::StartAbort (calls_)", "base_rendezvous_mgr.cc:404 (2.x)";
    ABORT_LOCAL = "StartAbort.local", "LocalRendezvousImpl::StartAbort", "rendezvous.cc:238";
    ABORT_REMOTE = "StartAbort.remote", "BaseRemoteRendezvous::StartAbort", "base_rendezvous_mgr.cc:361";
    ABORT_NEXT = "StartAbort.next_call", "BaseRemoteRendezvous::StartAbort (order of active_)", "base_rendezvous_mgr.cc:369";
    ABORT_UNLOCK = "StartAbort.unlock", "BaseRemoteRendezvous::StartAbort", "base_rendezvous_mgr.cc:373";
    FIND = "Rendezvous.find_or_create", "BaseRendezvousMgr::FindOrCreate", "base_rendezvous_mgr.cc:57";
    INITIALIZE = "Rendezvous.initialize", "BaseRemoteRendezvous::Initialize", "base_rendezvous_mgr.cc:152";
    RECV_LOCAL = "RecvLocal.defer", "BaseRemoteRendezvous::RecvLocalAsync", "base_rendezvous_mgr.cc:331";
    LOCAL_VALIDATE = "RecvLocal.validate", "BaseRemoteRendezvous::RecvLocalAsyncInternal", "base_rendezvous_mgr.cc:351";
    LOCAL_RECV = "RecvLocal.local", "LocalRendezvousImpl::RecvAsync", "rendezvous.cc:196";
    CLEANUP = "Rendezvous.cleanup", "BaseRendezvousMgr::Cleanup", "base_rendezvous_mgr.cc:104";
    FAIL_DEFERRED = "Rendezvous.fail_deferred", "proposal: a cancelled step answers its deferred receives", "variant remember-cancelled-steps";
}

program_counter! { Rendezvous;
    /// `_Recv`: does the rendezvous carry an error already?
    Validate(step, node) => VALIDATE,
    /// `_Recv`: put the call into `active_`.
    Register(step, node) => REGISTER,
    /// The call is over: take it out of `active_`, read its status.
    Deregister(call) => DEREGISTER,
    /// `_Recv` of a value that the client fed.
    Feed(step, node) => FEED,
    /// The callback of a partition that ended well takes the values that the client fetches: does the local table carry an error by now?
    RecvOutputs(step, rendezvous) => OUTPUTS,
    /// `_Send`: does the rendezvous carry an error?
    SendCheck(step, node) => SEND_CHECK,
    /// `_Send`: store the value or take the waiter out.
    SendLocal(step, node) => SEND_LOCAL,
    /// 2.x, `_Recv`: put the call among those that are to be aborted.
    RegisterCall(call) => REGISTER_CALL,
    /// 2.x, `_Send`: does the local table carry an error?
    SendStatus(step, node) => SEND_STATUS,
    /// 2.x, a peer's receive: does the local table carry an error?
    LocalStatus(step, call, rendezvous) => LOCAL_STATUS,
    /// 2.x, `StartAbort`: the waiters of the local table.
    AbortWaiters(step, rendezvous, status: Status) => ABORT_WAITERS,
    /// 2.x, `StartAbort`: the calls of the remote half.
    AbortCalls(step, rendezvous) => ABORT_CALLS,
    /// `tf-2`: the step's cancellation manager turns to the calls.
    CancelledByManager(step, rendezvous) => BY_MANAGER,
    /// `StartAbort`, first half.
    AbortLocal(step, rendezvous, status: Status) => ABORT_LOCAL,
    /// `StartAbort`, second half.
    AbortRemote(step, rendezvous, status: Status) => ABORT_REMOTE,
    /// Holding the mutex: which active call comes next (a hash set's order).
    AbortNext(step, rendezvous) => ABORT_NEXT,
    /// Releases the mutex.
    AbortUnlock(step, rendezvous) => ABORT_UNLOCK,
    /// The table, for `GraphMgr::ExecuteAsync`: the rendezvous is initialized and the partition started.
    FindToExecute(step) => FIND,
    /// The table, for `BaseRendezvousMgr::RecvLocalAsync`: a peer receives.
    FindToReceive(step, call) => FIND,
    /// The table, for `Worker::AbortStep`: the rendezvous is aborted in a second.
    FindToAbort(step) => FIND,
    /// The rendezvous learns its session; deferred receives are taken out.
    Initialize(step, rendezvous) => INITIALIZE,
    /// A peer's receive: parked if the rendezvous is not initialized.
    RecvLocal(step, call, rendezvous) => RECV_LOCAL,
    /// A peer's receive: does the rendezvous carry an error?
    LocalValidate(step, call, rendezvous) => LOCAL_VALIDATE,
    /// A peer's receive: take the value or wait for it.
    LocalRecv(step, call, rendezvous) => LOCAL_RECV,
    /// Takes the rendezvous out of the table, then aborts it.
    Cleanup(step) => CLEANUP,
    /// `remember-cancelled-steps`: fails the deferred receives and those that are still to come.
    FailDeferred(step, rendezvous) => FAIL_DEFERRED,
}

objects! { Rendezvous;
    /// `BaseRendezvousMgr`'s table.
    Table = "rendezvous_table" per Process,
    /// A step's rendezvous: the local table.
    Local(StepId) = "local" per Step,
    /// A step's rendezvous: the remote half.
    Remote(StepId) = "rendezvous" per Step,
    /// A step's rendezvous: `session_` and `deferred_calls_`, of the remote half, where no abort touches them.
    Deferred(StepId) = "deferred" per Step,
    /// The entry of a call's tensor in the local table: a part of [`Object::Local`].
    Key(CallId) = "key" per Call,
}

/// Begins a `_Recv`.
pub(super) fn validate(step: StepId, node: NodeId) -> super::Pc {
    Pc::Validate(step, node).into()
}

/// Begins a `_Send`.
pub(super) fn send(step: StepId, node: NodeId) -> super::Pc {
    Pc::SendCheck(step, node).into()
}

/// Takes the values that the client fetches from a partition that ended well. Each was sent, so none is waited for.
pub(super) fn receive_outputs(step: StepId, rendezvous: RendezvousId) -> super::Pc {
    Pc::RecvOutputs(step, rendezvous).into()
}

/// Ends the call of a `_Recv`.
pub(super) fn deregister(call: CallId) -> super::Pc {
    Pc::Deregister(call).into()
}

/// Runs `StartAbort` of a rendezvous of a step.
pub(super) fn abort(step: StepId, rendezvous: RendezvousId, status: Status) -> super::Pc {
    Pc::AbortLocal(step, rendezvous, status).into()
}

/// Cancels the receives of a step for its cancellation manager, where they are registered with it.
pub(super) fn cancelled_by_manager(model: &TensorFlow, step: StepId, rendezvous: RendezvousId) -> Option<super::Pc> {
    let registers = model.variant().registers_with_manager();
    registers.then(|| Pc::CancelledByManager(step, rendezvous).into())
}

/// Runs `GraphMgr::ExecuteAsync`: the rendezvous of a step is found and its partition started.
pub(super) fn execute(step: StepId) -> super::Pc {
    Pc::FindToExecute(step).into()
}

/// Runs `BaseRendezvousMgr::RecvLocalAsync`: a peer's receive.
pub(super) fn receive(step: StepId, call: CallId) -> super::Pc {
    Pc::FindToReceive(step, call).into()
}

/// Runs `Worker::AbortStep`: finds the rendezvous now, aborts it a second later.
pub(in crate::models) fn abort_step(step: StepId) -> super::Pc {
    Pc::FindToAbort(step).into()
}

/// Runs `BaseRendezvousMgr::Cleanup`.
pub(super) fn cleanup(step: StepId) -> super::Pc {
    Pc::Cleanup(step).into()
}

/// Lists what variant `remember-cancelled-steps` does to a rendezvous that is there.
pub(super) fn abort_and_fail_deferred(step: StepId, rendezvous: RendezvousId) -> [super::Pc; 2] {
    [
        abort(step, rendezvous, Status::Error),
        Pc::FailDeferred(step, rendezvous).into(),
    ]
}

impl TensorFlow {
    /// Returns the object that `session_` and `deferred_calls_` of a step's rendezvous belong to.
    fn session_object(&self, step: StepId) -> Object {
        if self.fails_deferred() || self.remembers_cancelled() {
            Object::Remote(step)
        } else {
            Object::Deferred(step)
        }
    }
}

/// Returns the rendezvous of a running partition.
fn executing<'a>(view: &View<'a>, step: StepId) -> &'a Rendezvous {
    let id = view.process.execution(step).expect("its node runs").rendezvous;
    &view.process.rendezvous[usize::from(id)]
}

/// Returns true if the mutex of a rendezvous is free.
fn is_free(view: &View<'_>, id: RendezvousId) -> bool {
    view.process.rendezvous[usize::from(id)].lock.is_free()
}

/// Declares an operation under the mutex of a remote half.
fn declare_remote<'a>(context: &Context<'a>, step: StepId, access: Access, id: RendezvousId) -> Declared<'a> {
    let remote = context.uses(Object::Remote(step), access);
    // Where the calls have a mutex of their own, nobody holds that of the status over several labels.
    let apart = context.model.variant().splits_mutexes();
    remote.when(|view| apart || is_free(view, id))
}

impl Mechanism for Counter {
    type Facts = Facts;

    fn facts(model: &TensorFlow, id: ProcessId, process: &Process) -> Facts {
        Facts::of(model, id, process)
    }

    fn objects(model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        state::list(model, process, inventory);
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let (model, facts) = (context.model, &context.facts.rendezvous);
        // Reading `status_` or `session_`, and adding to or taking from `active_` and `deferred_calls_`, all commute with each
        // other; only what sets the status or the session does not.
        let remote = |step, access, id| declare_remote(context, step, access, id);
        let running = |step| {
            let remote = context.uses(Object::Remote(step), Access::Commuting);
            let apart = model.variant().splits_mutexes();
            remote.when(|view| apart || executing(view, step).lock.is_free())
        };
        // `session_` and `deferred_calls_` share their mutex with `status_` and `active_`, but no label touches both (unless the
        // variant lets an abort fail the deferred receives). What is done to them while `StartAbort` holds the mutex could as well
        // have been done just before: they are an object of their own, which waits for nobody.
        let session = |step, access, id| match model.session_object(step) {
            Object::Remote(step) => remote(step, access, id),
            object => context.uses(object, access),
        };
        let local = |step, call| {
            context
                .uses(Object::Local(step), Access::Commuting)
                .part(Object::Key(call))
        };
        match self.0 {
            Pc::Validate(step, _) | Pc::Register(step, _) | Pc::SendCheck(step, _) => running(step),
            Pc::Deregister(call) | Pc::RegisterCall(call) => {
                let remote = context.uses(Object::Remote(model.call(call).step), Access::Commuting);
                remote.when(|view| {
                    let record = view.process.client_call(call).expect("the call is not over");
                    is_free(view, record.rendezvous.expect("a receive is registered"))
                })
            }
            // Several fetched values are one look: an abort stays, and comes to the local half first.
            Pc::Feed(step, _) | Pc::RecvOutputs(step, _) | Pc::SendStatus(step, _) | Pc::LocalStatus(step, ..) => {
                context.uses(Object::Local(step), Access::Commuting)
            }
            Pc::SendLocal(step, node) => match model.send_call(step, context.id, node) {
                Some(call) => local(step, call),
                None => context.uses(Object::Local(step), Access::Commuting),
            },
            // Two who look up one step commute: whoever comes first creates it.
            Pc::FindToExecute(_) | Pc::FindToReceive(..) | Pc::FindToAbort(_) => {
                context.uses(Object::Table, Access::Commuting)
            }
            Pc::Initialize(step, id) => {
                let initializes = session(step, Access::Write, id);
                initializes.choices(|view| view.orders_of(&view.process.rendezvous[usize::from(id)].deferred))
            }
            // Once it is set, the session stays: looking at it commutes with everything.
            Pc::RecvLocal(step, _, id) => {
                let initialized = facts.state(step, id).initialized;
                session(
                    step,
                    if initialized {
                        Access::BothMover
                    } else {
                        Access::Commuting
                    },
                    id,
                )
            }
            Pc::LocalValidate(step, _, id) => remote(step, Access::Commuting, id),
            Pc::LocalRecv(step, call, _) => local(step, call),
            _ => aborting::declare(self.0, context),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        following::next(self.0, next);
    }

    fn apply(self, run: &mut Run<'_>) {
        running::apply(self.0, run);
    }

    fn words(self, view: &View<'_>, choice: u32) -> String {
        let of = |id: RendezvousId| &view.process.rendezvous[usize::from(id)];
        let call_words = |call| view.model.call_words(call);
        let found = |step| {
            if executing(view, step).aborted {
                "it is"
            } else {
                "it is not"
            }
        };
        let text = match self.0 {
            Pc::Validate(step, node) => {
                let (node, found) = (view.node_name(step, node), found(step));
                return format!("looks whether the rendezvous is aborted before it receives for {node}: {found}");
            }
            Pc::Register(step, node) => {
                let call = call_words(view.model.recv_call(step, view.id, node));
                let aborted = executing(view, step).aborted;
                let told = "; the rendezvous is aborted by now, so the call is told to abort, but it has no cancel \
                    function yet: nothing happens";
                return format!("registers {call}{}", if aborted { told } else { "" });
            }
            Pc::Deregister(call) => return format!("takes {} out of the active calls", call_words(call)),
            Pc::Feed(..) => "takes a fed value",
            Pc::RecvOutputs(_, id) => of(id).outputs_words(),
            Pc::SendCheck(step, node) => {
                let (node, found) = (view.node_name(step, node), found(step));
                return format!("looks whether the rendezvous is aborted before it sends for {node}: {found}");
            }
            Pc::SendLocal(step, node) => {
                return format!("puts the value of {} into the local table", view.node_name(step, node));
            }
            Pc::RegisterCall(call) => return format!("puts {} among the calls of the rendezvous", call_words(call)),
            Pc::SendStatus(..) => "looks whether the local table is aborted before it stores the value",
            Pc::LocalStatus(_, call, _) => {
                return format!(
                    "looks whether the local table is aborted before it serves {}",
                    call_words(call)
                );
            }
            Pc::AbortWaiters(..) => "fails the waiters of the local table",
            Pc::AbortCalls(_, id) | Pc::CancelledByManager(_, id) => return of(id).calls_words(view.model),
            Pc::AbortLocal(_, id, _) if of(id).local_aborted => "aborts the local table once more",
            Pc::AbortLocal(..) => "aborts the local table of the rendezvous",
            Pc::AbortRemote(_, id, _) => return of(id).abort_words(view.model),
            Pc::AbortNext(..) => {
                let call = view.thread.calls.get(choice as usize).map(|&call| call_words(call));
                return format!("turns to {}", call.unwrap_or_else(|| "the next active call".to_owned()));
            }
            Pc::AbortUnlock(..) => "has cancelled the active calls",
            Pc::FindToExecute(step) | Pc::FindToReceive(step, _) | Pc::FindToAbort(step) => {
                match view.process.table.iter().any(|(of, _)| *of == step) {
                    true => "finds the step's rendezvous in the table",
                    false => "creates the step's rendezvous in the table",
                }
            }
            Pc::Initialize(_, id) => return of(id).initialize_words(view.model),
            Pc::RecvLocal(_, call, id) => return of(id).receive_words(view.model, call),
            Pc::LocalValidate(_, call, id) if of(id).aborted => {
                return format!("answers {} with the error", call_words(call));
            }
            Pc::LocalValidate(_, call, _) => return format!("finds no error for {}", call_words(call)),
            Pc::LocalRecv(_, call, _) => {
                return format!("looks for the value of {} in the local table", call_words(call));
            }
            Pc::Cleanup(_) => "takes the rendezvous out of the table",
            Pc::FailDeferred(..) => "fails the parked receives",
        };
        text.to_owned()
    }

    fn erased(mut self) -> Self {
        if let Some(rendezvous) = self.rendezvous_mut() {
            *rendezvous = ANY_RENDEZVOUS;
        }
        self
    }
}

#[cfg(test)]
mod tests;
