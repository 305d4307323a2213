//! A verdict for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::Row;

use super::lanes::lanes;
use super::table::{columns, written};
use super::view::{BAD, GOOD, HEADING, OPEN};
use super::{JsonVerdict, View, counted, fitted, grouped, hang, length_text};
use crate::diagnose::WaitGraph;
use crate::explore::{Answer, Executions, Finding, FoundHang, PartsSearched, Verdict, Verification};
use crate::machine::{Event, Label, Unmodelled};
use crate::scenario::{Size, Told};

/// Columns of the name of a field.
const FIELD: usize = 12;

/// Writes a verdict: what was searched, then each hang with its facts; verbose, also the schedules that lead there.
pub fn verdict_text(told: &Told<'_>, view: &View) -> String {
    let mut text = painted_answer(told.verdict, view) + "\n";
    let about = [&told.scenario, &told.variant, &told.input, told.slice];
    text.push_str(&fitted(&headline(about, told.verdict), FIELD, view));
    let verdict = told.verdict;
    for (index, hang) in verdict.hangs.iter().enumerate() {
        let _ = write!(text, "\n{}", hang_text(told, index, hang, view));
    }
    for finding in &verdict.findings {
        let _ = write!(text, "\n{}", finding_text(finding, view));
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
    let shown = verdict.hangs.iter().filter(|_| verdict.parts.is_none() && view.verbose);
    let events: Vec<_> = shown.flat_map(|hang| hang.events.clone()).collect();
    let legend = legend(&events, told.labels, view);
    if !legend.is_empty() {
        let _ = write!(text, "\nLabels and the functions that they stand for:\n{legend}");
    }
    text
}

/// Writes a verdict in one line.
pub fn verdict_line<H>(scenario: &str, verdict: &Verdict<H>, view: &View) -> String {
    format!("{scenario}: {}\n", painted_answer(verdict, view))
}

/// Writes the verdict of several shards together: what was searched, then each hang in a line.
pub fn joined_text(joined: &JsonVerdict, view: &View) -> String {
    let verdict = &joined.verdict;
    let mut text = painted_answer(verdict, view) + "\n";
    let about = [&joined.scenario, &joined.variant, &joined.input, &joined.slice].map(String::as_str);
    text.push_str(&fitted(&headline(about, verdict), FIELD, view));
    for hang in &verdict.hangs {
        let written = hang.schedule.as_deref().unwrap_or("not written");
        let length = counted(hang.length, "event");
        let _ = write!(text, "\n{}", hang::heading(&hang.id, &hang.client, view));
        let _ = writeln!(text, "  a schedule of {length}: {written}");
    }
    for finding in &verdict.findings {
        let _ = write!(text, "\n{}", finding_text(finding, view));
    }
    text
}

fn painted_answer<H>(verdict: &Verdict<H>, view: &View) -> String {
    let style = match verdict.answer {
        Answer::Hang => BAD,
        Answer::NoHang => GOOD,
        Answer::NoHangInParts | Answer::Undecided => OPEN,
    };
    view.paint(style, &answer(verdict))
}

fn answer<H>(verdict: &Verdict<H>) -> String {
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

/// Tells what was searched, and how; first the scenario, the variant, the input and the slice.
fn headline<H>([scenario, variant, input, slice]: [&str; 4], verdict: &Verdict<H>) -> String {
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
    let mut text = format!("  scenario    {scenario}\n");
    let _ = writeln!(text, "  model       variant {variant}, input {input}, slice {slice}");
    let _ = writeln!(
        text,
        "  engine      {engine}: {end}; reductions: {reductions}; storage: {}",
        verdict.storage
    );
    match &verdict.executions {
        // Of several searches only the states are added up, and stand with the parts.
        None if verdict.engine == PartsSearched::ENGINE => {
            let _ = writeln!(text, "  size        {seconds:.1} s");
        }
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
    if parts.stopped_at_hang {
        text.push_str("              none larger, as some of this size hang: the job may hang in other ways, too (--engine exhaustive looks at all of it)\n");
    }
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
fn work<H>(executions: &Executions, verdict: &Verdict<H>) -> String {
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

fn hang_text(told: &Told<'_>, index: usize, hang: &FoundHang, view: &View) -> String {
    let id = hang.signature.id();
    let graph = WaitGraph::of(hang.wait_for.clone(), |_| Vec::new());
    let mut text = hang::heading(&id, &hang.client, view);
    let earlier: Vec<String> = told.verdict.hangs[..index]
        .iter()
        .map(|hang| hang.signature.id())
        .collect();
    text.push_str(&hang::facts(&id, &graph, &earlier, view));
    if view.verbose {
        text.push_str("\n  Who waits for whom\n");
        let mut tree = String::new();
        super::explain::wait_tree(&mut tree, &graph);
        text.push_str(&fitted(&tree, 0, view));
    }
    text.push_str(&schedule(told, hang, view));
    if let Some(Some(path)) = told.schedules.get(index) {
        let _ = writeln!(text, "  written to {}", path.display());
    }
    text
}

/// Writes the schedule of a hang, or how long it is.
fn schedule(told: &Told<'_>, hang: &FoundHang, view: &View) -> String {
    let length = length_text(hang.length, hang.events.len());
    let what = match (&told.verdict.parts, &told.verdict.executions) {
        // Nobody reads thousands of lines; what decided it is what `explain` finds.
        (Some(_), _) => return format!("\n  A schedule of the whole job: {length}\n"),
        (None, None) => "Shortest schedule",
        (None, Some(_)) => "Shortest schedule that was found",
    };
    if !view.verbose {
        return format!("\n  {what}: {length}; -v shows it\n");
    }
    let heading = view.paint(HEADING, &format!("{what}: {length}"));
    format!("\n  {heading}\n{}", lanes(&hang.events, hang.length, view))
}

fn finding_text(finding: &Finding, view: &View) -> String {
    let heading = format!("{}: {}", finding.kind, finding.message);
    let mut text = view.paint(BAD, &heading) + "\n";
    text.push_str(&lanes(&finding.events, finding.events.len(), view));
    text
}

/// Returns the labels of some events with the functions that they stand for, in order of first use.
fn legend(events: &[Event], labels: &BTreeMap<&'static str, &'static Label>, view: &View) -> String {
    let mut used: Vec<&Label> = Vec::new();
    for event in events {
        if let Some(label) = labels.get(event.label.as_str())
            && !used.contains(label)
        {
            used.push(label);
        }
    }
    let name = |label: &Label| format!("  {}", label.name);
    let names = used.iter().map(|label| name(label).chars().count()).max();
    let rows = used
        .iter()
        .map(|label| Row::from([name(label), label.function.to_owned(), label.site.to_owned()]));
    written(&columns(rows, view.width.map(usize::from), &[names.unwrap_or(0)]))
}
