//! A search that was ended from outside goes on from its checkpoint and says in the end what it would have said without.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{
    CheckpointError, Checkpointing, Options, Reductions, search, search_with_checkpoints,
};
use lastbatch::machine::Reducible;
use lastbatch::models::TensorFlow;
use lastbatch::models::litmus::busy_client::BusyClient;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::PROGRAM;
use crate::support::scenario::{prepared, shipped};

/// Large enough for many checkpoints, small enough to be searched in a second or two.
const SCENARIO: &str = "small/two_servers.toml";

/// Returns the model as a scenario is searched.
fn model() -> TensorFlow {
    let mut model = prepared(SCENARIO).model().clone();
    model.set_cancels_in_order(true);
    model.set_cleans_up(false);
    model
}

fn place(directory: &TempDir, resume: bool) -> Checkpointing {
    Checkpointing {
        path: directory.path().join("search.checkpoint"),
        identity: vec![("job".to_owned(), "ours".to_owned())],
        resume,
        every: Duration::from_secs(3_600),
        every_states: None,
    }
}

/// Returns all of a verdict but what no two runs have in common.
fn essence(verdict: &Verdict) -> Verdict {
    Verdict {
        seconds: 0.0,
        peak_bytes: 0,
        ..verdict.clone()
    }
}

/// Searches in rounds, each stopped by a budget of `step` more states, on one and on two threads in turn. Returns how many rounds that
/// took and the verdict of the last one.
fn in_rounds<M: Reducible>(model: &M, reductions: Reductions, step: u64) -> (u64, Verdict)
where
    M::Process: Serialize + DeserializeOwned,
    M::Frame: Serialize + DeserializeOwned,
{
    let directory = tempfile::tempdir().unwrap();
    for round in 1.. {
        let options = Options {
            threads: 1 + round as usize % 2,
            reductions,
            max_states: Some(round * step),
            ..Options::default()
        };
        let place = place(&directory, round > 1);
        let verdict = search_with_checkpoints(model, &options, &place, &AtomicBool::new(false), &mut |_| {}).unwrap();
        assert_eq!(
            place.path.exists(),
            verdict.stopped_by.is_some(),
            "a checkpoint stays until the search has ended"
        );
        if verdict.stopped_by.is_none() {
            return (round, verdict);
        }
    }
    unreachable!("some budget is enough")
}

fn uninterrupted<M: Reducible>(model: &M, reductions: Reductions) -> Verdict {
    let options = Options {
        reductions,
        ..Options::default()
    };
    search(model, &options, &AtomicBool::new(false), &mut |_| {})
}

#[test]
fn budgets_may_cut_a_search_anywhere() {
    let model = model();
    for reductions in [Reductions::ALL, Reductions { ..Reductions::ALL }] {
        let whole = uninterrupted(&model, reductions);
        assert!(whole.complete && whole.hangs.len() > 1);
        let (rounds, verdict) = in_rounds(&model, reductions, whole.states / 20);
        assert!(rounds > 5, "{rounds}");
        assert_eq!(essence(&verdict), essence(&whole));
    }
}

#[test]
fn a_model_with_cycles_may_be_cut_in_its_second_search_too() {
    for fair in [false, true] {
        let whole = uninterrupted(&BusyClient { fair }, Reductions::ALL);
        let (rounds, verdict) = in_rounds(&BusyClient { fair }, Reductions::ALL, 1);
        assert!(rounds > 1, "{rounds}");
        assert_eq!(essence(&verdict), essence(&whole));
    }
}

#[test]
fn a_checkpoint_of_another_search_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let model = BusyClient { fair: true };
    let stopped = Options {
        max_states: Some(1),
        ..Options::default()
    };
    let run = |options: &Options, place: &Checkpointing| {
        search_with_checkpoints(&model, options, place, &AtomicBool::new(false), &mut |_| {})
    };
    run(&stopped, &place(&directory, false)).unwrap();
    let again = run(&stopped, &place(&directory, false));
    assert!(matches!(again, Err(CheckpointError::Exists { .. })), "{again:?}");
    let mut foreign = place(&directory, true);
    foreign.identity[0].1 = "theirs".to_owned();
    let error = run(&stopped, &foreign).unwrap_err().to_string();
    assert!(
        error.ends_with("a checkpoint of another search: its job is ours, expected theirs"),
        "{error}"
    );
    let other = Options {
        reductions: Reductions::NONE,
        ..stopped
    };
    let error = run(&other, &place(&directory, true)).unwrap_err().to_string();
    assert!(
        error.contains("its engine's reductions is Reductions { forget_dead: true"),
        "{error}"
    );
}

#[test]
fn no_byte_of_a_checkpoint_can_be_changed_or_cut_off_unseen() {
    let directory = tempfile::tempdir().unwrap();
    let stopped = Options {
        max_states: Some(1),
        ..Options::default()
    };
    let place = place(&directory, true);
    let run = || {
        search_with_checkpoints(
            &BusyClient { fair: true },
            &stopped,
            &place,
            &AtomicBool::new(false),
            &mut |_| {},
        )
    };
    run().unwrap();
    let good = fs::read(&place.path).unwrap();
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 0x40;
        fs::write(&place.path, bad).unwrap();
        let error = run().unwrap_err();
        let expected = match byte {
            0..20 => matches!(error, CheckpointError::NotACheckpoint { .. }),
            20..24 => matches!(error, CheckpointError::Version { .. }),
            _ => matches!(error, CheckpointError::Damaged { .. }),
        };
        assert!(expected, "byte {byte}: {error}");
        fs::write(&place.path, &good[..byte]).unwrap();
        let error = run().unwrap_err();
        let cut = matches!(
            error,
            CheckpointError::NotACheckpoint { .. } | CheckpointError::Damaged { .. }
        );
        assert!(cut, "cut at {byte}: {error}");
    }
    fs::write(&place.path, &good).unwrap();
    run().unwrap();
}

