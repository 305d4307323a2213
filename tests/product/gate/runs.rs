//! Runs that are split, cut off, killed or bounded give what a whole one gives, or say that they do not.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastbatch::explore::Shard;
use lastbatch::gate::{Baseline, Budgets, Checkpoints, GateReport, Plan, ScenarioResult, Settings, search_task};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use super::{green, lastbatch, report, without_times, write};
use crate::support::program::{PROGRAM, read};
use crate::support::scenario::shipped;

#[test]
fn shards_together_are_the_whole_and_only_when_none_is_missing() {
    let directory = green();
    let whole = report(&directory, &[], 0);
    for shard in ["1", "2"] {
        let arguments = [
            "gate",
            "cases",
            "--shard",
            &format!("{shard}/2"),
            "--json",
            &format!("{shard}.json"),
        ];
        lastbatch(&directory).args(arguments).assert().success();
        let part = GateReport::parse(&read(&directory, &format!("{shard}.json"))).expect("a report");
        assert_eq!(part.scenarios.len(), 1);
    }
    let merged = report(&directory, &["--merge", "2.json", "1.json"], 0);
    let text = |report: &GateReport| without_times(&serde_json::to_string(report).expect("JSON"));
    assert_eq!(text(&merged), text(&whole));
    for (files, problem) in [
        (&["1.json"][..], "shard 2/2 is missing"),
        (&["1.json", "1.json"], "shard 1/2 was given twice"),
        (
            &["1.json", "report.json"],
            "shard 1/1 is of another model, other budgets or other scenarios than shard 1/2",
        ),
    ] {
        let mut command = lastbatch(&directory);
        command.args(["gate", "cases", "--merge"]).args(files);
        command.assert().code(2).stderr(contains(problem));
    }
}

#[test]
fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let directory = green();
    let whole = report(&directory, &[], 0);
    let mut cut = whole.clone();
    cut.scenarios.truncate(1);
    cut.finished = false;
    // A figure that only the earlier run can have: it is taken over, not found again.
    cut.scenarios[0].searches[0].found.depth = 1234;
    write(&directory, "report.json", &serde_json::to_string(&cut).expect("JSON"));
    let resumed = report(&directory, &["--resume"], 0);
    assert_eq!(resumed.scenarios[0].searches[0].found.depth, 1234);
    assert_eq!((resumed.scenarios.len(), resumed.finished), (2, true));
    // What was found with another budget, or of another file, is not taken over.
    let quick = report(&directory, &["--resume", "--quick"], 0);
    assert_ne!(quick.scenarios[0].searches[0].found.depth, 1234);
}

