//! The end of a session (`distributed_runtime/session_mgr.cc`, `rpc/grpc_worker_service.cc`).
//!
//! `SessionMgr::DeleteSession` holds its mutex while the session's kernels are destroyed, and with them the iterator resource. Whoever
//! else wants a session waits for the mutex: a handler does so on a thread of the compute pool.

use super::{Name, OtherRequest, datasets, parallel_map};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::Pc as AnyPc;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use crate::models::tensorflow::mechanisms::master::Object as MasterObject;
use crate::models::tensorflow::mechanisms::pool::Object as PoolObject;
use crate::models::tensorflow::mechanisms::room::Mechanism;
use crate::models::tensorflow::process::{Process, ThreadId};

labels! {
    DELETE = "SessionMgr.delete_session", "SessionMgr::DeleteSession", "session_mgr.cc:108";
    DELETED = "SessionMgr.delete_session_done", "SessionMgr::DeleteSession (unlock)", "session_mgr.cc:115";
    CLOSED = "Client.closed", "MasterSession::Close", "master_session.cc:1976";
    OTHER_REQUEST = "Server.accept_other", "GrpcWorkerServiceThread::CreateWorkerSessionHandler, DeleteWorkerSessionHandler (Schedule)", "grpc_worker_service.cc:221";
    CREATE = "SessionMgr.create_session", "SessionMgr::CreateSession", "session_mgr.cc:52";
    DELETE_OTHER = "SessionMgr.delete_other_session", "SessionMgr::DeleteSession", "session_mgr.cc:109";
}

program_counter! { Teardown;
    /// The client's close takes the mutex and destroys the session.
    Delete => DELETE,
    /// Everything is destroyed: the mutex is free again.
    Deleted => DELETED,
    /// The client's close returns.
    Closed => CLOSED,
    /// Another master's request for a session arrives.
    OtherRequest(request: OtherRequest) => OTHER_REQUEST,
    /// Its handler wants the mutex to make the session.
    Create(master: u8) => CREATE,
    /// Its handler wants the mutex to delete the session.
    DeleteOther(master: u8) => DELETE_OTHER,
}

objects! { Teardown;
    /// `SessionMgr::mu_`.
    Sessions = "sessions" per Process,
}

/// Closes the client's session, and with it destroys the iterator.
pub(in crate::models::tensorflow::mechanisms) fn close() -> AnyPc {
    Pc::Delete.into()
}

/// Receives another master's request for a session.
pub(super) fn other_request(request: OtherRequest) -> AnyPc {
    Pc::OtherRequest(request).into()
}

/// Returns the thread that brings a request.
fn brings(request: OtherRequest) -> ThreadId {
    ThreadId::Dataset(Name::OtherRequest(request))
}

/// Returns the handler of a request, with its place.
fn handler(request: OtherRequest) -> (ThreadId, AnyPc) {
    let place = match request {
        OtherRequest::Create(master) => Pc::Create(master),
        OtherRequest::Delete(master) => Pc::DeleteOther(master),
    };
    (ThreadId::Dataset(Name::OtherHandler(request)), place.into())
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        if let Some(datasets) = &process.datasets {
            let owner = datasets.sessions.owner();
            inventory.value(Object::Sessions, &datasets.sessions);
            inventory.lock(Object::Sessions, owner);
            if let Some(owner) = owner {
                inventory.text(Object::Sessions, || format!("held by {owner:?}"));
            }
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let sessions = |access| context.uses(Object::Sessions, access);
        let free = |view: &View<'_>| view.process.datasets.iter().all(|datasets| datasets.sessions.is_free());
        match self.0 {
            Pc::Delete | Pc::Create(_) | Pc::DeleteOther(_) => sessions(Access::Write).when(free),
            Pc::Deleted => sessions(Access::BothMover),
            Pc::Closed => context.uses(MasterObject::Client, Access::BothMover),
            Pc::OtherRequest(_) => context.uses(PoolObject::Pool, context.model.push_access()),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        match self.0 {
            Pc::Delete => {
                next.then(
                    next.facts
                        .iterator_resource
                        .to_come(next.model)
                        .map(parallel_map::destroy),
                );
                next.then([Pc::Deleted, Pc::Closed]);
            }
            Pc::OtherRequest(request) => {
                let (name, place) = handler(request);
                next.schedule(name, &[place]);
            }
            Pc::Create(master) => {
                let request = OtherRequest::Delete(master);
                next.spawn(brings(request), [other_request(request)]);
            }
            Pc::Deleted | Pc::Closed | Pc::DeleteOther(_) => {}
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        let thread = run.thread.id;
        match self.0 {
            Pc::Delete => {
                let datasets = datasets(run);
                datasets.sessions.acquire(thread);
                let destroy = parallel_map::destroy(datasets.current);
                run.then([destroy, Pc::Deleted.into(), Pc::Closed.into()]);
            }
            Pc::Deleted => datasets(run).sessions.release(thread),
            Pc::Closed => run.process.master.as_mut().expect("a worker").returned = true,
            Pc::OtherRequest(request) => {
                let (name, place) = handler(request);
                run.schedule(name, &[place]);
            }
            Pc::Create(master) => {
                let request = OtherRequest::Delete(master);
                run.spawn(brings(request), [other_request(request)]);
            }
            Pc::DeleteOther(_) => {}
        }
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::Delete => "takes the mutex of the sessions and destroys its own",
            Pc::Deleted => "has destroyed its session and gives the mutex back",
            Pc::Closed => "has closed its session",
            Pc::OtherRequest(_) => "hands another master's request for a session to the pool",
            Pc::Create(_) => "makes a session for another master",
            Pc::DeleteOther(_) => "deletes the session of another master",
        };
        text.to_owned()
    }

    fn waits(self, view: &View<'_>) -> Waits {
        match self.0 {
            Pc::Delete | Pc::Create(_) | Pc::DeleteOther(_) => {
                let datasets = view.process.datasets.iter();
                Waits::For(datasets.filter_map(|datasets| datasets.sessions.owner()).collect())
            }
            Pc::Deleted | Pc::Closed | Pc::OtherRequest(_) => Waits::HELD,
        }
    }
}
