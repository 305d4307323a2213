//! A verdict for programs.

use serde::Serialize;

use crate::explore::{HangRecord, Verdict};
use crate::gate::Difference;
use crate::scenario::Told;

/// The version of [`JsonVerdict`]: it grows when a field changes its meaning or goes; new fields do not count.
pub const VERDICT_VERSION: u32 = 1;

/// One verdict. Its fields are a promise: programs read them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonVerdict {
    /// [`VERDICT_VERSION`].
    pub version: u32,
    /// The scenario, as it was given.
    pub scenario: String,
    /// The runtime's variant.
    pub variant: String,
    /// The input design.
    pub input: String,
    /// The nodes of the graph that ran.
    pub slice: String,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict<HangRecord>,
}

impl JsonVerdict {
    /// Returns the verdict that was told.
    pub fn of(told: &Told<'_>) -> Self {
        Self {
            version: VERDICT_VERSION,
            scenario: told.scenario.clone(),
            variant: told.variant.clone(),
            input: told.input.clone(),
            slice: told.slice.to_owned(),
            verdict: told.verdict.record(told.schedules),
        }
    }
}

/// The version of [`JsonDiff`], which grows as [`VERDICT_VERSION`] does.
pub const DIFF_VERSION: u32 = 1;

/// The effects of a change on hangs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonDiff<'a> {
    /// [`DIFF_VERSION`].
    pub version: u32,
    /// One difference per scenario.
    pub scenarios: &'a [Difference],
}

impl<'a> JsonDiff<'a> {
    /// Returns the differences that were found.
    pub fn of(scenarios: &'a [Difference]) -> Self {
        Self {
            version: DIFF_VERSION,
            scenarios,
        }
    }
}
