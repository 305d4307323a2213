//! The timeline: one row per event, the lanes beside it, in chunks of which a browser draws only those in sight.

use maud::{Markup, html};

use super::Beside;
use super::help::legend;
use crate::diagnose::{RecordedEvent, Recording};
use crate::machine::Emphasis;
use crate::report::counted;
use crate::report::timeline::{ROW, Timeline, drawing, hue};

/// Rows of a chunk.
const CHUNK: usize = 50;
/// Width of the events' numbers, as in the style sheet; in pixels, like all widths.
const NUMBER: usize = 48;
/// Width of a hundred characters in a row, about.
const HUNDRED_CHARACTERS: usize = 725;
/// Between two columns.
const COLUMN_GAP: usize = 18;
/// Width of the trace's column.
const REAL: usize = 360;

/// The notes of a row, beside the event itself.
#[derive(Default)]
pub(super) struct Notes {
    /// The races that the event belongs to, as in `race 1`.
    pub(super) races: Vec<String>,
    /// The trace's event there: when, and what.
    pub(super) real: Option<(String, String)>,
}

/// Returns the section, with what steps through it and what stands beside it.
pub(super) fn section(
    timeline: &Timeline<'_>,
    notes: &[Notes],
    no_return: Option<usize>,
    beside: Option<&Beside<'_>>,
) -> Markup {
    let last = timeline.recording.events.len();
    html! {
        section #timeline {
            h2 { "Timeline" }
            p.lead {
                (counted(last, "event")) ", one a row. A lane is a thread; threads that do not live at the same time share one. Step with "
                kbd { "←" } " " kbd { "→" } " or click a row: the state of every object after that event stands beside it."
            }
            @if let Some(beside) = beside { (beside.lead()) }
            (legend())
            div #stage {
                (toolbar(last, !timeline.marked.is_empty()))
                div.stage style=(widths(timeline, beside.is_some())) {
                    div.scroller #scroller tabindex="0" role="listbox" aria-label="Events" {
                        (rows(timeline, notes, no_return, beside.is_some()))
                    }
                    (inspector())
                }
            }
        }
    }
}

fn toolbar(last: usize, has_races: bool) -> Markup {
    html! {
        div.toolbar role="toolbar" aria-label="Steps" aria-controls="scroller" {
            button #first type="button" title="Before the first event (Home)" aria-label="Before the first event" { (icon("M4 3v10M13 3L6 8l7 5z")) }
            button #previous type="button" title="One event back (←)" aria-label="One event back" { (icon("M11 3L4 8l7 5z")) }
            output #position aria-live="polite" { "0 of " (last) }
            button #next type="button" title="One event on (→)" aria-label="One event on" { (icon("M5 3l7 5l-7 5z")) }
            button #last type="button" title="The last event (End)" aria-label="The last event" { (icon("M12 3v10M3 3l7 5l-7 5z")) }
            input #slider type="range" min="0" max=(last) value="0" aria-label="Event";
            button.optional #next-mark type="button" title="The next event of a race (r)" disabled[!has_races] { "Next race" }
            button #show-help type="button" title="Keys (?)" aria-label="Keys" aria-haspopup="dialog" { "?" }
        }
    }
}

