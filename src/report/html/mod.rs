//! The explanation of a schedule as one HTML page: nothing is loaded, everything is in it. Without its script it is a document that
//! reads and prints from top to bottom; the script steps through the timeline and shows the state of every object.

#[cfg_attr(not(feature = "tensorflow"), path = "no_trace.rs")]
mod beside;
mod data;
mod help;
mod picture;
mod races;
mod runs;
mod timeline;
mod waits;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{counted, grouped};
use crate::diagnose::{Explanation, NoReturn, Recording};
use crate::report::timeline::Timeline;
use crate::schedule::{Schedule, Subject};

pub use beside::Beside;
use timeline::Notes;

const STYLE: &str = concat!(include_str!("page/page.css"), include_str!("page/timeline.css"));
/// The parts of the script share one scope.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("page/state.js"),
    include_str!("page/rows.js"),
    include_str!("page/lanes.js"),
    include_str!("page/inspector.js"),
    include_str!("page/otherwise.js"),
    include_str!("page/page.js"),
    "})();\n"
);

/// The contents of a page.
#[derive(Debug)]
pub struct Page<'a> {
    /// The schedule that ran.
    pub schedule: &'a Schedule,
    /// The whole recording of the run.
    pub recording: &'a Recording,
    /// The reason why it hangs, if it does. Its recording is the one above.
    pub explanation: Option<&'a Explanation>,
    /// The trace of the real runtime that the schedule conforms to.
    pub beside: Option<Beside<'a>>,
}

impl Page<'_> {
    /// Returns the page's file.
    pub fn html(&self) -> String {
        let title = self.title();
        let marked = self.explanation.map(Explanation::decisive).unwrap_or_default();
        let timeline = Timeline::of(self.recording, marked);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " – lastbatch" }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#timeline" { "Skip to the timeline" }
                    (self.masthead(&title))
                    (self.contents())
                    main {
                        @if let Some(explanation) = self.explanation {
                            (picture::picture(explanation))
                            (waits::waits(explanation))
                            (story(explanation))
                            (races::races(explanation))
                        }
                        (self.timeline(&timeline))
                        (self.text())
                    }
                    (help::dialog())
                    script type="application/json" id="data" { (PreEscaped(data::data(&timeline, self.explanation))) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }

    /// Returns what the page says first.
    pub fn title(&self) -> String {
        match self.explanation {
            Some(explanation) => format!("{} never returns", explanation.client),
            None => format!("A run of {}", self.schedule.header.name()),
        }
    }

    fn masthead(&self, title: &str) -> Markup {
        let header = &self.schedule.header;
        let threads: Vec<usize> = self.recording.events.iter().map(|event| event.thread).collect();
        let switches = threads.windows(2).filter(|pair| pair[0] != pair[1]).count();
        html! {
            header.masthead {
                h1 { (title) }
                p.subject {
                    @if let Some(explanation) = self.explanation { span { "signature " code { (explanation.signature.id()) } } }
                    @match &header.subject {
                        Subject::Model(name) => { span { "model " code { (name) } } }
                        Subject::Scenario(header) => {
                            span { "scenario " code { (header.scenario) } }
                            span { "variant " code { (header.variant) } }
                            span { "slice " code { (header.slice) } }
                        }
                    }
                    @if let Some(beside) = &self.beside { span { "trace " code { (beside.file()) } } }
                }
                dl.figures {
                    (figure("events", &grouped(self.recording.events.len() as u64)))
                    (figure("context switches", &grouped(switches as u64)))
                    (figure("messages", &grouped(self.recording.frames.len() as u64)))
                    @if let Some(explanation) = self.explanation {
                        (figure("no return after", &no_return(explanation.no_return)))
                        (figure("decisive races", &(explanation.races.len() + explanation.outcomes.len()).to_string()))
                        @if let Some(minimised) = explanation.minimised.filter(|minimised| minimised.events_before > minimised.events_after) {
                            (figure("events before minimising", &grouped(minimised.events_before as u64)))
                        }
                    }
                }
            }
        }
    }

    fn contents(&self) -> Markup {
        html! {
            nav.contents aria-label="Contents" {
                @if self.explanation.is_some() {
                    a href="#picture" { "How it came to hang" }
                    a href="#waits" { "Who waits for whom" }
                    a href="#story" { "In words" }
                    a href="#races" { "Decisive races" }
                }
                a href="#timeline" { "Timeline" }
                a href="#schedule" { "Schedule" }
            }
        }
    }

    fn timeline(&self, timeline: &Timeline<'_>) -> Markup {
        let mut notes: Vec<Notes> = self.recording.events.iter().map(|_| Notes::default()).collect();
        if let Some(explanation) = self.explanation {
            for (index, race) in explanation.races.iter().enumerate() {
                for number in [race.first, race.second] {
                    notes[number - 1].races.push(format!("race {}", index + 1));
                }
            }
            for outcome in &explanation.outcomes {
                notes[outcome.event - 1].races.push("outcome".to_owned());
            }
        }
        if let Some(beside) = &self.beside {
            beside.note(&mut notes);
        }
        let no_return = self.explanation.map(|explanation| explanation.no_return.known_from());
        timeline::section(timeline, &notes, no_return, self.beside.as_ref())
    }

    fn text(&self) -> Markup {
        html! {
            section #schedule {
                h2 { "Schedule" }
                p.lead { "What " code { "lastbatch replay" } " runs again: one event per line." }
                details.text.card {
                    summary { (counted(self.schedule.events.len(), "event")) " as a file" }
                    pre tabindex="0" { (self.schedule) }
                }
            }
        }
    }
}

fn figure(what: &str, value: &str) -> Markup {
    html! { div { dt { (what) } dd { (value) } } }
}

fn no_return(no_return: NoReturn) -> String {
    match no_return {
        NoReturn::Event(0) => "the beginning".to_owned(),
        NoReturn::Event(number) => format!("event {number}"),
        NoReturn::Between(after, by) => format!("event {after} to {by}"),
    }
}

/// Returns the hang in words, for who wants to quote it: all of it stands in the picture and in the graph as well.
fn story(explanation: &Explanation) -> Markup {
    html! {
        section #story {
            details.text.card {
                summary { "The same in words" }
                div.story { @for paragraph in &explanation.story { p { (paragraph) } } }
            }
        }
    }
}
