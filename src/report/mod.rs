//! Output formats, one file each.

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

pub use chrome_trace::{Arguments, ChromeTrace, TraceRecord};
pub use diff::diff_text;
pub use dumps::{dumps_json, dumps_text};
pub use explain::{explanation_text, minimised_text};
pub use explain_json::{EXPLANATION_VERSION, JsonEvent, JsonExplanation, JsonNoReturn, JsonWaiting};
pub use gate::{gate_annotations, gate_junit, gate_markdown, gate_text, proofs_markdown};
pub use html::{Beside, Page};
pub use import::import_text;
pub use json::JsonVerdict;
pub use matrix::{MatrixTold, matrix_markdown};
pub use matrix_svg::matrix_svg;
pub use replay::{prefix_end, replay_end, replay_line};
pub use svg::timeline_svg;
pub use table::table;
pub use text::verdict_text;

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

/// Writes `1 event`, `2 events`.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number as u64))
}

#[cfg(test)]
mod tests;
