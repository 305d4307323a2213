//! Each reason to be red, with the change that gives it.

use std::fs;

use predicates::str::contains;

use super::{
    ENGINE, EXPECT_HANG, EXPECT_NONE, HANGS, green, lastbatch, read, reasons, recorded, red, replaced, report,
    without_times, write,
};
use crate::support::project;

#[test]
fn nothing_changed_is_green_and_gives_the_same_bytes_but_for_times_and_memory() {
    let directory = green();
    let mut told = Vec::new();
    for threads in ["1", "1", "2"] {
        let report = report(&directory, &["--threads", threads, "--markdown", "report.md"], 0);
        assert_eq!(report.problems, []);
        assert!(report.scenarios.iter().all(|result| result.searches[0].found.complete));
        assert!(report.scenarios[0].replays.len() == 2 && report.finished);
        let json = serde_json::to_string(&without_times(&read(&directory, "report.json"))).expect("JSON");
        told.push((json, read(&directory, "report.md")));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    let quick = report(&directory, &["--quick"], 0);
    assert!(
        quick.scenarios.iter().all(|result| result.searches[0].found.complete),
        "small searches are whole"
    );
    let update = ["gate", "cases", "--update-baseline"];
    lastbatch(&directory)
        .args(update)
        .assert()
        .success()
        .stdout(contains("the baseline is as it was"));
}

#[test]
fn a_signature_that_was_not_known_is_red_and_is_saved_with_its_explanation() {
    let directory = green();
    let (_, signature) = recorded(&directory);
    replaced(
        &directory,
        "cases/hangs.toml",
        "complete = true",
        "complete = true\nsignatures = [\"00000000\"]",
    );
    replaced(&directory, "cases/baseline.toml", &signature, "00000000");
    let found = report(&directory, &["--artifacts", "new"], 1);
    assert_eq!(
        reasons(&found),
        ["new_signature hangs.toml", "lost_signature hangs.toml"]
    );
    let saved = format!("new/hangs.{signature}");
    assert!(read(&directory, &format!("{saved}.txt")).contains("why nobody answers: never started"));
    let replay = ["replay", &format!("{saved}.schedule"), "--scenario", "cases/hangs.toml"];
    lastbatch(&directory).args(replay).assert().success();
    let told = format!("saved as hangs.{signature}.schedule");
    assert!(found.problems.iter().any(|problem| problem.message.contains(&told)));
}

#[test]
fn a_hang_where_none_may_be_is_a_new_signature() {
    let directory = green();
    replaced(&directory, "cases/passes.toml", "sticky-cancel", "tf-1.12");
    assert_eq!(red(&directory, &[]), ["new_signature passes.toml"]);
}

#[test]
fn a_canary_that_does_not_hang_is_lost_whether_the_search_ended_or_not() {
    let directory = green();
    let found = report(&directory, &["--max-states", "20"], 1);
    assert!(reasons(&found).contains(&"lost_canary hangs.toml".to_owned()));
    assert!(
        found.problems[0].message.contains("stopped by max-states"),
        "{:?}",
        found.problems
    );
    for _ in 0..2 {
        let schedule = recorded(&directory).0;
        fs::remove_file(directory.path().join("cases").join(schedule)).expect("removed");
    }
    replaced(
        &directory,
        "cases/hangs.toml",
        "[engine]",
        "[runtime]\nvariant = \"sticky-cancel\"\n[engine]",
    );
    let found = report(&directory, &[], 1);
    assert_eq!(reasons(&found), ["lost_canary hangs.toml"]);
    assert!(found.problems[0].message.contains("saw every state and found no hang"));
}

#[test]
fn a_search_that_ended_by_itself_must_do_so_again() {
    let directory = green();
    let reasons = red(&directory, &["--max-states", "20"]);
    assert!(
        reasons.contains(&"no_longer_complete passes.toml".to_owned()),
        "{reasons:?}"
    );
}

#[test]
fn a_search_that_ends_where_it_should_not_has_another_verdict() {
    let directory = green();
    replaced(&directory, "cases/passes.toml", "complete = true", "complete = false");
    assert_eq!(red(&directory, &[]), ["other_verdict passes.toml"]);
}

#[test]
fn fewer_states_with_the_same_code_are_red_and_with_other_code_a_note() {
    let directory = green();
    let states = report(&directory, &[], 0).scenarios[1].searches[0].found.states;
    replaced(
        &directory,
        "cases/baseline.toml",
        &format!("states = {states}"),
        &format!("states = {}", states + 1),
    );
    assert_eq!(red(&directory, &[]), ["fewer_states passes.toml"]);
    let own = lastbatch::gate::MODEL_HASH;
    replaced(&directory, "cases/baseline.toml", own, "xxh3:0000000000000000");
    let noted = report(&directory, &[], 0).scenarios[1].notes.join("");
    assert_eq!(
        noted,
        format!(
            "exhaustive: {} states -> {states}; changed: the model's code",
            states + 1
        )
    );
}

#[test]
fn a_schedule_that_no_longer_replays_says_whether_the_hang_is_gone() {
    let directory = green();
    let (name, signature) = recorded(&directory);
    let file = format!("cases/{name}");
    let original = read(&directory, &file);
    // An event is another one: the model does something else there, and the search still finds the hang.
    replaced(&directory, &file, "Master.begin", "Master.wait");
    let found = report(&directory, &[], 1);
    assert_eq!(reasons(&found), [format!("schedule_differs {name}")]);
    let message = &found.problems[0].message;
    assert!(
        message.starts_with("though the model's code is that of the baseline, event 2"),
        "{message}"
    );
    assert!(
        message.ends_with(&format!("exhaustive still finds {signature}: record it again")),
        "{message}"
    );
    // Every event runs, but to another end.
    write(&directory, &file, &original);
    replaced(
        &directory,
        &file,
        &format!("signature: {signature}"),
        "signature: 00000000",
    );
    let found = report(&directory, &[], 1);
    assert_eq!(reasons(&found), [format!("hang_gone {name}")]);
    let message = &found.problems[0].message;
    assert!(
        message.ends_with("the hang is gone: exhaustive saw every state without 00000000"),
        "{message}"
    );
    // The job is another one.
    write(&directory, &file, &original);
    replaced(
        &directory,
        "cases/hangs.toml",
        "inter_op_parallelism_threads = 2",
        "inter_op_parallelism_threads = 1",
    );
    let reasons = red(&directory, &[]);
    assert!(reasons.contains(&format!("foreign_schedule {name}")), "{reasons:?}");
    // Its scenario is gone.
    fs::rename(
        directory.path().join("cases/hangs.toml"),
        directory.path().join("cases/other.toml"),
    )
    .expect("renamed");
    let reasons = red(&directory, &[]);
    for reason in [
        "foreign_schedule",
        "vanished hangs.toml",
        "not_in_baseline other.toml",
        "no_sibling passes.toml",
    ] {
        assert!(
            reasons.iter().any(|found| found.starts_with(reason)),
            "{reason}: {reasons:?}"
        );
    }
}

#[test]
fn a_scenario_without_a_sibling_that_can_fail_is_red() {
    let directory = green();
    replaced(&directory, "cases/passes.toml", "sibling = \"hangs.toml\"\n", "");
    assert_eq!(red(&directory, &[]), ["no_sibling passes.toml"]);
    replaced(
        &directory,
        "cases/passes.toml",
        "[job]",
        "sibling = \"passes.toml\"\n[job]",
    );
    assert_eq!(red(&directory, &[]), ["no_sibling passes.toml"]);
}

#[test]
fn a_kernel_that_the_model_cannot_get_to_is_red_and_the_others_run() {
    let directory = green();
    let kernel = "[kernel]\nbegin = [\"worker0 client Client.run client\", \"worker0 step:step0 Master.begin_otherwise run_many_graphs:step0\"]\n";
    write(
        &directory,
        "cases/kernel.toml",
        &format!("{HANGS}{kernel}{ENGINE}{EXPECT_HANG}"),
    );
    let report = report(&directory, &["--junit", "report.xml"], 1);
    assert_eq!(reasons(&report), ["broken_model kernel.toml"]);
    assert!(report.finished && report.scenarios.len() == 2, "{report:?}");
    let message = &report.problems[0].message;
    assert!(
        message.starts_with("the model cannot get to its kernel, so it was not run: kernel.begin: entry 2: "),
        "{message}"
    );
    assert!(read(&directory, "report.xml").contains("broken_model"));
    let refused = contains("the baseline is not updated: the model cannot get to the kernel of kernel.toml");
    let before = read(&directory, "cases/baseline.toml");
    let update = ["gate", "cases", "--update-baseline"];
    lastbatch(&directory).args(update).assert().code(2).stderr(refused);
    assert_eq!(read(&directory, "cases/baseline.toml"), before);
}

#[test]
fn a_proof_that_depends_on_a_kernel_that_is_not_modelled_is_red_with_its_name_unless_it_is_assumed() {
    let directory = green();
    let graph = project::root().join("tests/closed_world/Unstage.pb");
    fs::copy(graph, directory.path().join("cases/Unstage.pb")).expect("copied");
    let scenario = |assumption: &str| {
        let job = "[job]\ngraph = \"Unstage.pb\"\ninput = \"coupled\"\ninter_op_parallelism_threads = 2\n";
        let about = "description = \"it takes from a staging area\"\nsibling = \"hangs.toml\"\n";
        write(
            &directory,
            "cases/unstage.toml",
            &format!("{about}{job}{assumption}{ENGINE}{EXPECT_NONE}"),
        );
    };
    scenario("");
    let found = report(&directory, &[], 1);
    assert_eq!(
        reasons(&found),
        ["not_in_baseline unstage.toml", "other_verdict unstage.toml"]
    );
    let depends = "exhaustive found undecided, expected no_hang: it depends on Unstage (worker0:b), not modelled";
    assert_eq!(found.problems[1].message, depends);

    scenario("assume_never_waits = [\"Unstage\"]\n");
    let update = ["gate", "cases", "--update-baseline"];
    lastbatch(&directory).args(update).assert().success();
    lastbatch(&directory)
        .args(["gate", "cases"])
        .assert()
        .success()
        .stdout(contains("no_hang, complete, assuming that Unstage never waits"));
}
