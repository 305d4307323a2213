//! The program in a shell: help, completions, manual pages, colours, readers that go, values as people write them.

use std::fs;
use std::process::{Command, Stdio};

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};
use serde_json::Value;
use tempfile::TempDir;

use super::cli::SMALL;
use crate::support::program::{PROGRAM, directory, lastbatch, names_in, schedules_in};
use crate::support::scenario::repository;

/// Returns what the program prints.
fn printed(arguments: &[&str]) -> String {
    let output = lastbatch(".")
        .args(arguments)
        .assert()
        .code(0)
        .get_output()
        .stdout
        .clone();
    String::from_utf8(output).expect("text")
}

/// Returns the names of all commands, as the help lists them.
fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let list = help.split("Commands:\n").nth(1).expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    names.filter(|name| name != "help").collect()
}

#[test]
fn the_help_of_every_command_has_its_exit_codes_and_examples_and_names_an_output_alike() {
    let commands = commands();
    assert!(commands.len() > 14, "{commands:?}");
    for command in commands {
        let help = printed(&[&command, "--help"]);
        assert!(
            help.contains(&format!("\nExamples:\n  lastbatch {command}")),
            "{command}"
        );
        if !["completions", "man"].contains(&command.as_str()) {
            assert!(help.contains("Exit code 0"), "{command}");
        }
        assert!(!help.contains("--output"), "{command}");
        assert_eq!(help.contains("--out <"), help.contains("-o, --out <"), "{command}");
    }
}

#[test]
fn the_help_of_check() {
    insta::assert_snapshot!(printed(&["check", "--help"]));
}

#[test]
fn completions_and_manual_pages_know_every_command_and_variant() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for word in commands()
            .iter()
            .map(String::as_str)
            .chain(["sticky-cancel", "max-time"])
        {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let files = directory(&[]);
    lastbatch(&files).args(["man", "--out", "man1"]).assert().code(0);
    for command in commands() {
        let page = files.path().join(format!("man1/lastbatch-{command}.1"));
        let page = std::fs::read_to_string(page).expect("a page per command");
        assert!(page.contains("Examples:"), "{command}");
    }
    assert!(printed(&["man", "check"]).contains("sticky\\-cancel"));
    lastbatch(&files)
        .args(["man", "nothing"])
        .assert()
        .code(2)
        .stderr("error: no command nothing, see `lastbatch help`\n");
}

