//! Minimised schedules hang as before, with less.

use lastbatch::scenario::Experiment;
use lastbatch::schedule::{Ending, Minimised, Schedule, replay};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::support::perturbed_run;
use crate::support::program::lastbatch;
use crate::support::shipped_schedules;

/// Returns a schedule that hangs by a long way round the shipped one, if that way hangs.
fn long_way(prepared: &Experiment, schedule: &Schedule, seed: u64, detours: u32) -> Option<Schedule> {
    let (events, clients) = perturbed_run::perturbed_run(prepared.model(), &schedule.events, seed, detours);
    let client = clients.first()?;
    let (signature, _) = client.waits.as_ref()?;
    let ending = Ending::Hang {
        client: client.name.clone(),
        signature: signature.id(),
        waits: signature.key(),
    };
    Some(prepared.schedule(ending, events))
}

/// Checks that a minimised schedule replays, keeps the signature and is no larger.
fn check(prepared: &Experiment, long: &Schedule, max_states: u64) -> (Schedule, Minimised) {
    let (small, minimised) = prepared
        .minimise(long, max_states)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(small.header, long.header);
    assert_eq!(small.events, minimised.events);
    let outcome = replay(prepared.model(), &small, |_| {});
    assert_eq!(outcome.broken_promise(&small), None);
    assert!(outcome.end.at_rest());
    assert_eq!(minimised.before.events, long.events.len());
    assert_eq!(minimised.after.events, small.events.len());
    assert!(minimised.after.events <= minimised.before.events, "{minimised:?}");
    assert!(minimised.after.switches <= minimised.before.switches, "{minimised:?}");
    (small, minimised)
}

#[test]
fn a_minimised_schedule_replays_keeps_its_signature_and_never_grows() {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("small")[0]);
    let config = Config {
        cases: 12,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_global_rejects: 10_000,
        ..Config::default()
    };
    proptest!(config, |(seed: u64, detours in 0_u32..60)| {
        let long = long_way(&prepared, &schedule, seed, detours);
        prop_assume!(long.is_some());
        check(&prepared, &long.expect("assumed"), 0);
    });
}

#[test]
fn minimising_is_deterministic_and_leaves_nothing_to_minimise() {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("small")[0]);
    let long = (0..)
        .find_map(|seed| long_way(&prepared, &schedule, seed, 30))
        .expect("some way hangs");
    let (small, minimised) = check(&prepared, &long, 0);
    assert_eq!(check(&prepared, &long, 0), (small.clone(), minimised));
    let (again, minimised) = check(&prepared, &small, 0);
    assert_eq!(minimised.after, minimised.before);
    assert_eq!(again.events, small.events);
}

#[test]
fn a_search_finds_the_shortest_hang_where_leaving_out_does_not() {
    let shipped = shipped_schedules::schedules("tiny").remove(0);
    let directory = tempfile::tempdir().expect("a directory");
    let scenario = directory.path().join("two_servers.toml");
    std::fs::copy(shipped.with_file_name("two_servers.toml"), scenario).expect("copied");
    let sampled = [
        "check",
        "two_servers.toml",
        "--engine",
        "sample",
        "--strategy",
        "hold:1",
    ];
    lastbatch(&directory)
        .args(sampled)
        .args(["--seed", "4", "--first", "--threads", "1", "--out", "."])
        .assert()
        .stdout(predicates::str::contains("72eaa422"));
    let file = directory.path().join("two_servers.sample.72eaa422.schedule");
    let (long, prepared) = shipped_schedules::load(&file);
    let (shortest, _) = shipped_schedules::load(&shipped);
    assert_eq!(shortest.header.ending, long.header.ending);
    let length = prepared.length(&shortest.events);
    let (left_out, _) = check(&prepared, &long, 0);
    assert!(
        prepared.length(&left_out.events) > length,
        "the search has nothing to do"
    );
    let (found, minimised) = check(&prepared, &long, 20_000);
    assert_eq!(prepared.length(&found.events), length);
    assert_eq!(check(&prepared, &long, 20_000), (found, minimised));
}

#[test]
fn a_hang_has_one_length_whenever_that_runs_which_does_not_matter() {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("tiny")[0]);
    let length = prepared.length(&schedule.events);
    let (main, rest) = schedule.events.split_at(length);
    let mut earlier = 0;
    for place in 0..length {
        let events = [&main[..place], rest, &main[place..]].concat();
        let moved = prepared.schedule(schedule.header.ending.clone(), events);
        if replay(prepared.model(), &moved, |_| {})
            .broken_promise(&moved)
            .is_none()
        {
            earlier += 1;
            assert_eq!(prepared.length(&moved.events), length, "after event {place}");
        }
    }
    assert!(earlier > 0, "nothing could run earlier");
}

#[test]
fn the_command_writes_a_schedule_that_replays_and_nothing_where_it_cannot() {
    let file = shipped_schedules::schedules("tiny").remove(0);
    let directory = tempfile::tempdir().expect("a directory");
    let beside = |name: &str| std::fs::copy(file.with_file_name(name), directory.path().join(name)).expect("copied");
    let (schedule, prepared) = shipped_schedules::load(&file);
    beside(schedule.header.name());
    beside(file.file_name().and_then(|name| name.to_str()).expect("a name"));
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let told = predicates::str::contains("context switches, from");
    lastbatch(&directory)
        .args(["minimise", name, "-o", "short.schedule"])
        .assert()
        .code(0)
        .stdout(told);
    lastbatch(&directory)
        .args(["replay", "short.schedule"])
        .assert()
        .code(0);
    let open = prepared.schedule(Ending::Open, schedule.events.clone());
    open.write(&directory.path().join("open.schedule")).expect("written");
    let unwritable = lastbatch(&directory)
        .args(["minimise", name, "-o", "open.schedule/short.schedule"])
        .assert()
        .code(2);
    unwritable
        .stdout("")
        .stderr(predicates::str::starts_with("error: open.schedule/short.schedule: "));
    for command in ["minimise", "explain"] {
        let expected = "error: open.schedule: ends: open, expected a schedule with ends: hang\n";
        lastbatch(&directory)
            .args([command, "open.schedule"])
            .assert()
            .code(2)
            .stdout("")
            .stderr(expected);
    }
}
