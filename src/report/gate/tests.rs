//! Reports of the gate, for a report with something of everything.

use std::path::Path;

use super::*;
use crate::explore::Shard;
use crate::explore::{Answer, HangRecord, Verdict};
use crate::gate::{Budgets, Difference, Identity, ProblemKind};
use crate::report::{View, diff_text};
use crate::scenario::Expect;

fn hang(id: &str, schedule: Option<&str>) -> HangRecord {
    HangRecord {
        id: id.to_owned(),
        client: "step0 sess.run".to_owned(),
        waits: "worker: Wait <- ps: parked [never started]".to_owned(),
        waiting: Vec::new(),
        cause: String::new(),
        schedule: schedule.map(str::to_owned),
        length: 98,
    }
}

fn search(answer: Answer, scope: Scope, complete: bool, signatures: &[&str]) -> SearchResult {
    let found = Verdict {
        engine: "exhaustive".to_owned(),
        answer,
        complete,
        states: 130_636,
        seconds: 1.25,
        hangs: signatures.iter().map(|id| hang(id, None)).collect(),
        ..Verdict::default()
    };
    SearchResult {
        scope,
        max_states: None,
        slice: "full: 4 edges, 9 nodes".to_owned(),
        reductions_hash: "xxh3:1".to_owned(),
        found,
    }
}

fn scenario(name: &str, search: SearchResult, schedule: Option<ReplayEnd>) -> ScenarioResult {
    let replayed = schedule.map(|end| Replayed {
        schedule: name.replace(".toml", ".7a624761.schedule"),
        signature: Some("7a624761".to_owned()),
        followed: 3,
        events: 98,
        end,
    });
    ScenarioResult {
        name: name.to_owned(),
        variant: "tf-1.12".to_owned(),
        expect: Some(Expect {
            verdict: search.found.answer,
            complete: None,
            signatures: None,
            outcomes: None,
            finding: None,
        }),
        sibling_problem: None,
        identity: Identity {
            scenario: "xxh3:2".to_owned(),
            graph: "xxh3:3".to_owned(),
            slice: "xxh3:4".to_owned(),
        },
        searches: vec![search],
        replays: replayed.into_iter().collect(),
        notes: Vec::new(),
    }
}

fn report() -> GateReport {
    let hang = search(Answer::Hang, Scope::FirstHang, false, &["7a624761", "deadbeef"]);
    let part = search(Answer::Undecided, Scope::Part, false, &[]);
    let whole = search(Answer::NoHang, Scope::Whole, true, &[]);
    let differs = ReplayEnd::Differs("event 4 differs".to_owned());
    let mut scenarios = vec![
        scenario("a/hangs.toml", hang, Some(differs)),
        scenario("a/large.toml", part, None),
        scenario("a/passes.toml", whole, None),
    ];
    scenarios[2].notes = vec!["exhaustive: 5 states -> 130636; changed: the model's code".to_owned()];
    let problem = |kind, subject: &str, message: &str| Problem {
        kind,
        subject: subject.to_owned(),
        message: message.to_owned(),
    };
    GateReport {
        version: 1,
        model: "xxh3:5".to_owned(),
        budgets: Budgets::QUICK,
        max_states: None,
        shard: Shard { number: 2, of: 3 },
        names: ["a/gone.toml", "a/hangs.toml", "a/large.toml", "a/passes.toml"]
            .map(str::to_owned)
            .to_vec(),
        finished: true,
        orphans: Vec::new(),
        unreachable: Vec::new(),
        scenarios,
        problems: vec![
            problem(ProblemKind::Vanished, "a/old.toml", "it is no longer there"),
            problem(
                ProblemKind::NewSignature,
                "a/hangs.toml",
                "found deadbeef | 100% new,\nwith two lines",
            ),
            problem(
                ProblemKind::ScheduleDiffers,
                "a/hangs.7a624761.schedule",
                "event 4 differs",
            ),
        ],
    }
}

#[test]
fn a_terminal_gets_a_row_a_search_and_every_reason() {
    insta::assert_snapshot!(gate_text(&report(), &View::default()));
}

#[test]
fn a_green_gate_says_so() {
    let mut report = report();
    report.problems.clear();
    report.shard = Shard::ALL;
    insta::assert_snapshot!(gate_text(&report, &View::default()));
}

#[test]
fn a_pull_request_gets_the_reasons_first_and_no_times() {
    insta::assert_snapshot!(gate_markdown(&report()));
}

#[test]
fn a_test_reporter_gets_a_case_a_search_and_a_case_a_schedule() {
    insta::assert_snapshot!(gate_junit(&report()).expect("XML"));
}

#[test]
fn annotations_are_commands_of_one_line() {
    insta::assert_snapshot!(gate_annotations(&report(), Path::new("scenarios")));
}

#[test]
fn a_difference_tells_what_appears_what_vanishes_and_what_a_bound_left_open() {
    let side = |answer, complete, hangs: Vec<HangRecord>| Verdict {
        answer,
        complete,
        hangs,
        states: 1_000,
        ..Verdict::default()
    };
    let before = side(Answer::Hang, true, vec![hang("aaaaaaaa", None), hang("bbbbbbbb", None)]);
    let after = side(
        Answer::Hang,
        false,
        vec![hang("aaaaaaaa", None), hang("cccccccc", Some("out/c.schedule"))],
    );
    let bounded = side(Answer::Undecided, false, Vec::new());
    let differences = [
        Difference::of("a.toml".to_owned(), before.clone(), after),
        Difference::of("b.toml".to_owned(), before.clone(), before),
        Difference::of("c.toml".to_owned(), bounded.clone(), bounded),
    ];
    insta::assert_snapshot!(diff_text("tf-1.12", "changed", &differences, &View::default()));
}
