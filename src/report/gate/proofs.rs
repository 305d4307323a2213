//! The foundation of each proof, in a table for docs.

use crate::explore::Answer;
use crate::gate::{Baseline, BaselineEngine, Plan, Task};
use crate::report::grouped;

/// Writes one row per scenario that expects no hang: which search proved it, and how far the second one came that uses only what
/// follows from which operations commute. Figures are those of the baseline.
pub fn proofs_markdown(plan: &Plan, baseline: &Baseline) -> String {
    let mut rows = Vec::new();
    let (mut proofs, mut verified) = (0, 0);
    for task in &plan.tasks {
        let Some(entry) = baseline.scenarios.get(&task.name) else {
            continue;
        };
        let first = entry.engines.get("exhaustive");
        let Some(first) = first.filter(|first| first.verdict == Answer::NoHang) else {
            continue;
        };
        let second = entry.engines.get("exhaustive-plain");
        proofs += 1;
        verified += usize::from(second.is_some_and(|second| second.complete));
        rows.push(row(task, first, second));
    }
    format!(
        "{verified} of {proofs} proofs are verified by a second search to its end.\n\n\
         | scenario | variant | slice | states | second search | rests on |\n| --- | --- | --- | --- | --- | --- |\n{}",
        rows.concat()
    )
}

fn row(task: &Task, first: &BaselineEngine, second: Option<&BaselineEngine>) -> String {
    let document = &task.experiment.scenario().document;
    let name = task.name.trim_end_matches(".toml");
    let slice = match document.job.graph {
        Some(_) => document.job.slice_text(),
        None => "built in".to_owned(),
    };
    let states = grouped(first.states);
    let (looked, rests) = match second {
        Some(second) if second.complete => (
            format!("complete, {} states", grouped(second.states)),
            "which operations commute",
        ),
        Some(second) => (
            format!("{} states, not to its end", grouped(second.states)),
            "what the model knows of itself",
        ),
        None => ("none".to_owned(), "what the model knows of itself"),
    };
    let variant = document.runtime.variant;
    let assumptions = task.experiment.assumptions().iter();
    let assumed: String = assumptions.map(|assumption| format!("; {assumption}")).collect();
    format!("| `{name}` | {variant} | {slice} | {states} | {looked} | {rests}{assumed} |\n")
}
