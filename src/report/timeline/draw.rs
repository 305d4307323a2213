//! A timeline's lanes as SVG: only shapes with classes, so that a style sheet decides what they look like.

use std::fmt::Write;
use std::ops::RangeInclusive;

use maud::{Markup, html};

use super::{Message, ROW, Timeline};
use crate::diagnose::Fate;
use crate::machine::{Emphasis, FrameKind};

/// The roundness of the corner of a message is.
const CORNER: usize = 7;
/// Half the size of an event's mark.
const MARK: usize = 4;
/// Half the size of the ring around an event of a race.
const RING: usize = 8;

/// Returns the height of the middle of an event's row; of the upper edge of the first row for 0.
fn middle(number: usize) -> usize {
    if number == 0 { 0 } else { number * ROW - ROW / 2 }
}

/// Returns the marks of the events with these numbers, and what of lives, locks and messages passes by. Heights count from the first event
/// of all, so that the drawings of several ranges fit together.
pub(crate) fn drawing(timeline: &Timeline<'_>, rows: &RangeInclusive<usize>) -> Markup {
    html! {
        (locks(timeline, rows))
        (lives(timeline, rows))
        (messages(timeline, rows))
        (events(timeline, rows))
    }
}

/// Returns true if something that lasts from one event to another is to be seen in these rows.
fn passes(rows: &RangeInclusive<usize>, from: usize, to: usize) -> bool {
    from <= *rows.end() && to + 1 >= *rows.start()
}

/// Threads that live: one path for those of a process that can run, one for those that wait.
fn lives(timeline: &Timeline<'_>, rows: &RangeInclusive<usize>) -> Markup {
    let mut paths = vec![[String::new(), String::new()]; timeline.groups.len()];
    for life in &timeline.lives {
        // What is far away is cut, so that long lives cost no more than short ones.
        let (from, to) = (life.from.max(rows.start() - 1), life.to.min(rows.end() + 1));
        if from < to {
            let process = timeline.lanes[life.thread].process;
            let path = &mut paths[process][usize::from(!life.ready)];
            let _ = write!(path, "M{} {}V{}", timeline.x(life.thread), middle(from), middle(to));
        }
    }
    html! {
        @for (process, [ready, waits]) in paths.iter().enumerate() {
            @if !ready.is_empty() { path class={ "life " (hue(process)) } d=(ready) {} }
            @if !waits.is_empty() { path class={ "life waits " (hue(process)) } d=(waits) {} }
        }
    }
}

fn locks(timeline: &Timeline<'_>, rows: &RangeInclusive<usize>) -> Markup {
    let mut path = String::new();
    let last = timeline.recording.events.len();
    for lock in &timeline.recording.locks {
        let to = lock.to.unwrap_or(last);
        if passes(rows, lock.from, to) {
            let _ = write!(
                path,
                "M{} {}V{}",
                timeline.x(lock.thread),
                middle(lock.from),
                middle(to)
            );
        }
    }
    html! { @if !path.is_empty() { path class="held" d=(path) {} } }
}

/// Returns each message leaves its sender at once and then waits at the receiver's lane until it is taken.
fn messages(timeline: &Timeline<'_>, rows: &RangeInclusive<usize>) -> Markup {
    let shown = timeline
        .messages
        .iter()
        .filter(|message| passes(rows, message.sent, message.until));
    html! { @for message in shown { (arrow(timeline, message)) } }
}

fn arrow(timeline: &Timeline<'_>, message: &Message) -> Markup {
    let frame = &timeline.recording.frames[message.frame];
    let kind = match frame.kind {
        FrameKind::Reset => " reset",
        FrameKind::Request | FrameKind::Response => "",
    };
    let (x, top, end) = (message.to, middle(message.sent), middle(message.until));
    let start = format!("M{} {top}", message.from);
    let turn = if x > message.from { x - CORNER } else { x + CORNER };
    let down = format!("{start}H{turn}Q{x} {top} {x} {}", top + CORNER);
    html! {
        @match frame.fate {
            Fate::Taken(_) => {
                path class={ "message" (kind) } d={ (down) "V" (end - MARK - 4) } {}
                path class={ "head" (kind) } d={ "M" (x - 4) " " (end - MARK - 7) "h8l-4 7z" } {}
            }
            Fate::Waiting => { path class="message lost" d={ (down) "V" (end) } {} }
            Fate::Ignored => {
                path class={ "message" (kind) } d={ (start) "H" (x) } {}
                path class="dropped" d={ "M" (x - 4) " " (top - 4) "l8 8m0 -8l-8 8" } {}
            }
        }
    }
}

fn events(timeline: &Timeline<'_>, rows: &RangeInclusive<usize>) -> Markup {
    let recording = timeline.recording;
    let numbers = rows
        .clone()
        .filter(|number| (1..=recording.events.len()).contains(number));
    html! {
        @for number in numbers {
            @let event = &recording.events[number - 1];
            @let (x, y) = (timeline.x(event.thread), middle(number));
            @let own = hue(timeline.lanes[event.thread].process);
            @if timeline.marked.contains(&number) { circle class="ring" cx=(x) cy=(y) r=(RING) {} }
            @match event.emphasis {
                Some(Emphasis::Abort) => { rect class={ "event abort " (own) } x=(x - MARK - 1) y=(y - MARK - 1) width=(2 * MARK + 2) height=(2 * MARK + 2) {} }
                Some(Emphasis::Cancel) => { path class={ "event cancel " (own) } d={ "M" (x) " " (y - MARK - 2) "l" (MARK + 2) " " (MARK + 2) "l-" (MARK + 2) " " (MARK + 2) "l-" (MARK + 2) "-" (MARK + 2) "z" } {} }
                None => { circle class={ "event " (own) } cx=(x) cy=(y) r=(MARK) {} }
            }
        }
    }
}

/// Returns the colour of a process, as a class.
pub(crate) fn hue(process: usize) -> String {
    format!("p{}", process % 8)
}
