//! Sets by number: equal sets have one number, and the union of two is computed once. So a set costs no more as a key than a number does.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::explore::exhaustive::interner::Interner;
use crate::machine::{FrameSet, GuaranteeSet};

/// The number of the empty set.
pub(in crate::explore::exhaustive) const EMPTY: u32 = 0;
/// The number of the set of all frames.
pub(in crate::explore::exhaustive) const ANY_FRAME: u32 = 1;

/// A set that can take in another one.
pub(in crate::explore::exhaustive) trait Set: Clone + Eq + Hash + Default {
    fn extend(&mut self, other: &Self);
}

impl Set for FrameSet {
    fn extend(&mut self, other: &Self) {
        self.extend(other);
    }
}

impl Set for GuaranteeSet {
    fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }
}

/// Every set met so far.
pub(in crate::explore::exhaustive) struct Sets<S>(Interner<S, ()>);

/// One search thread's memory of unions.
#[derive(Default)]
pub(in crate::explore::exhaustive) struct Unions(FxHashMap<(u32, u32), u32>);

impl Unions {
    /// Returns the bytes that the memory takes, nearly.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * (size_of::<((u32, u32), u32)>() + 1)
    }
}

impl<S: Set> Sets<S> {
    /// Knows the empty set, and `others` from the next number on.
    pub(super) fn new(others: impl IntoIterator<Item = S>) -> Self {
        let sets = Self(Interner::new(0));
        sets.number(S::default());
        others.into_iter().for_each(|set| {
            sets.number(set);
        });
        sets
    }

    /// Returns the number of a set.
    pub(in crate::explore::exhaustive) fn number(&self, set: S) -> u32 {
        self.0.intern(set).0
    }

    /// Returns the set with a number.
    pub(in crate::explore::exhaustive) fn get(&self, number: u32) -> &S {
        &self.0.get(number).value
    }

    /// Returns how many sets there are.
    pub(in crate::explore::exhaustive) fn len(&self) -> u32 {
        self.0.len()
    }

    /// Returns the number of a union.
    pub(super) fn union(&self, unions: &mut Unions, one: u32, other: u32) -> u32 {
        if one == other || other == EMPTY {
            return one;
        }
        if one == EMPTY {
            return other;
        }
        let key = (one.min(other), one.max(other));
        *unions.0.entry(key).or_insert_with(|| {
            let mut union = self.get(one).clone();
            union.extend(self.get(other));
            self.number(union)
        })
    }

    /// Returns the bytes that the table takes, nearly.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}
