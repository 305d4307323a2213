//! A hang is explained as it is: the recording is the run, whatever is told of it.

mod shipped;

use std::collections::BTreeMap;

use lastbatch::diagnose::{Fate, Recording, record};
use lastbatch::machine::{Describe, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::schedule::{Schedule, replay};

fn recorded(schedule: &Schedule, model: &TensorFlow) -> Recording {
    record(model, &schedule.events).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_recording_has_the_events_of_its_schedule_and_who_else_could_have_run() {
    for file in shipped::schedules("small") {
        let (schedule, prepared) = shipped::load(&file);
        let recording = recorded(&schedule, &prepared.model);
        let events: Vec<_> = recording.events.iter().map(|event| recording.event(event)).collect();
        assert_eq!(events, schedule.events);
        let name = |thread: &usize| {
            let thread = &recording.threads[*thread];
            format!("{}/{}", recording.processes[thread.process], thread.name)
        };
        replay(&prepared.model, &schedule, |step| {
            let others: Vec<String> = recording.events[step.number - 1].others.iter().map(name).collect();
            assert_eq!(others, step.others, "event {}", step.number);
        });
    }
}

#[test]
fn the_changes_of_a_recording_add_up_to_the_state_at_its_end() {
    for file in shipped::schedules("small") {
        let (schedule, prepared) = shipped::load(&file);
        let recording = recorded(&schedule, &prepared.model);
        let mut states: BTreeMap<usize, String> = recording.initial.iter().cloned().collect();
        for (object, text) in recording.events.iter().flat_map(|event| &event.changes) {
            match text {
                Some(text) => states.insert(*object, text.clone()),
                None => states.remove(object),
            };
        }
        let told: BTreeMap<(String, String), String> = states
            .into_iter()
            .map(|(object, text)| {
                let object = &recording.objects[object];
                ((recording.processes[object.process].clone(), object.name.clone()), text)
            })
            .collect();
        assert_eq!(told, described(&prepared.model, &end_of(&prepared.model, &schedule)));
    }
}

/// Every object of a state in words.
fn described(
    model: &TensorFlow,
    system: &System<<TensorFlow as lastbatch::machine::Model>::Process>,
) -> BTreeMap<(String, String), String> {
    use lastbatch::machine::Model;
    let mut all = BTreeMap::new();
    for (index, state) in system.processes.iter().enumerate() {
        let id = ProcessId(index as u8);
        for (object, text) in model.describe_objects(id, state) {
            all.insert((model.process_name(id), model.object_name(id, state, object)), text);
        }
    }
    all
}

fn end_of(model: &TensorFlow, schedule: &Schedule) -> System<<TensorFlow as lastbatch::machine::Model>::Process> {
    let lifted = lastbatch::schedule::lift(model, &schedule.events).unwrap();
    assert_eq!(lifted.inserted, 0);
    lifted.end
}

#[test]
fn every_frame_is_taken_after_it_was_sent_and_every_lock_released_after_it_was_taken() {
    for file in shipped::schedules("small") {
        let (schedule, prepared) = shipped::load(&file);
        let recording = recorded(&schedule, &prepared.model);
        assert!(!recording.frames.is_empty());
        for frame in &recording.frames {
            assert_ne!(frame.from, frame.to);
            if let Fate::Taken(number) = frame.fate {
                assert!(frame.sent < number, "{frame:?}");
                let taker = &recording.events[number - 1];
                assert_eq!(recording.process_of(taker), frame.to, "{frame:?}");
            }
        }
        // The lock of `RunManyGraphs` is held while the master cancels.
        assert!(!recording.locks.is_empty());
        for lock in &recording.locks {
            assert!(lock.to.is_some_and(|to| lock.from < to), "{lock:?}");
        }
    }
}
