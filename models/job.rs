//! A job: what the clients of a cluster run, on which variant of the runtime.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::graph::Graph;

/// What every client runs, and how the cluster is set up.
#[derive(Clone, Debug)]
pub struct Job {
    /// Number of workers; each is the client of its own steps.
    pub workers: u8,
    /// What each client runs, one after the other; it stops at the first that ends in an error, as the user's loop does.
    pub steps: Vec<JobStep>,
    /// Threads of each process's compute pool.
    pub inter_op: u8,
    /// Threads of each process's intra-op pool; kept for the record.
    pub intra_op: u8,
    /// The runtime's variant.
    pub variant: Variant,
    /// In which order the master starts the partitions.
    pub partition_order: PartitionOrder,
}

/// One `sess.run`.
#[derive(Clone, Debug)]
pub struct JobStep {
    /// The partitions that it runs.
    pub graph: Arc<Graph>,
    /// Whether the input still has a batch.
    pub data: Data,
}

/// Whether the input still has a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// It has.
    Batch,
    /// It has ended.
    End,
}

/// In which order the master starts the partitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartitionOrder {
    /// As the graph file lists them.
    Recorded,
    /// In every order.
    All,
}

/// A variant of the runtime.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Variant {
    /// TensorFlow 1.12.0 as released.
    Tf112,
    /// A receive whose call carries an error after it was registered ends with it and is not sent.
    NoSendAfterAbort,
    /// A receive whose call carries an error after it was sent is cancelled then.
    CheckAfterSend,
    /// Call options remember a cancellation that came before the cancel function.
    StickyCancel,
    /// An abort also fails the deferred receives.
    AbortDeferred,
    /// The master tells the processes whose RunGraph it cancelled to abort the step.
    RememberCancelledSteps,
}

impl Variant {
    /// Every variant.
    pub const ALL: [Variant; 6] = [
        Variant::Tf112,
        Variant::NoSendAfterAbort,
        Variant::CheckAfterSend,
        Variant::StickyCancel,
        Variant::AbortDeferred,
        Variant::RememberCancelledSteps,
    ];

    /// Its name in scenarios and schedules.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Tf112 => "tf-1.12",
            Variant::NoSendAfterAbort => "no-send-after-abort",
            Variant::CheckAfterSend => "check-after-send",
            Variant::StickyCancel => "sticky-cancel",
            Variant::AbortDeferred => "abort-deferred",
            Variant::RememberCancelledSteps => "remember-cancelled-steps",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no variant.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("unknown variant \"{name}\", expected one of {}", Variant::ALL.map(|v| format!("\"{v}\"")).join(", "))]
pub struct UnknownVariant {
    /// The name.
    pub name: String,
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|variant| variant.name() == name);
        found.ok_or_else(|| UnknownVariant { name: name.to_owned() })
    }
}
