//! Shipped scenarios, searched to the end: what they expect holds, and each has a sibling of which the opposite is expected.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, Reductions};
use lastbatch::run::{Labels, looks_at_outcomes, prepare};
use lastbatch::scenario::{ExpectedAnswer, Judgement, Scenario};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The scenarios of a folder, sorted, with the folder before their names.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("plain names"));
    let mut files: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    files.sort();
    files.into_iter().map(|name| format!("{folder}/{name}")).collect()
}

pub(crate) fn load(name: &str) -> Scenario {
    Scenario::load(&root().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// The verdict on a scenario; each schedule of it replays as it promises.
pub(crate) fn search(name: &str, reductions: Reductions) -> (Scenario, Verdict) {
    let scenario = load(name);
    let prepared = prepare(scenario.clone(), scenario.hash()).unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        reductions: Reductions {
            leaks: looks_at_outcomes(&scenario),
            ..reductions
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

pub(crate) fn holds(name: &str) {
    let (scenario, verdict) = search(name, Reductions::ALL);
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

/// Of a scenario of the folder and its sibling one is expected to hang, the other not.
pub(crate) fn siblings_differ(folder: &str) {
    for name in files(folder) {
        let scenario = load(&name);
        let sibling = scenario.document.sibling.as_ref().expect("each has one");
        let other = load(&format!("{folder}/{sibling}"));
        let hangs = [&scenario, &other].map(|scenario| {
            let expect = scenario.document.expect.as_ref().expect("each expects something");
            expect.verdict == ExpectedAnswer::Hang
        });
        assert_ne!(hangs[0], hangs[1], "{name} and {sibling}");
    }
}
