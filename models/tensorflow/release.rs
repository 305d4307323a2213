//! The releases of TensorFlow, told apart in one place: which of them does what where.
//!
//! Each answer names the source that it was read from in `docs/fidelity.md`. Proposals and single changes are asked for where they are
//! used; a release is a set of such changes.

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::TensorFlow;
use super::job::Variant;

/// The status with which a node, a partition or a call ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Status {
    /// Success.
    Ok,
    /// An error that the master of the step acts upon.
    Error,
    /// An error that is marked as the consequence of another one (`StatusGroup::MakeDerived`), where the release does so.
    Derived,
}

impl Status {
    /// Returns true for success.
    pub fn is_ok(self) -> bool {
        self == Status::Ok
    }

    /// Returns the status of what has failed or not, by a derived error or by another one.
    pub fn of(failed: bool, derived: bool) -> Self {
        match (failed, derived) {
            (false, _) => Status::Ok,
            (true, false) => Status::Error,
            (true, true) => Status::Derived,
        }
    }
}

impl From<bool> for Status {
    fn from(ok: bool) -> Self {
        if ok { Status::Ok } else { Status::Error }
    }
}

impl Variant {
    /// Returns true if a `_Recv` looks whether its call carries an error after registering it, and then ends without sending.
    pub(in crate::models) fn checks_before_send(self) -> bool {
        matches!(self, Self::NoSendAfterAbort | Self::Tf113 | Self::Tf115 | Self::Tf2)
    }

    /// Returns true if a `_Recv` looks once more after it has sent, and then cancels its call.
    pub(in crate::models) fn checks_after_send(self) -> bool {
        matches!(self, Self::CheckAfterSend | Self::Tf2)
    }

    /// Returns true if completions leave the completion-queue thread for a pool of callbacks.
    pub(in crate::models) fn has_callback_pool(self) -> bool {
        matches!(self, Self::Tf113 | Self::Tf115 | Self::Tf2)
    }

    /// Returns true if the master cancels the partitions of a step only for an error that is not derived.
    pub(in crate::models) fn derives(self) -> bool {
        matches!(self, Self::Tf115 | Self::Tf2)
    }

    /// Returns true if a server only logs that a receive was cancelled, and does not abort the step.
    pub(in crate::models) fn logs_cancelled_receives(self) -> bool {
        self == Self::Tf115
    }

    /// Returns true if a receive is registered with the step's cancellation manager, which cancels it.
    pub(in crate::models) fn registers_with_manager(self) -> bool {
        self == Self::Tf2
    }

    /// Returns true if a rendezvous has a mutex for its status and another one for its calls, and the local table likewise: who has seen
    /// no error may come to the calls, or to the table, after an abort has gone through them.
    pub(in crate::models) fn splits_mutexes(self) -> bool {
        self == Self::Tf2
    }
}

impl TensorFlow {
    /// Returns the status that `StartAbort` gives to a rendezvous: 1.15 derives it from any error, 2.x leaves an error of the step as it is.
    pub(in crate::models) fn abort_status(&self, status: Status) -> Status {
        match self.variant() {
            Variant::Tf115 => Status::Derived,
            Variant::Tf2 => status,
            _ => Status::Error,
        }
    }

    /// Returns the status of a cancelled call, and of an abort that a cancellation asks for.
    pub(in crate::models) fn cancelled_status(&self) -> Status {
        if self.variant().derives() {
            Status::Derived
        } else {
            Status::Error
        }
    }

    /// Returns the statuses with which anything may fail.
    pub(in crate::models) fn failures(&self) -> SmallVec<[Status; 2]> {
        if self.variant().derives() {
            smallvec![Status::Error, Status::Derived]
        } else {
            smallvec![Status::Error]
        }
    }
}