#[test]
fn only_some_scenarios_run_and_only_their_entries_of_the_baseline_change() {
    let directory = green();
    let before = read(&directory, "cases/baseline.toml");
    let only = |pattern: &str, update: &[&str]| {
        let mut command = lastbatch(&directory);
        command.args(["gate", "cases", "--only", pattern]).args(update).assert()
    };
    let passes = contains("passes.toml").and(contains("hangs.toml ").not());
    only("p*s.toml", &[]).success().stdout(passes);
    only("nothing*", &[])
        .code(2)
        .stderr(contains("no scenario with nothing* in its path"));
    // Figures of both that no search gives: those of the one that runs are written anew, the others stay.
    let states = |text: &str| text.lines().filter(|line| line.starts_with("states = ")).count();
    let wrong: Vec<String> = before
        .lines()
        .map(|line| {
            if line.starts_with("states = ") {
                "states = 7".to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    assert_eq!(states(&before), 2);
    write(&directory, "cases/baseline.toml", &(wrong.join("\n") + "\n"));
    only("passes", &["--update-baseline"])
        .success()
        .stdout(contains("passes.toml"));
    let after = Baseline::load(&directory.path().join("cases/baseline.toml")).expect("a baseline");
    let found = |name: &str| after.scenarios[name].engines["exhaustive"].states;
    assert_eq!(found("hangs.toml"), 7);
    assert!(found("passes.toml") > 7);
}

#[test]
fn a_new_scenario_is_added_to_the_baseline_as_the_gate_says() {
    let directory = green();
    let before = read(&directory, "cases/baseline.toml");
    let new = read(&directory, "cases/passes.toml");
    write(&directory, "cases/new.toml", &new);
    let said = "the baseline does not know it; `lastbatch gate --only new.toml --update-baseline` adds it";
    lastbatch(&directory)
        .args(["gate", "cases", "--only", "new.toml"])
        .assert()
        .code(1)
        .stdout(contains(said));
    lastbatch(&directory)
        .args(["gate", "cases", "--only", "new.toml", "--update-baseline"])
        .assert()
        .success();
    lastbatch(&directory).args(["gate", "cases"]).assert().success();
    let after = read(&directory, "cases/baseline.toml");
    assert!(
        before.lines().all(|line| after.contains(line)),
        "the other entries stay"
    );
}

#[test]
fn a_search_that_is_cut_off_goes_on_from_its_checkpoint_to_the_same_result() {
    let root = shipped("small");
    let directory = tempfile::tempdir().expect("a directory");
    let baseline = Baseline::default();
    let plan = Plan::new(&root, Shard::ALL, &baseline).unwrap_or_else(|error| panic!("{error}"));
    let task = plan
        .tasks
        .iter()
        .find(|task| task.name == "two_servers_one_thread.toml");
    let task = task.expect("the scenario is there");
    let settings = |checkpoints| Settings {
        budgets: Budgets::FULL,
        max_states: None,
        total_states: None,
        threads: 1,
        artifacts: None,
        checkpoints,
        program: PathBuf::from(PROGRAM),
    };
    let kept = |resume| {
        settings(Some(Checkpoints {
            directory: directory.path().to_owned(),
            resume,
        }))
    };
    let run = |settings: &Settings, cut: bool| {
        let interrupt = Arc::new(AtomicBool::new(false));
        let result = search_task(task, settings, &baseline, &interrupt, &mut |_| {
            interrupt.store(cut, Ordering::SeqCst);
        });
        result.unwrap_or_else(|error| panic!("{error}"))
    };
    let files = || fs::read_dir(directory.path()).expect("listed").count();
    let text = |result: &ScenarioResult| without_times(&serde_json::to_string(result).expect("JSON"));
    let expected = run(&settings(None), false);
    let cut = run(&kept(false), true);
    assert!(
        cut.searches[0].found.states < expected.searches[0].found.states,
        "it was cut off"
    );
    assert_eq!(files(), 1, "its checkpoint is there");
    assert_eq!(text(&run(&kept(true), false)), text(&expected));
    assert_eq!(files(), 0, "a search that is over leaves none");
}

#[test]
#[ignore = "kills the program after a while, 20 times: a minute, and how far it came is not the same every time"]
fn a_run_that_is_killed_leaves_a_whole_report_and_ends_as_if_it_had_not_been() {
    let directory = green();
    for copy in 0..6 {
        for (name, sibling) in [("hangs", "passes"), ("passes", "hangs")] {
            let text = read(&directory, &format!("cases/{name}.toml"));
            let text = text.replace(&format!("{sibling}.toml"), &format!("{sibling}{copy}.toml"));
            write(&directory, &format!("cases/{name}{copy}.toml"), &text);
        }
    }
    let update = ["gate", "cases", "--update-baseline"];
    lastbatch(&directory).args(update).assert().success();
    let whole = report(&directory, &[], 0);
    let expected = without_times(&serde_json::to_string(&whole).expect("JSON"));
    let mut cut = 0;
    for moment in 0..20 {
        let _ = fs::remove_file(directory.path().join("report.json"));
        let mut command = std::process::Command::new(PROGRAM);
        command
            .args(["gate", "cases", "--json", "report.json"])
            .current_dir(directory.path());
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(std::time::Duration::from_millis(50 + moment * 130));
        child.kill().expect("killed or over");
        child.wait().expect("over");
        if let Ok(text) = fs::read_to_string(directory.path().join("report.json")) {
            let left = GateReport::parse(&text).unwrap_or_else(|error| panic!("moment {moment}: {error}"));
            cut += usize::from(!left.finished);
        }
        let resumed = report(&directory, &["--resume"], 0);
        let resumed = without_times(&serde_json::to_string(&resumed).expect("JSON"));
        assert_eq!(resumed, expected, "moment {moment}");
    }
    assert!(cut > 0, "no run was killed half-way");
}

#[test]
fn a_total_budget_that_is_used_up_leaves_the_rest_undecided() {
    let directory = green();
    let first = report(&directory, &[], 0).scenarios[0].searches[0].found.states;
    for (total, ran) in [(0, 0), (first - 1, 0), (first + 1, 1)] {
        let report = report(&directory, &["--total-states", &total.to_string()], 3);
        assert_eq!(
            (report.scenarios.len(), report.finished),
            (ran, false),
            "{total} states"
        );
        assert_eq!(report.problems, []);
    }
}
