//! What ends a step from outside: a timeout of the client's call, and the end of its session (`distributed_runtime/local_master.cc:30`,
//! `master_session.cc:667-674`, `:1976`).
//!
//! Both cancel the step by `RunManyGraphs::StartCancel`, which does what a partition's error does: first error wins, and with the mutex
//! held each partition's call is cancelled. Neither makes the client return: after its timeout it waits on for the step, and `Close`
//! waits until no step runs.

use crate::machine::{Access, Label, Lock};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::mechanisms::master;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, StepId, ThreadId};
use serde::{Deserialize, Serialize};

static ENTER: Label = Label {
    name: "Session.enter",
    function: "MasterSession::Run (closed_, num_running_)",
    site: "master_session.cc:1632",
};
static REFUSED: Label = Label {
    name: "Session.refused",
    function: "MasterSession::Run (closed)",
    site: "master_session.cc:1634",
};
static INSTALL: Label = Label {
    name: "Master.install_cancel",
    function: "RunPartitionsHelper (CallOptions::SetCancelCallback)",
    site: "master_session.cc:667",
};
static REGISTER: Label = Label {
    name: "Session.register_step",
    function: "CancellationManager::RegisterCallback",
    site: "master_session.cc:670",
};
static CLEAR: Label = Label {
    name: "Master.clear_cancel",
    function: "RunPartitionsHelper (CallOptions::ClearCancelCallback)",
    site: "master_session.cc:675",
};
static DEREGISTER: Label = Label {
    name: "Session.deregister_step",
    function: "CancellationManager::DeregisterCallback",
    site: "master_session.cc:677",
};
static LEAVE: Label = Label {
    name: "Session.leave",
    function: "MasterSession::MarkRunCompletion",
    site: "master_session.cc:1620",
};
static TIMEOUT: Label = Label {
    name: "Client.timeout",
    function: "WaitForNotification (CallOptions::StartCancel)",
    site: "local_master.cc:36",
};
static RELEASE: Label = Label {
    name: "Client.timeout_done",
    function: "CallOptions::StartCancel (unlock)",
    site: "call_options.cc:31",
};
static CANCEL_ALL: Label = Label {
    name: "RunManyGraphs.start_cancel",
    function: "RunManyGraphs::StartCancel",
    site: "master_session.cc:500",
};
static CLOSE: Label = Label {
    name: "Session.close",
    function: "MasterSession::Close (closed_)",
    site: "master_session.cc:1976",
};
static START_CANCEL: Label = Label {
    name: "Session.start_cancel",
    function: "CancellationManager::StartCancel",
    site: "cancellation.cc:30",
};
static CANCELLED: Label = Label {
    name: "Session.cancelled",
    function: "CancellationManager::StartCancel (is_cancelled_)",
    site: "cancellation.cc:46",
};
static WAIT_IDLE: Label = Label {
    name: "Session.wait_idle",
    function: "MasterSession::Close (num_running_is_zero_)",
    site: "master_session.cc:1985",
};

/// Positions in what ends steps from outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// A step begins in the session.
    Enter(StepId),
    /// A step that came to a closed session is answered.
    Refused(StepId),
    /// The step thread installs the cancel function of the client's call.
    Install(StepId),
    /// The step thread registers with the session's cancellation manager.
    Register(StepId),
    /// The step thread clears the cancel function, once every partition has answered.
    Clear(StepId),
    /// The step thread deregisters, which waits while the manager cancels.
    Deregister(StepId),
    /// A step is over in the session.
    Leave(StepId),
    /// The client has waited for long enough.
    Timeout(StepId),
    /// The client's `CallOptions` are free again.
    Release(StepId),
    /// The step is cancelled.
    CancelAll(StepId),
    /// The session is closed to steps that come later.
    Close,
    /// The session's cancellation manager takes its callbacks out.
    StartCancel,
    /// It has run them.
    Cancelled,
    /// The closer waits until no step runs.
    WaitIdle,
}

/// How far a cancellation manager has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Cancelling {
    /// It takes callbacks.
    #[default]
    No,
    /// It runs them (`is_cancelling_`).
    Now,
    /// It has run them (`is_cancelled_`).
    Done,
}

