//! Operations: what a thread declares before its label runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A process of the system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ProcessId(pub u16);

impl ProcessId {
    /// Returns the id of the process with this index.
    ///
    /// # Panics
    /// If there are more processes than ids.
    pub fn new(index: usize) -> Self {
        Self(index.try_into().expect("fewer processes than ids"))
    }

    /// Returns the ids of `count` processes.
    pub fn all(count: usize) -> impl Iterator<Item = Self> + Clone {
        (0..count).map(Self::new)
    }

    /// Returns the id as an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// An object within its process. Models number their objects; the number is stable for as long as anything can refer to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectId(pub u32);

impl ObjectId {
    /// Returns the number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A label: its name in schedules, the function of the original that it stands for, and where to find that.
/// A label is a static, and is compared as one: never by its name.
#[derive(Debug)]
pub struct Label {
    /// Short name, unique within a model, as in `Recv.register`.
    pub name: &'static str,
    /// The function of the original that does it.
    pub function: &'static str,
    /// The place where it stands in the original, `file:line`.
    pub site: &'static str,
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Label {}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The way in which an operation uses its object: what it commutes with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Access {
    /// Looks, changes nothing. Commutes with other reads.
    Read,
    /// Changes the object in a way that commutes with other commuting accesses (a counter's increment, a push onto a bag). Does not
    /// commute with reads or writes.
    Commuting,
    /// Anything else: commutes with nothing else on this object.
    Write,
    /// Commutes with everything any other thread can do while this operation is pending, and cannot be disabled: releasing
    /// a lock, pushing onto a bag that threads take from by name, touching what no other thread can reach.
    BothMover,
}

/// The operation of a thread's next label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The label that it belongs to.
    pub label: &'static Label,
    /// The one object that it touches.
    pub object: ObjectId,
    /// Way in which it touches the object as a whole.
    pub access: Access,
    /// The part of the object (an entry of a table, say) that it writes, if it touches no more than that and `access` would
    /// otherwise have to be [`Access::Write`]: operations on different parts commute, on the same part they do not.
    pub part: Option<ObjectId>,
    /// Number of outcomes (`choose(n)`), at least 1.
    pub choices: u32,
    /// True for an operation that takes one of a bounded number of servers (a pool thread, a completion-queue thread) which
    /// the thread holds until it ends.
    pub takes_permit: bool,
}

impl Access {
    /// Returns true if two uses of one object may fail to commute.
    pub fn conflicts(self, other: Self) -> bool {
        match (self, other) {
            (Self::BothMover, _)
            | (_, Self::BothMover)
            | (Self::Read, Self::Read)
            | (Self::Commuting, Self::Commuting) => false,
            (Self::Read | Self::Commuting | Self::Write, _) => true,
        }
    }
}

impl Operation {
    /// Returns true if this operation and another one of the same process may fail to commute.
    pub fn conflicts(&self, other: &Self) -> bool {
        let whole = self.object == other.object && self.access.conflicts(other.access);
        let part = |one: &Self, other: &Self| {
            one.part.is_some_and(|part| {
                other.part == Some(part) || other.object == part && other.access.conflicts(Access::Write)
            })
        };
        whole || part(self, other) || part(other, self)
    }
}

/// A live thread and what it will do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending<T> {
    /// The thread.
    pub thread: T,
    /// Its next operation.
    pub operation: Operation,
    /// Whether the operation's guard holds; a thread whose guard is false does nothing at all.
    pub enabled: bool,
}

/// A thread that can run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready<T> {
    /// The thread.
    pub thread: T,
    /// Number of outcomes of its label.
    pub outcomes: u32,
}

impl<T: Copy> Ready<T> {
    /// Returns the thread as one that can run, if it can.
    pub fn of(pending: &Pending<T>) -> Option<Self> {
        pending.enabled.then_some(Self {
            thread: pending.thread,
            outcomes: pending.operation.choices,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Footprint;

    static LABEL: Label = Label {
        name: "l",
        function: "f",
        site: "s",
    };

    #[test]
    fn operations_conflict_exactly_where_a_footprint_of_one_conflicts_with_the_other() {
        let operations: Vec<Operation> = [Access::Read, Access::Commuting, Access::Write, Access::BothMover]
            .into_iter()
            .flat_map(|access| [(1, None), (2, None), (1, Some(2)), (1, Some(3))].map(|place| (access, place)))
            .map(|(access, (object, part))| Operation {
                label: &LABEL,
                object: ObjectId(object),
                access,
                part: part.map(ObjectId),
                choices: 1,
                takes_permit: false,
            })
            .collect();
        for one in &operations {
            let mut footprint = Footprint::new();
            footprint.insert_operation(one);
            for other in &operations {
                let part = other
                    .part
                    .is_some_and(|part| footprint.conflicts_with(part, Access::Write));
                let expected = footprint.conflicts_with(other.object, other.access) || part;
                assert_eq!(one.conflicts(other), expected, "{one:?} {other:?}");
                assert_eq!(one.conflicts(other), other.conflicts(one));
            }
        }
    }
}
