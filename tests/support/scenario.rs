//! The one way to load a scenario in a test and to run it. Names are paths below `scenarios/`; a path of its own is taken as it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastbatch::explore::Verdict;
use lastbatch::scenario::{Budget, Document, EngineName, Experiment, Labels, Scenario};
use lastbatch::schedule::Schedule;

/// Returns the path of a file of the project.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the path of a shipped file.
pub(crate) fn shipped(name: impl AsRef<Path>) -> PathBuf {
    repository("scenarios").join(name)
}

/// Returns the shipped files of a folder with this extension, sorted.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = shipped(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "{} holds no *.{extension}", folder.display());
    files
}

/// Reads a scenario.
pub(crate) fn load(name: impl AsRef<Path>) -> Scenario {
    Scenario::load(&shipped(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a schedule.
pub(crate) fn schedule(name: impl AsRef<Path>) -> Schedule {
    Schedule::load(&shipped(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a scenario with its model, ready to run.
pub(crate) fn prepared(name: impl AsRef<Path>) -> Experiment {
    changed(name, |_| {})
}

/// Returns a scenario with its model, after a change; its hash stays that of the file.
pub(crate) fn changed(name: impl AsRef<Path>, change: impl FnOnce(&mut Document)) -> Experiment {
    let mut scenario = load(name);
    change(&mut scenario.document);
    Experiment::new(scenario).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the verdict of an engine that runs in this process.
pub(crate) fn run(prepared: &Experiment, engine: EngineName, budget: &Budget) -> Verdict {
    let verdict = prepared.run(engine, budget, &Arc::default(), |_| {});
    verdict.unwrap_or_else(|error| panic!("{}: {error}", prepared.scenario()))
}

/// Returns the schedule of each hang, after a replay that ended as the schedule promises.
pub(crate) fn replayed(prepared: &Experiment, verdict: &Verdict) -> Vec<Schedule> {
    let replay = |hang| {
        let mut schedule = prepared.schedule_of(hang);
        let outcome = prepared.verify(&mut schedule, &mut Labels::new());
        assert_eq!(outcome.broken_promise(&schedule), None, "{}", prepared.scenario());
        schedule
    };
    verdict.hangs.iter().map(replay).collect()
}