/// Returns a folder with a scenario, its baseline, a schedule of its hang, and an exported graph.
fn workplace() -> TempDir {
    let files = directory(&[("small.toml", SMALL)]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first", "--record"])
        .assert()
        .code(1);
    let update = ["gate", ".", "--update-baseline"];
    lastbatch(&files).args(update).assert().code(1);
    for (from, to) in [
        ("scenarios/graphs/ps2-coupled.pb", "step.pb"),
        ("tests/dumps/final_batch/ps0.txt", "ps0.txt"),
    ] {
        fs::copy(repository(from), files.path().join(to)).expect("copied");
    }
    files
}

/// Commands whose result is one line if they are asked to be quiet; those that write do it into folders that are not there.
const ONE_LINE: [(&str, i32); 11] = [
    ("check small.toml --first --out new/check", 1),
    ("replay small.7a624761.schedule", 0),
    ("replay small.7a624761.schedule --times 2", 0),
    ("replay small.7a624761.schedule --prefix-on sticky-cancel", 0),
    (
        "explain small.7a624761.schedule --as-is --text --html new/explain/a.html",
        0,
    ),
    (
        "gate . --json new/gate/a.json --junit new/gate/a.xml --markdown new/gate/a.md --artifacts new/gate/hangs",
        1,
    ),
    ("diff tf-1.12 sticky-cancel --scenarios small.toml --out new/diff", 1),
    ("list small.toml", 0),
    ("match ps0.txt", 1),
    (
        "matrix small.toml --inter-op 2 --intra-op 1 --variant tf-1.12 --out new/matrix",
        0,
    ),
    // Last: a gate over the folder would search what it writes.
    ("import step.pb --out new/import/step.toml", 0),
];

#[test]
fn every_command_takes_quiet_and_verbose_and_a_quiet_one_prints_its_result_in_one_line() {
    for command in commands() {
        let help = printed(&[&command, "--help"]);
        assert!(
            help.contains("-q, --quiet\n") && help.contains("-v, --verbose\n"),
            "{command}"
        );
    }
    let files = workplace();
    for (command, code) in ONE_LINE {
        let mut quiet = lastbatch(&files);
        let output = quiet
            .args(command.split(' '))
            .arg("-q")
            .assert()
            .code(code)
            .get_output()
            .stdout
            .clone();
        let text = String::from_utf8(output).expect("text");
        assert_eq!(text.lines().count(), 1, "{command}: {text}");
    }
    lastbatch(&files).args(["list", "-q", "-v"]).assert().code(2);
}

#[test]
fn a_verbose_command_says_more_than_one_without_an_option() {
    let files = workplace();
    for command in [
        "replay small.7a624761.schedule",
        "explain small.7a624761.schedule --as-is",
        "gate .",
        "diff tf-1.12 tf-1.13 --scenarios small.toml",
    ] {
        let lines = |option: &[&str]| {
            let output = lastbatch(&files)
                .args(command.split(' '))
                .args(option)
                .output()
                .expect("it runs")
                .stdout;
            String::from_utf8(output).expect("text").lines().count()
        };
        let (plain, verbose) = (lines(&[]), lines(&["-v"]));
        assert!(plain > 1 && verbose > plain, "{command}: {plain}, {verbose}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_and_changes_no_verdict() {
    let files = workplace();
    let quick = ONE_LINE
        .iter()
        .map(|(command, code)| (command.split(' ').collect::<Vec<_>>(), *code));
    let more = [
        (vec!["check", "small.toml", "--first", "--out", "piped", "-v"], 1),
        (vec!["list", "."], 0),
        (vec!["completions", "bash"], 0),
        (vec!["man", "check"], 0),
        (vec!["check", "--help"], 0),
    ];
    for (arguments, code) in quick.chain(more) {
        let mut command = Command::new(PROGRAM);
        command
            .args(&arguments)
            .current_dir(&files)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = command.spawn().expect("it runs");
        drop(running.stdout.take());
        let ended = running.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}");
        let errors = String::from_utf8_lossy(&ended.stderr);
        // A busy machine has time for lines of progress.
        let mut errors = errors.lines().filter(|line| !line.contains(" states, "));
        assert_eq!(errors.next(), None, "{arguments:?}");
    }
    let written = fs::read_dir(files.path().join("piped")).expect("a folder").count();
    assert_eq!(written, 1, "it was written all the same");
}

#[test]
fn a_pipe_gets_no_colours_unless_they_are_asked_for() {
    let files = directory(&[("small.toml", SMALL)]);
    let check = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = lastbatch(&files);
        command.args(["check", "small.toml", "--first"]).args(arguments);
        command.envs(environment.iter().copied());
        command.assert().code(1)
    };
    let colour = "\u{1b}[";
    check(&[], &[]).stdout(contains(colour).not());
    check(&["--color", "always"], &[]).stdout(contains(colour));
    check(&[], &[("CLICOLOR_FORCE", "1")]).stdout(contains(colour));
    check(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).stdout(contains(colour).not());
}

#[test]
fn a_quiet_check_prints_one_line_per_scenario_and_a_quiet_replay_one() {
    let files = directory(&[("a.toml", SMALL), ("b.toml", SMALL)]);
    let check = ["check", ".", "--first", "--record", "--quiet"];
    let output = lastbatch(&files)
        .args(check)
        .assert()
        .code(1)
        .get_output()
        .stdout
        .clone();
    let text = String::from_utf8(output).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    for (line, name) in lines.iter().zip(["./a.toml", "./b.toml"]) {
        assert!(line.starts_with(&format!("{name}: HANG: 1 distinct hang")), "{line}");
    }
    let schedule = schedules_in(&files).remove(0);
    let mut replay = lastbatch(&files);
    let one = starts_with("replayed all of ").and(contains("\n").count(1));
    replay
        .args(["replay", "-q"])
        .arg(&schedule)
        .assert()
        .code(0)
        .stdout(one);
}

#[test]
fn the_length_of_a_hang_is_the_same_in_every_text_and_form() {
    let files = directory(&[("small.toml", SMALL)]);
    let check = |arguments: &[&str]| {
        let mut command = lastbatch(&files);
        command
            .args(["check", "small.toml", "--engine", "exhaustive"])
            .args(arguments);
        let output = command.assert().code(1).get_output().stdout.clone();
        String::from_utf8(output).expect("text")
    };
    let verdict: Value = serde_json::from_str(&check(&["--json", "--record"])).expect("JSON");
    let text = check(&[]);
    let hangs = verdict["signatures"].as_array().expect("hangs");
    assert!(!hangs.is_empty());
    for hang in hangs {
        let told = format!("{} events, then ", hang["length"]);
        assert!(text.contains(&told), "{told}: {text}");
        let path = hang["schedule"].as_str().expect("written");
        let mut replay = lastbatch(&files);
        replay
            .args(["replay", path])
            .assert()
            .code(0)
            .stdout(contains(told.as_str()));
        let mut explain = lastbatch(&files);
        let json = explain.args(["explain", path, "--as-is", "--json"]).assert().code(0);
        let json: Value = serde_json::from_slice(&json.get_output().stdout).expect("JSON");
        assert_eq!(json["length"], hang["length"], "{path}");
    }
}

#[test]
fn sizes_parts_of_the_memory_and_durations_are_read_as_people_write_them() {
    let files = directory(&[("small.toml", SMALL)]);
    let check = |option: &str, value: &str| {
        let mut command = lastbatch(&files);
        command
            .args(["check", "small.toml", "--first", "-q", option, value])
            .assert()
    };
    for size in ["8G", "512M", "1.5GiB", "0.5"] {
        check("--max-memory", size).code(1);
    }
    for time in ["600", "599.5", "90s", "10m", "10min", "1h30m", "2d"] {
        check("--max-time", time).code(1);
    }
    for (option, value, expected) in [
        (
            "--max-memory",
            "8",
            "expected a number and a unit, as in 8G or 512M, or a fraction of the memory, as in 0.5",
        ),
        (
            "--max-time",
            "ten",
            "expected seconds, or a number and a unit, as in 0.5, 90s, 10m or 1h30m",
        ),
        ("--max-time", "1h30", "expected seconds, or a number and a unit"),
        ("--max-time", "", "expected seconds, or a number and a unit"),
    ] {
        check(option, value).code(2).stderr(contains(expected));
    }
}

#[test]
fn patterns_name_scenarios_and_one_that_names_none_is_bad_input() {
    let files = directory(&[
        ("one_small.toml", SMALL),
        ("two_small.toml", SMALL),
        ("other.toml", SMALL),
    ]);
    let list = |pattern: &str| {
        let mut command = lastbatch(&files);
        command.args(["list", pattern]).assert()
    };
    let both = contains("one_small.toml").and(contains("two_small.toml"));
    list("*_small.toml")
        .code(0)
        .stdout(both.and(contains("other.toml").not()));
    list("t??_small.toml").code(0).stdout(contains("one_small.toml").not());
    list("*.none")
        .code(2)
        .stderr("error: *.none: no scenario has such a path\n");
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_names_the_file_that_was_asked_for_and_no_other() {
    let files = directory(&[("small.toml", SMALL)]);
    lastbatch(&files)
        .args(["check", "small.toml", "--first", "--record", "-q"])
        .assert()
        .code(1);
    let schedule = schedules_in(&files).remove(0);
    let before = names_in(&files);
    for place in ["/proc/lastbatch.html", "small.toml/page.html"] {
        let mut explain = lastbatch(&files);
        explain.args(["explain", "--html", place]).arg(&schedule);
        let error = starts_with(format!("error: {place}: cannot write there: ")).and(contains(".tmp").not());
        explain.assert().code(2).stderr(error);
    }
    assert_eq!(names_in(&files), before);
}

#[test]
fn every_form_for_programs_has_its_version() {
    let files = directory(&[("small.toml", SMALL)]);
    for arguments in [
        &["check", "small.toml", "--first", "--json"][..],
        &["diff", "tf-1.12", "tf-1.12", "--scenarios", "small.toml", "--json"],
    ] {
        let output = lastbatch(&files).args(arguments).output().expect("it runs").stdout;
        let json: Value = serde_json::from_slice(&output).expect("JSON");
        assert_eq!(json["version"], 1, "{arguments:?}");
    }
    let dump = repository("tests/dumps/final_batch/ps0.txt");
    let output = lastbatch(&files)
        .args(["match", "--json"])
        .arg(dump)
        .output()
        .expect("it runs")
        .stdout;
    let json: Value = serde_json::from_slice(&output).expect("JSON");
    assert_eq!(json["version"], 1);
}