fn icon(path: &str) -> Markup {
    html! { svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" { path d=(path) {} } }
}

fn inspector() -> Markup {
    html! {
        aside.inspector aria-label="State after the event" tabindex="0" {
            div #event {}
            div #held {}
            h4 { "Objects" small { "after this event" } }
            div.filter {
                input #filter type="search" placeholder="filter by name or state" aria-label="Filter objects";
                label { input #only-changed type="checkbox"; " changed only" }
            }
            div #objects { noscript { "The states need JavaScript." } }
        }
    }
}

/// Returns the widths of the lanes and of the columns, which follow the longest text, within reason.
fn widths(timeline: &Timeline<'_>, traced: bool) -> String {
    let recording = timeline.recording;
    let width = |text: &dyn Fn(&RecordedEvent) -> usize, most: usize| {
        let longest = recording.events.iter().map(text).max().unwrap_or(0);
        longest.min(most) * HUNDRED_CHARACTERS / 100 + COLUMN_GAP
    };
    // A choice takes four characters more.
    let label = width(&|event| event.label.name.len() + 4, 34);
    let object = width(&|event| recording.objects[event.object].name.chars().count(), 34);
    let thread = width(
        &|event| {
            let thread = &recording.threads[event.thread];
            recording.processes[thread.process].len() + 1 + thread.name.chars().count()
        },
        46,
    );
    let real = if traced { REAL } else { 0 };
    let before = NUMBER + label + real;
    let lanes = timeline.width;
    format!(
        "--before:{before}px;--lanes:{lanes}px;--label:{label}px;--object:{object}px;--thread:{thread}px;--real:{real}px"
    )
}

/// Returns the names of the processes, and all rows.
fn rows(timeline: &Timeline<'_>, notes: &[Notes], no_return: Option<usize>, traced: bool) -> Markup {
    let last = timeline.recording.events.len();
    html! {
        div.heads {
            span.n { "#" } span.what { "label" }
            @if traced { span.real { "trace" } }
            span.object { "object" } span.who { "thread" }
            @for (process, group) in timeline.groups.iter().enumerate() {
                b class=(hue(process)) style={ "--group:" (group.left + 4) "px;width:" (group.width) "px" } {
                    (timeline.recording.processes[process])
                }
            }
        }
        @for first in (1..=last).step_by(CHUNK) {
            @let rows = first..=last.min(first + CHUNK - 1);
            @let (top, height) = ((first - 1) * ROW, (rows.end() + 1 - first) * ROW);
            div.chunk style={ "--height:" (height) "px" } {
                svg aria-hidden="true" width=(timeline.width) height=(height) viewBox={ "0 " (top) " " (timeline.width) " " (height) } {
                    @for (process, group) in timeline.groups.iter().enumerate() {
                        rect class={ "band " (hue(process)) } x=(group.left) y=(top) width=(group.width) height=(height) {}
                    }
                    (drawing(timeline, &rows))
                }
                @for number in rows {
                    (row(timeline.recording, number, &notes[number - 1], no_return, traced))
                }
            }
        }
    }
}

fn row(recording: &Recording, number: usize, notes: &Notes, no_return: Option<usize>, traced: bool) -> Markup {
    let event = &recording.events[number - 1];
    let thread = &recording.threads[event.thread];
    let switched = number > 1 && recording.events[number - 2].thread != event.thread;
    let mut class = String::from("row");
    for (is, name) in [
        (switched, " switch"),
        (event.emphasis == Some(Emphasis::Abort), " abort"),
        (event.emphasis == Some(Emphasis::Cancel), " cancel"),
        (!notes.races.is_empty(), " race"),
        (no_return == Some(number), " turn"),
        (no_return.is_some_and(|turn| number > turn), " over"),
    ] {
        if is {
            class.push_str(name);
        }
    }
    html! {
        div class=(class) id={ "e" (number) } data-n=(number) role="option" aria-selected="false" {
            span.n { (number) }
            span.what {
                (event.label.name)
                @if let Some(choice) = event.choice { " [" (choice) "]" }
                @match event.emphasis {
                    Some(Emphasis::Abort) => { span.unseen { ", an abort" } }
                    Some(Emphasis::Cancel) => { span.unseen { ", a cancel" } }
                    None => {}
                }
            }
            @if traced {
                span.real { @if let Some((when, what)) = &notes.real { b { (what) } " " (when) } }
            }
            span.object { (recording.objects[event.object].name) }
            span class={ "who " (hue(thread.process)) } { (recording.processes[thread.process]) " " (thread.name) }
            span.badges {
                @for race in &notes.races { span class="badge race" { (race) } }
                @if no_return == Some(number) { span class="badge lost" { "no return after this" } }
            }
        }
    }
}
