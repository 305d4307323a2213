//! A call on each of its two sides, and the frames between them.

use serde::{Deserialize, Serialize};

use crate::machine::Lock;
use crate::models::tensorflow::process::{CallId, RendezvousId, ThreadId};
use crate::models::tensorflow::release::Status;

/// A message between processes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Frame {
    /// The request of a call.
    Request(CallId),
    /// The client cancelled the call (RST_STREAM).
    Reset(CallId),
    /// The answer, and its status (a partition's error travels in the body of an otherwise good answer).
    Response(CallId, Status),
    /// The connection to the sender breaks.
    Lost,
}

impl Frame {
    /// Its number in a [`crate::machine::FrameSet`]; answers of one call share it.
    pub fn number(self) -> usize {
        match self {
            Frame::Lost => 0,
            Frame::Request(call) => usize::from(call) * 3 + 1,
            Frame::Reset(call) => usize::from(call) * 3 + 2,
            Frame::Response(call, _) => usize::from(call) * 3 + 3,
        }
    }
}

/// The progress of an RPC on the client's side.
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
    /// Id of the call.
    pub id: CallId,
    /// The rendezvous that a receive is registered with.
    pub rendezvous: Option<RendezvousId>,
    /// Whether `CallOptions` has its cancel function.
    pub installed: bool,
    /// `sticky-cancel`: a `StartCancel` found no function and waits for one.
    pub wanted: bool,
    /// Progress of the RPC.
    pub rpc: Rpc,
    /// Whether the call's status carries an error: its own, or that of the rendezvous it was told to abort with.
    pub failed: bool,
    /// Whether that error is derived.
    pub derived: bool,
    /// `check-after-send`: the completion waits until the check is done.
    pub unchecked: bool,
}

impl ClientCall {
    /// Returns the call of a `_Recv`.
    pub fn receive(id: CallId, rendezvous: RendezvousId) -> Self {
        Self {
            rendezvous: Some(rendezvous),
            ..Self::run_graph(id)
        }
    }

    /// Returns a `RunGraph` call.
    pub fn run_graph(id: CallId) -> Self {
        Self {
            id,
            rendezvous: None,
            installed: false,
            wanted: false,
            rpc: Rpc::Fresh,
            failed: false,
            derived: false,
            unchecked: false,
        }
    }

    /// Returns the call's status.
    pub fn status(&self) -> Status {
        Status::of(self.failed, self.derived)
    }

    /// Runs `Status::Update`: the first error stays.
    pub(super) fn fail(&mut self, status: Status) {
        if !self.failed && !status.is_ok() {
            (self.failed, self.derived) = (true, status == Status::Derived);
        }
    }

    /// Returns true if the call is complete on this side, or never to be sent and so complete once it is started.
    pub fn is_over(&self) -> bool {
        matches!(self.rpc, Rpc::Marked | Rpc::Complete)
    }

    pub(super) fn words(&self) -> String {
        let state = match self.rpc {
            Rpc::Fresh => "not sent",
            Rpc::Marked => "cancelled before it was sent",
            Rpc::Sent => "sent, not answered",
            Rpc::Complete => "complete",
        };
        let function = if self.installed {
            "; cancel function installed"
        } else {
            "; no cancel function"
        };
        let wanted = if self.wanted {
            "; a cancel waits for the function"
        } else {
            ""
        };
        let failed = if self.failed { "; has an error" } else { "" };
        [state, function, wanted, failed].concat()
    }
}

/// A call on its server's side.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ServerCall {
    /// Id of the call.
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

impl ServerCall {
    /// Returns a request that has arrived.
    pub(super) fn arrived(id: CallId) -> Self {
        Self {
            id,
            reset: false,
            accepted: false,
            callback: false,
            options: false,
            wanted: false,
            abandoned: false,
            lock: Lock::default(),
        }
    }

    pub(super) fn words(&self) -> String {
        let state = match (self.accepted, self.reset) {
            (true, _) => "given to the service",
            (false, true) => "arrived with its reset, not read",
            (false, false) => "arrived, not read",
        };
        let callbacks = match (self.callback, self.options) {
            (true, true) => "; cancel callbacks installed",
            (true, false) => "; the service's cancel callback installed",
            (false, _) => "; no cancel callback",
        };
        let wanted = if self.wanted {
            "; a cancel waits for the function"
        } else {
            ""
        };
        let abandoned = if self.abandoned {
            "; the client has cancelled it"
        } else {
            ""
        };
        [state, callbacks, wanted, abandoned].concat()
    }
}
