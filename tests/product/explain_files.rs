//! The files that an explanation is written to: a page, a drawing, a trace for Perfetto; whole or not at all.

use std::collections::BTreeMap;
use std::fs;

use assert_cmd::Command;
use lastbatch::diagnose::{Fate, Recording, record};
use lastbatch::report::{ChromeTrace, timeline_svg};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{lastbatch, names_in};
use crate::support::scenario::shipped;
use crate::support::shipped_schedules;

fn explain(directory: &TempDir) -> Command {
    let mut command = lastbatch(directory);
    command.arg("explain");
    command
}

/// Returns the first events of a shipped schedule: the master starts a partition, and the data ends.
fn beginning(events: usize) -> Recording {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("small")[0]);
    record(prepared.model(), &schedule.events[..events]).expect("a shipped schedule is possible")
}

#[test]
fn the_timeline_of_a_few_events_as_a_drawing() {
    insta::assert_snapshot!(timeline_svg("The data ends", &beginning(24), None));
}

#[test]
fn the_timeline_of_a_few_events_as_a_trace_for_perfetto() {
    insta::assert_snapshot!(ChromeTrace::of(&beginning(24), None).json());
}

#[test]
fn a_trace_for_perfetto_has_a_slice_an_event_a_track_a_thread_and_an_arrow_a_message() {
    for file in shipped_schedules::schedules("final_batch") {
        let (schedule, prepared) = shipped_schedules::load(&file);
        let recording = record(prepared.model(), &schedule.events).expect("possible");
        let trace: Value = serde_json::from_str(&ChromeTrace::of(&recording, None).json()).expect("JSON");
        let records = trace["traceEvents"].as_array().expect("records");
        let of = |phase: &str| {
            records
                .iter()
                .filter(|record| record["ph"] == phase)
                .collect::<Vec<_>>()
        };
        let slices = of("X");
        assert_eq!(slices.len(), recording.events.len());
        // Slices of one track must not overlap; these do not even of all tracks.
        for (index, slice) in slices.iter().enumerate() {
            assert_eq!(
                (&slice["ts"], &slice["dur"]),
                (&Value::from(index + 1), &Value::from(1))
            );
        }
        let named = |what: &str| of("M").iter().filter(|record| record["name"] == what).count();
        assert_eq!(named("process_name"), recording.processes.len());
        assert_eq!(named("thread_name"), recording.threads.len());
        let taken = recording
            .frames
            .iter()
            .filter(|frame| matches!(frame.fate, Fate::Taken(_)));
        assert_eq!((of("s").len(), of("f").len()), (taken.clone().count(), taken.count()));
        // Each end of an arrow lies in a slice of its own track.
        let place = |record: &Value| {
            (
                record["ts"].to_string(),
                record["pid"].to_string(),
                record["tid"].to_string(),
            )
        };
        let tracks: BTreeMap<_, _> = slices.iter().map(|slice| (place(slice), ())).collect();
        assert!(
            of("s")
                .into_iter()
                .chain(of("f"))
                .all(|end| tracks.contains_key(&place(end)))
        );
    }
}

#[test]
fn all_files_are_written_and_are_what_they_should_be() {
    let directory = tempfile::tempdir().expect("a directory");
    explain(&directory)
        .arg(shipped("small/two_servers.7a624761.schedule"))
        .args(["--html", "a.html", "--svg", "a.svg", "--chrome-trace", "a.json"])
        .assert()
        .code(0)
        .stdout(contains("page written to a.html").and(contains("timeline written to a.svg")));
    assert_eq!(names_in(&directory), ["a.html", "a.json", "a.svg"]);
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).expect("read");
    assert!(read("a.html").starts_with("<!DOCTYPE html>"));
    assert!(read("a.svg").starts_with("<?xml"));
    assert!(serde_json::from_str::<Value>(&read("a.json")).is_ok());
}

#[test]
fn the_same_schedule_gives_the_same_files_byte_for_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let page = |name: &str| {
        explain(&directory)
            .arg(shipped("final_batch/ps2_coupled.72eaa422.schedule"))
            .args(["--html", name])
            .assert()
            .code(0);
        fs::read(directory.path().join(name)).expect("read")
    };
    assert_eq!(page("one.html"), page("other.html"));
}

#[test]
fn where_one_file_cannot_be_written_none_is() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("taken")).expect("made");
    fs::write(directory.path().join("file"), "").expect("written");
    for unwritable in ["file/a.json", "taken"] {
        explain(&directory)
            .arg(shipped("small/two_servers.7a624761.schedule"))
            .args(["--html", "a.html", "--chrome-trace", unwritable])
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(contains(format!("error: {unwritable}: cannot write there: ")).and(contains("\n").count(1)));
        assert_eq!(names_in(&directory), ["file", "taken"]);
    }
}

#[test]
fn a_trace_is_shown_beside_the_schedule_that_conforms_to_it() {
    let directory = tempfile::tempdir().expect("a directory");
    explain(&directory)
        .arg("--trace")
        .arg(shipped("traces/hang-trace-ps2.jsonl"))
        .args(["--html", "a.html"])
        .assert()
        .code(0);
    let page = fs::read_to_string(directory.path().join("a.html")).expect("read");
    let row = page
        .split("<div class=\"row")
        .find(|row| row.contains("startabort&lt;"));
    assert!(row.expect("a row with the abort").contains("StartAbort.local"));
}

#[test]
fn a_trace_with_a_missing_field_is_bad_input_and_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let line = r#"{"us": 1.0, "process": "worker0", "thread": "t1", "event": "setcancel<", "opts": "opts1"}"#;
    fs::write(directory.path().join("bad.jsonl"), line).expect("written");
    explain(&directory)
        .args(["--trace", "bad.jsonl", "--html", "a.html"])
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("error: bad.jsonl:1: field site is missing in event setcancel<").and(contains("\n").count(1)));
    assert_eq!(names_in(&directory), ["bad.jsonl"]);
}

#[test]
fn a_schedule_and_a_trace_together_or_neither_are_bad_usage() {
    let directory = tempfile::tempdir().expect("a directory");
    for arguments in [&["a.schedule", "--trace", "a.jsonl"][..], &[]] {
        explain(&directory).args(arguments).assert().code(2).stdout(is_empty());
    }
}

#[test]
fn a_hang_of_a_later_step_is_explained_and_made_smaller_as_one_of_the_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let schedule = shipped("dataset/reinitialize_one_thread.8fcecaf5.schedule");
    let told = contains("step1 sess.run never returns").and(contains("map:iterator0"));
    explain(&directory).arg(&schedule).assert().success().stdout(told);
    let mut minimise = lastbatch(&directory);
    let minimise = minimise
        .arg("minimise")
        .arg(&schedule)
        .args(["--out", "smaller.schedule"]);
    minimise.assert().success();
    assert!(directory.path().join("smaller.schedule").exists());
}
