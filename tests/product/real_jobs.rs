//! `confirm` and `record`, as far as they go without a TensorFlow: rules, and what is refused.

use predicates::str::{contains, is_empty, starts_with};

use crate::support::program::{directory, lastbatch, names_in};
use crate::support::scenario::shipped;

#[test]
fn rules_are_printed_and_nothing_is_started() {
    let empty = directory(&[]);
    let schedule = shipped("tiny/two_servers.7a624761.schedule");
    let held = "hold worker0 register ps1_worker until worker0 abort worker0\n";
    lastbatch(&empty)
        .arg("confirm")
        .arg(schedule)
        .arg("--rules")
        .assert()
        .code(0)
        .stdout(contains(held));
    assert!(names_in(&empty).is_empty());
}

#[test]
fn a_schedule_without_hooks_is_refused() {
    let empty = directory(&[]);
    let schedule = shipped("kernel/outstanding_count.2fec35e7.schedule");
    let refused = contains("no label of its decisive races has a hook: worker0 Executor.outstanding outstanding:step0");
    let mut confirm = lastbatch(&empty);
    confirm.arg("confirm").arg(schedule).args(["--", "false"]);
    confirm.assert().code(2).stdout(is_empty()).stderr(refused);
}

#[test]
fn a_probe_that_is_not_there_is_asked_for() {
    let empty = directory(&[]);
    let schedule = shipped("tiny/two_servers.7a624761.schedule");
    let mut confirm = lastbatch(&empty);
    confirm
        .arg("confirm")
        .arg(schedule)
        .args(["--probe", "none.so", "--", "false"]);
    confirm
        .assert()
        .code(2)
        .stderr(starts_with("error: no probe: expected none.so"));
}

#[test]
fn a_job_whose_tasks_have_no_probe_is_no_verdict() {
    // The loader passes over what is no library.
    let files = directory(&[("probe.so", "")]);
    let schedule = shipped("tiny/two_servers.7a624761.schedule");
    let mut confirm = lastbatch(&files);
    confirm
        .arg("confirm")
        .arg(schedule)
        .args(["--probe", "probe.so", "--", "true"]);
    confirm.assert().code(2).stderr(starts_with(
        "error: no task worker0 with the probe in it; there were: none",
    ));
}

#[test]
fn traces_are_made_of_whole_rings_only() {
    let files = directory(&[("worker0.1.ring", "lastring")]);
    let record = |out: &str| {
        let mut record = lastbatch(&files);
        record.args(["record", "--from", ".", "--out", out]);
        record
    };
    record("out").assert().code(2).stderr(contains("worker0.1.ring: "));
    assert!(!files.path().join("out/index.jsonl").exists(), "nothing half-written");
    record(".")
        .assert()
        .code(2)
        .stderr(contains("the folder is not empty, expected a new one per run"));
    let none = directory(&[]);
    let mut empty = lastbatch(&none);
    empty.args(["record", "--from", ".", "--out", "out"]);
    empty.assert().code(2).stderr(contains("no task recorded anything"));
}
