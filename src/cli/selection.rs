//! Which scenarios a command is about.

use std::path::{Path, PathBuf};

use lastbatch::scenario::Scenario;

use super::Failure;

/// The scenarios of files, and of directories all below them, in order.
pub(super) fn scenarios(places: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            let before = files.len();
            below(place, &mut files)
                .map_err(|error| format!("{}: cannot read the directory: {error}", place.display()))?;
            if files.len() == before {
                return Err(Failure(format!("{}: no *.toml below this directory", place.display())));
            }
        } else {
            files.push(place.clone());
        }
    }
    files.iter().map(|file| Ok(Scenario::load(file)?)).collect()
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            below(&entry, files)?;
        } else if entry.extension().is_some_and(|extension| extension == "toml") {
            files.push(entry);
        }
    }
    Ok(())
}
