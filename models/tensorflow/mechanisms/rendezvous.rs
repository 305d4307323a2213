//! The rendezvous of one step in one process (`tf-step.md` sections 2.4, 2.5; `distributed_runtime/base_rendezvous_mgr.cc`,
//! `rpc/rpc_rendezvous_mgr.cc`, `framework/rendezvous.cc`).
//!
//! A rendezvous has two mutexes: that of its *local* table (values and waiters by key) and that of its *remote* half (`status_`,
//! `active_`, `session_`, `deferred_calls_`). `StartAbort` takes them one after the other, and holds the second while it cancels the
//! active calls one by one.

mod running;

use crate::machine::{Access, Label, Lock};
use crate::models::tensorflow::cluster::{Declared, View};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{CallId, List, NodeId, RendezvousId, StepId, ThreadId};
use serde::{Deserialize, Serialize};

static VALIDATE: Label = Label {
    name: "Recv.validate",
    function: "BaseRemoteRendezvous::ValidateDevices",
    site: "base_rendezvous_mgr.cc:205",
};
static REGISTER: Label = Label {
    name: "Recv.register",
    function: "BaseRemoteRendezvous::RegisterCall",
    site: "base_rendezvous_mgr.cc:377",
};
static DEREGISTER: Label = Label {
    name: "Recv.deregister",
    function: "BaseRemoteRendezvous::DeregisterCall",
    site: "base_rendezvous_mgr.cc:386",
};
static FEED: Label = Label {
    name: "Recv.feed",
    function: "LocalRendezvousImpl::RecvAsync of a fed value",
    site: "rendezvous.cc:196",
};
static SEND_CHECK: Label = Label {
    name: "Send.check",
    function: "BaseRemoteRendezvous::Send (status_)",
    site: "base_rendezvous_mgr.cc:187",
};
static SEND_LOCAL: Label = Label {
    name: "Send.local",
    function: "LocalRendezvousImpl::Send",
    site: "rendezvous.cc:153",
};
static ABORT_LOCAL: Label = Label {
    name: "StartAbort.local",
    function: "LocalRendezvousImpl::StartAbort",
    site: "rendezvous.cc:238",
};
static ABORT_REMOTE: Label = Label {
    name: "StartAbort.remote",
    function: "BaseRemoteRendezvous::StartAbort",
    site: "base_rendezvous_mgr.cc:361",
};
static ABORT_NEXT: Label = Label {
    name: "StartAbort.next_call",
    function: "BaseRemoteRendezvous::StartAbort (order of active_)",
    site: "base_rendezvous_mgr.cc:369",
};
static ABORT_UNLOCK: Label = Label {
    name: "StartAbort.unlock",
    function: "BaseRemoteRendezvous::StartAbort",
    site: "base_rendezvous_mgr.cc:373",
};
static FIND: Label = Label {
    name: "Rendezvous.find_or_create",
    function: "BaseRendezvousMgr::FindOrCreate",
    site: "base_rendezvous_mgr.cc:57",
};
static INITIALIZE: Label = Label {
    name: "Rendezvous.initialize",
    function: "BaseRemoteRendezvous::Initialize",
    site: "base_rendezvous_mgr.cc:152",
};
static RECV_LOCAL: Label = Label {
    name: "RecvLocal.defer",
    function: "BaseRemoteRendezvous::RecvLocalAsync",
    site: "base_rendezvous_mgr.cc:331",
};
static LOCAL_VALIDATE: Label = Label {
    name: "RecvLocal.validate",
    function: "BaseRemoteRendezvous::RecvLocalAsyncInternal",
    site: "base_rendezvous_mgr.cc:351",
};
static LOCAL_RECV: Label = Label {
    name: "RecvLocal.local",
    function: "LocalRendezvousImpl::RecvAsync",
    site: "rendezvous.cc:196",
};
static CLEANUP: Label = Label {
    name: "Rendezvous.cleanup",
    function: "BaseRendezvousMgr::Cleanup",
    site: "base_rendezvous_mgr.cc:104",
};
static FAIL_DEFERRED: Label = Label {
    name: "Rendezvous.fail_deferred",
    function: "proposal: a cancelled step answers its deferred receives",
    site: "variant remember-cancelled-steps",
};

