//! Output files, messages for bad input, and comparisons.

use std::fs;
use std::path::Path;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use super::{green, lastbatch, recorded, replaced};
use crate::support::program::{PROGRAM, read};

#[test]
fn the_outputs_name_the_reason() {
    let directory = green();
    replaced(&directory, "cases/passes.toml", "sticky-cancel", "tf-1.12");
    let mut command = lastbatch(&directory);
    command
        .args(["gate", "cases", "--junit", "junit.xml", "--markdown", "summary.md"])
        .env("GITHUB_ACTIONS", "true");
    let annotation = contains("::error file=cases/passes.toml,title=new signature::exhaustive found ");
    command
        .assert()
        .code(1)
        .stdout(annotation.and(contains("gate: RED, for 2 reasons")));
    let junit = read(&directory, "junit.xml");
    assert!(
        junit.contains("failures=\"1\"") && junit.contains("type=\"new_signature\""),
        "{junit}"
    );
    assert!(read(&directory, "summary.md").contains("| **new signature** | `passes.toml` |"));
}

#[test]
fn bad_input_is_one_line_and_leaves_no_file() {
    let directory = green();
    for (arguments, problem) in [
        (&["gate", "nowhere"][..], "nowhere"),
        (&["gate", "cases", "--shard", "3/2"], "expected NUMBER/COUNT as in 2/5"),
        (
            &["gate", "cases", "--baseline", "other.toml"],
            "other.toml: no baseline; write one with --update-baseline",
        ),
        (
            &["gate", "cases", "--baseline", "cases/hangs.toml"],
            "cases/hangs.toml: no baseline: line 1: unknown field",
        ),
        (
            &["gate", "cases", "--merge", "cases/hangs.toml"],
            "cases/hangs.toml: no report of the gate",
        ),
        (
            &["gate", "cases", "--json", "cases/hangs.toml/report.json"],
            "cases/hangs.toml/report.json: cannot write",
        ),
        (&["gate", "cases", "--resume"], "--json"),
        (
            &["gate", "cases", "--checkpoint", "cases/hangs.toml"],
            "cases/hangs.toml: a file, expected a directory",
        ),
        (
            &["gate", "cases", "--quick", "--update-baseline"],
            "cannot be used with",
        ),
    ] {
        lastbatch(&directory)
            .args(arguments)
            .assert()
            .code(2)
            .stderr(contains(problem));
    }
    replaced(&directory, "cases/baseline.toml", "version = 2", "version = 9");
    lastbatch(&directory)
        .args(["gate", "cases"])
        .assert()
        .code(2)
        .stderr(contains("version 9, expected 2"));
}

#[test]
fn a_difference_between_two_variants_names_what_appears_and_what_vanishes() {
    let directory = green();
    let (_, signature) = recorded(&directory);
    fs::create_dir(directory.path().join("out")).expect("made");
    let run = |from: &str, to: &str, code: i32, sign: char| {
        let mut command = lastbatch(&directory);
        command.args(["diff", from, to, "--scenarios", "cases", "--out", "out"]);
        let told = contains("1 of 1 scenario differ").and(contains(format!(
            "{sign} {signature} step0 sess.run never returns on tf-1.12"
        )));
        command.assert().code(code).stdout(told);
    };
    run("tf-1.12", "sticky-cancel", 1, '-');
    assert!(
        directory
            .path()
            .join(format!("out/base/hangs.{signature}.schedule"))
            .exists()
    );
    run("sticky-cancel", "tf-1.12", 1, '+');
    let mut same = lastbatch(&directory);
    same.args(["diff", "tf-1.12", "no-send-after-abort", "--scenarios", "cases"]);
    same.assert().code(0).stdout(contains("0 of 1 scenario differ"));
    let mut open = lastbatch(&directory);
    open.args([
        "diff",
        "tf-1.12",
        "no-send-after-abort",
        "--scenarios",
        "cases",
        "--max-states",
        "20",
    ]);
    open.assert().code(3).stdout(contains("a bound stopped a search"));
}

#[test]
fn a_difference_between_two_programs_is_none_where_they_are_the_same() {
    let directory = green();
    let mut command = lastbatch(&directory);
    command
        .arg("diff")
        .arg("--against")
        .arg(PROGRAM)
        .args(["--scenarios", "cases"]);
    command.assert().code(0).stdout(contains("0 of 2 scenarios differ"));
    for (program, problem) in [("./nowhere", "cannot run it"), ("false", "printed no verdict")] {
        let mut command = lastbatch(&directory);
        command.args(["diff", "--against", program, "--scenarios", "cases"]);
        command.assert().code(2).stderr(contains(problem));
    }
    lastbatch(&directory).args(["diff"]).assert().code(2);
    assert!(Path::new(PROGRAM).exists());
}
