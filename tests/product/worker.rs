//! An engine in a process of its own: whatever becomes of that process, the user gets one line that says so.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lastbatch::scenario::{Budget, EngineName, WorkerError};

use crate::support::scenario::prepared;

/// Runs a worker that is this program, and returns the error.
fn asked(program: &Path) -> WorkerError {
    let run = prepared("small/one_server.toml").run_in_worker(
        program,
        EngineName::Shuttle,
        &Budget::default(),
        &AtomicBool::new(false),
    );
    run.expect_err("it gives no verdict")
}

/// Returns a program that reads what it is asked and then does something else than to answer.
fn script(directory: &tempfile::TempDir, does: &str) -> PathBuf {
    let path = directory.path().join("worker.sh");
    fs::write(&path, format!("#!/bin/sh\nread request\n{does}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made executable");
    path
}

#[test]
fn a_worker_that_is_killed_has_died() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = asked(&script(&directory, "kill -9 $$"));
    let text = error.to_string();
    assert!(
        text.starts_with("engine shuttle: its worker process died: signal: 9"),
        "{text}"
    );
}

#[test]
fn a_worker_that_fails_has_died_whatever_it_wrote() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = asked(&script(&directory, "echo '{}'; exit 7"));
    let text = error.to_string();
    assert_eq!(text, "engine shuttle: its worker process died: exit status: 7");
}

#[test]
fn a_worker_that_says_nothing_or_something_else_gave_no_verdict() {
    for says in ["exit 0", "echo '{\"engine\": \"shuttle\"}'"] {
        let directory = tempfile::tempdir().expect("a directory");
        let error = asked(&script(&directory, says));
        let text = error.to_string();
        assert!(
            text.starts_with("engine shuttle: its worker process gave no verdict: "),
            "{text}"
        );
    }
}

#[test]
fn a_worker_that_can_not_be_started_is_named() {
    let text = asked(Path::new("nowhere/lastbatch")).to_string();
    assert!(
        text.starts_with("engine shuttle: cannot run a worker process of nowhere/lastbatch: "),
        "{text}"
    );
}
