//! `check` and `replay`: what they print, which exit code they end with, and what they leave on disk.

use std::fs;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};

use crate::support::program::{directory, lastbatch, schedules_in};

use super::cli::SMALL;
use crate::support::scenario::repository;

#[test]
fn a_hang_is_printed_written_and_replayed_to_the_same_hang_with_the_same_bytes_each_time() {
    let files = directory(&[("small.toml", SMALL)]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first", "--record"])
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
        assert!(String::from_utf8_lossy(&once).contains("sess.run never returns"));
        assert_eq!(once, run());
    }
}

#[test]
fn schedules_are_written_only_where_that_is_asked_for() {
    let files = directory(&[("small.toml", SMALL)]);
    let check = |arguments: &[&str]| {
        let mut command = lastbatch(&files);
        command.args(["check", "--first"]).args(arguments).assert()
    };
    let told = contains("Schedules are not written: --record keeps them beside their scenario, --out DIR elsewhere.");
    check(&["small.toml"]).code(1).stdout(told);
    assert!(schedules_in(&files).is_empty());
    for (arguments, problem) in [
        (
            &["small.toml", "--out", "small.toml"][..],
            "error: small.toml: a file, expected a directory\n",
        ),
        (
            &["--record"],
            "error: ps2_coupled.toml (built in): nothing can be written beside it, expected --out DIR\n",
        ),
    ] {
        check(arguments).code(2).stdout(is_empty()).stderr(problem);
    }
    check(&["small.toml", "--out", ".", "--record"]).code(2);
    assert!(schedules_in(&files).is_empty());
    check(&["small.toml", "--out", "new/out"])
        .code(1)
        .stdout(contains("written to new/out/small."));
    assert!(schedules_in(&files).is_empty(), "they are elsewhere");
    check(&["small.toml", "--record"])
        .code(1)
        .stdout(contains("written to ./small."));
    assert_eq!(schedules_in(&files).len(), 1);
}

#[test]
fn a_replay_of_a_changed_schedule_ends_with_code_1_at_the_changed_line() {
    let files = directory(&[("small.toml", SMALL)]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first", "--record"])
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
        .args(["check", "small.toml", "--first", "--record"])
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
    let arguments = ["check", "small.toml", "--engine", "exhaustive", "--max-states", "1"];
    let hint = "small.toml: with --checkpoint DIR such a search can go on later: --resume\n";
    lastbatch(&files)
        .args(arguments)
        .assert()
        .code(3)
        .stdout(starts_with("UNDECIDED"))
        .stderr(hint);
    lastbatch(&files)
        .args(arguments)
        .args(["--checkpoint", "kept"])
        .assert()
        .code(3)
        .stderr("small.toml: it goes on with --checkpoint kept --resume\n");
}

#[test]
fn a_proof_is_looked_at_a_second_time_where_that_is_asked_for_and_sampled_where_that_does_not_end() {
    let nowhere = directory(&[]);
    let scenario = repository("scenarios/tiny/one_server.toml");
    let verified = |options: &[&str]| {
        let mut command = lastbatch(&nowhere);
        command
            .args(["check", "--verify", "--json"])
            .arg(&scenario)
            .args(options);
        let assert = command.assert().code(0);
        let verdict: serde_json::Value = serde_json::from_slice(&assert.get_output().stdout).expect("JSON");
        assert_eq!(verdict["verdict"], "no_hang");
        verdict["verification"].clone()
    };
    let whole = verified(&[]);
    assert_eq!(
        (&whole["complete"], &whole["executions"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let part = verified(&["--max-states", "1000"]);
    assert_eq!((&part["complete"], &part["executions"]), (&false.into(), &5_000.into()));
    assert!(
        part["stopped_by"].as_str().expect("a reason").contains("1000"),
        "{part}"
    );
    let mut command = lastbatch(&nowhere);
    command.args(["check", "--verify"]).arg(&scenario);
    command.assert().stdout(contains(
        "\n  verified    complete, a search with partial order alone: ",
    ));
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
        ("sample", &["--max-states", "5"], "--max-states"),
        ("sample", &["--strategy", "urw"], "strategy \"urw\""),
        ("shuttle", &["--strategy", "hold:2"], "strategy \"hold:2\""),
        ("threads", &["--leaks"], "--leaks"),
        ("shuttle", &["--verify"], "--verify"),
        ("shuttle", &["--no-reduction", "forget-dead"], "--no-reduction"),
    ] {
        let expected = starts_with(format!("error: small.toml: {wrong} does not go with engine {engine}"));
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
        (
            "name = \"sample\"\nstrategy = \"urw\"",
            "small.toml:9: engine.strategy: strategy \"urw\" does not go with engine sample, expected random",
        ),
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
        "--record",
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
        let expected = format!("engine {engine}: 3/3 runs reproduced the hang\n");
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

#[test]
fn a_panic_of_the_model_is_told_as_a_finding_and_prints_nothing_of_its_own() {
    let nowhere = directory(&[]);
    let scenario = repository("scenarios/dataset/end_before_drained.toml");
    for engine in ["exhaustive", "shuttle", "threads"] {
        let mut command = lastbatch(&nowhere);
        command
            .args(["check", "--executions", "20", "--engine", engine])
            .arg(&scenario);
        if engine == "exhaustive" {
            command = lastbatch(&nowhere);
            command.arg("check").arg(&scenario);
        }
        let told = contains("panic in the model: iterator 0: the end is reported");
        command.assert().code(0).stdout(told).stderr(contains("panicked").not());
    }
}
