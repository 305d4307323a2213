use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::explore::{Answer, Executions, Finding, FindingKind, FoundHang, Verdict};
use crate::machine::{Event, Label, Term, WaitFor, WaitNode};
use crate::scenario::Told;

static SEND: Label = Label {
    name: "Recv.send",
    function: "RpcRecvTensorCall::Start",
    site: "distributed_runtime/rpc/rpc_rendezvous_mgr.cc:66",
};
static PARK: Label = Label {
    name: "RecvTensor.park",
    function: "BaseRemoteRendezvous::RecvLocalAsync",
    site: "distributed_runtime/base_rendezvous_mgr.cc:270",
};

fn event(process: &str, thread: &str, label: &str, object: &str) -> Event {
    Event {
        process: process.to_owned(),
        thread: thread.to_owned(),
        label: label.to_owned(),
        object: object.to_owned(),
        choice: None,
    }
}

fn node(role: &str, label: &str, object: &str, detail: &str, cause: Option<&str>) -> WaitNode {
    WaitNode {
        role: role.into(),
        label: label.into(),
        object: object.into(),
        cause: cause.map(Term::from),
        detail: detail.to_owned(),
    }
}

fn hang() -> FoundHang {
    let mut waits = WaitFor::default();
    let client = waits.push(
        None,
        node(
            "worker",
            "RunPartitions.wait",
            "partition counter",
            "1 of 3 partitions has not answered: worker0",
            None,
        ),
    );
    let receive = waits.push(
        Some(client),
        node(
            "worker",
            "Recv.await",
            "call",
            "worker0 call2 asked ps1 for edge_7",
            None,
        ),
    );
    waits.push(
        Some(receive),
        node(
            "ps",
            "RecvTensor.parked",
            "rendezvous",
            "ps1 keeps the request until the step starts there",
            Some("RunGraph was cancelled before it was sent"),
        ),
    );
    let mut events = vec![
        event("worker0", "pool1", "Recv.send", "call2"),
        event("ps1", "rpc RecvTensor#1", "RecvTensor.park", "step1/rendezvous"),
        event("ps0", "delayed abort", "Abort.status", "step1/rendezvous"),
    ];
    events[0].choice = Some(1);
    FoundHang {
        client: "worker0 sess.run".to_owned(),
        signature: waits.signature(),
        wait_for: waits,
        events,
        length: 2,
    }
}

fn verdict(hangs: Vec<FoundHang>) -> Verdict {
    Verdict {
        engine: "exhaustive".to_owned(),
        answer: if hangs.is_empty() { Answer::NoHang } else { Answer::Hang },
        complete: true,
        states: 1_234_567,
        transitions: 2_345_678,
        depth: 91,
        seconds: 12.25,
        peak_bytes: 3 << 29,
        reductions: vec!["forget dead".to_owned(), "partial order".to_owned()],
        storage: "full states, collapse-compressed".to_owned(),
        stopped_by: None,
        executions: None,
        hangs,
        leaks: Vec::new(),
        outcomes: Vec::new(),
        findings: Vec::new(),
        unmodelled: Vec::new(),
        assumptions: Vec::new(),
        parts: None,
        verification: None,
    }
}

