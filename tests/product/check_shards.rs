//! `check --shard` and `--merge`: several machines decide one job.

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{directory, lastbatch};

/// A job that is not small within the bound of the tests, so that its parts are searched.
fn job(variant: &str) -> String {
    format!(
        r#"description = "Two servers"

[job]
servers = 2
edges = ["worker->ps0 batch", "ps0->worker", "worker->ps1 batch", "ps1->worker"]
input = "coupled"
inter_op_parallelism_threads = 2
data = ["end"]
slice = "full"

[runtime]
variant = "{variant}"

[engine]
name = "auto"
executions = 20
"#
    )
}

/// Runs a check, and keeps what it prints in a file.
fn kept(files: &TempDir, file: &str, more: &[&str]) -> Value {
    let mut command = lastbatch(files);
    command
        .args(["check", "job.toml", "--json", "--max-states", "4000"])
        .args(more);
    let printed = command.output().expect("it runs").stdout;
    std::fs::write(files.path().join(file), &printed).expect("written");
    serde_json::from_slice(&printed).expect("one line of JSON")
}

#[test]
fn the_shards_of_a_check_search_each_part_once_and_sample_from_seeds_of_their_own() {
    let files = directory(&[("job.toml", job("sticky-cancel").as_str())]);
    let alone = kept(&files, "alone.json", &[]);
    for shard in ["1", "2", "3"] {
        let _ = kept(&files, &format!("{shard}.json"), &["--shard", &format!("{shard}/3")]);
    }
    let merge = ["check", "--json", "--merge", "3.json", "1.json", "2.json"];
    let joined = lastbatch(&files)
        .args(merge)
        .assert()
        .code(3)
        .get_output()
        .stdout
        .clone();
    let joined: Value = serde_json::from_slice(&joined).expect("one line of JSON");
    for count in ["proved", "hung", "undecided", "stand_for", "servers", "edges", "states"] {
        assert_eq!(joined["parts"][count], alone["parts"][count], "{count}");
    }
    assert!(alone["parts"]["proved"].as_u64() > Some(3), "{alone}");
    assert_eq!(
        (&joined["parts"]["sampled"], &alone["parts"]["sampled"]),
        (&60.into(), &20.into())
    );
    assert_eq!(
        (&joined["verdict"], &joined["share"]),
        (&alone["verdict"], &Value::Null)
    );
}

#[test]
fn a_hang_that_one_shard_finds_is_the_verdict_of_all() {
    let files = directory(&[("job.toml", job("tf-1.12").as_str())]);
    let verdicts: Vec<Value> = ["1", "2", "3"]
        .map(|shard| kept(&files, &format!("{shard}.json"), &["--shard", &format!("{shard}/3")])["verdict"].clone())
        .to_vec();
    assert!(verdicts.contains(&"hang".into()), "{verdicts:?}");
    lastbatch(&files)
        .args(["check", "--merge", "1.json", "2.json", "3.json"])
        .assert()
        .code(1)
        .stdout(contains("HANG: ").and(contains("\nHang 7")));
}

#[test]
fn what_is_not_all_shards_of_one_check_is_refused_with_what_is_wrong() {
    let files = directory(&[("job.toml", job("tf-1.12").as_str())]);
    let _ = kept(&files, "1.json", &["--shard", "1/2"]);
    let _ = kept(&files, "alone.json", &[]);
    std::fs::write(files.path().join("cut.json"), "{").unwrap();
    std::fs::write(files.path().join("empty.json"), "\n").unwrap();
    for (arguments, problem) in [
        (&["--merge", "1.json"][..], "error: job.toml: shard 2/2 is missing\n"),
        (
            &["--merge", "1.json", "1.json"],
            "error: job.toml: shard 1/2 was given twice\n",
        ),
        (
            &["--merge", "alone.json"],
            "error: alone.json:1: the verdict of no shard; expected a line that ",
        ),
        (
            &["--merge", "cut.json"],
            "error: cut.json:1: no verdict, EOF while parsing",
        ),
        (
            &["--merge", "empty.json"],
            "error: empty.json: no verdict, expected what check --shard N/COUNT --json printed\n",
        ),
        (&["--merge", "none.json"], "error: none.json: cannot read"),
        (
            &["job.toml", "--json", "--shard", "3/2"],
            "\"3/2\", expected NUMBER/COUNT as in 2/5",
        ),
        (
            &["job.toml", "--json", "--shard", "1/2", "--engine", "exhaustive"],
            "error: job.toml: --shard does not go with engine exhaustive\n",
        ),
        (
            &["job.toml", "--json", "--shard", "1/2", "--verify"],
            "error: job.toml: --shard goes with no option of a single search, which is not shared out\n",
        ),
    ] {
        let refused = lastbatch(&files).arg("check").args(arguments).assert().code(2);
        refused.stderr(contains(problem));
    }
}
