//! The matrix: every cell has a verdict or a named budget, equal models are searched once, and a matrix that was cut off goes on.

use std::fs;

use lastbatch::matrix::{Axes, plan};
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::scenario::{Input, Scenario};
use predicates::str::{contains, starts_with};

use crate::support::program::{directory, lastbatch, read};

/// Two servers and few states: one fails because the worker's tensor never comes, the other may never hear of the step.
const SMALL: &str = r#"description = "two servers, an edge each"
[job]
servers = 2
edges = ["worker->ps0 batch", "ps1->worker"]
input = "coupled"
inter_op_parallelism_threads = 2
slice = "full"
"#;

#[test]
fn cells_of_equal_models_are_searched_once() {
    let plan = plan(&Scenario::final_batches(), Axes::default()).expect("the built-in matrix");
    let cells: usize = plan.searches.iter().map(|search| search.cells.len()).sum();
    // 3 inter_op, 3 servers, 2 intra_op, 3 inputs, 9 variants; no intra_op, and without servers in a decoupled last turn.
    assert_eq!((cells, plan.searches.len()), (486, 2 * 3 * 3 * 9 + 3 * 9));
    for search in &plan.searches {
        let first = search.cells[0];
        for cell in &search.cells {
            assert_eq!(
                (cell.input, cell.inter_op, cell.variant),
                (first.input, first.inter_op, first.variant)
            );
            assert!(cell.servers == first.servers || cell.input == Input::Decoupled);
        }
        assert_eq!(search.cells.len(), if first.input == Input::Decoupled { 6 } else { 2 });
    }
}

