//! Choices. loom has none, so their outcomes are fixed before it runs, and it runs once for every way to fix them.
//!
//! An assignment says for each engine thread what its first choices come to; every later one comes to outcome 0. While loom runs
//! every interleaving of one assignment, each choice beyond it that could have come out otherwise gives a further assignment. That
//! reaches every execution: take its choices up to the first one that no assignment so far makes; an interleaving that agrees with
//! it up to there was run, so the choice was met, and the assignment that makes it was added.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

/// Outcomes of the first choices of each thread.
pub(super) type Assignment = Vec<Vec<u32>>;

/// The assignments that have been run, are run now, or have to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Choices {
    current: Assignment,
    waiting: VecDeque<Assignment>,
    known: BTreeSet<Assignment>,
}

impl Choices {
    /// Returns one assignment: every choice comes to outcome 0.
    pub(super) fn new(threads: usize) -> Self {
        let first: Assignment = vec![Vec::new(); threads];
        Self {
            known: BTreeSet::from([first.clone()]),
            current: first,
            waiting: VecDeque::new(),
        }
    }

    /// Returns the outcome of choice number `made.len()` of `thread`, if it has `outcomes` outcomes and came to `made` before.
    pub(super) fn choose(&mut self, thread: usize, made: &[u32], outcomes: u32) -> u32 {
        let assigned = &self.current[thread];
        if let Some(&outcome) = assigned.get(made.len()) {
            // A choice that has fewer outcomes in this interleaving: an execution that another assignment has, too.
            return outcome.min(outcomes - 1);
        }
        for outcome in 1..outcomes {
            let mut other = self.current.clone();
            other[thread] = made.to_vec();
            other[thread].push(outcome);
            if self.known.insert(other.clone()) {
                self.waiting.push_back(other);
            }
        }
        0
    }

    /// Goes on to the next assignment, if one is left.
    pub(super) fn advance(&mut self) -> bool {
        match self.waiting.pop_front() {
            Some(next) => {
                self.current = next;
                true
            }
            None => false,
        }
    }

    /// Returns how many assignments there are so far.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_of_choices_is_assigned_once() {
        let mut choices = Choices::new(1);
        let mut strings = Vec::new();
        loop {
            // Two choices; the second has three outcomes after outcome 1, else two.
            let first = choices.choose(0, &[], 2);
            let second = choices.choose(0, &[first], if first == 1 { 3 } else { 2 });
            strings.push([first, second]);
            if !choices.advance() {
                break;
            }
        }
        strings.sort_unstable();
        assert_eq!(strings, [[0, 0], [0, 1], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(choices.known(), 5);
    }
}
