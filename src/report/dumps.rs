//! Assessments of stack dumps, as text and JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::{View, counted};
use crate::models::tensorflow::evidence::stacks::{Assessment, Dump, Fit, Job, Missing, Place, Seen, Waiting};

/// Tells which known hangs the dumps are like, one line for each.
pub fn dumps_line(assessment: &Assessment) -> String {
    let mut text: String = assessment.fits.iter().map(fit_line).collect();
    if let Some(line) = nothing_fits(assessment) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Tells that no known hang fits, or why that cannot be told; nothing if one fits and none else could.
fn nothing_fits(assessment: &Assessment) -> Option<&'static str> {
    match (assessment.open, assessment.fits.is_empty()) {
        (true, _) => Some("UNDECIDED: these dumps do not show enough to rule every known hang out"),
        (false, true) => Some("NO KNOWN HANG fits these dumps"),
        (false, false) => None,
    }
}

/// Writes every task with what its threads do, then which known hang that is like, how sure that is, and what to do. Verbose: also why it
/// is none of the others.
pub fn dumps_text(job: &Job, assessment: &Assessment, view: &View) -> String {
    let mut text = String::new();
    let dumps = &job.dumps;
    for dump in dumps {
        let _ = writeln!(text, "{}: {}, {}", dump.task, dump.role(), threads(dump));
        for (place, count) in places(dump) {
            let _ = writeln!(text, "  {count:>3}  {place}");
        }
        for gap in &dump.gaps {
            let _ = writeln!(text, "  this dump is not whole: {gap}");
        }
    }
    for Missing { task, reason } in &job.missing {
        let _ = writeln!(text, "{task}: MISSING: {reason}");
    }
    waiting_text(&mut text, assessment);
    for fit in &assessment.fits {
        text.push('\n');
        fit_text(&mut text, fit);
    }
    if let Some(line) = nothing_fits(assessment) {
        let _ = writeln!(text, "\n{line}");
    }
    if assessment.fits.is_empty() || view.verbose {
        for (known, symptom) in &assessment.ruled_out {
            let _ = writeln!(text, "  not {}: it would need that {}", known.name, symptom.text);
        }
    }
    if !assessment.next.is_empty() {
        text.push_str("\ndump next:\n");
        for line in &assessment.next {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// Counts the threads of a dump, and apart from them its stacks of Python, which show some of the same threads.
fn threads(dump: &Dump) -> String {
    let native = dump.native().count();
    match (native, dump.stacks.len() - native) {
        (native, 0) => counted(native, "thread"),
        (0, python) => counted(python, "stack") + " of Python",
        (native, python) => format!("{}, {} of Python", counted(native, "thread"), counted(python, "stack")),
    }
}

fn waiting_text(text: &mut String, assessment: &Assessment) {
    if assessment.waiting.is_empty() {
        return;
    }
    text.push_str("\nwho waits for whom:\n");
    for line in &assessment.waiting {
        let indent = "  ".repeat(line.depth + 1);
        let task = line.task.as_ref().map_or(String::new(), |task| format!("{task}: "));
        let _ = writeln!(text, "{indent}{task}{}", line.text);
    }
}

fn fit_line(fit: &Fit) -> String {
    let known = fit.known;
    let sure = if fit.likely { "LIKELY" } else { "POSSIBLE" };
    let of = fit
        .worker
        .as_deref()
        .map_or(String::new(), |worker| format!(" of {worker}"));
    let (shown, signs) = (fit.shown(), fit.signs.len());
    format!(
        "{sure}{of}: {}: {} ({shown} of {signs} signs, none against)\n",
        known.name, known.title
    )
}

fn fit_text(text: &mut String, fit: &Fit) {
    let known = fit.known;
    text.push_str(&fit_line(fit));
    for sign in &fit.signs {
        let mark = if sign.seen == Seen::Yes { '+' } else { '?' };
        let needed = if sign.needed { "" } else { " (not needed)" };
        let _ = writeln!(text, "  {mark} {}{needed}", sign.symptom.text);
    }
    for doubt in &fit.doubts {
        let _ = writeln!(text, "  - in doubt: {}", doubt.text);
    }
    let _ = writeln!(text, "  dumps cannot show: {}", known.hidden);
    if !known.signatures.is_empty() {
        let _ = writeln!(
            text,
            "  signatures, not told apart by dumps: {}",
            known.signatures.join(" ")
        );
    }
    for (title, lines) in [("today", known.today), ("versions", known.versions)] {
        let _ = writeln!(text, "  {title}:");
        for line in lines {
            let _ = writeln!(text, "    - {line}");
        }
    }
    let _ = writeln!(text, "  explained in {}", known.explained);
}

fn places(dump: &Dump) -> BTreeMap<Place, usize> {
    let mut places = BTreeMap::new();
    for stack in &dump.stacks {
        *places.entry(stack.place).or_default() += 1;
    }
    places
}

/// Writes the assessment as JSON, for programs.
pub fn dumps_json(job: &Job, assessment: &Assessment) -> Value {
    let place = |(place, threads): (Place, usize)| json!({ "place": place.to_string(), "threads": threads });
    let task = |dump: &Dump| {
        json!({
            "task": dump.task,
            "role": dump.role().to_string(),
            "threads": dump.stacks.len(),
            "places": places(dump).into_iter().map(place).collect::<Vec<_>>(),
            "not_whole": dump.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let ruled_out = assessment.ruled_out.iter();
    let ruled_out = ruled_out.map(|(known, symptom)| json!({ "name": known.name, "needs": symptom.text }));
    let waiting = |line: &Waiting| json!({ "depth": line.depth, "task": line.task, "text": line.text });
    json!({
        "version": 1,
        "tasks": job.dumps.iter().map(task).collect::<Vec<_>>(),
        "missing": job.missing.iter().map(|Missing { task, reason }| json!({ "task": task, "reason": reason })).collect::<Vec<_>>(),
        "fits": assessment.fits.iter().map(fit_json).collect::<Vec<_>>(),
        "ruled_out": ruled_out.collect::<Vec<_>>(),
        "waiting": assessment.waiting.iter().map(waiting).collect::<Vec<_>>(),
        "next": assessment.next,
    })
}

fn fit_json(fit: &Fit) -> Value {
    let signs = fit
        .signs
        .iter()
        .map(|sign| json!({ "sign": sign.symptom.text, "shown": sign.seen == Seen::Yes, "needed": sign.needed }));
    let known = fit.known;
    json!({
        "name": known.name,
        "title": known.title,
        "worker": fit.worker,
        "likely": fit.likely,
        "signs": signs.collect::<Vec<_>>(),
        "doubts": fit.doubts.iter().map(|doubt| doubt.text).collect::<Vec<_>>(),
        "hidden": known.hidden,
        "signatures": known.signatures,
        "today": known.today,
        "versions": known.versions,
        "explained": known.explained,
    })
}