/// Returns `lastbatch check` of the scenario, with checkpoints and schedules in `directory`.
fn command(directory: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["check", "--json"])
        .arg(shipped(SCENARIO))
        .arg("--out")
        .arg(directory)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn resumed(directory: &Path, threads: usize) -> Command {
    let mut command = command(directory, &["--checkpoint-every", "4000", "--resume", "--threads"]);
    command.arg(threads.to_string()).arg("--checkpoint").arg(directory);
    command
}

/// Returns the one checkpoint in a directory, as it is now.
fn checkpoint(directory: &Path) -> Option<Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found = entries.filter(|path| path.extension().is_some_and(|extension| extension == "checkpoint"));
    fs::read(found.next()?).ok()
}

/// Returns the output of a search, and the schedules that it wrote, by name.
fn said(directory: &Path, output: &Output) -> (Value, Vec<(String, String)>) {
    let mut value: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let object = value.as_object_mut().unwrap();
    object.remove("seconds").expect("a search takes seconds");
    // What a search that went on remembers, it may have room for where one that was not stopped has not.
    object.remove("peak_bytes").expect("a search takes memory");
    for signature in object["signatures"].as_array_mut().unwrap() {
        signature.as_object_mut().unwrap().remove("schedule");
    }
    let mut schedules = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".schedule") {
            schedules.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    schedules.sort();
    (value, schedules)
}

/// Waits for a checkpoint that differs from `last`; false if the search ends before.
fn another_checkpoint(child: &mut Child, directory: &Path, last: &Option<Vec<u8>>) -> bool {
    while child.try_wait().unwrap().is_none() {
        let now = checkpoint(directory);
        if now.is_some() && now != *last {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn a_search_killed_twenty_times_says_in_the_end_what_one_says_that_was_not() {
    let whole = tempfile::tempdir().unwrap();
    let expected = command(whole.path(), &[]).output().unwrap();
    assert_eq!(expected.status.code(), Some(0));
    let killed = tempfile::tempdir().unwrap();
    let (mut last, mut kills) = (None, 0);
    for round in 0.. {
        let mut child = resumed(killed.path(), 1 + round % 2).spawn().unwrap();
        if kills < 20 && another_checkpoint(&mut child, killed.path(), &last) {
            child.kill().unwrap();
            child.wait().unwrap();
            last = checkpoint(killed.path());
            kills += 1;
            continue;
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(said(killed.path(), &output), said(whole.path(), &expected));
        break;
    }
    assert!(kills >= 15, "only {kills} kills");
    assert_eq!(checkpoint(killed.path()), None);
}

/// `cargo test --release --test engines checkpoint -- --ignored`: about two minutes.
#[test]
#[ignore = "takes minutes; kills at moments that no two runs have in common"]
fn a_search_killed_at_random_moments_says_in_the_end_what_one_says_that_was_not() {
    let whole = tempfile::tempdir().unwrap();
    let expected = command(whole.path(), &[]).output().unwrap();
    let killed = tempfile::tempdir().unwrap();
    for kill in 0..40_u64 {
        let mut child = resumed(killed.path(), 1 + kill as usize % 2).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(rand::random_range(0..1_500_000)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = resumed(killed.path(), 2).output().unwrap();
    assert_eq!(said(killed.path(), &output), said(whole.path(), &expected));
}

#[cfg(unix)]
#[test]
fn an_interrupted_search_leaves_a_checkpoint_and_goes_on_from_it() {
    let whole = tempfile::tempdir().unwrap();
    let expected = command(whole.path(), &[]).output().unwrap();
    let interrupted = tempfile::tempdir().unwrap();
    let mut child = resumed(interrupted.path(), 1).spawn().unwrap();
    assert!(another_checkpoint(&mut child, interrupted.path(), &None));
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(signal.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(checkpoint(interrupted.path()).is_some());
    let output = resumed(interrupted.path(), 2).output().unwrap();
    assert_eq!(said(interrupted.path(), &output), said(whole.path(), &expected));
}

#[test]
fn a_checkpoint_that_is_in_the_way_or_damaged_is_one_clear_line() {
    let directory = tempfile::tempdir().unwrap();
    let checkpointed = |more: &[&str]| {
        let mut command = command(directory.path(), more);
        command.arg("--checkpoint").arg(directory.path()).stderr(Stdio::piped());
        command.output().unwrap()
    };
    let stopped = checkpointed(&["--max-states", "1000"]);
    assert_eq!(stopped.status.code(), Some(3));
    let refused = |output: Output, expected: &str| {
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with("error: ") && text.contains(expected), "{text}");
    };
    refused(checkpointed(&[]), "go on from it (--resume) or remove it");
    refused(
        checkpointed(&["--resume", "--no-reduction", "cancel-order"]),
        "its cancel order is true, expected false",
    );
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "checkpoint") {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    refused(checkpointed(&["--resume"]), "a damaged checkpoint");
    fs::write(directory.path().join("file"), "").unwrap();
    refused(
        Command::new(PROGRAM)
            .args(["check", "--checkpoint", "file"])
            .current_dir(directory.path())
            .output()
            .unwrap(),
        "file: a file, expected a directory",
    );
}
