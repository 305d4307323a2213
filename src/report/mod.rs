//! What the program says: one form a file.

mod chrome_trace;
mod diff;
mod dumps;
mod explain;
mod explain_json;
mod gate;
mod html;
mod import;
mod json;
mod lanes;
mod matrix;
mod matrix_svg;
mod replay;
mod svg;
mod table;
mod text;
mod timeline;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::explore::Verdict;
use crate::machine::Label;

pub use chrome_trace::{Arguments, ChromeTrace, TraceRecord};
pub use diff::diff_text;
pub use dumps::{JsonMatch, dumps_text};
pub use explain::{explanation_text, minimised_text};
pub use explain_json::{
    EXPLANATION_VERSION, JsonEvent, JsonExplanation, JsonMinimised, JsonNoReturn, JsonOutcome, JsonRace, JsonSearches,
    JsonStep, JsonWaiting, JsonWaker,
};
pub use gate::{gate_annotations, gate_junit, gate_markdown, gate_text};
pub use html::{Beside, Page};
pub use import::import_text;
pub use json::{JsonSignature, JsonVerdict};
pub use matrix::{MatrixTold, matrix_markdown};
pub use matrix_svg::matrix_svg;
pub use replay::{prefix_end, replay_end, replay_line};
pub use svg::timeline_svg;
pub use table::table;
pub use text::verdict_text;

/// A verdict with what is needed to tell it.
#[derive(Debug)]
pub struct Told<'a> {
    /// The scenario, as people gave it.
    pub scenario: &'a str,
    /// The runtime's variant.
    pub variant: &'a str,
    /// The input design.
    pub input: &'a str,
    /// Which nodes of the graph ran.
    pub slice: &'a str,
    /// What was found.
    pub verdict: &'a Verdict,
    /// The labels of the schedules, by name.
    pub labels: &'a BTreeMap<&'static str, &'static Label>,
    /// Where the schedule of each hang was written, in the order of the hangs.
    pub schedules: &'a [Option<PathBuf>],
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `2 events`.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number as u64))
}

#[cfg(test)]
mod tests;
