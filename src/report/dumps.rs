//! What stack dumps look like, as text and JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::counted;
use crate::models::tensorflow::evidence::stacks::{Assessment, Dump, Fit, Place, Seen};

/// Every task with what its threads do, then which known hang that is like, how sure that is, and what to do.
pub fn dumps_text(dumps: &[Dump], assessment: &Assessment) -> String {
    let mut text = String::new();
    for dump in dumps {
        let _ = writeln!(
            text,
            "{}: {}, {}",
            dump.task,
            dump.role(),
            counted(dump.stacks.len(), "thread")
        );
        for (place, count) in places(dump) {
            let _ = writeln!(text, "  {count:>3}  {place}");
        }
    }
    for fit in &assessment.fits {
        text.push('\n');
        fit_text(&mut text, fit);
    }
    if assessment.fits.is_empty() {
        text.push_str("\nNO KNOWN HANG fits these dumps\n");
        for (known, clue) in &assessment.ruled_out {
            let _ = writeln!(text, "  not {}: it would need that {}", known.name, clue.text);
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

fn fit_text(text: &mut String, fit: &Fit) {
    let known = fit.known;
    let sure = if fit.likely { "LIKELY" } else { "POSSIBLE" };
    let of = fit
        .worker
        .as_deref()
        .map_or(String::new(), |worker| format!(" of {worker}"));
    let (shown, signs) = (fit.shown(), fit.signs.len());
    let _ = writeln!(
        text,
        "{sure}{of}: {}: {} ({shown} of {signs} signs, none against)",
        known.name, known.title
    );
    for sign in &fit.signs {
        let mark = if sign.seen == Seen::Yes { '+' } else { '?' };
        let needed = if sign.needed { "" } else { " (not needed)" };
        let _ = writeln!(text, "  {mark} {}{needed}", sign.clue.text);
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
        *places.entry(Place::of(stack)).or_default() += 1;
    }
    places
}

/// The same for programs.
#[derive(Serialize)]
pub struct JsonMatch {
    tasks: Vec<JsonTask>,
    fits: Vec<JsonFit>,
    ruled_out: Vec<JsonRuledOut>,
    next: Vec<String>,
}

#[derive(Serialize)]
struct JsonTask {
    task: String,
    role: String,
    threads: usize,
    places: Vec<JsonPlace>,
}

#[derive(Serialize)]
struct JsonPlace {
    place: String,
    threads: usize,
}

#[derive(Serialize)]
struct JsonFit {
    name: &'static str,
    title: &'static str,
    worker: Option<String>,
    likely: bool,
    signs: Vec<JsonSign>,
    hidden: &'static str,
    signatures: &'static [&'static str],
    today: &'static [&'static str],
    versions: &'static [&'static str],
    explained: &'static str,
}

#[derive(Serialize)]
struct JsonSign {
    sign: &'static str,
    shown: bool,
    needed: bool,
}

#[derive(Serialize)]
struct JsonRuledOut {
    name: &'static str,
    needs: &'static str,
}

impl JsonMatch {
    /// What the dumps look like.
    pub fn of(dumps: &[Dump], assessment: &Assessment) -> Self {
        let task = |dump: &Dump| JsonTask {
            task: dump.task.clone(),
            role: dump.role().to_string(),
            threads: dump.stacks.len(),
            places: places(dump)
                .into_iter()
                .map(|(place, threads)| JsonPlace {
                    place: place.to_string(),
                    threads,
                })
                .collect(),
        };
        let fit = |fit: &Fit| JsonFit {
            name: fit.known.name,
            title: fit.known.title,
            worker: fit.worker.clone(),
            likely: fit.likely,
            signs: fit
                .signs
                .iter()
                .map(|sign| JsonSign {
                    sign: sign.clue.text,
                    shown: sign.seen == Seen::Yes,
                    needed: sign.needed,
                })
                .collect(),
            hidden: fit.known.hidden,
            signatures: fit.known.signatures,
            today: fit.known.today,
            versions: fit.known.versions,
            explained: fit.known.explained,
        };
        Self {
            tasks: dumps.iter().map(task).collect(),
            fits: assessment.fits.iter().map(fit).collect(),
            ruled_out: assessment
                .ruled_out
                .iter()
                .map(|(known, clue)| JsonRuledOut {
                    name: known.name,
                    needs: clue.text,
                })
                .collect(),
            next: assessment.next.clone(),
        }
    }
}
