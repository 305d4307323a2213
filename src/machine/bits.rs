//! Sets of small numbers.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Bits of one word.
const WORD: usize = u64::BITS as usize;

/// A set of small numbers as bits, as large as the largest of them needs. Equal sets are equal in memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct BitSet {
    /// The last word is not zero.
    words: SmallVec<[u64; 2]>,
}

impl BitSet {
    /// Returns the set without numbers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns true if no number is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Returns true if the number is in the set.
    pub fn contains(&self, number: usize) -> bool {
        let word = self.words.get(number / WORD);
        word.is_some_and(|word| word >> (number % WORD) & 1 == 1)
    }

    /// Adds a number.
    pub fn insert(&mut self, number: usize) {
        if self.words.len() <= number / WORD {
            self.words.resize(number / WORD + 1, 0);
        }
        self.words[number / WORD] |= 1 << (number % WORD);
    }

    /// Takes a number out.
    pub fn remove(&mut self, number: usize) {
        if let Some(word) = self.words.get_mut(number / WORD) {
            *word &= !(1 << (number % WORD));
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    /// Adds every number of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
    }

    /// Returns true if every number of `other` is in this set.
    pub fn includes(&self, other: &Self) -> bool {
        let mut pairs = self.words.iter().zip(&other.words);
        self.words.len() >= other.words.len() && pairs.all(|(mine, theirs)| theirs & !mine == 0)
    }

    /// Returns true if some number is in both sets.
    pub fn intersects(&self, other: &Self) -> bool {
        let mut pairs = self.words.iter().zip(&other.words);
        pairs.any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Returns the numbers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.words.len() * WORD).filter(|&number| self.contains(number))
    }
}

impl FromIterator<usize> for BitSet {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut set = Self::new();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn both(numbers: &BTreeSet<usize>) -> BitSet {
        numbers.iter().copied().collect()
    }

    fn numbers() -> impl Strategy<Value = BTreeSet<usize>> {
        prop::collection::btree_set(prop_oneof![0_usize..8, 60_usize..70, 120_usize..1_000], 0..6)
    }

    proptest! {
        #[test]
        fn a_set_is_what_a_set_of_the_standard_library_is(one in numbers(), other in numbers(), number in 0_usize..1_000) {
            let (bits, others) = (both(&one), both(&other));
            prop_assert_eq!(bits.iter().collect::<BTreeSet<_>>(), one.clone());
            prop_assert_eq!(bits.is_empty(), one.is_empty());
            prop_assert_eq!(bits.contains(number), one.contains(&number));
            prop_assert_eq!(bits.includes(&others), one.is_superset(&other));
            prop_assert_eq!(bits.intersects(&others), !one.is_disjoint(&other));
            let mut union = bits.clone();
            union.extend(&others);
            prop_assert_eq!(&union, &both(&one.union(&other).copied().collect()));
            other.difference(&one).for_each(|&number| union.remove(number));
            prop_assert_eq!(union, bits);
        }
    }
}
