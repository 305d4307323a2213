//! The scenarios that a command is about.

use std::path::PathBuf;

use lastbatch::scenario::{Scenario, scenario_files};

use super::Failure;

/// Returns the scenarios of files, and of directories all below them, in order.
pub(super) fn scenarios(places: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            files.extend(scenario_files(place)?);
        } else {
            files.push(place.clone());
        }
    }
    files.iter().map(|file| Ok(Scenario::load(file)?)).collect()
}