/// `MasterSession` and the client's `CallOptions`, as far as they can cancel a step.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Session {
    /// `closed_`.
    pub closed: bool,
    /// `num_running_`.
    pub running: u8,
    /// `cancellation_manager_`.
    pub cancelling: Cancelling,
    /// The step that is registered there.
    pub registered: Option<StepId>,
    /// The step whose cancel function is in the client's `CallOptions`.
    pub installed: Option<StepId>,
    /// `sticky-cancel`: a timeout of this step found no function and waits for one.
    pub wanted: Option<StepId>,
    /// Their mutex while that function runs.
    pub lock: Lock<ThreadId>,
    /// Whether `Close` has returned.
    pub close_returned: bool,
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(in crate::models) fn declare_session(&self, at: At) -> Declared {
        let session = self.process.session.as_ref().expect("something cancels steps here");
        let of_session = |label| Declared::new(label, Object::Session, Access::Write);
        let options =
            |label, step| Declared::new(label, Object::ClientOptions(step), Access::Write).when(session.lock.is_free());
        match at {
            At::Enter(_) => of_session(&ENTER),
            At::Refused(_) => Declared::new(&REFUSED, Object::Client, Access::BothMover),
            At::Install(step) => options(&INSTALL, step),
            At::Register(_) => of_session(&REGISTER),
            At::Clear(step) => options(&CLEAR, step),
            At::Deregister(_) => of_session(&DEREGISTER).when(session.cancelling != Cancelling::Now),
            At::Leave(_) => of_session(&LEAVE),
            At::Timeout(step) => options(&TIMEOUT, step),
            At::Release(step) => Declared::new(&RELEASE, Object::ClientOptions(step), Access::Write),
            At::CancelAll(step) => {
                let master = self.master_of(step);
                let access = if master.failed {
                    Access::Commuting
                } else {
                    Access::Write
                };
                Declared::new(&CANCEL_ALL, Object::RunMany(step), access).when(master.lock.is_free())
            }
            At::Close => of_session(&CLOSE),
            At::StartCancel => of_session(&START_CANCEL),
            At::Cancelled => of_session(&CANCELLED),
            At::WaitIdle => of_session(&WAIT_IDLE).when(session.running == 0),
        }
    }
}

impl Run<'_> {
    fn session(&mut self) -> &mut Session {
        self.process.session.as_mut().expect("something cancels steps here")
    }

    /// Runs the operation of a position.
    pub(in crate::models) fn apply_session(&mut self, at: At) {
        let thread = self.thread.id;
        match at {
            At::Enter(step) => {
                let session = self.session();
                if session.closed {
                    return self.thread.then([Position::Session(At::Refused(step))]);
                }
                session.running += 1;
                self.thread.then([Position::Master(master::At::Order(step))]);
            }
            At::Refused(step) => self.master_of(step).outcome = Some(false),
            At::Install(step) => {
                let session = self.session();
                session.installed = Some(step);
                if session.wanted.take() == Some(step) {
                    self.run_client_cancel(step);
                }
            }
            At::Register(step) => {
                let session = self.session();
                if session.cancelling == Cancelling::No {
                    session.registered = Some(step);
                } else {
                    self.thread.then([Position::Session(At::CancelAll(step))]);
                }
            }
            At::Clear(_) => (self.session().installed, self.session().wanted) = (None, None),
            At::Deregister(_) => self.session().registered = None,
            At::Leave(_) => self.session().running -= 1,
            At::Timeout(step) => {
                let sticky = self.model.is_sticky();
                let master = self.master_of(step);
                let waits = master.step == step && master.outcome.is_none();
                let session = self.session();
                if session.installed == Some(step) {
                    self.run_client_cancel(step);
                } else if sticky && waits {
                    session.wanted = Some(step);
                }
            }
            At::Release(_) => self.session().lock.release(thread),
            At::CancelAll(step) => self.first_error(step),
            At::Close => self.session().closed = true,
            At::StartCancel => {
                let session = self.session();
                session.cancelling = Cancelling::Now;
                if let Some(step) = session.registered {
                    self.thread.then([Position::Session(At::CancelAll(step))]);
                }
            }
            At::Cancelled => self.session().cancelling = Cancelling::Done,
            At::WaitIdle => self.session().close_returned = true,
        }
    }

    /// The function of the client's `CallOptions`, with its mutex held.
    fn run_client_cancel(&mut self, step: StepId) {
        let owner = self.thread.id;
        self.session().lock.acquire(owner);
        self.thread
            .then([At::CancelAll(step), At::Release(step)].map(Position::Session));
    }
}
