//! The command line: what it prints, which exit code it ends with, and what it leaves on disk.

use std::fs;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};

use crate::support::program::{directory, lastbatch, schedules_in};
use crate::support::scenario::repository;

/// Two servers: one fails because the worker's tensor never comes, the other may never hear of the step.
pub(super) const SMALL: &str = r#"description = "two servers, an edge each"
[job]
servers = 2
edges = ["worker->ps0 batch", "ps1->worker"]
input = "coupled"
inter_op_parallelism_threads = 2
"#;

#[test]
fn bad_usage_ends_with_code_2() {
    let empty = directory(&[]);
    for arguments in [
        &["search"][..],
        &[],
        &["check", "--threads", "0"],
        &["check", "--engine", "magic"],
        &["check", "--engine", "shuttle", "--strategy", "pct:0"],
        &["check", "--engine", "shuttle", "--executions", "0"],
        &["replay", "a.schedule", "--engine", "magic"],
        &["check", "--no-reduction", "symmetry"],
        &["check", "--full", "--keep", "2"],
        &["check", "--max-memory", "8"],
        &["replay"],
        &["import"],
    ] {
        lastbatch(&empty).args(arguments).assert().code(2).stdout(is_empty());
    }
}

#[test]
fn an_unknown_variant_is_refused_with_the_known_ones() {
    let known = contains("tf-1.12").and(contains("remember-cancelled-steps"));
    let empty = directory(&[]);
    lastbatch(&empty)
        .args(["check", "--variant", "tf-9"])
        .assert()
        .code(2)
        .stderr(known);
}

#[test]
fn a_scenario_that_is_wrong_ends_with_code_2_and_one_line() {
    let files = directory(&[
        ("good.toml", SMALL),
        ("key.toml", &SMALL.replace("servers", "server")),
        ("type.toml", &SMALL.replace("threads = 2", "threads = \"2\"")),
        ("edge.toml", &SMALL.replace("ps1->worker", "ps9->worker")),
        (
            "graph.toml",
            "description = \"\"\n[job]\ngraph = \"none.pb\"\ninput = \"coupled\"\ninter_op_parallelism_threads = 1\n",
        ),
        ("empty.toml", ""),
    ]);
    for (name, expected) in [
        ("key.toml", "error: key.toml:3: unknown field `server`, expected one of"),
        (
            "type.toml",
            "error: type.toml:6: job.inter_op_parallelism_threads: invalid type: string \"2\", expected u8",
        ),
        ("edge.toml", "error: edge.toml: job.edges: edge \"ps9->worker\""),
        ("graph.toml", "error: graph.toml: graph file none.pb: "),
        ("empty.toml", "error: empty.toml:1: missing field `description`"),
        ("none.toml", "error: none.toml: cannot read the scenario: "),
    ] {
        let assert = lastbatch(&files).args(["check", "good.toml", name]).assert();
        let assert = assert.code(2).stdout(is_empty()).stderr(starts_with(expected));
        let lines = String::from_utf8_lossy(&assert.get_output().stderr).lines().count();
        assert_eq!(lines, 1, "{name}");
    }
    assert!(
        schedules_in(&files).is_empty(),
        "nothing is left of a run that did not begin"
    );
}

#[test]
fn a_directory_without_scenarios_is_bad_input() {
    let files = directory(&[]);
    lastbatch(&files)
        .args(["check", "."])
        .assert()
        .code(2)
        .stderr(contains("no *.toml below this directory"));
    lastbatch(&files).args(["list", "."]).assert().code(2);
    lastbatch(&files)
        .args(["list"])
        .assert()
        .code(2)
        .stderr(contains("scenarios"));
}

#[test]
fn a_schedule_that_is_wrong_ends_with_code_2_and_one_line() {
    let files = directory(&[
        ("empty.schedule", ""),
        ("newer.schedule", "lastbatch-schedule: 7\n"),
        ("other.schedule", "[job]\n"),
    ]);
    for (name, expected) in [
        ("empty.schedule", "error: empty.schedule:1: no schedule here"),
        (
            "newer.schedule",
            "error: newer.schedule:1: schedule format 7 is newer than this program; it knows format 1",
        ),
        ("other.schedule", "error: other.schedule:1: not a schedule"),
        ("none.schedule", "error: none.schedule: cannot read the schedule: "),
    ] {
        lastbatch(&files)
            .args(["replay", name])
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(starts_with(expected));
    }
}

#[test]
fn list_shows_what_each_scenario_expects() {
    let files = directory(&[(
        "a.toml",
        &format!("sibling = \"b.toml\"\n{SMALL}[expect]\nverdict = \"no_hang\"\ncomplete = true\n"),
    )]);
    let row = contains("a.toml    no_hang, complete  b.toml   two servers, an edge each");
    lastbatch(&files).args(["list", "a.toml"]).assert().code(0).stdout(row);
}

#[test]
fn import_writes_a_scenario_that_check_accepts_and_never_replaces_one_unasked() {
    let files = directory(&[]);
    fs::copy(
        repository("scenarios/graphs/ps2-coupled.pb"),
        files.path().join("ps2.pb"),
    )
    .expect("copied");
    let shown = contains("3 partitions")
        .and(contains("ps0 -> ps1"))
        .and(contains("scenario written to ps2.toml"));
    lastbatch(&files)
        .args(["import", "ps2.pb", "-o", "ps2.toml"])
        .assert()
        .code(0)
        .stdout(shown);
    let written = fs::read_to_string(files.path().join("ps2.toml")).expect("read");
    assert!(
        written.contains("graph = \"ps2.pb\"") && written.contains("input = \"coupled\""),
        "{written}"
    );
    lastbatch(&files).args(["list", "ps2.toml"]).assert().code(0);
    let again = ["import", "ps2.pb", "-o", "ps2.toml"];
    lastbatch(&files)
        .args(again)
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("--force replaces it"));
    lastbatch(&files).args(again).arg("--force").assert().code(0);
}

#[test]
fn import_of_a_file_that_is_no_graph_leaves_no_scenario() {
    let files = directory(&[("bad.pb", "not a protobuf"), ("empty.pb", "")]);
    for name in ["bad.pb", "empty.pb", "none.pb"] {
        let arguments = ["import", name, "-o", "out.toml"];
        lastbatch(&files)
            .args(arguments)
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(starts_with(format!("error: {name}: ")));
    }
    assert!(!files.path().join("out.toml").exists());
}
