//! The data that the page's script steps through, as JSON: every text once, states as changes.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::diagnose::{Fate, HeldLock, Recording};
use crate::machine::Label;
use crate::report::timeline::Timeline;

/// A text's place in [`Data::strings`]; -1: the object is not there.
type Text = i64;

/// See `page.js`, which reads this.
#[derive(Serialize)]
struct Data<'a> {
    strings: Vec<&'a str>,
    processes: Vec<Text>,
    /// Process, name, and the same in plain words.
    threads: Vec<(usize, Text, Text)>,
    /// The place where the lane of each thread stands, in pixels.
    lanes: Vec<usize>,
    /// Process and name.
    objects: Vec<(usize, Text)>,
    /// Objects in the order in which they are shown: by process.
    order: Vec<usize>,
    /// Name, function, site.
    labels: Vec<[Text; 3]>,
    /// Objects with their states before the first event.
    initial: Vec<(usize, Text)>,
    /// Threads that can run before the first event.
    ready: &'a [usize],
    events: Vec<DataEvent>,
    messages: Vec<DataMessage>,
    locks: &'a [HeldLock],
    /// Numbers of the events of races.
    marks: &'a BTreeSet<usize>,
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
}

/// Texts by their places.
#[derive(Default)]
struct Strings<'a> {
    all: Vec<&'a str>,
    places: HashMap<&'a str, Text>,
}

impl<'a> Strings<'a> {
    fn of(&mut self, text: &'a str) -> Text {
        *self.places.entry(text).or_insert_with(|| {
            self.all.push(text);
            self.all.len() as Text - 1
        })
    }
}

/// Returns the JSON of a recording, safe inside a `script` element.
pub(super) fn data(timeline: &Timeline<'_>) -> String {
    let recording = timeline.recording;
    let mut strings = Strings::default();
    let mut labels: Vec<&'static Label> = Vec::new();
    let events = events(recording, &mut strings, &mut labels);
    let mut order: Vec<usize> = (0..recording.objects.len()).collect();
    order.sort_by_key(|&object| (recording.objects[object].process, object));
    let data = Data {
        processes: recording.processes.iter().map(|name| strings.of(name)).collect(),
        threads: recording
            .threads
            .iter()
            .map(|thread| (thread.process, strings.of(&thread.name), strings.of(&thread.words)))
            .collect(),
        objects: recording
            .objects
            .iter()
            .map(|object| (object.process, strings.of(&object.name)))
            .collect(),
        order,
        labels: labels
            .iter()
            .map(|label| [label.name, label.function, label.site].map(|text| strings.of(text)))
            .collect(),
        initial: recording
            .initial
            .iter()
            .map(|(object, value)| (*object, strings.of(value)))
            .collect(),
        ready: &recording.ready,
        messages: recording
            .frames
            .iter()
            .map(|frame| DataMessage {
                name: strings.of(&frame.name),
                to: frame.to,
                sent: frame.sent,
                taken: match frame.fate {
                    Fate::Taken(number) => Some(number),
                    Fate::Waiting | Fate::Ignored => None,
                },
                ignored: frame.fate == Fate::Ignored,
            })
            .collect(),
        locks: &recording.locks,
        lanes: (0..recording.threads.len()).map(|thread| timeline.x(thread)).collect(),
        marks: &timeline.marked,
        events,
        strings: strings.all,
    };
    let json = serde_json::to_string(&data).expect("numbers and texts are JSON");
    // "</script>" inside a text would end the element.
    json.replace('<', "\\u003c")
}

fn events<'a>(recording: &'a Recording, strings: &mut Strings<'a>, labels: &mut Vec<&'static Label>) -> Vec<DataEvent> {
    let mut events = Vec::new();
    for (index, event) in recording.events.iter().enumerate() {
        let label = labels.iter().position(|label| std::ptr::eq(*label, event.label));
        let label = label.unwrap_or_else(|| {
            labels.push(event.label);
            labels.len() - 1
        });
        let now: BTreeSet<usize> = event.others.iter().copied().chain([event.thread]).collect();
        let after = recording.events.get(index + 1);
        let after: BTreeSet<usize> = after
            .iter()
            .flat_map(|next| next.others.iter().copied().chain([next.thread]))
            .collect();
        events.push(DataEvent {
            thread: event.thread,
            label,
            object: event.object,
            words: strings.of(&event.words),
            choice: event.choice,
            changes: event
                .changes
                .iter()
                .map(|(object, value)| (*object, value.as_deref().map_or(-1, |value| strings.of(value))))
                .collect(),
            started: after.difference(&now).copied().collect(),
            stopped: now.difference(&after).copied().collect(),
        });
    }
    events
}
