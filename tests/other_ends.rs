//! Steps that end otherwise than by themselves, and what a step leaves on variables: every scenario comes out as it says, completely.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, Reductions};
use lastbatch::run::{Labels, looks_at_outcomes, prepare};
use lastbatch::scenario::{ExpectedAnswer, Judgement, Scenario};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("plain names"));
    let mut files: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    files.sort();
    files.into_iter().map(|name| format!("{folder}/{name}")).collect()
}

fn load(name: &str) -> Scenario {
    Scenario::load(&root().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn search(name: &str) -> (Scenario, Verdict) {
    let scenario = load(name);
    let prepared = prepare(scenario.clone(), scenario.hash()).unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        reductions: Reductions {
            leaks: looks_at_outcomes(&scenario),
            ..Reductions::ALL
        },
        ..Options::default()
    };
    let verdict = prepared.search(&options, true, &AtomicBool::new(false), &mut |_| {});
    for hang in &verdict.hangs {
        let mut schedule = prepared.schedule_of(hang);
        let replayed = prepared.verify(&mut schedule, &mut Labels::new());
        assert_eq!(replayed.broken_promise(&schedule), None, "{name}");
    }
    (scenario, verdict)
}

fn holds(name: &str) {
    let (scenario, verdict) = search(name);
    let judgement = Judgement::of(scenario.document.expect.as_ref(), &verdict);
    assert_eq!(
        judgement,
        Judgement::Holds,
        "{name}: {:?} {:?}",
        verdict.answer,
        verdict.outcomes
    );
    assert!(verdict.complete, "{name}");
}

macro_rules! scenarios {
    ($($test:ident: $folder:literal,)*) => {
        $(#[test] fn $test() { holds(concat!($folder, "/", stringify!($test), ".toml")); })*

        #[test]
        fn every_scenario_has_a_test() {
            let mut listed = vec![$(concat!($folder, "/", stringify!($test), ".toml")),*];
            listed.sort();
            assert_eq!([files("other_ends"), files("variables")].concat(), listed);
        }
    };
}

scenarios! {
    one_server_server_node_fails: "other_ends",
    one_server_worker_node_fails: "other_ends",
    server_dies: "other_ends",
    server_dies_with_timeout: "other_ends",
    server_node_fails: "other_ends",
    server_restarts: "other_ends",
    server_restarts_with_timeout: "other_ends",
    session_close: "other_ends",
    session_close_sticky_cancel: "other_ends",
    timeout_last_batch: "other_ends",
    timeout_last_batch_sticky_cancel: "other_ends",
    timeout_one_server: "other_ends",
    timeout_one_server_sticky_cancel: "other_ends",
    worker_node_fails: "other_ends",
    last_batch: "variables",
    node_fails: "variables",
    ordinary_step: "variables",
    two_workers: "variables",
    two_workers_last_batch: "variables",
}

#[test]
fn where_nothing_may_hang_the_sibling_hangs_and_the_reverse() {
    for name in files("other_ends") {
        let scenario = load(&name);
        let sibling = scenario.document.sibling.as_ref().expect("each has one");
        let other = load(&format!("other_ends/{sibling}"));
        let verdict = |scenario: &Scenario| scenario.document.expect.as_ref().expect("each has one").verdict;
        let hangs = [&scenario, &other].map(|scenario| verdict(scenario) == ExpectedAnswer::Hang);
        assert_ne!(hangs[0], hangs[1], "{name} and {sibling}");
    }
}

#[test]
fn that_the_last_batch_applies_nothing_fails_where_a_node_fails_after_others_were_applied() {
    let (last_batch, _) = search("variables/last_batch.toml");
    let (_, verdict) = search("variables/node_fails.toml");
    let judgement = Judgement::of(last_batch.document.expect.as_ref(), &verdict);
    assert!(matches!(judgement, Judgement::Fails(_)), "{judgement:?}");
}
