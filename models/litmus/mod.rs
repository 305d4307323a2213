//! Litmus models: the smallest systems that show one way to hang, each with a variant that can't.
//!
//! They show how a model is written, and every engine is tested on them.

pub mod busy_client;
pub mod crossed_locks;
pub mod lost_wakeup;
pub mod one_condvar;
pub mod outstanding_count;
pub mod ping;
pub mod pool;
pub mod pool_shutdown;
pub mod rendezvous;
pub mod two_calls;

use std::hash::{Hash, Hasher};

use crate::machine::{Access, Label, ObjectId, Operation, Pending, Term, WaitNode};

/// The hash of an object's value, for [`crate::machine::Model::object_values`].
fn value(object: &impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    object.hash(&mut hasher);
    hasher.finish()
}

/// A thread whose next operation has one outcome and takes no server.
fn pending<T>(thread: T, label: &'static Label, object: u16, access: Access, enabled: bool) -> Pending<T> {
    Pending {
        thread,
        operation: Operation {
            label,
            object: ObjectId(object),
            access,
            part: None,
            choices: 1,
            takes_server: false,
        },
        enabled,
    }
}

/// A label of a litmus model, which stands for no real function.
const fn label(name: &'static str, site: &'static str) -> Label {
    Label {
        name,
        function: "litmus",
        site,
    }
}

/// A node of a wait-for closure.
fn waits(role: &str, label: &str, object: &str, cause: Option<&str>) -> WaitNode {
    WaitNode {
        role: role.into(),
        label: label.into(),
        object: object.into(),
        cause: cause.map(Term::from),
        detail: format!("{role}: {label} waits for {object}"),
    }
}
