//! A replay for people.

use std::fmt::Write;

use super::{View, counted, hang, length_text};
use crate::diagnose::WaitGraph;
use crate::schedule::{End, PrefixOutcome, ReplayOutcome, Schedule, Step};

/// Returns one event that ran.
pub fn replay_line(step: &Step<'_>) -> String {
    let event = step.event;
    let choice = event.choice.map(|choice| format!(" [{choice}]")).unwrap_or_default();
    let who = format!("{} {}", event.process, event.thread);
    let what = format!("{} {}{choice}", event.label, event.object);
    let others = match step.others.len() {
        0 => "the only thread that can run".to_owned(),
        others => format!("{others} more could run"),
    };
    format!(
        "{:>5}  {who:28}  {what:60}  {}  ({others})",
        step.number, step.label.function
    )
}

/// Tells how a replay ended; `length` is that of the hang.
pub fn replay_end(outcome: &ReplayOutcome, schedule: &Schedule, length: usize, view: &View) -> String {
    let ran = counted(outcome.followed, "event");
    match outcome.broken_promise(schedule) {
        Some(problem) => format!("replayed {ran}, then: {problem}\n"),
        None => {
            let of = length_text(length, schedule.events.len());
            let mut text = format!("replayed all of {of}\n");
            text.push_str(&end_text(&outcome.end, view));
            text
        }
    }
}

/// Tells how a schedule ended on another variant.
pub fn prefix_end(outcome: &PrefixOutcome, variant: &str, policy: &str, view: &View) -> String {
    let mut text = match &outcome.impossible {
        Some(mismatch) => format!(
            "on {variant}: {} possible; {mismatch}\n",
            counted(outcome.followed, "event")
        ),
        None => format!(
            "on {variant}: the whole schedule is possible, {}\n",
            counted(outcome.followed, "event")
        ),
    };
    let _ = writeln!(text, "then {} {policy}", counted(outcome.completed, "event"));
    if let Some((event, found)) = &outcome.failure {
        let _ = writeln!(
            text,
            "which ended at {} of {} {}: {found}",
            event.label, event.process, event.thread
        );
    }
    text.push_str(&end_text(&outcome.end, view));
    text
}

fn end_text(end: &End, view: &View) -> String {
    let mut text = String::new();
    match end.enabled {
        0 => text.push_str("at rest: no thread can run\n"),
        some => {
            let _ = writeln!(text, "not at rest: {} can still run", counted(some, "thread"));
        }
    }
    for client in &end.clients {
        let name = &client.name;
        match &client.waits {
            None => {
                let _ = writeln!(text, "{name} has its answer");
            }
            Some((signature, waits)) => {
                let (id, graph) = (signature.id(), WaitGraph::of(waits.clone(), |_| Vec::new()));
                if end.at_rest() {
                    text.push_str(&hang::heading(&id, name, view));
                    text.push_str(&hang::facts(&id, &graph, &[], view));
                } else {
                    let _ = writeln!(text, "{name} still waits, signature {id}");
                    text.push_str(&hang::waits(&graph, view));
                }
            }
        }
    }
    for leak in &end.leaks {
        let _ = writeln!(text, "left behind: {leak}");
    }
    text
}
