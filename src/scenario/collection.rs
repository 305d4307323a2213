//! The scenarios of a directory.

use std::io;
use std::path::{Path, PathBuf};

use crate::file::FileError;

/// Name of the file in which the gate keeps what it found: the one `*.toml` among scenarios that is none.
pub const BASELINE_NAME: &str = "baseline.toml";

/// Returns every scenario file below a directory, in order of path.
///
/// # Errors
/// When a directory cannot be read, or there is none below it.
pub fn scenario_files(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = all_below(directory, "toml")?;
    files.retain(|file| file.file_name().is_none_or(|name| name != BASELINE_NAME));
    if files.is_empty() {
        return Err(FileError::new(directory, "no *.toml below this directory"));
    }
    Ok(files)
}

/// Returns every recorded schedule below a directory, in order of path.
///
/// # Errors
/// When a directory cannot be read.
pub fn schedule_files(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    all_below(directory, "schedule")
}

fn all_below(directory: &Path, extension: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    below(directory, extension, &mut files).map_err(FileError::cannot("read the directory", directory))?;
    Ok(files)
}

fn below(directory: &Path, extension: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = std::fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            below(&entry, extension, files)?;
        } else if entry.extension().is_some_and(|own| own == extension) {
            files.push(entry);
        }
    }
    Ok(())
}
