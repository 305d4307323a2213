//! The schedules that the project ships, with the models that they were recorded on.

use std::path::{Path, PathBuf};

use lastbatch::run::{Changed, Prepared, prepare_recorded, scenario_of};
use lastbatch::schedule::Schedule;

use super::scenario::{files, schedule};

/// Every shipped schedule of `folder`, by name.
pub(crate) fn schedules(folder: &str) -> Vec<PathBuf> {
    files(folder, "schedule")
}

/// A schedule and the model that it was recorded on.
pub(crate) fn load(file: &Path) -> (Schedule, Prepared) {
    load_changed(file, Changed::default())
}

/// A schedule, and the model that it was recorded on after a change.
pub(crate) fn load_changed(file: &Path, changed: Changed) -> (Schedule, Prepared) {
    let schedule = schedule(file);
    let scenario = scenario_of(&schedule, file).unwrap_or_else(|error| panic!("{error}"));
    let prepared = prepare_recorded(&schedule, file, scenario, changed);
    (schedule, prepared.unwrap_or_else(|error| panic!("{error}")))
}
