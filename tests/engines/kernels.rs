//! The kernels in `scenarios/kernel`: each is decided by the exhaustive engine, its hangs replay on the job and under every engine, and
//! each that must hang has a sibling that must not; what is no kernel is refused.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use lastbatch::explore::{Answer, Verdict};
use lastbatch::scenario::{Budget, EngineName, Experiment, Judgement};
use lastbatch::schedule::ReplayOutcome;
use predicates::prelude::*;

use crate::support::program::PROGRAM;
use crate::support::scenario::{files, prepared, shipped};
use crate::support::state_space::signatures;

fn kernels() -> Vec<Experiment> {
    let paths = files("kernel", "toml");
    assert!(paths.len() >= 2, "{paths:?}");
    paths.iter().map(prepared).collect()
}

fn run(kernel: &Experiment, engine: EngineName, executions: Option<u64>) -> Verdict {
    let budget = Budget {
        executions,
        ..Budget::default()
    };
    if engine == EngineName::Exhaustive {
        return kernel.run(engine, &budget, &Default::default(), |_| {}).unwrap();
    }
    let verdict = kernel.run_in_worker(Path::new(PROGRAM), engine, &budget, &Default::default());
    verdict.unwrap_or_else(|error| panic!("{}: {error}", kernel.scenario()))
}

#[test]
fn every_kernel_is_decided_as_expected_and_loom_decides_it_the_same_way() {
    for kernel in kernels() {
        let exhaustive = run(&kernel, EngineName::Exhaustive, None);
        assert!(exhaustive.complete, "{}: {exhaustive:?}", kernel.scenario());
        let judgement = Judgement::of(kernel.scenario().document.expect.as_ref(), &exhaustive);
        assert_eq!(judgement, Judgement::Holds, "{}", kernel.scenario());
        let loom = run(&kernel, EngineName::Loom, None);
        assert!(loom.complete, "{}: {loom:?}", kernel.scenario());
        assert_eq!(loom.findings, []);
        assert_eq!(loom.answer, exhaustive.answer, "{}", kernel.scenario());
        assert_eq!(
            signatures(&loom.hangs),
            signatures(&exhaustive.hangs),
            "{}",
            kernel.scenario()
        );
    }
}

#[test]
fn what_shuttle_and_real_threads_find_in_a_kernel_is_what_there_is() {
    for kernel in kernels() {
        let known = signatures(&run(&kernel, EngineName::Exhaustive, None).hangs);
        for (engine, executions) in [(EngineName::Shuttle, 500), (EngineName::Threads, 20)] {
            let found = run(&kernel, engine, Some(executions));
            assert_eq!(found.findings, [], "{}", kernel.scenario());
            assert!(
                signatures(&found.hangs).is_subset(&known),
                "{} under {engine}",
                kernel.scenario()
            );
        }
    }
}

#[test]
fn a_run_of_loom_that_a_bound_stops_is_undecided_unless_it_hung() {
    for kernel in kernels() {
        let loom = run(&kernel, EngineName::Loom, Some(3));
        assert!(!loom.complete, "{}: {loom:?}", kernel.scenario());
        assert_ne!(loom.answer, Answer::NoHang);
        assert_eq!(loom.stopped_by.as_deref(), Some("the bound of 3 executions"));
    }
}

#[test]
fn a_hang_of_a_kernel_replays_on_the_job_under_every_engine() {
    for kernel in kernels() {
        for hang in run(&kernel, EngineName::Exhaustive, None).hangs {
            let schedule = kernel.schedule_of(&hang);
            for engine in [EngineName::Exhaustive, EngineName::Threads, EngineName::Loom] {
                let check = |outcome: ReplayOutcome| {
                    assert_eq!(
                        outcome.broken_promise(&schedule),
                        None,
                        "{} under {engine}",
                        kernel.scenario()
                    );
                };
                kernel.replay_under(engine, &schedule, 1, check).unwrap();
            }
        }
    }
}

