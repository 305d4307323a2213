//! Recorded schedules end as they promise under every engine that can run them. (Under loom: `tests/kernels.rs`.)

use std::path::Path;

use lastbatch::run::{Changed, Prepared, prepare_recorded, scenario_of};
use lastbatch::scenario::{EngineName, schedule_files};
use lastbatch::schedule::{Ending, Schedule};

use super::scenarios;

/// The model that a schedule was recorded on.
fn model_of(file: &Path, schedule: &Schedule) -> Prepared {
    let scenario = scenario_of(schedule, file).unwrap_or_else(|error| panic!("{error}"));
    let prepared = prepare_recorded(schedule, file, scenario, Changed::default());
    prepared.unwrap_or_else(|error| panic!("{error}"))
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
