//! The command line: what it prints, which exit code it ends with, and what it leaves on disk.

use std::fs;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};

use crate::support::program::{directory, lastbatch, schedules_in};
use crate::support::scenario::repository;

/// Two servers: one fails because the worker's tensor never comes, the other may never hear of the step.
const SMALL: &str = r#"description = "two servers, an edge each"
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
    lastbatch(&directory(&[]))
        .args(["check", "--variant", "tf-2"])
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

// From here on the model runs.

#[test]
fn a_hang_is_printed_written_and_replayed_to_the_same_hang_with_the_same_bytes_each_time() {
    let files = directory(&[("small.toml", SMALL)]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first"])
        .assert()
        .code(1)
        .stdout(starts_with("HANG: "));
    let written = schedules_in(&files);
    assert!(!written.is_empty());
    for path in written {
        let run = || {
            lastbatch(&files)
                .arg("replay")
                .arg(&path)
                .assert()
                .code(0)
                .get_output()
                .stdout
                .clone()
        };
        let once = run();
        assert!(String::from_utf8_lossy(&once).contains("waits for ever"));
        assert_eq!(once, run());
    }
}

#[test]
fn a_replay_of_a_changed_schedule_ends_with_code_1_at_the_changed_line() {
    let files = directory(&[("small.toml", SMALL)]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first"])
        .assert()
        .code(1);
    let path = schedules_in(&files).remove(0);
    let text = fs::read_to_string(&path).expect("read");
    let (header, events) = text.split_once("\n\n").expect("header and events");
    let mut lines: Vec<String> = events.lines().map(str::to_owned).collect();
    lines[1] = "worker0 nobody Nothing.at.all nothing".to_owned();
    fs::write(&path, format!("{header}\n\n{}\n", lines.join("\n"))).expect("written");
    let line = header.lines().count() + 3;
    let expected = contains(format!(
        "event 1 (line {line}) differs: expected worker0 nobody does Nothing.at.all"
    ));
    lastbatch(&files)
        .arg("replay")
        .arg(&path)
        .assert()
        .code(1)
        .stdout(expected);
}

#[test]
fn a_schedule_of_another_scenario_or_graph_is_bad_input() {
    let files = directory(&[
        ("small.toml", SMALL),
        ("other.toml", &SMALL.replace("threads = 2", "threads = 3")),
    ]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first"])
        .assert()
        .code(1);
    let path = schedules_in(&files).remove(0);
    let other = ["--scenario", "other.toml"];
    let expected = contains("a schedule of another scenario: of small.toml");
    lastbatch(&files)
        .arg("replay")
        .arg(&path)
        .args(other)
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(expected);
    fs::remove_file(files.path().join("small.toml")).expect("removed");
    let expected = contains("its scenario small.toml is not beside it; name it with --scenario");
    lastbatch(&files)
        .arg("replay")
        .arg(&path)
        .assert()
        .code(2)
        .stderr(expected);
}

#[test]
fn the_expectation_decides_the_exit_code() {
    let hang = format!("{SMALL}[expect]\nverdict = \"hang\"\n");
    let files = directory(&[
        ("hang.toml", &hang),
        ("none.toml", &hang.replace("\"hang\"", "\"no_hang\"")),
    ]);
    let check = |name| {
        let mut command = lastbatch(&files);
        command.args(["check", "--first", "--no-write", name]);
        command.assert()
    };
    check("hang.toml").code(0).stdout(contains("as expected: hang"));
    check("none.toml")
        .code(1)
        .stdout(contains("NOT as expected: expected no_hang, found hang"));
    check(".")
        .code(1)
        .stdout(contains("hang.toml").and(contains("none.toml")));
    assert!(schedules_in(&files).is_empty(), "--no-write writes nothing");
}

#[test]
fn a_search_that_a_bound_stopped_is_undecided() {
    let files = directory(&[("small.toml", SMALL)]);
    let arguments = ["check", "small.toml", "--max-states", "1"];
    lastbatch(&files)
        .args(arguments)
        .assert()
        .code(3)
        .stdout(starts_with("UNDECIDED"));
}

#[test]
fn json_has_one_line_a_verdict_and_nothing_else_on_standard_output() {
    let files = directory(&[("a.toml", SMALL), ("b.toml", SMALL)]);
    let assert = lastbatch(&files)
        .args(["check", ".", "--first", "--json", "--out", "."])
        .assert()
        .code(1);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        let verdict: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(verdict["verdict"], "hang");
        let schedule = verdict["signatures"][0]["schedule"].as_str().expect("written");
        assert!(files.path().join(schedule).is_file(), "{schedule}");
    }
}

#[test]
fn without_a_path_the_built_in_scenario_is_searched_from_anywhere() {
    let files = directory(&[]);
    let bounded = ["check", "--max-states", "1000", "--json"];
    let named = contains("\"scenario\":\"ps2_coupled.toml (built in)\"");
    lastbatch(&files).args(bounded).assert().code(3).stdout(named);
    assert!(schedules_in(&files).is_empty());
}

#[test]
fn an_option_that_an_engine_would_not_look_at_is_bad_input() {
    let small = directory(&[("small.toml", SMALL)]);
    for (engine, options, wrong) in [
        ("exhaustive", &["--executions", "5"][..], "--executions"),
        ("exhaustive", &["--seed", "5"], "--seed"),
        ("threads", &["--strategy", "urw"], "--strategy"),
        ("shuttle", &["--max-states", "5"], "--max-states"),
        ("threads", &["--leaks"], "--leaks"),
        ("shuttle", &["--no-reduction", "forget-dead"], "--no-reduction"),
    ] {
        let expected = format!("error: small.toml: {wrong} does not go with engine {engine}\n");
        let mut command = lastbatch(&small);
        command.args(["check", "small.toml", "--engine", engine]).args(options);
        command.assert().code(2).stdout(is_empty()).stderr(expected);
    }
}

#[test]
fn engines_of_a_scenario_are_checked() {
    for (engines, problem) in [
        (
            "engines = []",
            "small.toml:8: engine.engines: empty, expected at least one",
        ),
        (
            "engines = [\"shuttle\"]",
            "small.toml:8: engine.engines: expected `name` (exhaustive, if not given) to be one of them",
        ),
        ("engines = [\"magic\"]", "small.toml:8: "),
        (
            "executions = 0",
            "small.toml:8: engine.executions: 0, expected at least 1",
        ),
        ("strategy = \"luck\"", "small.toml:8: "),
    ] {
        let small = directory(&[("small.toml", &format!("{SMALL}[engine]\n{engines}\n"))]);
        let mut command = lastbatch(&small);
        command.args(["check", "small.toml"]).assert().code(2);
        command.assert().stderr(starts_with(format!("error: {problem}")));
    }
}

#[test]
fn a_hang_that_shuttle_finds_in_its_worker_process_is_written_and_replays_on_real_threads() {
    let small = directory(&[("small.toml", SMALL)]);
    let mut check = lastbatch(&small);
    check.args([
        "check",
        "small.toml",
        "--engine",
        "shuttle",
        "--executions",
        "20000",
        "--first",
        "--json",
    ]);
    let output = check.assert().code(1).get_output().stdout.clone();
    let verdict: serde_json::Value = serde_json::from_slice(&output).expect("one line of JSON");
    assert_eq!(verdict["engine"], "shuttle");
    assert_eq!(verdict["verdict"], "hang");
    assert_eq!(verdict["complete"], false);
    assert_eq!(verdict["executions"]["seed"], 1);
    assert_eq!(verdict["executions"]["first_hang"], verdict["executions"]["count"]);
    let [schedule] = schedules_in(&small).try_into().expect("one schedule");
    let name = format!(
        "small.shuttle.{}.schedule",
        verdict["signatures"][0]["id"].as_str().expect("an id")
    );
    assert!(schedule.ends_with(name));
    for engine in ["exhaustive", "shuttle", "threads"] {
        let mut replay = lastbatch(&small);
        replay
            .arg("replay")
            .arg(&schedule)
            .args(["--engine", engine, "--times", "3"]);
        let expected = format!("engine {engine}: 3 of 3 runs end as promised\n");
        replay.assert().code(0).stdout(contains(expected));
    }
}

#[test]
fn a_worker_without_a_request_says_so() {
    let empty = directory(&[]);
    let mut worker = lastbatch(&empty);
    let expected = "error: worker: expected a request on standard input: ";
    worker
        .arg("worker")
        .write_stdin("please\n")
        .assert()
        .code(2)
        .stderr(starts_with(expected));
}
