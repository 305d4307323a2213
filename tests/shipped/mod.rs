//! The schedules that the project ships, with the models that they run on.

use std::path::{Path, PathBuf};

use lastbatch::run::{Prepared, prepare};
use lastbatch::scenario::Scenario;
use lastbatch::schedule::Schedule;

/// Every shipped schedule of `folder`, by name.
pub(crate) fn schedules(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "schedule"));
    files.sort();
    assert!(!files.is_empty(), "{} holds no schedule", folder.display());
    files
}

/// A schedule and the model that it was recorded on.
pub(crate) fn load(file: &Path) -> (Schedule, Prepared) {
    let schedule = Schedule::load(file).unwrap_or_else(|error| panic!("{error}"));
    let header = &schedule.header;
    let mut scenario = Scenario::load(&file.with_file_name(&header.scenario)).unwrap_or_else(|error| panic!("{error}"));
    let hash = scenario.hash();
    assert_eq!(hash, header.scenario_hash, "{}", file.display());
    let document = &mut scenario.document;
    document.job.set_slice_text(&header.slice).unwrap();
    document.runtime.variant = header.variant.parse().unwrap();
    let prepared = prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"));
    (schedule, prepared)
}
