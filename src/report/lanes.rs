//! A schedule as columns, one per process, and the legend of its labels.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::machine::{Event, Label};

/// Lines are kept below this.
const WIDTH_MAX: usize = 160;
/// A lane is never narrower than this; with too many processes for that, lanes overlap and the name of the process is added.
const LANE_MIN: usize = 30;
/// Between two lanes.
const GAP: &str = "  ";
/// Each line begins with the event's number.
const NUMBER: usize = 7;

/// Returns the events as one line each, with a lane for each process in order of first appearance. After `needed` events a line
/// says that the client can't return any more.
pub(crate) fn lanes(events: &[Event], needed: usize) -> String {
    let mut processes: Vec<&str> = Vec::new();
    for event in events {
        if !processes.contains(&event.process.as_str()) {
            processes.push(&event.process);
        }
    }
    processes.sort_by_key(|name| order(name));
    let room = (WIDTH_MAX - NUMBER).checked_div(processes.len()).unwrap_or(0);
    let own_lanes = room >= LANE_MIN + GAP.len();
    let mut text = String::new();
    if own_lanes {
        in_lanes(&mut text, events, &processes, needed);
    } else {
        in_list(&mut text, events, needed);
    }
    text
}

/// Workers first, then servers, each by number.
fn order(name: &str) -> (bool, &str, u64) {
    let role = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (role != "worker", role, name[role.len()..].parse().unwrap_or(0))
}

fn cell(event: &Event) -> String {
    let choice = event.choice.map(|choice| format!(" [{choice}]")).unwrap_or_default();
    format!("{}: {} {}{choice}", event.thread, event.label, event.object)
}

/// Returns an event's cell in a lane that may be too narrow: the object's name is cut first, for the label tells most.
fn shortened(event: &Event, width: usize) -> String {
    let text = cell(event);
    let length = text.chars().count();
    if length <= width {
        return text;
    }
    let told = event.thread.chars().count() + event.label.chars().count() + ": ".len();
    let head = if told + 1 < width { told + 1 } else { width * 2 / 3 };
    let head: String = text.chars().take(head).collect();
    let kept = width - 1 - head.chars().count();
    let tail: String = text.chars().skip(length - kept).collect();
    format!("{head}…{tail}")
}

fn turning_point(text: &mut String, index: usize, events: &[Event], needed: usize) {
    if index == needed && needed < events.len() {
        let _ = writeln!(
            text,
            "{:>NUMBER$}now nothing can wake it; the rest only comes to rest",
            ""
        );
    }
}

fn in_lanes(text: &mut String, events: &[Event], processes: &[&str], needed: usize) {
    let widest = |process: &&str| {
        let own = events.iter().filter(|event| event.process == **process);
        own.map(|event| cell(event).chars().count())
            .chain([process.len()])
            .max()
            .unwrap_or(0)
    };
    let widths = share(processes.iter().map(widest).collect());
    let mut heading = format!("{:>5}  ", "");
    for (process, width) in processes.iter().zip(&widths) {
        let _ = write!(heading, "{process:width$}{GAP}");
    }
    let _ = writeln!(text, "{}", heading.trim_end());
    for (index, event) in events.iter().enumerate() {
        turning_point(text, index, events, needed);
        let lane = processes.iter().position(|name| *name == event.process).unwrap_or(0);
        let before: usize = widths[..lane].iter().map(|width| width + GAP.len()).sum();
        let shown = shortened(event, widths[lane]);
        let _ = writeln!(text, "{:>5}  {:before$}{shown}", index + 1, "");
    }
}

/// Widths that fit in a line: those that want more than an even share get what the others leave.
fn share(wanted: Vec<usize>) -> Vec<usize> {
    let mut room = WIDTH_MAX - NUMBER - GAP.len() * wanted.len();
    let mut widths = vec![0; wanted.len()];
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&lane| wanted[lane]);
    for (done, &lane) in order.iter().enumerate() {
        widths[lane] = wanted[lane].min(room / (wanted.len() - done));
        room -= widths[lane];
    }
    widths
}

fn in_list(text: &mut String, events: &[Event], needed: usize) {
    let width = events.iter().map(|event| event.process.len()).max().unwrap_or(0);
    for (index, event) in events.iter().enumerate() {
        turning_point(text, index, events, needed);
        let shown = shortened(event, WIDTH_MAX - NUMBER - width - GAP.len());
        let _ = writeln!(text, "{:>5}  {:width$}{GAP}{shown}", index + 1, event.process);
    }
}

/// Returns the labels of some events with the functions that they stand for, in order of first use.
#[cfg_attr(
    not(feature = "tensorflow"),
    expect(dead_code, reason = "only verdicts on scenarios have one")
)]
pub(super) fn legend(events: &[Event], labels: &BTreeMap<&'static str, &'static Label>) -> String {
    let mut used: Vec<&Label> = Vec::new();
    for event in events {
        if let Some(label) = labels.get(event.label.as_str())
            && !used.contains(label)
        {
            used.push(label);
        }
    }
    let width = |part: fn(&Label) -> &str| used.iter().map(|label| part(label).chars().count()).max().unwrap_or(0);
    let (names, functions) = (width(|label| label.name), width(|label| label.function));
    let mut text = String::new();
    for label in used {
        let _ = writeln!(
            text,
            "  {:names$}  {:functions$}  {}",
            label.name, label.function, label.site
        );
    }
    text
}