#[test]
fn every_kernel_that_hangs_has_a_sibling_that_does_not_and_the_other_way_round() {
    for kernel in kernels() {
        let document = &kernel.scenario().document;
        let sibling = document.sibling.as_deref().expect("a kernel has a sibling");
        let sibling = prepared(shipped("kernel").join(sibling));
        let answer = |prepared: &Experiment| {
            prepared
                .scenario()
                .document
                .expect
                .clone()
                .expect("an expectation")
                .verdict
        };
        let both = [answer(&kernel), answer(&sibling)];
        assert!(
            both.contains(&Answer::Hang) && both.contains(&Answer::NoHang),
            "{}: {both:?}",
            kernel.scenario()
        );
    }
}

/// Returns a kernel's text with something changed.
fn changed(from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
    let text = std::fs::read_to_string(shipped("kernel").join("recv_cancel_race.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("changed.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    (place, path)
}

fn refused(from: &str, to: &str, arguments: &[&str], message: &str) {
    let (_place, path) = changed(from, to);
    let mut command = Command::new(PROGRAM);
    command.arg("check").arg(&path).arg("--no-write").args(arguments);
    command
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains(message));
}

#[test]
fn what_is_no_kernel_is_bad_input() {
    let first = "worker0 client Client.run client";
    refused(
        first,
        "worker7 client Client.run client",
        &[],
        "kernel.begin: entry 1: no such process; there are: worker0, ps0, ps1",
    );
    refused(
        first,
        "worker0 client",
        &[],
        "kernel.begin: entry 1: an event with 2 fields",
    );
    refused(
        "\"ps1/*\"",
        "\"ps7/*\"",
        &[],
        "kernel.groups: group \"ps1\": no process ps7",
    );
    refused(
        "\"ps1/*\"",
        "\"ps1/*\", \"ps0/*\"",
        &[],
        "kernel.groups: group \"ps1\": threads of ps1 and of ps0, expected those of one process",
    );
}

#[test]
fn more_threads_than_loom_has_are_bad_input_for_loom_alone() {
    let group = "\"ps0/*\"";
    refused(
        group,
        "\"ps0/none\"",
        &["--engine", "loom"],
        "engine loom runs at most 5 threads, but the kernel has",
    );
    let (_place, path) = changed(group, "\"ps0/none\"");
    let mut command = Command::new(PROGRAM);
    command.arg("check").arg(&path).arg("--no-write");
    command.assert().code(0);
    refused(
        "ps0",
        "ps0",
        &["--engine", "loom", "--seed", "1"],
        "--seed does not go with engine loom",
    );
}

#[test]
fn a_whole_job_is_no_kernel_for_loom() {
    let whole = shipped("small/two_servers.toml");
    let mut command = Command::new(PROGRAM);
    command.arg("check").arg(whole).args(["--no-write", "--engine", "loom"]);
    let message = predicate::str::contains("engine loom runs at most 5 threads");
    command.assert().code(2).stdout("").stderr(message);
}

#[test]
fn an_exploration_by_loom_that_a_bound_stopped_goes_on_from_its_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let scenario = shipped("kernel").join("recv_cancel_race_check_after_send.toml");
    let check = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command
            .arg("check")
            .arg(&scenario)
            .args(["--no-write", "--engine", "loom"]);
        command.arg("--checkpoint").arg(place.path()).args(more).assert()
    };
    check(&["--executions", "2500"]).code(3);
    let refused = "a checkpoint is there already: go on from it (--resume) or remove it";
    check(&[]).code(2).stderr(predicate::str::contains(refused));
    check(&["--resume"])
        .code(0)
        .stdout(predicate::str::contains("NO HANG: proved"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    check(&["--checkpoint-every", "5"])
        .code(2)
        .stderr(predicate::str::contains(
            "--checkpoint-every does not go with engine loom",
        ));
    let mut other = Command::new(PROGRAM);
    other
        .arg("check")
        .arg(&scenario)
        .args(["--no-write", "--engine", "shuttle"]);
    other.arg("--checkpoint").arg(place.path()).assert().code(2);
}
