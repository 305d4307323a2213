//! A verdict for programs.

use serde::Serialize;

use crate::explore::{HangRecord, Verdict};
use crate::scenario::Told;

/// One verdict. Its fields are a promise: programs read them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonVerdict {
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
            scenario: told.scenario.clone(),
            variant: told.variant.clone(),
            input: told.input.clone(),
            slice: told.slice.to_owned(),
            verdict: told.verdict.record(told.schedules),
        }
    }
}
