//! The timeline: one row per event, and room beside it for the lanes, which the script draws.

use maud::{Markup, PreEscaped, html};

use super::Beside;
use super::help::legend;
use crate::diagnose::Recording;
use crate::machine::Emphasis;
use crate::report::counted;
use crate::report::timeline::{Timeline, hue};

/// Rows of a chunk. A browser draws only the chunks in sight.
const CHUNK: usize = 50;

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
                (counted(last, "event")) ", first to last, and one lane per thread. Step with " kbd { "←" } " " kbd { "→" }
                " or click a row: the state of every object after that event stands beside it. Click the name of a process to fold its lanes."
            }
            @if let Some(beside) = beside { (beside.lead()) }
            (legend())
            div #stage {
                (toolbar(last, !timeline.marked.is_empty()))
                div.stage.traced[beside.is_some()] {
                    div.scroller #scroller tabindex="0" role="listbox" aria-label="Events" {
                        (rows(timeline, notes, no_return, beside.is_some()))
                    }
                    div.map #map aria-hidden="true" { div #map-view {} }
                    (inspector())
                }
            }
        }
    }
}

fn toolbar(last: usize, has_races: bool) -> Markup {
    html! {
        div.toolbar role="toolbar" aria-label="Steps" aria-controls="scroller" {
            div.tools {
                button #first type="button" title="Before the first event (Home)" aria-label="Before the first event" { (icon("M4 3v10M13 3L6 8l7 5z")) }
                button #previous type="button" title="One event back (←)" aria-label="One event back" { (icon("M11 3L4 8l7 5z")) }
                output #position aria-live="polite" { "0 of " (last) }
                button #next type="button" title="One event on (→)" aria-label="One event on" { (icon("M5 3l7 5l-7 5z")) }
                button #last type="button" title="The last event (End)" aria-label="The last event" { (icon("M12 3v10M3 3l7 5l-7 5z")) }
                input #slider type="range" min="0" max=(last) value="0" aria-label="Event";
                button #next-mark type="button" title="The next event of a race (r)" disabled[!has_races] { "Next race" }
            }
            div.tools {
                input #find type="search" placeholder="find events: label, object, thread, words" aria-label="Find events";
                output #found aria-live="polite" {}
                label title="Hide what does not match" { input #only type="checkbox"; " only these" }
                button #fold type="button" aria-pressed="false" title="One row for consecutive events of one thread (f)" { "Fold runs" }
                button #show-help type="button" title="Keys (?)" aria-label="Keys" aria-haspopup="dialog" { "?" }
            }
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
            div #objects { noscript { "The lanes and the states need JavaScript." } }
        }
    }
}

/// Returns the heads of the columns, and all rows.
fn rows(timeline: &Timeline<'_>, notes: &[Notes], no_return: Option<usize>, traced: bool) -> Markup {
    let last = timeline.recording.events.len();
    html! {
        div.heads {
            span.n { "#" } div.groups #groups {} span.told { "event" }
            @if traced { span.real { "trace" } }
        }
        @for first in (1..=last).step_by(CHUNK) {
            @let rows = first..=last.min(first + CHUNK - 1);
            div.chunk style={ "--rows:" (rows.end() + 1 - first) } {
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
    html! {
        div class=(class(recording, number, notes, no_return)) id={ "e" (number) } data-n=(number) role="option" aria-selected="false" {
            span.n { (number) }
            span.told {
                span.line {
                    span.what {
                        (event.label.name)
                        @if let Some(choice) = event.choice { " [" (choice) "]" }
                        @match event.emphasis {
                            Some(Emphasis::Abort) => { span.unseen { ", an abort" } }
                            Some(Emphasis::Cancel) => { span.unseen { ", a cancel" } }
                            None => {}
                        }
                    }
                    span.object { (recording.objects[event.object].name) }
                    span.badges {
                        @for race in &notes.races { span class="badge race" { (race) } }
                        @if no_return == Some(number) { span class="badge lost" { "no return after this" } }
                    }
                }
                span.line {
                    span class={ "who " (hue(thread.process)) } { (recording.processes[thread.process]) " " (thread.name) }
                    span.words { (event.words) }
                }
            }
            @if traced {
                span.real { @if let Some((when, what)) = &notes.real { b { (what) } (PreEscaped("<br>")) (when) } }
            }
        }
    }
}

fn class(recording: &Recording, number: usize, notes: &Notes, no_return: Option<usize>) -> String {
    let event = &recording.events[number - 1];
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
    class
}
