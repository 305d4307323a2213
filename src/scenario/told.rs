//! A verdict with what is needed to tell it.

use std::path::PathBuf;

use super::{Experiment, Labels};
use crate::explore::Verdict;

/// A verdict with what is needed to tell it.
#[derive(Debug)]
pub struct Told<'a> {
    /// The scenario, as people gave it.
    pub scenario: String,
    /// The runtime's variant.
    pub variant: String,
    /// The input design.
    pub input: String,
    /// The nodes of the graph that ran.
    pub slice: &'a str,
    /// Verdict that was found.
    pub verdict: &'a Verdict,
    /// The labels of the schedules, by name.
    pub labels: &'a Labels,
    /// The place where the schedule of each hang was written, in the order of the hangs.
    pub schedules: &'a [Option<PathBuf>],
}

impl Experiment {
    /// Returns a verdict on this experiment, ready to be told.
    pub fn told<'a>(&'a self, verdict: &'a Verdict, labels: &'a Labels, schedules: &'a [Option<PathBuf>]) -> Told<'a> {
        let document = &self.scenario().document;
        Told {
            scenario: self.scenario().to_string(),
            variant: document.runtime.variant.to_string(),
            input: document.job.input.to_string(),
            slice: self.slice(),
            verdict,
            labels,
            schedules,
        }
    }
}