/// Who asked the table for a rendezvous, and so what it does with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Finder {
    /// `GraphMgr::ExecuteAsync`: initialize it and start the partition.
    Execute,
    /// `BaseRendezvousMgr::RecvLocalAsync`: receive for a peer.
    Receive(CallId),
    /// `Worker::AbortStep`: abort it in a second.
    AbortStep,
}

/// Positions in the rendezvous.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// `_Recv`: does the rendezvous carry an error already?
    Validate(StepId, NodeId),
    /// `_Recv`: put the call into `active_`.
    Register(StepId, NodeId),
    /// The call is over: take it out of `active_`, read its status.
    Deregister(CallId),
    /// `_Recv` of a value that the client fed.
    Feed(StepId, NodeId),
    /// `_Send`: does the rendezvous carry an error?
    SendCheck(StepId, NodeId),
    /// `_Send`: store the value or take the waiter out.
    SendLocal(StepId, NodeId),
    /// `StartAbort`, first half.
    AbortLocal(RendezvousId),
    /// `StartAbort`, second half.
    AbortRemote(RendezvousId),
    /// Holding the mutex: which active call comes next (a hash set's order).
    AbortNext(RendezvousId),
    /// Releases the mutex.
    AbortUnlock(RendezvousId),
    /// The table, for this step.
    Find(StepId, Finder),
    /// The rendezvous learns its session; deferred receives are taken out.
    Initialize(StepId, RendezvousId),
    /// A peer's receive: parked if the rendezvous is not initialized.
    RecvLocal(CallId, RendezvousId),
    /// A peer's receive: does the rendezvous carry an error?
    LocalValidate(CallId, RendezvousId),
    /// A peer's receive: take the value or wait for it.
    LocalRecv(CallId, RendezvousId),
    /// Takes the rendezvous out of the table, then aborts it.
    Cleanup(StepId),
    /// `remember-cancelled-steps`: fails the deferred receives and those that are still to come.
    FailDeferred(RendezvousId),
}

/// `RpcRemoteRendezvous` with its `LocalRendezvousImpl`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Rendezvous {
    /// The step that it stands for.
    pub step: StepId,
    /// The remote half's mutex, while `StartAbort` holds it.
    pub lock: Lock<ThreadId>,
    /// Whether `session_` is set.
    pub initialized: bool,
    /// Whether `status_` carries an error.
    pub aborted: bool,
    /// `active_`: calls that this process sent, sorted.
    pub active: List,
    /// `deferred_calls_`, sorted: the order in which `Initialize` serves them is that of their arrival, but they do not touch
    /// each other.
    pub deferred: List,
    /// Whether the local table carries an error.
    pub local_aborted: bool,
    /// Calls whose value waits in the local table, sorted. A key stands for one call.
    pub values: List,
    /// Peers' receives that wait in the local table, sorted.
    pub waiters: List,
    /// `remember-cancelled-steps`: the master said that the step is cancelled.
    pub cancelled: bool,
}

impl Rendezvous {
    /// A fresh one, as `FindOrCreate` makes it.
    pub fn new(step: StepId) -> Self {
        Self {
            step,
            lock: Lock::default(),
            initialized: false,
            aborted: false,
            active: List::new(),
            deferred: List::new(),
            local_aborted: false,
            values: List::new(),
            waiters: List::new(),
            cancelled: false,
        }
    }
}

/// Adds to a sorted list.
pub(in crate::models) fn insert(list: &mut List, item: u16) {
    if let Err(index) = list.binary_search(&item) {
        list.insert(index, item);
    }
}

