//! Recorded schedules end as they promise under every engine that can run them. (Under loom: `tests/kernels.rs`.)

use std::path::Path;

use lastbatch::run::{Prepared, prepare};
use lastbatch::scenario::{EngineName, Scenario, schedule_files};
use lastbatch::schedule::{Ending, Schedule};

use super::scenarios;

/// The model that a schedule was recorded on.
fn model_of(file: &Path, schedule: &Schedule) -> Prepared {
    let mut scenario =
        Scenario::load(&file.with_file_name(&schedule.header.scenario)).unwrap_or_else(|error| panic!("{error}"));
    let hash = scenario.hash();
    scenario
        .document
        .job
        .set_slice_text(&schedule.header.slice)
        .unwrap_or_else(|error| panic!("{error}"));
    scenario.document.runtime.variant = schedule
        .header
        .variant
        .parse()
        .unwrap_or_else(|error| panic!("{error}"));
    prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_recorded_schedule_ends_as_it_promises_under_every_engine() {
    let files = schedule_files(&scenarios()).expect("readable");
    assert!(files.len() >= 20, "{files:?}");
    for file in files {
        let schedule = Schedule::load(&file).unwrap_or_else(|error| panic!("{error}"));
        let prepared = model_of(&file, &schedule);
        for engine in [EngineName::Exhaustive, EngineName::Shuttle, EngineName::Threads] {
            let mut runs = 0;
            let done = prepared.replay_under(engine, &schedule, 3, |outcome| {
                assert_eq!(outcome.broken_promise(&schedule), None, "{engine} {}", file.display());
                // A label that panics is the last one, and does not come to its end.
                let panics = matches!(schedule.header.ending, Ending::Panic { .. });
                assert_eq!(outcome.followed + usize::from(panics), schedule.events.len());
                runs += 1;
            });
            done.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(runs, 3);
        }
    }
}
