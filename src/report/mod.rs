//! Output formats, one file each.

#[cfg(feature = "page")]
mod chrome_trace;
#[cfg(feature = "tensorflow")]
mod diff;
#[cfg(feature = "tensorflow")]
mod dumps;
mod explain;
mod explain_json;
#[cfg(feature = "tensorflow")]
mod gate;
mod hang;
#[cfg(feature = "page")]
mod html;
#[cfg(feature = "tensorflow")]
mod import;
#[cfg(feature = "tensorflow")]
mod json;
mod lanes;
#[cfg(feature = "tensorflow")]
mod matrix;
#[cfg(feature = "tensorflow")]
mod matrix_svg;
#[cfg(feature = "tensorflow")]
mod progress;
mod replay;
#[cfg(feature = "page")]
mod svg;
#[cfg(feature = "tensorflow")]
mod table;
#[cfg(feature = "tensorflow")]
mod text;
#[cfg(feature = "page")]
mod timeline;
mod view;

#[cfg(feature = "page")]
pub use chrome_trace::{Arguments, ChromeTrace, TraceRecord};
#[cfg(feature = "tensorflow")]
pub use diff::{diff_line, diff_text};
#[cfg(feature = "tensorflow")]
pub use dumps::{dumps_json, dumps_line, dumps_text};
pub use explain::{explanation_line, explanation_text, minimised_text};
pub use explain_json::{EXPLANATION_VERSION, JsonEvent, JsonExplanation, JsonNoReturn, JsonWaiting};
#[cfg(feature = "tensorflow")]
pub use gate::{gate_annotations, gate_junit, gate_line, gate_markdown, gate_text, proofs_markdown};
#[cfg(feature = "page")]
pub use html::{Beside, Page};
#[cfg(feature = "tensorflow")]
pub use import::import_text;
#[cfg(feature = "tensorflow")]
pub use json::{DIFF_VERSION, JsonDiff, JsonVerdict, Share, VERDICT_VERSION};
#[cfg(feature = "tensorflow")]
pub use matrix::{MatrixTold, matrix_line, matrix_markdown};
#[cfg(feature = "tensorflow")]
pub use matrix_svg::matrix_svg;
#[cfg(feature = "tensorflow")]
pub use progress::{executions_text, expanded, states_text};
pub use replay::{prefix_end, replay_end, replay_line};
#[cfg(feature = "page")]
pub use svg::timeline_svg;
#[cfg(feature = "tensorflow")]
pub use table::table;
#[cfg(feature = "tensorflow")]
pub use text::{joined_text, verdict_line, verdict_text};
pub use view::View;

pub(crate) use lanes::lanes;

/// Returns a number with its digits in groups of three.
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

/// Breaks a text at spaces into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Breaks the lines of a text that are too long for the terminal. Lines that follow stand under the text behind the first `name` columns, or a
/// little further in if there are none.
fn fitted(text: &str, name: usize, view: &View) -> String {
    let mut fitted = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let further = if name == 0 { 2 } else { name };
        let room = view.prose().saturating_sub(indent + further);
        if line.chars().count() <= view.prose() {
            fitted.push_str(line);
        } else {
            let (head, rest) = line.split_at(line.char_indices().nth(indent + name).map_or(0, |(at, _)| at));
            let parts = wrapped(rest, room);
            let gap = format!("\n{:width$}", "", width = indent + further);
            fitted.push_str(&format!("{head}{}", parts.join(&gap)));
        }
        fitted.push('\n');
    }
    fitted
}

/// Tells the length of a hang: events up to the one after which nothing can help, then those that only bring the system to rest.
fn length_text(length: usize, all: usize) -> String {
    let events = counted(length, "event");
    match all.saturating_sub(length) {
        0 => events,
        rest => format!("{events}, then {} to rest", grouped(rest as u64)),
    }
}

/// Writes `1 event`, `2 events`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number as u64))
}

#[cfg(all(test, feature = "tensorflow"))]
mod tests;
