//! Footprints: which objects may still be used, and how.

use super::{Access, ObjectId, Operation};
use serde::{Deserialize, Serialize};

/// Number of objects that a set can tell apart. Objects beyond share the last place, which is sound: it only makes more
/// operations look dependent.
const CAPACITY: usize = 256;

/// A set of objects of one process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ObjectSet([u64; CAPACITY / 64]);

impl ObjectSet {
    fn place(object: ObjectId) -> (usize, u64) {
        let index = usize::from(object.0).min(CAPACITY - 1);
        (index / 64, 1 << (index % 64))
    }

    /// Adds an object.
    pub fn insert(&mut self, object: ObjectId) {
        let (word, bit) = Self::place(object);
        self.0[word] |= bit;
    }

    /// Whether the object is (or may be) in the set.
    pub fn contains(&self, object: ObjectId) -> bool {
        let (word, bit) = Self::place(object);
        self.0[word] & bit != 0
    }

    /// Whether every object of `other` is in this set.
    pub fn includes(&self, other: &ObjectSet) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| theirs & !mine == 0)
    }

    /// Adds every object of `other`.
    pub fn extend(&mut self, other: &ObjectSet) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// A set of frames, as a model numbers them. Frames may share a number: a set then says more than it must, which is sound.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct FrameSet(u128);

impl FrameSet {
    /// How many numbers it can tell apart.
    pub const CAPACITY: usize = 128;
    /// No frame.
    pub const NONE: Self = Self(0);
    /// Any frame.
    pub const ALL: Self = Self(u128::MAX);

    /// Adds the frames with this number.
    pub fn insert(&mut self, number: usize) {
        self.0 |= 1 << (number % 128);
    }

    /// Takes the frames with this number out: only for a model whose frames do not share it.
    pub fn remove(&mut self, number: usize) {
        self.0 &= !(1 << (number % 128));
    }

    /// The frames that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether frames with this number are (or may be) in the set.
    pub fn contains(&self, number: usize) -> bool {
        self.0 & (1 << (number % 128)) != 0
    }

    /// Both sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every frame of `other` is in this set.
    pub fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What may still be done to the objects of one process, by access.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Footprint {
    read: ObjectSet,
    add: ObjectSet,
    write: ObjectSet,
}

impl Footprint {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything, in every way.
    pub fn everything() -> Self {
        let all = ObjectSet([u64::MAX; CAPACITY / 64]);
        Self {
            read: all,
            add: all,
            write: all,
        }
    }

    /// Adds one use of an object. [`Access::Free`] conflicts with nothing and leaves no trace.
    pub fn insert(&mut self, object: ObjectId, access: Access) {
        match access {
            Access::Read => self.read.insert(object),
            Access::Add => self.add.insert(object),
            Access::Write => self.write.insert(object),
            Access::Free => {}
        }
    }

    /// The same, for building a footprint in one expression.
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

    /// Adds everything of `other`.
    pub fn extend(&mut self, other: &Footprint) {
        self.read.extend(&other.read);
        self.add.extend(&other.add);
        self.write.extend(&other.write);
    }

    /// Whether whatever conflicts with something in `other` conflicts with something in this footprint too.
    pub fn includes(&self, other: &Footprint) -> bool {
        let mut looked = self.read;
        let mut added = self.add;
        looked.extend(&self.write);
        added.extend(&self.write);
        looked.includes(&other.read) && added.includes(&other.add) && self.write.includes(&other.write)
    }

    /// Whether an operation may fail to commute with something in this footprint.
    pub fn conflicts_with(&self, object: ObjectId, access: Access) -> bool {
        match access {
            Access::Free => false,
            Access::Read => self.add.contains(object) || self.write.contains(object),
            Access::Add => self.read.contains(object) || self.write.contains(object),
            Access::Write => self.read.contains(object) || self.add.contains(object) || self.write.contains(object),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commute_adds_commute_and_nothing_else_on_one_object_does() {
        let accesses = [Access::Read, Access::Add, Access::Write];
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
                    .conflicts_with(ObjectId(3), Access::Free)
            );
        }
    }

    #[test]
    fn objects_beyond_the_capacity_are_never_told_apart() {
        let footprint = Footprint::new().with(ObjectId(300), Access::Write);
        assert!(footprint.conflicts_with(ObjectId(9_000), Access::Read));
        assert!(!footprint.conflicts_with(ObjectId(3), Access::Read));
    }
}
