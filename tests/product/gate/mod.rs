//! `lastbatch gate`: green where everything is as it was, red with the right reason where it is not, and the same bytes every time.

mod outputs;
mod reasons;
mod runs;
mod scale;

use std::fs;

use assert_cmd::Command;
use lastbatch::gate::GateReport;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{self, read};

const ENGINE: &str = "[engine]\nname = \"exhaustive\"\n";

/// A job that hangs in one way, and one on the same servers that cannot.
const HANGS: &str = r#"description = "two servers, an edge each: the second may never hear of the step"
sibling = "passes.toml"
[job]
servers = 2
edges = ["worker->ps0 batch", "ps1->worker"]
input = "coupled"
inter_op_parallelism_threads = 2
slice = "full"
"#;
const PASSES: &str = r#"description = "the same where cancels are remembered"
sibling = "hangs.toml"
[job]
servers = 2
edges = ["worker->ps0 batch", "ps1->worker"]
input = "coupled"
inter_op_parallelism_threads = 2
slice = "full"
[runtime]
variant = "sticky-cancel"
"#;
const EXPECT_HANG: &str = "[expect]\nverdict = \"hang\"\ncomplete = true\n";
const EXPECT_NONE: &str = "[expect]\nverdict = \"no_hang\"\ncomplete = true\n";

fn lastbatch(directory: &TempDir) -> Command {
    let mut command = program::lastbatch(directory);
    command.env_remove("GITHUB_ACTIONS");
    command
}

fn write(directory: &TempDir, name: &str, contents: &str) {
    fs::write(directory.path().join(name), contents).expect("written");
}

/// Returns a directory whose gate is green: two scenarios, the recorded schedules of one, and their baseline.
fn green() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("cases")).expect("made");
    write(&directory, "cases/hangs.toml", &format!("{HANGS}{ENGINE}{EXPECT_HANG}"));
    write(
        &directory,
        "cases/passes.toml",
        &format!("{PASSES}{ENGINE}{EXPECT_NONE}"),
    );
    lastbatch(&directory)
        .args(["check", "cases/hangs.toml", "--record"])
        .assert()
        .success();
    let update = ["gate", "cases", "--update-baseline"];
    let told = contains("changes of the baseline:").and(contains("+ hangs.toml: exhaustive hang, complete"));
    lastbatch(&directory).args(update).assert().success().stdout(told);
    directory
}

/// Returns the report of a run with the given exit code.
fn report(directory: &TempDir, arguments: &[&str], code: i32) -> GateReport {
    let mut command = lastbatch(directory);
    command.args(["gate", "cases", "--json", "report.json"]).args(arguments);
    command.assert().code(code);
    GateReport::parse(&read(directory, "report.json")).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns each reason to be red once, as `kind subject`.
fn reasons(report: &GateReport) -> Vec<String> {
    let problems = report.problems.iter();
    let mut reasons: Vec<String> = problems
        .map(|problem| format!("{} {}", problem.kind.name(), problem.subject))
        .collect();
    reasons.dedup();
    reasons
}

fn red(directory: &TempDir, arguments: &[&str]) -> Vec<String> {
    reasons(&report(directory, arguments, 1))
}

/// Returns the name of the schedule that was recorded, relative to `cases/`, and its signature.
fn recorded(directory: &TempDir) -> (String, String) {
    let entries = fs::read_dir(directory.path().join("cases")).expect("listed");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("plain"))
        .filter(|name| name.ends_with(".schedule"))
        .collect();
    names.sort();
    let signature = names[0].split('.').nth(1).expect("NAME.SIGNATURE.schedule").to_owned();
    (names[0].clone(), signature)
}

fn replaced(directory: &TempDir, name: &str, from: &str, to: &str) {
    let text = read(directory, name);
    assert!(text.contains(from), "{name} has {from}: {text}");
    write(directory, name, &text.replacen(from, to, 1));
}

/// Returns the report without what may differ between two runs.
fn without_times(text: &str) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|key, _| key != "seconds" && key != "peak_bytes");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).expect("JSON");
    strip(&mut value);
    value
}
