//! The gate on a terminal.

use std::fmt::Write;

use super::{answer, headline, problems_of, replays};
use crate::gate::GateReport;
use crate::report::{View, counted, grouped, table};

/// Writes green or red, and what a run covered, in one line.
pub fn gate_line(report: &GateReport) -> String {
    headline(report) + "\n"
}

/// Writes a table with one row per search, what is worth noting, then every reason to be red. Verbose: also who waits for what in each
/// hang.
pub fn gate_text(report: &GateReport, view: &View) -> String {
    let heading = [
        "scenario",
        "engine",
        "verdict",
        "signatures",
        "states",
        "seconds",
        "replays",
        "gate",
    ];
    let mut rows = Vec::new();
    for result in &report.scenarios {
        let mut kinds: Vec<String> = problems_of(report, result)
            .map(|problem| problem.kind.to_string())
            .collect();
        kinds.dedup();
        let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
        let verdict = or(kinds.join(", "), "ok");
        for search in &result.searches {
            rows.push([
                result.name.clone(),
                search.found.engine.clone(),
                answer(search),
                or(search.found.signatures().join(" "), "-"),
                grouped(search.found.states),
                format!("{:.1}", search.found.seconds),
                replays(result),
                verdict.clone(),
            ]);
        }
    }
    let mut text = table(heading, &rows, view.width);
    if view.verbose {
        hangs(&mut text, report);
    }
    for result in &report.scenarios {
        for note in &result.notes {
            let _ = writeln!(text, "note: {}: {note}", result.name);
        }
    }
    let _ = writeln!(text, "\n{}", headline(report));
    for problem in &report.problems {
        let _ = writeln!(text, "  {}: {}: {}", problem.kind, problem.subject, problem.message);
    }
    text
}

/// Writes each hang in one line.
fn hangs(text: &mut String, report: &GateReport) {
    for result in &report.scenarios {
        for hang in result.searches.iter().flat_map(|search| &search.found.hangs) {
            let length = counted(hang.length, "event");
            let _ = writeln!(text, "hang: {}: {}, {length}: {}", result.name, hang.id, hang.waits);
        }
    }
}
