//! Tells how far a search is.

use std::time::{Duration, Instant};

use super::{BATCH, Limits, Search};
use crate::explore::exhaustive::Status;
use crate::machine::Reducible;

/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// Expanded states over which the growth of a search is measured, at least.
const WINDOW: u64 = 4 * BATCH as u64;

/// Tells now and then how far a search is.
pub(super) struct Reporter {
    reported: Instant,
    /// States expanded, and stored, by this run: now, and some time ago.
    now: (u64, u64),
    then: (u64, u64),
    middle: (u64, u64),
}

impl Reporter {
    pub(super) fn new(stored: u64) -> Self {
        Self {
            reported: Instant::now(),
            now: (0, stored),
            then: (0, stored),
            middle: (0, stored),
        }
    }

    /// When the next report is due.
    pub(super) fn due(&self) -> Instant {
        self.reported + REPORT_EVERY
    }

    pub(super) fn report<M: Reducible>(
        &mut self,
        search: &Search<'_, M>,
        left: u64,
        depth: u32,
        limits: &Limits<'_>,
        progress: &mut dyn FnMut(&Status),
    ) {
        let (states, frontier) = (search.store.len(), search.store.waiting() + left);
        self.now = (states.saturating_sub(frontier), states);
        if self.now.0 >= self.middle.0 + WINDOW {
            self.then = std::mem::replace(&mut self.middle, self.now);
        }
        if self.reported.elapsed() < REPORT_EVERY {
            return;
        }
        self.reported = Instant::now();
        progress(&Status {
            states,
            frontier,
            left: self.left(frontier),
            depth: u64::from(depth),
            bytes: search.peak_bytes,
            elapsed: limits.before + limits.started.elapsed(),
        });
    }

    /// Estimates how many states are left: if each state that is expanded goes on to bring as many new ones as those of late did, and
    /// these are fewer than one, the frontier brings a geometric series of states.
    fn left(&self, frontier: u64) -> Option<u64> {
        let expanded = self
            .now
            .0
            .checked_sub(self.then.0)
            .filter(|expanded| *expanded >= WINDOW)?;
        let growth = (self.now.1 - self.then.1) as f64 / expanded as f64;
        (growth < 1.0).then(|| (frontier as f64 / (1.0 - growth)) as u64)
    }
}
