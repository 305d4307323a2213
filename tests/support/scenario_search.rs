//! Shipped scenarios, searched to the end: what they expect holds, and each has a sibling of which the opposite is expected.

use std::sync::atomic::AtomicBool;

use lastbatch::explore::Answer;
use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, Reductions};
use lastbatch::scenario::{Experiment, Judgement, Scenario};
use lastbatch::schedule::Schedule;

use super::scenario::{files, load, prepared, replayed};

/// Returns the scenarios of a folder, sorted, with the folder before their names.
pub(crate) fn names(folder: &str) -> Vec<String> {
    let name = |file: std::path::PathBuf| file.file_name().expect("a file").to_string_lossy().into_owned();
    let files = files(folder, "toml").into_iter();
    files.map(|file| format!("{folder}/{}", name(file))).collect()
}

/// A scenario that was searched to its end.
pub(crate) struct Searched {
    pub(crate) prepared: Experiment,
    pub(crate) verdict: Verdict,
    /// The schedule of each hang; each replays as it promises.
    pub(crate) schedules: Vec<Schedule>,
}

impl Searched {
    /// Compares the verdict with what a scenario expects, its own or another.
    pub(crate) fn judged_by(&self, scenario: &Scenario) -> Judgement {
        Judgement::of(scenario.document.expect.as_ref(), &self.verdict)
    }
}

/// Searches a scenario and replays what it found.
pub(crate) fn search(name: &str, reductions: Reductions) -> Searched {
    let prepared = prepared(name);
    let options = Options {
        reductions: Reductions {
            leaks: prepared.scenario().looks_at_outcomes(),
            ..reductions
        },
        ..Options::default()
    };
    let verdict = prepared.search(&options, true, &AtomicBool::new(false), &mut |_| {});
    let schedules = replayed(&prepared, &verdict);
    Searched {
        prepared,
        verdict,
        schedules,
    }
}

/// Checks that a complete search finds what the scenario expects.
pub(crate) fn holds(name: &str) -> Searched {
    let searched = search(name, Reductions::ALL);
    let scenario = &searched.prepared.scenario();
    assert!(scenario.document.expect.is_some(), "{name} expects nothing");
    let (verdict, judgement) = (&searched.verdict, searched.judged_by(scenario));
    assert_eq!(
        judgement,
        Judgement::Holds,
        "{name}: {:?} {:?}",
        verdict.answer,
        verdict.outcomes
    );
    // What a finding ends is not complete, and no bound may have stopped the rest.
    let found = scenario
        .document
        .expect
        .as_ref()
        .is_some_and(|expect| expect.finding.is_some());
    assert!(verdict.complete || found, "{name}");
    assert_eq!(verdict.stopped_by, None, "{name}");
    searched
}

/// Checks the same, and that the recorded schedules are those that the search finds.
pub(crate) fn is_as_recorded(name: &str) {
    let searched = holds(name);
    for (hang, schedule) in searched.verdict.hangs.iter().zip(&searched.schedules) {
        let recorded = super::scenario::schedule(name.replace(".toml", &format!(".{}.schedule", hang.signature.id())));
        assert_eq!(
            recorded.events, schedule.events,
            "{name}: the recorded schedule is another one"
        );
    }
}

/// A test per scenario, which does what `$check` does, and one that no scenario of the folders is forgotten.
macro_rules! scenarios {
    ($check:ident, [$($all:literal),*]; $($test:ident: $folder:literal / $name:ident,)*) => {
        $(#[test] fn $test() { let _ = $check(concat!($folder, "/", stringify!($name), ".toml")); })*

        #[test]
        fn every_scenario_has_a_test() {
            let mut listed = vec![$(concat!($folder, "/", stringify!($name), ".toml")),*];
            listed.sort_unstable();
            assert_eq!([$(crate::support::scenario_search::names($all)),*].concat(), listed);
        }
    };
}
pub(crate) use scenarios;

/// Of a scenario of the folder and its sibling one must pass, the other must not.
pub(crate) fn siblings_differ(folder: &str) {
    for name in names(folder) {
        let scenario = load(&name);
        let sibling = scenario.document.sibling.as_ref().expect("each has one");
        let other = load(format!("{folder}/{sibling}"));
        let passes = [&scenario, &other].map(|scenario| {
            let expect = scenario.document.expect.as_ref().expect("each expects something");
            expect.verdict == Answer::NoHang
        });
        assert_ne!(passes[0], passes[1], "{name} and {sibling}");
    }
}
