//! A verdict for people.

use std::fmt::Write;

use super::explain::wait_tree;
use super::lanes::{lanes, legend};
use super::{counted, grouped};
use crate::diagnose::WaitGraph;
use crate::explore::{Answer, Executions, Finding, FoundHang, PartsSearched, Verdict, Verification};
use crate::machine::Unmodelled;
use crate::scenario::{Size, Told};

/// Writes a verdict in full: what was searched, then each hang with who waits for whom and the schedule that leads there.
pub fn verdict_text(told: &Told<'_>) -> String {
    let mut text = headline(told);
    let verdict = told.verdict;
    for (index, hang) in verdict.hangs.iter().enumerate() {
        let _ = write!(text, "\n{}", hang_text(told, index, hang));
    }
    for finding in &verdict.findings {
        let _ = write!(text, "\n{}", finding_text(finding));
    }
    if !verdict.outcomes.is_empty() {
        text.push_str("\nHow the clients can end, and which updates that leaves on variables:\n");
        for outcome in &verdict.outcomes {
            let _ = writeln!(text, "  {outcome}");
        }
    }
    if !verdict.leaks.is_empty() {
        text.push_str("\nLeft behind on a server though every client has its answer (no hang):\n");
        for leak in &verdict.leaks {
            let _ = writeln!(text, "  {leak}");
        }
    }
    let shown = verdict.hangs.iter().filter(|_| verdict.parts.is_none());
    let events: Vec<_> = shown.flat_map(|hang| hang.events.clone()).collect();
    let legend = legend(&events, told.labels);
    if !legend.is_empty() {
        let _ = write!(text, "\nLabels and the functions that they stand for:\n{legend}");
    }
    text
}

fn answer(verdict: &Verdict) -> String {
    let assuming = verdict.assuming().map(|text| format!(", {text}")).unwrap_or_default();
    match (verdict.answer, verdict.complete) {
        (Answer::Hang, true) => format!(
            "HANG: {}; the search is complete",
            counted(verdict.hangs.len(), "distinct hang")
        ),
        (Answer::Hang, false) => format!(
            "HANG: {}; there may be more",
            counted(verdict.hangs.len(), "distinct hang")
        ),
        (Answer::NoHang, _) => format!("NO HANG: proved{assuming}, the search ended by itself"),
        (Answer::NoHangInParts, _) => {
            format!("UNDECIDED{assuming}: no hang in any part, but the whole was not searched to its end")
        }
        (Answer::Undecided, true) => {
            format!(
                "UNDECIDED{assuming}: the search ended and found no hang, but the model leaves out what may cause one"
            )
        }
        (Answer::Undecided, _) if verdict.executions.is_some() => {
            format!("UNDECIDED{assuming}: no hang found, but not every schedule was run")
        }
        (Answer::Undecided, _) => format!("UNDECIDED{assuming}: no hang found, but not every state was seen"),
    }
}

fn headline(told: &Told<'_>) -> String {
    let Told {
        scenario,
        variant,
        input,
        slice,
        verdict,
        ..
    } = told;
    let answer = answer(verdict);
    let end = match &verdict.stopped_by {
        None if verdict.complete => "complete, no bound".to_owned(),
        None => "not complete".to_owned(),
        Some(reason) => format!("stopped by {reason}"),
    };
    let reductions = match verdict.reductions.as_slice() {
        [] => "none".to_owned(),
        some => some.join(", "),
    };
    let Verdict {
        engine, depth, seconds, ..
    } = verdict;
    let (states, transitions) = (grouped(verdict.states), grouped(verdict.transitions));
    let memory = Size(verdict.peak_bytes);
    let mut text = format!("{answer}\n");
    let _ = writeln!(text, "  scenario    {scenario}");
    let _ = writeln!(text, "  model       variant {variant}, input {input}, slice {slice}");
    let _ = writeln!(
        text,
        "  engine      {engine}: {end}; reductions: {reductions}; storage: {}",
        verdict.storage
    );
    match &verdict.executions {
        None => {
            let _ = writeln!(
                text,
                "  size        {states} states, {transitions} transitions, depth {depth}, {seconds:.1} s, {memory}"
            );
        }
        Some(executions) => text.push_str(&work(executions, verdict)),
    }
    if let Some(parts) = &verdict.parts {
        text.push_str(&parts_text(parts));
    }
    if let Some(second) = &verdict.verification {
        let _ = writeln!(text, "  verified    {}", verification_text(second));
    }
    text.push_str(&unmodelled_text(&verdict.unmodelled));
    text
}

