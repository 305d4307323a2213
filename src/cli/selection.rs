//! The scenarios that the arguments of a command name.

use std::path::{Path, PathBuf};

use lastbatch::file::FileError;
use lastbatch::scenario::{Scenario, scenario_files};
use wildmatch::WildMatch;

use super::Failure;

/// Returns the scenarios of files, of directories all below them, and of patterns, in order.
pub(super) fn scenarios(places: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            files.extend(scenario_files(place)?);
        } else if !place.exists() && is_pattern(&place.to_string_lossy()) {
            files.extend(matching(place)?);
        } else {
            files.push(place.clone());
        }
    }
    files.iter().map(|file| Ok(Scenario::load(file)?)).collect()
}

/// Returns true if a text stands for several names: `*` for any letters, a `/` too, and `?` for one.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Returns the scenario files that match a pattern.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    let plain = |part: &&Path| !is_pattern(&part.to_string_lossy());
    let root = pattern.ancestors().skip(1).find(plain).unwrap_or(Path::new(""));
    let root = if root.as_os_str().is_empty() {
        Path::new(".")
    } else {
        root
    };
    let wanted = WildMatch::new(&pattern.to_string_lossy());
    let mut files = scenario_files(root)?;
    files.retain(|file| {
        let file = file.strip_prefix("./").unwrap_or(file);
        wanted.matches(&file.to_string_lossy())
    });
    if files.is_empty() {
        return Err(FileError::new(pattern, "no scenario has such a path").into());
    }
    Ok(files)
}

/// Returns true if a scenario is meant by a text: a pattern of its whole path, or a part of it.
pub(super) fn is_meant(name: &str, text: &str) -> bool {
    if is_pattern(text) {
        WildMatch::new(text).matches(name)
    } else {
        name.contains(text)
    }
}
