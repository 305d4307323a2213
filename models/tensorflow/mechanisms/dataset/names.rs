//! The threads and the objects of the pipelines of a process.

use super::{IteratorId, captured_function};
use serde::{Deserialize, Serialize};

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
    Body(IteratorId, captured_function::Call),
    /// A closure of a captured function on the compute pool: its callback.
    Callback(IteratorId, captured_function::Call),
    /// A completion-queue thread with another master's request for a session.
    OtherRequest,
    /// The handler of that request, on the compute pool.
    OtherHandler,
}

impl Name {
    /// Whether it is a closure on the compute pool.
    pub fn is_pooled(self) -> bool {
        matches!(self, Name::Body(..) | Name::Callback(..) | Name::OtherHandler)
    }

    /// For schedules; unique within a process.
    pub fn text(self) -> String {
        use captured_function::Call;
        match self {
            Name::Runner(id) => format!("runner:iterator{id}"),
            Name::Prefetch(id) => format!("prefetch:iterator{id}"),
            Name::Worker(id, worker) => format!("interleave{worker}:iterator{id}"),
            Name::Body(id, Call::File(worker)) => format!("pool:open{worker}(iterator{id})"),
            Name::Callback(id, Call::File(worker)) => format!("pool:opened{worker}(iterator{id})"),
            Name::Body(id, Call::Map(number)) => format!("pool:parse{number}(iterator{id})"),
            Name::Callback(id, Call::Map(number)) => format!("pool:parsed{number}(iterator{id})"),
            Name::OtherRequest => "server_cq:CreateWorkerSession".to_owned(),
            Name::OtherHandler => "pool:handle(CreateWorkerSession)".to_owned(),
        }
    }
}

/// An object of the pipelines of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Object {
    /// `IteratorResource`: which iterator it holds.
    Resource,
    /// `SessionMgr::mu_`.
    Sessions,
    /// The mutex of `ParallelMapIterator` and what it guards.
    Map(IteratorId),
    /// The notifications of its `InvocationResult`s.
    Results(IteratorId),
    /// The mutex of the iterator of `PrefetchDataset` and what it guards.
    Prefetch(IteratorId),
    /// The mutex of the iterator of `ParallelInterleaveDataset` and what it guards.
    Interleave(IteratorId),
    /// The notifications for which its workers wait.
    Opened(IteratorId),
    /// Its threads, to those that join them.
    Threads(IteratorId),
}

/// Objects of each iterator.
const PER_ITERATOR: u16 = 6;
/// Objects of all of them together.
const SHARED: u16 = 2;

impl Object {
    /// How many there are with so many iterators.
    pub fn count(iterators: u8) -> u16 {
        SHARED + u16::from(iterators) * PER_ITERATOR
    }

    /// Its number among them.
    pub fn number(self) -> u16 {
        let of = |id: IteratorId, index| SHARED + u16::from(id) * PER_ITERATOR + index;
        match self {
            Object::Resource => 0,
            Object::Sessions => 1,
            Object::Map(id) => of(id, 0),
            Object::Results(id) => of(id, 1),
            Object::Prefetch(id) => of(id, 2),
            Object::Interleave(id) => of(id, 3),
            Object::Opened(id) => of(id, 4),
            Object::Threads(id) => of(id, 5),
        }
    }

    /// The object with a number.
    pub fn of_number(number: u16) -> Self {
        match number {
            0 => Object::Resource,
            1 => Object::Sessions,
            number => {
                let id = ((number - SHARED) / PER_ITERATOR) as IteratorId;
                match (number - SHARED) % PER_ITERATOR {
                    0 => Object::Map(id),
                    1 => Object::Results(id),
                    2 => Object::Prefetch(id),
                    3 => Object::Interleave(id),
                    4 => Object::Opened(id),
                    _ => Object::Threads(id),
                }
            }
        }
    }

    /// For people and schedules; unique within a process.
    pub fn text(self) -> String {
        match self {
            Object::Resource => "iterator_resource".to_owned(),
            Object::Sessions => "sessions".to_owned(),
            Object::Map(id) => format!("map:iterator{id}"),
            Object::Results(id) => format!("results:iterator{id}"),
            Object::Prefetch(id) => format!("prefetch:iterator{id}"),
            Object::Interleave(id) => format!("interleave:iterator{id}"),
            Object::Opened(id) => format!("opened:iterator{id}"),
            Object::Threads(id) => format!("threads:iterator{id}"),
        }
    }
}
