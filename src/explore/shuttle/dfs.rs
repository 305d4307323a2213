//! Depth-first search over threads and outcomes of labels.

/// The decisions of the running execution. shuttle's own depth-first search can't decide the outcome of a label.
#[derive(Debug, Default)]
pub(super) struct DepthFirst {
    /// Decisions: which of how many was taken.
    taken: Vec<(usize, usize)>,
    /// The next decision of the running execution.
    next: usize,
    began: bool,
}

impl DepthFirst {
    /// Goes to the next execution; false if there is none.
    pub(super) fn begin(&mut self) -> bool {
        if !self.began {
            self.began = true;
            return true;
        }
        // What was decided beyond the end of an execution that was cut off is forgotten with it.
        self.taken.truncate(self.next);
        self.next = 0;
        while let Some((taken, of)) = self.taken.pop() {
            if taken + 1 < of {
                self.taken.push((taken + 1, of));
                return true;
            }
        }
        false
    }

    /// Decides between `of` possibilities.
    pub(super) fn decide(&mut self, of: usize) -> usize {
        if of < 2 {
            return 0;
        }
        if self.next == self.taken.len() {
            self.taken.push((0, of));
        }
        let (taken, known) = self.taken[self.next];
        assert_eq!(known, of, "the same decisions led to another state");
        self.next += 1;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_decisions_is_made_once() {
        let mut search = DepthFirst::default();
        let mut seen = Vec::new();
        while search.begin() {
            let first = search.decide(2);
            // How many there are later may depend on what was decided before.
            let second = if first == 0 { search.decide(3) } else { search.decide(1) };
            seen.push((first, second, search.decide(2)));
        }
        let expected = [
            (0, 0, 0),
            (0, 0, 1),
            (0, 1, 0),
            (0, 1, 1),
            (0, 2, 0),
            (0, 2, 1),
            (1, 0, 0),
            (1, 0, 1),
        ];
        assert_eq!(seen, expected);
    }
}
