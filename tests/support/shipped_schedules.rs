//! The schedules that the project ships, with the models that they were recorded on.

use std::path::{Path, PathBuf};

use lastbatch::scenario::{Experiment, Scenario};
use lastbatch::schedule::Schedule;

use super::scenario::{files, schedule};

/// Returns every shipped schedule of `folder`, by name.
pub(crate) fn schedules(folder: &str) -> Vec<PathBuf> {
    files(folder, "schedule")
}

/// Returns a schedule and the model that it was recorded on.
pub(crate) fn load(file: &Path) -> (Schedule, Experiment) {
    let schedule = schedule(file);
    let scenario = Scenario::of_schedule(&schedule, file).unwrap_or_else(|error| panic!("{error}"));
    let prepared = Experiment::recorded(&schedule, file, scenario);
    (schedule, prepared.unwrap_or_else(|error| panic!("{error}")))
}
