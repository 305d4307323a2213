//! A recording in Chrome's trace format, as Perfetto opens it: one process per task, one track per thread, one arrow per message. Time is
//! logical: event number n lasts from n to n + 1 microseconds.

use serde::Serialize;

use crate::diagnose::{Explanation, Fate, Recording};
use crate::machine::Emphasis;

/// The whole file.
#[derive(Clone, PartialEq, Debug)]
pub struct ChromeTrace {
    /// Records in any order.
    pub events: Vec<TraceRecord>,
}

/// One record. Fields as in the format's description ("Trace Event Format").
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct TraceRecord {
    /// Text that is shown.
    pub name: String,
    /// Category.
    #[serde(rename = "cat", skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    /// `M` metadata, `X` a slice, `s` and `f` the ends of an arrow, `i` a moment.
    #[serde(rename = "ph")]
    pub phase: char,
    /// Microseconds.
    #[serde(rename = "ts", skip_serializing_if = "Option::is_none")]
    pub time: Option<usize>,
    /// Microseconds.
    #[serde(rename = "dur", skip_serializing_if = "Option::is_none")]
    pub duration: Option<usize>,
    /// The process, from 1.
    #[serde(rename = "pid")]
    pub process: usize,
    /// The thread, from 1.
    #[serde(rename = "tid")]
    pub thread: usize,
    /// The `s` that an `f` belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<usize>,
    /// `e`: an arrow ends at the slice around it.
    #[serde(rename = "bp", skip_serializing_if = "Option::is_none")]
    pub binding: Option<char>,
    /// `g`: a moment of all processes.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub scope: Option<char>,
    /// Arguments that are shown beside it.
    #[serde(rename = "args", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Arguments>,
}

/// Arguments that are shown beside a record.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Arguments {
    /// The name of a process or a thread.
    Name {
        /// The name.
        name: String,
    },
    /// The place where a process or a thread stands among the others.
    Order {
        /// The place.
        sort_index: usize,
    },
    /// The arguments of an event.
    Event {
        /// The object that it touches.
        object: String,
        /// The function of the original.
        function: &'static str,
        /// The place where that stands.
        site: &'static str,
        /// Its outcome, where it has several.
        #[serde(skip_serializing_if = "Option::is_none")]
        choice: Option<u32>,
        /// Number of other threads that could have run.
        others: usize,
    },
}

impl ChromeTrace {
    /// Returns the trace of a recording; the point of no return is a moment in it, where there is an explanation.
    pub fn of(recording: &Recording, explanation: Option<&Explanation>) -> Self {
        let no_return = explanation.map(|explanation| explanation.no_return.known_from());
        let mut events = names(recording);
        events.extend(slices(recording));
        events.extend(arrows(recording));
        events.extend(no_return.map(|number| TraceRecord {
            scope: Some('g'),
            ..record('i', "no return after this".to_owned(), Some(number + 1), (1, 0))
        }));
        Self { events }
    }

    /// Returns the file's text: one record per line.
    pub fn json(&self) -> String {
        let records: Vec<String> = self
            .events
            .iter()
            .map(|record| serde_json::to_string(record).expect("numbers and texts are JSON"))
            .collect();
        format!("{{\"traceEvents\":[\n{}\n]}}\n", records.join(",\n"))
    }
}

fn record(phase: char, name: String, time: Option<usize>, (process, thread): (usize, usize)) -> TraceRecord {
    TraceRecord {
        name,
        phase,
        time,
        process,
        thread,
        ..TraceRecord::default()
    }
}

/// Process and thread of a track.
fn track(recording: &Recording, thread: usize) -> (usize, usize) {
    (recording.threads[thread].process + 1, thread + 1)
}

fn names(recording: &Recording) -> Vec<TraceRecord> {
    let mut records = Vec::new();
    let mut name = |what: &str, arguments, track| {
        records.push(TraceRecord {
            arguments: Some(arguments),
            ..record('M', what.to_owned(), None, track)
        });
    };
    for (process, task) in recording.processes.iter().enumerate() {
        let track = (process + 1, 0);
        name("process_name", Arguments::Name { name: task.clone() }, track);
        name("process_sort_index", Arguments::Order { sort_index: process }, track);
    }
    for (thread, info) in recording.threads.iter().enumerate() {
        let track = track(recording, thread);
        let named = info.name.clone();
        name("thread_name", Arguments::Name { name: named }, track);
        name("thread_sort_index", Arguments::Order { sort_index: thread }, track);
    }
    records
}

fn slices(recording: &Recording) -> Vec<TraceRecord> {
    let numbered = recording.events.iter().enumerate();
    numbered
        .map(|(index, event)| TraceRecord {
            category: Some(match event.emphasis {
                Some(Emphasis::Abort) => "abort",
                Some(Emphasis::Cancel) => "cancel",
                None => "label",
            }),
            duration: Some(1),
            arguments: Some(Arguments::Event {
                object: recording.objects[event.object].name.clone(),
                function: event.label.function,
                site: event.label.site,
                choice: event.choice,
                others: event.others.len(),
            }),
            ..record(
                'X',
                event.label.name.to_owned(),
                Some(index + 1),
                track(recording, event.thread),
            )
        })
        .collect()
}

/// Messages that were taken: an arrow has two ends.
fn arrows(recording: &Recording) -> Vec<TraceRecord> {
    let mut records = Vec::new();
    for (index, frame) in recording.frames.iter().enumerate() {
        let Fate::Taken(taken) = frame.fate else { continue };
        let mut end = |phase, number: usize, binding| {
            let thread = recording.events[number - 1].thread;
            records.push(TraceRecord {
                category: Some("message"),
                id: Some(index + 1),
                binding,
                ..record(phase, frame.name.clone(), Some(number), track(recording, thread))
            });
        };
        end('s', frame.sent, None);
        end('f', taken, Some('e'));
    }
    records
}