#[test]
fn a_cell_says_what_the_search_of_its_scenario_says() {
    let directory = directory(&[("small.toml", SMALL)]);
    let arguments = [
        "matrix",
        "small.toml",
        "--inter-op",
        "1,2",
        "--variant",
        "tf-1.12,sticky-cancel",
        "--out",
        ".",
    ];
    lastbatch(&directory)
        .args(arguments)
        .assert()
        .code(0)
        .stdout(starts_with("# Matrix"));
    let json: serde_json::Value = serde_json::from_str(&read(&directory, "matrix.json")).expect("JSON");
    let records = json["records"].as_array().expect("records");
    assert_eq!(records.len(), 4);
    let check = ["check", "small.toml", "--no-write", "--json"];
    let checked = lastbatch(&directory).args(check).assert().code(1);
    let checked: serde_json::Value = serde_json::from_slice(&checked.get_output().stdout).expect("JSON");
    // The searches are in the order of variants, then threads.
    assert_eq!(records[1]["found"]["verdict"], "hang");
    assert_eq!(records[1]["found"]["states"], checked["states"]);
    assert_eq!(
        records[1]["found"]["signatures"][0]["length"],
        checked["signatures"][0]["length"]
    );
    assert_eq!(records[3]["found"]["verdict"], "no_hang");
    let svg = read(&directory, "matrix.svg");
    assert_eq!(svg.matches("<rect").count(), 1 + 4, "{svg}");
    assert!(
        svg.contains("hang,") && svg.contains("no hang") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
}

#[test]
fn a_budget_leaves_a_cell_undecided_and_resuming_searches_only_what_is_open() {
    let directory = directory(&[("small.toml", SMALL)]);
    let run = |budget: &str, more: &[&str]| {
        let mut command = lastbatch(&directory);
        command.args([
            "matrix",
            "small.toml",
            "--inter-op",
            "2",
            "--variant",
            "tf-1.12,sticky-cancel",
            "--out",
            ".",
        ]);
        command.args(["--max-states", budget]).args(more).assert()
    };
    run("50", &["--executions", "0"])
        .code(3)
        .stdout(contains("undecided, ended by the budget").count(2));
    // Schedules decide a cell that can hang, never one that can not.
    run("60", &["--executions", "400", "--seed", "8"])
        .code(3)
        .stdout(contains("| hang, ~"))
        .stdout(contains("; shuttle (random+pct:2+").count(2))
        .stdout(contains("schedules, the first hang in number"))
        .stdout(contains("seed 8), 400 schedules |"))
        .stdout(contains("undecided, ended by the budget"));
    run("1000000", &["--resume"]).code(0);
    let complete = read(&directory, "matrix.json");
    assert!(complete.contains("\"sampled\": null") && !complete.contains("\"strategy\""));
    assert!(!complete.contains("undecided"), "{complete}");
    // What is complete is taken from the file: a number that no search would find stays.
    let states = complete
        .lines()
        .find(|line| line.contains("\"states\""))
        .expect("a record");
    let planted = complete.replacen(states, "      \"states\": 424242,", 1);
    fs::write(directory.path().join("matrix.json"), &planted).expect("written");
    run("1000000", &["--resume"]).code(0).stdout(contains("424,242"));
    run("1000000", &[]).code(0);
    assert!(!read(&directory, "matrix.md").contains("424,242"));
}

#[test]
fn shards_of_a_matrix_joined_are_the_matrix() {
    let directory = directory(&[("small.toml", SMALL)]);
    let run = |more: &[&str]| {
        let mut command = lastbatch(&directory);
        let arguments = [
            "matrix",
            "small.toml",
            "--inter-op",
            "1,2",
            "--variant",
            "tf-1.12,sticky-cancel",
        ];
        command.args(arguments).args(more).assert()
    };
    for (shard, out) in [("1/3", "first"), ("2/3", "second"), ("3/3", "third")] {
        fs::create_dir(directory.path().join(out)).expect("made");
        run(&["--shard", shard, "--out", out]).code(0);
    }
    let files = ["first/matrix.json", "second/matrix.json", "third/matrix.json"];
    run(&[&["--merge"], &files[..2]].concat()).code(3);
    let merged = run(&[&["--merge"], &files[..]].concat()).code(0);
    let whole = run(&[]).code(0);
    let cells = |output: &[u8]| {
        let text = String::from_utf8_lossy(output).into_owned();
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        rows.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(cells(&merged.get_output().stdout), cells(&whole.get_output().stdout));
    assert_eq!(
        cells(&whole.get_output().stdout).len(),
        6,
        "the cells, and the searches below them"
    );
    run(&["--merge", "nowhere/matrix.json"])
        .code(2)
        .stderr(contains("is not there, expected the matrix.json of a shard"));
}

#[test]
fn a_matrix_that_cannot_be_is_refused_before_anything_is_searched() {
    let directory = directory(&[("small.toml", SMALL)]);
    fs::write(directory.path().join("again.toml"), SMALL).expect("written");
    let refused = |arguments: &[&str], message: &str| {
        let message = message.to_owned();
        lastbatch(&directory)
            .args(arguments)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains(message));
    };
    refused(
        &["matrix", "small.toml", "again.toml"],
        "again.toml: input \"coupled\" on 2 server(s) is already the place of small.toml",
    );
    refused(&["matrix", "small.toml", "--servers", "1"], "leave no cell");
    refused(
        &["matrix", "small.toml", "--out", "small.toml"],
        "small.toml: a file, expected a directory",
    );
    refused(&["matrix", "small.toml", "--inter-op", "0"], "0 is not in 1..");
    refused(&["matrix", "small.toml", "--resume"], "--out");
    fs::write(directory.path().join("matrix.json"), "[]").expect("written");
    refused(
        &["matrix", "small.toml", "--out", ".", "--resume"],
        "no results of a matrix",
    );
}

#[test]
fn the_example_of_the_readme_decides_every_cell_with_one_server() {
    let directory = directory(&[("small.toml", SMALL)]);
    let arguments = ["matrix", "--servers", "1", "--inter-op", "1,2", "--out", "."];
    lastbatch(&directory).args(arguments).assert().code(0);
    let text = read(&directory, "matrix.md");
    for variant in Variant::of_steps() {
        let row = format!("| `{variant}` | no hang | no hang |");
        assert_eq!(text.matches(&row).count(), 3, "{text}");
    }
}
