//! A schedule in columns.

use std::fmt::Write;

use super::{View, wrapped};
use crate::machine::Event;

/// The width that lanes may have where no terminal sets one.
const WIDTH_IN_PIPES: usize = 120;
/// Between two lanes.
const GAP: usize = 2;
/// Each line begins with the event's number.
const NUMBER: usize = 7;

/// Returns the events as one line each. Each process has a lane of its own if that leaves every event whole; else the process is named
/// in a column. After `needed` events a line says that the client can't return any more.
pub(crate) fn lanes(events: &[Event], needed: usize, view: &View) -> String {
    let mut processes: Vec<&str> = Vec::new();
    for event in events {
        if !processes.contains(&event.process.as_str()) {
            processes.push(&event.process);
        }
    }
    processes.sort_by_key(|name| order(name));
    let widths: Vec<usize> = processes.iter().map(|process| widest(events, process)).collect();
    let room = view.width.map_or(WIDTH_IN_PIPES, usize::from);
    let all = widths.iter().map(|width| width + GAP).sum::<usize>();
    let (heading, rows) = if NUMBER + all <= room + GAP {
        in_lanes(events, &processes, &widths)
    } else {
        (String::new(), in_list(events, view))
    };
    let mut text = heading;
    for (index, row) in rows.iter().enumerate() {
        if index == needed {
            let _ = writeln!(
                text,
                "{:NUMBER$}now nothing can wake it; the rest only comes to rest",
                ""
            );
        }
        let _ = writeln!(text, "{row}");
    }
    text
}

/// Returns the columns that the lane of a process needs.
fn widest(events: &[Event], process: &str) -> usize {
    let own = events.iter().filter(|event| event.process == process);
    let cells = own.map(|event| cell(event).chars().count());
    cells.chain([process.chars().count()]).max().unwrap_or(0)
}

/// Workers first, then servers, each by number.
fn order(name: &str) -> (bool, &str, u64) {
    let role = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (role != "worker", role, name[role.len()..].parse().unwrap_or(0))
}

fn cell(event: &Event) -> String {
    format!("{}: {}", event.thread, operation(event))
}

fn operation(event: &Event) -> String {
    let choice = event.choice.map(|choice| format!(" [{choice}]")).unwrap_or_default();
    format!("{} {}{choice}", event.label, event.object)
}

fn in_lanes(events: &[Event], processes: &[&str], widths: &[usize]) -> (String, Vec<String>) {
    let mut heading = format!("{:NUMBER$}", "");
    for (process, width) in processes.iter().zip(widths) {
        let _ = write!(heading, "{process:width$}{:GAP$}", "");
    }
    let row = |(index, event): (usize, &Event)| {
        let lane = processes.iter().position(|name| *name == event.process).unwrap_or(0);
        let before: usize = widths[..lane].iter().map(|width| width + GAP).sum();
        format!("{:>5}  {:before$}{}", index + 1, "", cell(event))
    };
    (
        format!("{}\n", heading.trim_end()),
        events.iter().enumerate().map(row).collect(),
    )
}

/// Returns the events with their process and thread in columns. What runs stands behind them, or below where there is no room for it.
fn in_list(events: &[Event], view: &View) -> Vec<String> {
    let width = |part: fn(&Event) -> &str| {
        let parts = events.iter().map(|event| part(event).chars().count());
        parts.max().unwrap_or(0)
    };
    let (processes, threads) = (width(|event| &event.process), width(|event| &event.thread));
    let operations = events.iter().map(|event| operation(event).chars().count()).max();
    let before = NUMBER + processes + GAP + threads + GAP;
    let room = view.width.map_or(usize::MAX, usize::from);
    let beside = before + operations.unwrap_or(0) <= room;
    let row = |(index, event): (usize, &Event)| {
        let Event { process, thread, .. } = event;
        let mut line = format!("{:>5}  {process:processes$}{:GAP$}", index + 1, "");
        if beside {
            let _ = write!(line, "{thread:threads$}{:GAP$}{}", "", operation(event));
            return line;
        }
        line.push_str(thread);
        let indent = NUMBER + processes + GAP * 2;
        for part in wrapped(&operation(event), room.saturating_sub(indent)) {
            let _ = write!(line, "\n{:indent$}{part}", "");
        }
        line
    };
    events.iter().enumerate().map(row).collect()
}
