//! Reports of the gate: on a terminal, in a pull request, to a test reporter, to GitHub Actions.

mod annotations;
mod junit;
mod markdown;
mod proofs;
mod text;

pub use annotations::gate_annotations;
pub use junit::gate_junit;
pub use markdown::gate_markdown;
pub use proofs::proofs_markdown;
pub use text::{gate_line, gate_text};

use super::{counted, grouped};
use crate::gate::{GateReport, Problem, ReplayEnd, Replayed, ScenarioResult, Scope, SearchResult};

/// Tells what is known of one search, as in `hang, complete`.
fn answer(search: &SearchResult) -> String {
    let end = match (search.found.complete, search.scope) {
        (true, _) => "complete",
        (false, Scope::FirstHang) if !search.found.hangs.is_empty() => "to the first",
        (false, Scope::Part | Scope::Brief) => "a part",
        (false, _) => "not complete",
    };
    let assuming = search.found.assuming().map(|text| format!(", {text}"));
    format!("{}, {end}{}", search.found.answer.name(), assuming.unwrap_or_default())
}

/// Returns the problems of a scenario, those of its schedules among them.
fn problems_of<'a>(report: &'a GateReport, result: &'a ScenarioResult) -> impl Iterator<Item = &'a Problem> {
    let own = |problem: &&Problem| {
        problem.subject == result.name
            || result
                .replays
                .iter()
                .any(|replayed| replayed.schedule == problem.subject)
    };
    report.problems.iter().filter(own)
}

/// Schedules that replay, of how many; nothing where there is none.
fn replays(result: &ScenarioResult) -> String {
    let kept = |replayed: &&Replayed| replayed.end == ReplayEnd::Kept;
    match result.replays.len() {
        0 => "-".to_owned(),
        all => format!("{} of {all}", result.replays.iter().filter(kept).count()),
    }
}

/// Writes green or red, and what a run covered, in one line.
fn headline(report: &GateReport) -> String {
    let colour = match (report.problems.len(), report.finished) {
        (0, true) => "green".to_owned(),
        (0, false) => "undecided: the run was cut off".to_owned(),
        (1, _) => "RED, for one reason".to_owned(),
        (number, _) => format!("RED, for {number} reasons"),
    };
    let schedules: usize = report.scenarios.iter().map(|result| result.replays.len()).sum();
    let shard = match report.shard.of {
        1 => String::new(),
        _ => format!(" (shard {})", report.shard),
    };
    format!(
        "gate: {colour}. {} of {} scenarios{shard}, {}, {} states",
        report.scenarios.len(),
        report.names.len(),
        counted(schedules, "schedule"),
        grouped(report.states())
    )
}

#[cfg(test)]
mod tests;
