//! Footprints: which objects may still be used, and how, and which names may still be given to new threads.

use super::{Access, BitSet, ObjectId, Operation};
use serde::{Deserialize, Serialize};

/// The name of a thread within its process, as a number of the model's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadName(pub u32);

/// A set of frames, as a model numbers them. Frames may share a number: a set then says more than it must, which is sound.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum FrameSet {
    /// Any frame.
    Any,
    /// The frames with these numbers.
    Of(BitSet),
}

impl Default for FrameSet {
    fn default() -> Self {
        Self::none()
    }
}

impl FrameSet {
    /// Returns the set without frames.
    pub fn none() -> Self {
        Self::Of(BitSet::new())
    }

    /// Returns the set of the frames with one number.
    pub fn one(number: usize) -> Self {
        Self::Of(BitSet::from_iter([number]))
    }

    /// Adds the frames with this number.
    pub fn insert(&mut self, number: usize) {
        if let Self::Of(numbers) = self {
            numbers.insert(number);
        }
    }

    /// Returns true if frames with this number are (or may be) in the set.
    pub fn contains(&self, number: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Of(numbers) => numbers.contains(number),
        }
    }

    /// Adds every frame of another set.
    pub fn extend(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Of(mine), Self::Of(theirs)) => mine.extend(theirs),
            _ => *self = Self::Any,
        }
    }

    /// Returns true if every frame of `other` is in this set.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Of(_), Self::Any) => false,
            (Self::Of(mine), Self::Of(theirs)) => mine.includes(theirs),
        }
    }
}

/// Accesses that may still come to the objects of one process, and the names that may be given to new threads of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Footprint {
    /// All of it, whatever the sets say.
    everything: bool,
    read: BitSet,
    add: BitSet,
    write: BitSet,
    spawned: BitSet,
}

impl Footprint {
    /// Returns the footprint of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the footprint of everything, in every way.
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// Adds one use of an object. [`Access::BothMover`] conflicts with nothing and leaves no trace.
    pub fn insert(&mut self, object: ObjectId, access: Access) {
        let set = match access {
            Access::Read => &mut self.read,
            Access::Commuting => &mut self.add,
            Access::Write => &mut self.write,
            Access::BothMover => return,
        };
        set.insert(object.index());
    }

    /// Adds one use of an object, for building a footprint in one expression.
    #[must_use]
    pub fn with(mut self, object: ObjectId, access: Access) -> Self {
        self.insert(object, access);
        self
    }

    /// Adds what an operation does, its part included.
    pub fn insert_operation(&mut self, operation: &Operation) {
        self.insert(operation.object, operation.access);
        if let Some(part) = operation.part {
            self.insert(part, Access::Write);
        }
    }

    /// Adds a name that may be given to a new thread.
    pub fn spawn(&mut self, name: ThreadName) {
        self.spawned.insert(name.0 as usize);
    }

    /// Returns true if a new thread may get this name.
    pub fn spawns(&self, name: ThreadName) -> bool {
        self.everything || self.spawned.contains(name.0 as usize)
    }

    /// Adds everything of `other`.
    pub fn extend(&mut self, other: &Footprint) {
        self.everything |= other.everything;
        self.read.extend(&other.read);
        self.add.extend(&other.add);
        self.write.extend(&other.write);
        self.spawned.extend(&other.spawned);
    }

    /// Returns true if whatever conflicts with something in `other` conflicts with something in this footprint too.
    pub fn includes(&self, other: &Footprint) -> bool {
        if self.everything || other.everything {
            return self.everything;
        }
        let mut looked = self.read.clone();
        let mut added = self.add.clone();
        looked.extend(&self.write);
        added.extend(&self.write);
        looked.includes(&other.read)
            && added.includes(&other.add)
            && self.write.includes(&other.write)
            && self.spawned.includes(&other.spawned)
    }

    /// Returns true if an operation may fail to commute with something in this footprint.
    pub fn conflicts_with(&self, object: ObjectId, access: Access) -> bool {
        let object = object.index();
        let (read, add, write) = (&self.read, &self.add, &self.write);
        let conflicts = match access {
            Access::BothMover => return false,
            Access::Read => add.contains(object) || write.contains(object),
            Access::Commuting => read.contains(object) || write.contains(object),
            Access::Write => read.contains(object) || add.contains(object) || write.contains(object),
        };
        self.everything || conflicts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commute_adds_commute_and_nothing_else_on_one_object_does() {
        let accesses = [Access::Read, Access::Commuting, Access::Write];
        for first in accesses {
            for second in accesses {
                let footprint = Footprint::new().with(ObjectId(3), first);
                let commutes = first == second && first != Access::Write;
                assert_eq!(
                    footprint.conflicts_with(ObjectId(3), second),
                    !commutes,
                    "{first:?} {second:?}"
                );
                assert!(!footprint.conflicts_with(ObjectId(4), second));
            }
            assert!(
                !Footprint::new()
                    .with(ObjectId(3), first)
                    .conflicts_with(ObjectId(3), Access::BothMover)
            );
        }
    }

    #[test]
    fn everything_conflicts_with_all_but_both_movers_and_includes_all() {
        let everything = Footprint::everything();
        assert!(everything.conflicts_with(ObjectId(9_000), Access::Read));
        assert!(!everything.conflicts_with(ObjectId(3), Access::BothMover));
        assert!(everything.spawns(ThreadName(7)));
        let mut some = Footprint::new().with(ObjectId(300), Access::Write);
        assert!(some.conflicts_with(ObjectId(300), Access::Read));
        some.spawn(ThreadName(7));
        assert!(everything.includes(&some) && !some.includes(&everything));
        assert!(!Footprint::new().with(ObjectId(300), Access::Write).includes(&some));
    }
}
