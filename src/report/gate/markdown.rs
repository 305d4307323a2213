//! The gate as a comment on a pull request.

use std::fmt::Write;

use super::{answer, headline, problems_of, replays};
use crate::gate::GateReport;
use crate::report::grouped;

/// Reasons first, then the notes, then every search behind a fold. Without times, so that two runs give the same.
pub fn gate_markdown(report: &GateReport) -> String {
    let mut text = format!("## {}\n", headline(report));
    if !report.problems.is_empty() {
        text.push_str("\n| reason | about | |\n| --- | --- | --- |\n");
        for problem in &report.problems {
            let _ = writeln!(
                text,
                "| **{}** | `{}` | {} |",
                problem.kind,
                problem.subject,
                cell(&problem.message)
            );
        }
    }
    let mut noted = report
        .scenarios
        .iter()
        .flat_map(|result| result.notes.iter().map(move |note| (result, note)));
    if let Some(first) = noted.next() {
        text.push_str("\nNotes:\n\n");
        for (result, note) in std::iter::once(first).chain(noted) {
            let _ = writeln!(text, "- `{}`: {note}", result.name);
        }
    }
    text.push_str("\n<details><summary>Every search</summary>\n\n");
    text.push_str("| scenario | engine | verdict | signatures | states | replays | |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for result in &report.scenarios {
        let red = problems_of(report, result).next().is_some();
        for search in &result.searches {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} | {} | {} |",
                result.name,
                search.found.engine,
                answer(search),
                search.found.signatures().join(" "),
                grouped(search.found.states),
                replays(result),
                if red { "red" } else { "ok" },
            );
        }
    }
    let _ = writeln!(text, "\n</details>\n\nModel {}.", report.model);
    text
}

/// Returns a text that a cell of a table can hold.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