/// Removes from a sorted list; whether it was there.
fn remove(list: &mut List, item: u16) -> bool {
    list.binary_search(&item).map(|index| list.remove(index)).is_ok()
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(in crate::models) fn declare_rendezvous(&self, at: At) -> Declared {
        let (model, process, thread) = (self.model, self.process, self.thread);
        let of = |id: RendezvousId| &process.rendezvous[usize::from(id)];
        let executing = |step| process.execution(step).expect("its node runs").rendezvous;
        // Reading `status_` or `session_`, and adding to or taking from `active_` and `deferred_calls_`, all commute with each
        // other; only what sets the status or the session does not.
        let remote = |label, id: RendezvousId| {
            Declared::new(label, Object::Remote(of(id).step), Access::Commuting).when(of(id).lock.is_free())
        };
        // `session_` and `deferred_calls_` share their mutex with `status_` and `active_`, but no label touches both (unless the
        // variant lets an abort fail the deferred receives). What is done to them while `StartAbort` holds the mutex could as well
        // have been done just before: they are an object of their own, which waits for nobody.
        let session = |label, access, step, id: RendezvousId| match model.session_object(step) {
            Object::Remote(step) => Declared::new(label, Object::Remote(step), access).when(of(id).lock.is_free()),
            object => Declared::new(label, object, access),
        };
        let local = |label, id: RendezvousId, call| {
            Declared::new(label, Object::Local(of(id).step), Access::Commuting).part(Object::Key(call))
        };
        match at {
            At::Validate(step, _) => remote(&VALIDATE, executing(step)),
            At::Register(step, _) => remote(&REGISTER, executing(step)),
            At::Deregister(call) => {
                let record = process.client_call(call).expect("the call is not over");
                remote(&DEREGISTER, record.rendezvous.expect("a receive is registered"))
            }
            At::Feed(step, _) => Declared::new(&FEED, Object::Local(step), Access::Commuting),
            At::SendCheck(step, _) => remote(&SEND_CHECK, executing(step)),
            At::SendLocal(step, node) => match model.send_call(step, self.id, node) {
                Some(call) => local(&SEND_LOCAL, executing(step), call),
                None => Declared::new(&SEND_LOCAL, Object::Local(step), Access::Commuting),
            },
            At::AbortLocal(id) => {
                let access = if of(id).local_aborted {
                    Access::Commuting
                } else {
                    Access::Write
                };
                Declared::new(&ABORT_LOCAL, Object::Local(of(id).step), access)
            }
            At::AbortRemote(id) => {
                let access = if of(id).aborted {
                    Access::Commuting
                } else {
                    Access::Write
                };
                Declared::new(&ABORT_REMOTE, Object::Remote(of(id).step), access).when(of(id).lock.is_free())
            }
            At::AbortNext(id) => {
                let choices = if model.cancels_in_order() {
                    1
                } else {
                    thread.calls.len() as u8
                };
                Declared::new(&ABORT_NEXT, Object::Remote(of(id).step), Access::BothMover).choices(choices)
            }
            At::AbortUnlock(id) => Declared::new(&ABORT_UNLOCK, Object::Remote(of(id).step), Access::BothMover),
            // Two finders of one step commute: whoever comes first creates it.
            At::Find(..) => Declared::new(&FIND, Object::Table, Access::Commuting),
            At::Initialize(step, id) => session(&INITIALIZE, Access::Write, step, id),
            // Once it is set, the session stays: looking at it commutes with everything.
            At::RecvLocal(_, id) => {
                let access = if of(id).initialized {
                    Access::BothMover
                } else {
                    Access::Commuting
                };
                session(&RECV_LOCAL, access, of(id).step, id)
            }
            At::LocalValidate(_, id) => remote(&LOCAL_VALIDATE, id),
            At::LocalRecv(call, id) => local(&LOCAL_RECV, id, call),
            At::Cleanup(_) => Declared::new(&CLEANUP, Object::Table, Access::Write),
            At::FailDeferred(id) => {
                Declared::new(&FAIL_DEFERRED, Object::Remote(of(id).step), Access::Write).when(of(id).lock.is_free())
            }
        }
    }
}
