//! Effects of a change on hangs: the same scenarios on two variants, or by two programs.

use serde::Serialize;

use crate::explore::{HangRecord, Verdict};

/// One scenario on both sides.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// Before the change.
    pub base: Verdict<HangRecord>,
    /// After it.
    pub changed: Verdict<HangRecord>,
    /// Ways to hang that only the change has.
    pub appear: Vec<HangRecord>,
    /// Ways to hang that the change does not have.
    pub vanish: Vec<HangRecord>,
}

impl Difference {
    /// Compares two sides.
    pub fn of(scenario: String, base: Verdict<HangRecord>, changed: Verdict<HangRecord>) -> Self {
        Self {
            scenario,
            appear: only(&changed, &base),
            vanish: only(&base, &changed),
            base,
            changed,
        }
    }

    /// Returns true if the change makes a difference to who can hang, and how.
    pub fn differs(&self) -> bool {
        self.base.answer != self.changed.answer || !self.appear.is_empty() || !self.vanish.is_empty()
    }

    /// Returns true if a bound left open what one side would have found.
    pub fn is_open(&self) -> bool {
        !self.base.complete || !self.changed.complete
    }
}

/// Returns the hangs that only one of two verdicts has.
fn only(one: &Verdict<HangRecord>, other: &Verdict<HangRecord>) -> Vec<HangRecord> {
    let has = |hang: &&HangRecord| other.hangs.iter().any(|known| known.id == hang.id);
    one.hangs.iter().filter(|hang| !has(hang)).cloned().collect()
}
