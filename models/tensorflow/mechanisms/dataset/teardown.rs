//! The end of a session (`tf-data.md` 10.B.4, 10.C R7 and R8; `distributed_runtime/session_mgr.cc`, `rpc/grpc_worker_service.cc`).
//!
//! `SessionMgr::DeleteSession` holds its mutex while the session's kernels are destroyed, and with them the iterator resource. Whoever
//! else wants a session waits for the mutex: a handler does so on a thread of the compute pool.

use super::{At as Stage, Name, Object, parallel_map};
use crate::machine::{Access, Label};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::objects::Object as Any;
use serde::{Deserialize, Serialize};

static DELETE: Label = Label {
    name: "SessionMgr.delete_session",
    function: "SessionMgr::DeleteSession",
    site: "session_mgr.cc:108",
};
static DELETED: Label = Label {
    name: "SessionMgr.delete_session_done",
    function: "SessionMgr::DeleteSession (unlock)",
    site: "session_mgr.cc:115",
};
static CLOSED: Label = Label {
    name: "Client.closed",
    function: "MasterSession::Close",
    site: "master_session.cc:1976",
};
static OTHER_REQUEST: Label = Label {
    name: "Server.accept_other",
    function: "GrpcWorkerServiceThread::CreateWorkerSessionHandler (Schedule)",
    site: "grpc_worker_service.cc:196",
};
static CREATE: Label = Label {
    name: "SessionMgr.create_session",
    function: "SessionMgr::CreateSession",
    site: "session_mgr.cc:44",
};

/// Positions at the end of a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The client's close takes the mutex and destroys the session.
    Delete,
    /// Everything is destroyed: the mutex is free again.
    Deleted,
    /// The client's close returns.
    Closed,
    /// Another master's request for a session arrives.
    OtherRequest,
    /// Its handler wants the mutex.
    Create,
}

impl View<'_> {
    pub(super) fn declare_teardown(&self, at: At) -> Declared {
        let sessions = |label, access| Declared::new(label, Any::Dataset(Object::Sessions), access);
        let free = || self.datasets().sessions.is_free();
        match at {
            At::Delete => sessions(&DELETE, Access::Write).when(free()),
            At::Deleted => sessions(&DELETED, Access::BothMover),
            At::Closed => Declared::new(&CLOSED, Any::Client, Access::BothMover),
            At::OtherRequest => Declared::new(&OTHER_REQUEST, Any::Pool, self.model.push_access()),
            At::Create => sessions(&CREATE, Access::Write).when(free()),
        }
    }
}

impl Run<'_> {
    pub(super) fn apply_teardown(&mut self, at: At) {
        let thread = self.thread.id;
        match at {
            At::Delete => {
                let datasets = self.datasets();
                datasets.sessions.acquire(thread);
                let current = datasets.current;
                self.goes_to(Stage::Teardown(At::Closed));
                self.goes_to(Stage::Teardown(At::Deleted));
                self.goes_to(Stage::Map(parallel_map::At::Destroy(current)));
            }
            At::Deleted => self.datasets().sessions.release(thread),
            At::Closed => self.process.master.as_mut().expect("a worker").returned = true,
            At::OtherRequest => self.schedule(Name::OtherHandler, &[Stage::Teardown(At::Create)]),
            At::Create => {}
        }
    }
}