/// Tells which parts of a job were searched, and what was sampled besides.
fn parts_text(parts: &PartsSearched) -> String {
    let all = parts.proved + parts.hung + parts.undecided;
    let mut text = format!(
        "  parts       {} with up to {} and {} (for {} by name): {} without a hang, {} with one, {} undecided; {} states\n",
        counted(all as usize, "part"),
        counted(parts.servers, "server"),
        counted(parts.edges, "edge"),
        grouped(parts.stand_for),
        grouped(parts.proved),
        grouped(parts.hung),
        grouped(parts.undecided),
        grouped(parts.states),
    );
    for problem in &parts.not_lifted {
        let _ = writeln!(text, "              not told for the whole job: {problem}");
    }
    if parts.sampled > 0 {
        let _ = writeln!(
            text,
            "  samples     {} executions of the whole job",
            grouped(parts.sampled)
        );
    }
    text
}

/// Tells what a second look at a proof came to.
pub(super) fn verification_text(second: &Verification) -> String {
    let (states, seconds) = (grouped(second.states), second.seconds);
    let search = format!("a search with partial order alone: {states} states");
    let Some(reason) = &second.stopped_by else {
        let end = if second.complete { "complete" } else { "not complete" };
        return format!("{end}, {search}, {seconds:.1} s");
    };
    let sampled = second.executions.map_or_else(String::new, |executions| {
        format!(", and {} sampled executions", grouped(executions))
    });
    format!("not to the end, {search}, stopped by {reason}{sampled}, {seconds:.1} s")
}

/// Lists what the model leaves out of a graph, one line per op; nothing if it leaves out nothing.
pub(super) fn unmodelled_text(unmodelled: &[Unmodelled]) -> String {
    let lines = unmodelled.iter().map(|one| format!("  {one}\n"));
    let lines: String = lines.collect();
    if lines.is_empty() {
        return lines;
    }
    format!(
        "\nNot modelled, so nothing is proved (job.assume_never_waits takes an op for one that never waits):\n{lines}"
    )
}

/// Tells what an engine did that runs one execution after the other.
fn work(executions: &Executions, verdict: &Verdict) -> String {
    let Verdict { depth, seconds, .. } = verdict;
    let Executions { strategy, seed, .. } = executions;
    let seed = seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
    let mut text = format!("  schedules   {strategy}{seed}\n");
    let (count, labels) = (grouped(executions.count), grouped(executions.labels));
    let _ = writeln!(
        text,
        "  size        {count} executions, {labels} labels, at most {depth} in one, {seconds:.1} s"
    );
    let (outcomes, new) = (grouped(executions.outcomes), grouped(executions.new_outcomes));
    let _ = write!(
        text,
        "  outcomes    {outcomes} states at rest, {new} of them new in the last {} executions",
        grouped(executions.count.min(1_000))
    );
    if let Some(first) = executions.first_hang {
        let _ = write!(text, "; first hang in execution {}", grouped(first));
    }
    if executions.cut > 0 {
        let _ = write!(text, "; {} cut off", grouped(executions.cut));
    }
    text.push('\n');
    text
}

fn hang_text(told: &Told<'_>, index: usize, hang: &FoundHang) -> String {
    let mut text = format!("Hang {}: {} never returns\n", hang.signature.id(), hang.client);
    wait_tree(&mut text, &WaitGraph::of(hang.wait_for.clone(), |_| Vec::new()));
    let events = counted(hang.length, "event");
    match (&told.verdict.parts, &told.verdict.executions) {
        // Nobody reads thousands of lines; what decided it is what `explain` finds.
        (Some(_), _) => {
            let _ = writeln!(
                text,
                "\n  A schedule of the whole job, {events}: keep it with --out DIR, and see `lastbatch explain`"
            );
        }
        (None, None) => {
            let _ = writeln!(
                text,
                "\n  Shortest schedule, {events}:\n{}",
                lanes(&hang.events, hang.length).trim_end()
            );
        }
        (None, Some(_)) => {
            let _ = writeln!(
                text,
                "\n  Shortest schedule that was found, {events}:\n{}",
                lanes(&hang.events, hang.length).trim_end()
            );
        }
    }
    if let Some(Some(path)) = told.schedules.get(index) {
        let _ = writeln!(text, "  written to {}", path.display());
    }
    text
}

fn finding_text(finding: &Finding) -> String {
    let mut text = format!("{}: {}\n", finding.kind, finding.message);
    text.push_str(&lanes(&finding.events, finding.events.len()));
    text
}
