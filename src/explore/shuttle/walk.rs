//! A uniform random walk: threads that still have much to do are more likely to go on.

use std::collections::HashMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// URW (Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS 2025) over the labels of a model.
///
/// A thread is chosen with a weight: its labels that are still to come, as the first execution, a plain random walk, had them. If
/// nobody ever waited, each interleaving of these labels would be equally likely. shuttle's own needs to see each task from its start
/// on and takes the labels of a task from where it was spawned; here a thread is known by its name, and may wait before it is seen.
#[derive(Debug)]
pub(super) struct UniformWalk {
    random: Xoshiro256PlusPlus,
    /// Labels of each thread in the first execution.
    labels: HashMap<u64, u64>,
    /// Those of the running execution.
    done: HashMap<u64, u64>,
    estimates: bool,
}

impl UniformWalk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            labels: HashMap::new(),
            done: HashMap::new(),
            estimates: true,
        }
    }

    pub(super) fn begin(&mut self) {
        if self.estimates && !self.done.is_empty() {
            self.labels = std::mem::take(&mut self.done);
            self.estimates = false;
        }
        self.done.clear();
    }

    /// Picks which of these threads goes on.
    pub(super) fn next(&mut self, threads: impl ExactSizeIterator<Item = u64> + Clone) -> usize {
        let (labels, done) = (&self.labels, &self.done);
        let weight = |thread: u64| {
            let expected = labels.get(&thread).copied().unwrap_or(1);
            let over = done.get(&thread).copied().unwrap_or(0);
            expected.saturating_sub(over).max(1)
        };
        let total: u64 = threads.clone().map(weight).sum();
        let mut at = self.random.random_range(0..total);
        let mut chosen = None;
        for (index, thread) in threads.enumerate() {
            let weight = weight(thread);
            if at < weight {
                chosen = Some((index, thread));
                break;
            }
            at -= weight;
        }
        let (index, thread) = chosen.expect("the weights add up to their sum");
        *self.done.entry(thread).or_default() += 1;
        index
    }
}
