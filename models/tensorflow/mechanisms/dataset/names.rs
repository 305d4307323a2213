//! The threads of the pipelines of a process.

use std::fmt;

use super::IteratorId;
use super::captured_function::Call;
use serde::{Deserialize, Serialize};

/// A request of another master for its session on this worker. Each master makes both, the second after the answer to the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum OtherRequest {
    /// `CreateWorkerSession` of the master with this number.
    Create(u8),
    /// `DeleteWorkerSession`.
    Delete(u8),
}

impl fmt::Display for OtherRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, master) = match self {
            Self::Create(master) => ("CreateWorkerSession", master),
            Self::Delete(master) => ("DeleteWorkerSession", master),
        };
        match master {
            0 => f.write_str(name),
            _ => write!(f, "{name}{master}"),
        }
    }
}

/// A thread that exists because of a pipeline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Name {
    /// `ParallelMapIterator`'s runner thread.
    Runner(IteratorId),
    /// `PrefetchDataset`'s thread.
    Prefetch(IteratorId),
    /// A worker thread of `ParallelInterleaveDataset`.
    Worker(IteratorId, u8),
    /// A closure of a captured function on the compute pool: its kernels.
    Body(IteratorId, Call),
    /// A closure of a captured function on the compute pool: its callback.
    Callback(IteratorId, Call),
    /// A completion-queue thread with another master's request for its session.
    OtherRequest(OtherRequest),
    /// The handler of that request, on the compute pool.
    OtherHandler(OtherRequest),
}

impl Name {
    /// Returns true if it is a closure on the compute pool.
    pub fn is_pooled(self) -> bool {
        matches!(self, Name::Body(..) | Name::Callback(..) | Name::OtherHandler(_))
    }

    /// Returns true if a counter that only grows is part of the name.
    pub(in crate::models) fn is_numbered(self) -> bool {
        matches!(self, Name::Body(_, Call::Map(_)) | Name::Callback(_, Call::Map(_)))
    }

    /// Returns the name for schedules; unique within a process.
    pub fn text(self) -> String {
        match self {
            Name::Runner(id) => format!("runner:iterator{id}"),
            Name::Prefetch(id) => format!("prefetch:iterator{id}"),
            Name::Worker(id, worker) => format!("interleave{worker}:iterator{id}"),
            Name::Body(id, Call::File { file, .. }) => format!("pool:open{file}(iterator{id})"),
            Name::Callback(id, Call::File { file, .. }) => format!("pool:opened{file}(iterator{id})"),
            Name::Body(id, Call::Map(number)) => format!("pool:parse{number}(iterator{id})"),
            Name::Callback(id, Call::Map(number)) => format!("pool:parsed{number}(iterator{id})"),
            Name::OtherRequest(request) => format!("server_cq:{request}"),
            Name::OtherHandler(request) => format!("pool:handle({request})"),
        }
    }

    /// Returns the thread in plain words.
    pub fn words(self) -> String {
        match self {
            Name::Runner(_) => "the runner thread of map".to_owned(),
            Name::Prefetch(_) => "the thread of prefetch".to_owned(),
            Name::Worker(_, worker) => format!("worker thread {worker} of parallel_interleave"),
            Name::Body(_, Call::File { worker, .. }) => {
                format!("the pool thread that opens the file of worker {worker}")
            }
            Name::Callback(_, Call::File { worker, .. }) => {
                format!("the pool thread that ends opening the file of worker {worker}")
            }
            Name::Body(_, Call::Map(number)) => format!("the pool thread that parses batch {number}"),
            Name::Callback(_, Call::Map(number)) => format!("the pool thread that ends parsing batch {number}"),
            Name::OtherRequest(_) => "the server's completion-queue thread with another master's request".to_owned(),
            Name::OtherHandler(_) => "the pool thread that handles another master's request".to_owned(),
        }
    }

    /// Returns the name without what only a run knows.
    pub(in crate::models) fn erased(self) -> Self {
        match self {
            Name::Body(id, call) => Name::Body(id, call.erased()),
            Name::Callback(id, call) => Name::Callback(id, call.erased()),
            other => other,
        }
    }
}
