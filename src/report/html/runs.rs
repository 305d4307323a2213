//! The other order of each race as a schedule of its own, beside the one that hangs.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use super::data::{Text, Texts};
use crate::diagnose::{Explanation, Recording};
use crate::machine::Event;

/// A run that returns.
#[derive(Serialize)]
pub(super) struct DataRun {
    /// Number of events at the beginning that are those of the schedule that hangs.
    same: usize,
    /// Numbers of the events that are turned round, or of the one with another outcome.
    marks: Vec<usize>,
    events: Vec<DataRunEvent>,
}

/// An event of such a run.
#[derive(Serialize)]
struct DataRunEvent {
    process: usize,
    thread: Text,
    label: usize,
    object: Text,
    words: Text,
    /// Number of the same event in the schedule that hangs; 0: it is not there.
    here: usize,
}

/// Returns the other order of each race, then the other outcome of each label.
pub(super) fn runs<'a>(explanation: &'a Explanation, texts: &mut Texts<'a>) -> Vec<DataRun> {
    let schedule = explanation.recording.schedule();
    let races = explanation.races.iter().map(|race| {
        let marks = [Some(race.second_there), race.first_there];
        (&race.otherwise, marks.into_iter().flatten().collect())
    });
    let outcomes = explanation
        .outcomes
        .iter()
        .map(|outcome| (&outcome.otherwise, vec![outcome.event]));
    let all = races.chain(outcomes);
    all.map(|(recording, marks)| run(recording, marks, &schedule, texts))
        .collect()
}

fn run<'a>(recording: &'a Recording, marks: Vec<usize>, schedule: &[Event], texts: &mut Texts<'a>) -> DataRun {
    let events = recording.schedule();
    let same = events
        .iter()
        .zip(schedule)
        .take_while(|(there, here)| there == here)
        .count();
    let mut places = places(schedule);
    let events = recording.events.iter().zip(&events).map(|(event, there)| {
        let here = places.get_mut(&key(there)).and_then(VecDeque::pop_front);
        DataRunEvent {
            process: recording.process_of(event),
            thread: texts.of(&recording.threads[event.thread].name),
            label: texts.label(event.label),
            object: texts.of(&recording.objects[event.object].name),
            words: texts.of(&event.words),
            here: here.unwrap_or(0),
        }
    });
    DataRun {
        same,
        marks,
        events: events.collect(),
    }
}

/// Identity of an event across runs, with any outcome.
type Key<'a> = [&'a str; 4];

fn key(event: &Event) -> Key<'_> {
    [&event.process, &event.thread, &event.label, &event.object]
}

/// Returns the numbers of each event of a schedule, first to last.
fn places(schedule: &[Event]) -> HashMap<Key<'_>, VecDeque<usize>> {
    let mut places: HashMap<Key<'_>, VecDeque<usize>> = HashMap::new();
    for (index, event) in schedule.iter().enumerate() {
        places.entry(key(event)).or_default().push_back(index + 1);
    }
    places
}
