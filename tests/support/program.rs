//! The program as a user starts it, and the folders that it works in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

/// The program that the tests are about.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_lastbatch");

/// A search that takes longer is a regression; the test fails rather than fill the memory.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns the program, started in a folder.
pub(crate) fn lastbatch(directory: impl AsRef<Path>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(directory).timeout(PATIENCE);
    command
}

/// Returns a new folder with these files.
pub(crate) fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        fs::write(directory.path().join(name), content).expect("written");
    }
    directory
}

/// Returns the text of a file in a folder.
pub(crate) fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Names of all files in a folder, sorted.
pub(crate) fn names_in(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).expect("listed");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Returns the schedules in a folder, sorted.
pub(crate) fn schedules_in(directory: &TempDir) -> Vec<PathBuf> {
    let names = names_in(directory).into_iter();
    let schedules = names.filter(|name| name.ends_with(".schedule"));
    schedules.map(|name| directory.path().join(name)).collect()
}