fn told<T>(verdict: &Verdict, schedules: &[Option<PathBuf>], tell: impl FnOnce(&Told<'_>) -> T) -> T {
    tell(&Told {
        scenario: "scenarios/final_batch/ps2_coupled.toml".to_owned(),
        variant: "tf-1.12".to_owned(),
        input: "coupled".to_owned(),
        slice: "24 edges -> 16, 216 nodes -> 33, keep 2 per class",
        verdict,
        labels: &BTreeMap::from([(SEND.name, &SEND), (PARK.name, &PARK)]),
        schedules,
    })
}

#[test]
fn a_hang_is_told_with_who_waits_for_whom_and_its_shortest_schedule() {
    let mut verdict = verdict(vec![hang()]);
    verdict.leaks = vec!["ps: a parked receive".to_owned()];
    let schedules = [Some(PathBuf::from(
        "scenarios/final_batch/ps2_coupled.1a2b3c4d.schedule",
    ))];
    insta::assert_snapshot!(told(&verdict, &schedules, verdict_text));
}

#[test]
fn no_hang_is_told_with_the_extent_of_the_search() {
    insta::assert_snapshot!(told(&verdict(Vec::new()), &[], verdict_text));
}

#[test]
fn a_search_that_was_stopped_says_what_stopped_it_and_a_panic_is_told_with_its_schedule() {
    let mut verdict = verdict(Vec::new());
    verdict.answer = Answer::Undecided;
    verdict.complete = false;
    verdict.stopped_by = Some("max states: 1000".to_owned());
    verdict.reductions.clear();
    verdict.findings.push(Finding {
        kind: FindingKind::Panic,
        message: "index out of bounds".to_owned(),
        events: hang().events,
    });
    insta::assert_snapshot!(told(&verdict, &[], verdict_text));
}

/// Builds the verdict as `shuttle` tells it, which tries one schedule after the other.
fn sampled(hangs: Vec<FoundHang>) -> Verdict {
    Verdict {
        engine: "shuttle".to_owned(),
        answer: if hangs.is_empty() {
            Answer::Undecided
        } else {
            Answer::Hang
        },
        complete: false,
        stopped_by: Some("the limit of 20000 executions".to_owned()),
        reductions: Vec::new(),
        storage: "states at rest, by 128-bit fingerprints".to_owned(),
        executions: Some(Executions {
            strategy: "pct:3".to_owned(),
            seed: Some(7),
            count: 20_000,
            labels: 1_234_567,
            outcomes: 640,
            new_outcomes: 12,
            first_hang: (!hangs.is_empty()).then_some(4_321),
            cut: 3,
        }),
        ..verdict(hangs)
    }
}

#[test]
fn executions_are_told_with_their_seed_their_saturation_and_the_first_that_hung() {
    insta::assert_snapshot!(told(&sampled(vec![hang()]), &[None], verdict_text));
}

#[test]
fn executions_without_a_hang_are_undecided_and_promise_nothing() {
    insta::assert_snapshot!(told(&sampled(Vec::new()), &[], verdict_text));
}

#[test]
fn the_json_of_executions_has_exactly_the_documented_fields() {
    insta::assert_json_snapshot!(told(&sampled(Vec::new()), &[], JsonVerdict::of));
}

#[test]
fn the_json_of_a_verdict_has_exactly_the_documented_fields() {
    let json = told(&verdict(vec![hang()]), &[], JsonVerdict::of);
    insta::assert_json_snapshot!(json);
}

#[test]
fn no_line_of_a_schedule_is_wider_than_a_screen_whatever_the_names_and_however_many_processes() {
    let long = "gradients/embedding_lookup/".repeat(9);
    for processes in [1, 3, 13] {
        let events: Vec<Event> = (0..processes)
            .map(|number| event(&format!("ps{number}"), "rpc", "Recv.send", &long))
            .collect();
        let text = lanes::lanes(&events, events.len());
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(160), "{widest:?} for {processes}:\n{text}");
        assert!(text.contains('…'));
    }
}

#[test]
fn the_worker_has_the_first_lane_and_servers_follow_by_number() {
    let names = ["ps10", "ps2", "worker0"];
    let events: Vec<Event> = names.iter().map(|name| event(name, "t", "l", "o")).collect();
    let text = lanes::lanes(&events, 3);
    let heading: Vec<&str> = text.lines().next().unwrap_or("").split_whitespace().collect();
    assert_eq!(heading, ["worker0", "ps2", "ps10"]);
}

#[test]
fn large_numbers_are_grouped() {
    assert_eq!(
        ["0", "999", "1,000", "1,234,567"],
        [0, 999, 1_000, 1_234_567].map(grouped).each_ref().map(String::as_str)
    );
}
