//! Recorded schedules end as they promise under every engine that can run them. (Under loom: `tests/engines/kernels.rs`.)

use lastbatch::scenario::{EngineName, schedule_files};
use lastbatch::schedule::Ending;

use crate::support::scenario::repository;
use crate::support::shipped_schedules::load;

#[test]
fn every_recorded_schedule_ends_as_it_promises_under_every_engine() {
    let files = schedule_files(&repository("scenarios")).expect("readable");
    assert!(files.len() >= 20, "{files:?}");
    for file in files {
        let (schedule, prepared) = load(&file);
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
