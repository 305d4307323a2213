//! A hang is explained as it is: the recording is the run, whatever is told of it.

use std::collections::BTreeMap;

use lastbatch::diagnose::{ExplainOptions, Explanation, Fate, NoReturn, Recording, record};
use lastbatch::machine::{Describe, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::report::{JsonExplanation, View, explanation_text};
use lastbatch::scenario::HangError;
use lastbatch::schedule::{Ending, Schedule, replay};

use crate::support::shipped_schedules;

fn recorded(schedule: &Schedule, model: &TensorFlow) -> Recording {
    record(model, &schedule.events).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_recording_has_the_events_of_its_schedule_and_who_else_could_have_run() {
    for file in shipped_schedules::schedules("small") {
        let (schedule, prepared) = shipped_schedules::load(&file);
        let recording = recorded(&schedule, prepared.model());
        let events: Vec<_> = recording.events.iter().map(|event| recording.event(event)).collect();
        assert_eq!(events, schedule.events);
        let name = |thread: &usize| {
            let thread = &recording.threads[*thread];
            format!("{}/{}", recording.processes[thread.process], thread.name)
        };
        replay(prepared.model(), &schedule, |step| {
            let others: Vec<String> = recording.events[step.number - 1].others.iter().map(name).collect();
            assert_eq!(others, step.others, "event {}", step.number);
        });
    }
}

#[test]
fn the_changes_of_a_recording_add_up_to_the_state_at_its_end() {
    for file in shipped_schedules::schedules("small") {
        let (schedule, prepared) = shipped_schedules::load(&file);
        let recording = recorded(&schedule, prepared.model());
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
        assert_eq!(told, described(prepared.model(), &end_of(prepared.model(), &schedule)));
    }
}

/// Returns every object of a state in words.
fn described(
    model: &TensorFlow,
    system: &System<<TensorFlow as lastbatch::machine::Model>::Process>,
) -> BTreeMap<(String, String), String> {
    use lastbatch::machine::Model;
    let mut all = BTreeMap::new();
    for (index, state) in system.processes.iter().enumerate() {
        let id = ProcessId::new(index);
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
    for file in shipped_schedules::schedules("small") {
        let (schedule, prepared) = shipped_schedules::load(&file);
        let recording = recorded(&schedule, prepared.model());
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

const AS_IS: ExplainOptions = ExplainOptions {
    minimise: false,
    max_states: 500_000,
};

/// Returns each decisive race as the labels of its two events.
fn decisive(explanation: &Explanation) -> Vec<(&'static str, &'static str)> {
    let label = |number: usize| explanation.recording.events[number - 1].label.name;
    let races = explanation.races.iter();
    races.map(|race| (label(race.first), label(race.second))).collect()
}

#[test]
fn the_decisive_races_are_the_two_cancellations_that_get_lost() {
    for folder in ["small", "tiny"] {
        for file in shipped_schedules::schedules(folder) {
            let (schedule, prepared) = shipped_schedules::load(&file);
            let explanation = prepared.explain(&schedule, &AS_IS).unwrap();
            // An abort falls between the look of a `_Recv` at the rendezvous and the installation of its cancel function.
            let mut expected = vec![
                ("Recv.validate", "StartAbort.remote"),
                ("StartAbort.remote", "Recv.register"),
            ];
            match explanation.signature.id().as_str() {
                // The cancel of a RunGraph falls between the installation of its function and its start.
                "7a624761" => expected.extend([
                    ("Call.install_cancel", "Call.start_cancel"),
                    ("Call.start_cancel", "Call.start"),
                ]),
                // Its reset arrives before its request is read.
                "72eaa422" => expected.push(("Call.start_cancel", "Server.read")),
                other => panic!("{}: signature {other}", file.display()),
            }
            // Who gets the last free pool thread may be a third one: a closure can have to wait for it.
            let mut races = decisive(&explanation);
            races.retain(|race| *race != ("Pool.take", "Pool.take"));
            assert_eq!(races, expected, "{}", file.display());
            assert_eq!(explanation.outcomes.len(), usize::from(expected.len() == 3));
            assert_eq!(explanation.searches.undecided, 0);
        }
    }
}

#[test]
fn with_a_decisive_race_the_other_way_round_the_client_returns() {
    for file in shipped_schedules::schedules("final_batch") {
        let (schedule, prepared) = shipped_schedules::load(&file);
        let explanation = prepared.explain(&schedule, &AS_IS).unwrap();
        assert!(explanation.races.len() > 1, "{}", file.display());
        let NoReturn::Event(point) = explanation.no_return else {
            panic!("{}: {:?}", file.display(), explanation.no_return);
        };
        for race in &explanation.races {
            assert!(race.first < race.second && race.first <= point, "{race:?}");
            let events = race.otherwise.schedule();
            let otherwise = prepared.schedule(Ending::Open, events.clone());
            let outcome = replay(prepared.model(), &otherwise, |_| {});
            assert_eq!(outcome.mismatch, None);
            assert!(outcome.end.clients[0].returned, "{race:?}");
            // The same label of the same thread; its outcome may need what came first in the schedule.
            let (there, here) = (&events[race.second_there - 1], &schedule.events[race.second - 1]);
            assert_eq!((&there.process, &there.thread), (&here.process, &here.thread));
            assert_eq!((&there.label, &there.object), (&here.label, &here.object));
            assert!(
                race.first_there.is_none_or(|first| first > race.second_there),
                "{race:?}"
            );
        }
    }
}

#[test]
fn a_shipped_hang_explained() {
    for file in shipped_schedules::schedules("final_batch") {
        let (schedule, prepared) = shipped_schedules::load(&file);
        let explanation = prepared.explain(&schedule, &ExplainOptions::default()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().replace('.', "_");
        insta::assert_snapshot!(name.as_str(), explanation_text(&explanation, &View::default()));
        if name.ends_with("7a624761") {
            let verbose = View {
                verbose: true,
                ..View::default()
            };
            insta::assert_snapshot!(format!("{name}_verbose"), explanation_text(&explanation, &verbose));
        }
    }
}

#[test]
fn an_explanation_for_programs_has_the_documented_fields() {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("tiny")[0]);
    let explanation = prepared.explain(&schedule, &AS_IS).unwrap();
    let json = serde_json::to_value(JsonExplanation::of(&explanation)).unwrap();
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    let documented = include_str!("../../docs/explain.md");
    for field in fields {
        assert!(documented.contains(&format!("`{field}`")), "{field} is not documented");
    }
    assert_eq!(json["events"].as_array().unwrap().len(), schedule.events.len());
    assert_eq!(json["version"], 1);
}

#[test]
fn a_schedule_without_a_hang_has_no_explanation() {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("tiny")[0]);
    let open = prepared.schedule(Ending::Open, schedule.events.clone());
    assert_eq!(prepared.explain(&open, &AS_IS), Err(HangError::NoHang("open")));
    let half = prepared.schedule(schedule.header.ending.clone(), schedule.events[..40].to_vec());
    assert!(matches!(prepared.explain(&half, &AS_IS), Err(HangError::Broken(_))));
}
