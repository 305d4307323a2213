//! The result of a check for people: four facts of each hang, then its schedule.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::{Checkable, Checked, OUT};
use crate::diagnose::{ExplainError, Explanation, NoReturn};
use crate::explore::{Answer, FoundHang};
use crate::report::{View, counted, lanes};

/// Hangs that are told in full; the others have a line each.
const TOLD: usize = 3;
/// Orders that are told of one hang.
const ORDERS: usize = 3;

/// Writes what came instead of what was expected.
pub(super) fn failure<M: Checkable>(checked: &Checked<M>, expected: &str, folder: Option<&Path>) -> String {
    let mut text = format!("{}: expected {expected}\n\n{}", checked.name(), result(checked));
    for hang in &checked.hangs()[..checked.hangs().len().min(TOLD)] {
        text.push_str(&kept(checked, hang, folder));
    }
    text
}

/// Writes the answer, then each hang in full.
pub(super) fn result<M: Checkable>(checked: &Checked<M>) -> String {
    let mut text = format!("{}\n", answer(checked));
    for finding in &checked.verdict().findings {
        let _ = write!(
            text,
            "\n{finding}\n{}",
            lanes(&finding.events, finding.events.len(), &View::default())
        );
    }
    for (index, hang) in checked.hangs().iter().enumerate() {
        if index < TOLD {
            let _ = write!(text, "\n{}", hang_text(checked, hang));
        } else {
            let _ = write!(
                text,
                "\nHang {}: {} never returns; {}\n",
                hang.signature.id(),
                hang.client,
                hang.signature
            );
        }
    }
    text
}

fn answer<M: Checkable>(checked: &Checked<M>) -> String {
    let verdict = checked.verdict();
    let looked_at = match &verdict.executions {
        Some(executions) => counted(executions.count as usize, "execution"),
        None => counted(verdict.states as usize, "state"),
    };
    let how = format!("engine {}, {looked_at}", checked.engine());
    let more = match &verdict.stopped_by {
        Some(reason) => format!("stopped by {reason}"),
        None if verdict.complete => "complete".to_owned(),
        None => "not complete".to_owned(),
    };
    let name = checked.name();
    match verdict.answer {
        Answer::Hang => format!(
            "{name} can hang in {} ({how}, {more})",
            counted(verdict.hangs.len(), "way")
        ),
        Answer::NoHang => format!("{name} can't hang: proved ({how}, {more})"),
        Answer::NoHangInParts | Answer::Undecided => {
            format!("{name}: no hang was found, which is no proof ({how}, {more})")
        }
    }
}

/// Writes the four facts of a hang, then its schedule.
fn hang_text<M: Checkable>(checked: &Checked<M>, hang: &FoundHang) -> String {
    let explanation = checked.explain(hang);
    let mut text = format!("Hang {}: {} never returns\n", hang.signature.id(), hang.client);
    for (what, lines) in facts(hang, explanation.as_ref()) {
        for (index, line) in lines.iter().enumerate() {
            let _ = writeln!(text, "  {:<20}{line}", if index == 0 { what } else { "" });
        }
    }
    let (events, needed) = match &explanation {
        Ok(explanation) => {
            let recording = &explanation.recording;
            let events = recording.events.iter().map(|event| recording.event(event)).collect();
            (events, explanation.no_return.known_from())
        }
        Err(_) => (hang.events.clone(), hang.length),
    };
    let length = counted(events.len(), "event");
    let _ = write!(
        text,
        "\n  The schedule, {length}:\n{}",
        lanes(&events, needed, &View::default())
    );
    text
}

/// Returns what a reader asks first, each with its lines.
fn facts(hang: &FoundHang, explanation: Result<&Explanation, &ExplainError>) -> [(&'static str, Vec<String>); 4] {
    let nodes = &hang.wait_for.nodes;
    let label = nodes
        .first()
        .map_or_else(String::new, |first| format!(", in {}", first.label));
    let objects = nodes.iter().enumerate().map(|(index, node)| match index {
        0 => node.object.to_string(),
        _ => format!("which is up to who is in {}, and waits for {}", node.label, node.object),
    });
    let causes: BTreeSet<String> = (nodes.iter())
        .filter_map(|node| Some(node.cause.as_ref()?.to_string()))
        .collect();
    let causes = if causes.is_empty() {
        vec!["they wait for each other".to_owned()]
    } else {
        causes.into_iter().collect()
    };
    let changes = explanation.map_or_else(|error| vec![format!("not known: {error}")], changes);
    [
        ("who waits", vec![format!("{}{label}", hang.client)]),
        ("for what", objects.collect()),
        ("why nobody answers", causes),
        ("what to change", changes),
    ]
}

/// Tells the orders and outcomes with which the client can return.
fn changes(explanation: &Explanation) -> Vec<String> {
    let recording = &explanation.recording;
    let told = |number: usize| {
        let event = &recording.events[number - 1];
        let thread = &recording.threads[event.thread];
        let process = match recording.processes.len() {
            1 => String::new(),
            _ => format!("{} ", recording.processes[thread.process]),
        };
        format!("\"{process}{} {}\" (event {number})", thread.words, event.words)
    };
    let races = explanation.races.iter();
    let orders = races.flat_map(|race| {
        let before = format!("not {}", told(race.first));
        [before, format!("    before {}", told(race.second))]
    });
    let outcomes = explanation.outcomes.iter();
    let outcomes = outcomes.map(|outcome| format!("outcome {} of {}", outcome.instead, told(outcome.event)));
    let changes: Vec<String> = orders.take(2 * ORDERS).chain(outcomes.take(ORDERS)).collect();
    if !changes.is_empty() {
        return changes;
    }
    match explanation.no_return {
        NoReturn::Event(0) => vec!["the design: no order lets it return".to_owned()],
        NoReturn::Event(event) | NoReturn::Between(_, event) => vec![
            format!("what can follow {}:", told(event)),
            "    before it some order lets it return, after it none does".to_owned(),
        ],
    }
}

/// Tells how to run a hang again, and what was written of it.
fn kept<M: Checkable>(checked: &Checked<M>, hang: &FoundHang, folder: Option<&Path>) -> String {
    let id = hang.signature.id();
    let Some(folder) = folder else {
        return format!(
            "\nTo run {id} again and to see its page: set {OUT} to a folder, which then gets {}.{id}.schedule and .html\n",
            checked.name()
        );
    };
    match checked.keep(hang, folder) {
        Ok(files) => {
            let places: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            format!(
                "\nHang {id} is written to {}\nTo run it again: lastbatch::check(model).named(\"{}\").replay(\"{}\")\n",
                places.join(" and "),
                checked.name(),
                places[0]
            )
        }
        Err(error) => format!("\nHang {id} could not be written: {error}\n"),
    }
}
