//! The data that the page's script shows, as JSON: every text once, states as changes.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::runs::{DataRun, runs};
use crate::diagnose::{Explanation, Fate, HeldLock, Recording};
use crate::machine::{Emphasis, FrameKind, Label};
use crate::report::timeline::Timeline;

/// A text's place in [`Data::strings`]; -1: the object is not there.
pub(super) type Text = i64;

/// See `page/state.js`, which reads this.
#[derive(Serialize)]
struct Data<'a> {
    strings: Vec<&'a str>,
    processes: Vec<Text>,
    /// Number of lanes of each process.
    columns: Vec<usize>,
    /// Process, name, the same in plain words, and the lane among those of its process.
    threads: Vec<(usize, Text, Text, usize)>,
    /// Thread, the events between which it is so, and whether it can run.
    lives: Vec<(usize, usize, usize, bool)>,
    /// Process and name.
    objects: Vec<(usize, Text)>,
    /// Objects in the order in which they are shown: by process.
    order: Vec<usize>,
    /// Name, function, site, and the address of its source or -1.
    labels: Vec<[Text; 4]>,
    /// Objects with their states before the first event.
    initial: Vec<(usize, Text)>,
    /// Threads that can run before the first event.
    ready: &'a [usize],
    events: Vec<DataEvent>,
    messages: Vec<DataMessage>,
    locks: &'a [HeldLock],
    /// Numbers of the events of races.
    marks: &'a BTreeSet<usize>,
    /// The event after which nothing helps, if there is one.
    turn: Option<usize>,
    /// Whoever waits for ever.
    client: Option<Text>,
    /// The other order of each race, then the other outcome of each label.
    runs: Vec<DataRun>,
}

#[derive(Serialize)]
struct DataEvent {
    thread: usize,
    label: usize,
    object: usize,
    /// Effect of the event, in plain words.
    words: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emphasis: Option<&'static str>,
    changes: Vec<(usize, Text)>,
    /// Threads that can run after it and could not before.
    started: Vec<usize>,
    /// Threads that could run before it and cannot after.
    stopped: Vec<usize>,
}

#[derive(Serialize)]
struct DataMessage {
    name: Text,
    to: usize,
    sent: usize,
    taken: Option<usize>,
    /// Nobody waited for it.
    ignored: bool,
    /// It takes a request back.
    reset: bool,
}

/// Texts and labels by their places.
#[derive(Default)]
pub(super) struct Texts<'a> {
    strings: Vec<&'a str>,
    places: HashMap<&'a str, Text>,
    labels: Vec<&'static Label>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(&mut self, text: &'a str) -> Text {
        *self.places.entry(text).or_insert_with(|| {
            self.strings.push(text);
            self.strings.len() as Text - 1
        })
    }

    pub(super) fn label(&mut self, label: &'static Label) -> usize {
        let known = self.labels.iter().position(|known| *known == label);
        known.unwrap_or_else(|| {
            self.labels.push(label);
            self.labels.len() - 1
        })
    }
}

/// Returns the JSON of a recording, safe inside a `script` element.
pub(super) fn data(timeline: &Timeline<'_>, explanation: Option<&Explanation>) -> String {
    let recording = timeline.recording;
    let mut texts = Texts::default();
    let mut order: Vec<usize> = (0..recording.objects.len()).collect();
    order.sort_by_key(|&object| (recording.objects[object].process, object));
    let events = events(recording, &mut texts);
    let runs = explanation.map(|explanation| runs(explanation, &mut texts));
    let threads = recording.threads.iter().zip(&timeline.lanes);
    let data = Data {
        processes: recording.processes.iter().map(|name| texts.of(name)).collect(),
        columns: timeline.groups.iter().map(|group| group.columns).collect(),
        threads: threads
            .map(|(thread, lane)| {
                (
                    thread.process,
                    texts.of(&thread.name),
                    texts.of(&thread.words),
                    lane.column,
                )
            })
            .collect(),
        lives: timeline
            .lives
            .iter()
            .map(|life| (life.thread, life.from, life.to, life.ready))
            .collect(),
        objects: recording
            .objects
            .iter()
            .map(|object| (object.process, texts.of(&object.name)))
            .collect(),
        order,
        initial: recording
            .initial
            .iter()
            .map(|(object, value)| (*object, texts.of(value)))
            .collect(),
        ready: &recording.ready,
        messages: messages(recording, &mut texts),
        locks: &recording.locks,
        marks: &timeline.marked,
        turn: explanation.map(|explanation| explanation.no_return.known_from()),
        client: explanation.map(|explanation| texts.of(&explanation.client)),
        runs: runs.unwrap_or_default(),
        events,
        labels: labels(recording, explanation, &mut texts),
        strings: texts.strings,
    };
    let json = serde_json::to_string(&data).expect("numbers and texts are JSON");
    // "</script>" inside a text would end the element.
    json.replace('<', "\\u003c")
}

/// Returns the labels that were met, those of other runs too.
fn labels<'a>(recording: &'a Recording, explanation: Option<&'a Explanation>, texts: &mut Texts<'a>) -> Vec<[Text; 4]> {
    let others = explanation.into_iter().flat_map(Explanation::other_runs);
    let sources: Vec<_> = [recording].into_iter().chain(others).map(|run| &run.sources).collect();
    let labels = texts.labels.clone();
    labels
        .into_iter()
        .map(|label| {
            let address = sources.iter().find_map(|sources| sources.get(label.name));
            let [name, function, site] = [label.name, label.function, label.site].map(|text| texts.of(text));
            [name, function, site, address.map_or(-1, |address| texts.of(address))]
        })
        .collect()
}

fn messages<'a>(recording: &'a Recording, texts: &mut Texts<'a>) -> Vec<DataMessage> {
    let frames = recording.frames.iter();
    let message = |frame: &'a crate::diagnose::RecordedFrame| DataMessage {
        name: texts.of(&frame.name),
        to: frame.to,
        sent: frame.sent,
        taken: match frame.fate {
            Fate::Taken(number) => Some(number),
            Fate::Waiting | Fate::Ignored => None,
        },
        ignored: frame.fate == Fate::Ignored,
        reset: frame.kind == FrameKind::Reset,
    };
    frames.map(message).collect()
}

fn events<'a>(recording: &'a Recording, texts: &mut Texts<'a>) -> Vec<DataEvent> {
    let mut events = Vec::new();
    for (index, event) in recording.events.iter().enumerate() {
        let now: BTreeSet<usize> = event.others.iter().copied().chain([event.thread]).collect();
        let after = recording.events.get(index + 1);
        let after: BTreeSet<usize> = after
            .iter()
            .flat_map(|next| next.others.iter().copied().chain([next.thread]))
            .collect();
        events.push(DataEvent {
            thread: event.thread,
            label: texts.label(event.label),
            object: event.object,
            words: texts.of(&event.words),
            choice: event.choice,
            emphasis: event.emphasis.map(|emphasis| match emphasis {
                Emphasis::Abort => "abort",
                Emphasis::Cancel => "cancel",
            }),
            changes: event
                .changes
                .iter()
                .map(|(object, value)| (*object, value.as_deref().map_or(-1, |value| texts.of(value))))
                .collect(),
            started: after.difference(&now).copied().collect(),
            stopped: now.difference(&after).copied().collect(),
        });
    }
    events
}
