use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::explore::{Answer, Executions, Finding, FindingKind, FoundHang, PartsSearched, Verdict};
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

fn piped(told: &Told<'_>) -> String {
    verdict_text(told, &View::default())
}

#[test]
fn a_verdict_on_parts_says_that_their_search_ended_at_the_first_size_that_hangs() {
    let parts = |stopped_at_hang| Verdict {
        complete: false,
        parts: Some(PartsSearched {
            proved: 13,
            hung: 1,
            stand_for: 60,
            servers: 2,
            edges: 2,
            stopped_at_hang,
            states: 4_321,
            ..PartsSearched::default()
        }),
        ..verdict(vec![hang()])
    };
    let text = told(&parts(true), &[None], piped);
    let expected = "  parts       14 parts with up to 2 servers and 2 edges (for 60 by name): 13 without a hang, 1 with one, 0 undecided; 4,321 states\n\
                    \x20             none larger, as some of this size hang: the job may hang in other ways, too (--engine exhaustive looks at all of it)\n";
    assert!(text.contains(expected), "{text}");
    assert!(!told(&parts(false), &[None], piped).contains("none larger"));
}

#[test]
fn a_hang_is_told_by_its_facts_and_where_its_schedule_is() {
    let mut verdict = verdict(vec![hang()]);
    verdict.leaks = vec!["ps: a parked receive".to_owned()];
    let schedules = [Some(PathBuf::from(
        "scenarios/final_batch/ps2_coupled.1a2b3c4d.schedule",
    ))];
    insta::assert_snapshot!(told(&verdict, &schedules, piped));
}

#[test]
fn no_hang_is_told_with_the_extent_of_the_search() {
    insta::assert_snapshot!(told(&verdict(Vec::new()), &[], piped));
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
    insta::assert_snapshot!(told(&verdict, &[], piped));
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
    insta::assert_snapshot!(told(&sampled(vec![hang()]), &[None], piped));
}

#[test]
fn executions_without_a_hang_are_undecided_and_promise_nothing() {
    insta::assert_snapshot!(told(&sampled(Vec::new()), &[], piped));
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
fn a_verbose_verdict_has_every_waiting_place_the_schedule_and_the_functions_that_labels_stand_for() {
    let view = View {
        verbose: true,
        ..View::default()
    };
    let verdict = verdict(vec![hang()]);
    insta::assert_snapshot!(told(&verdict, &[], |told| verdict_text(told, &view)));
}

#[test]
fn a_quiet_verdict_is_one_line_and_colours_are_used_only_where_they_are_asked_for() {
    let verdict = verdict(vec![hang()]);
    let line = "scenarios/final_batch/ps2_coupled.toml: HANG: 1 distinct hang; the search is complete\n";
    assert_eq!(
        told(&verdict, &[], |told| verdict_line(
            &told.scenario,
            told.verdict,
            &View::default()
        )),
        line
    );
    let coloured = View {
        colour: true,
        ..View::default()
    };
    let text = told(&verdict, &[], |told| verdict_text(told, &coloured));
    assert!(text.starts_with("\u{1b}["), "{text:?}");
    assert_eq!(
        anstream::adapter::strip_str(&text).to_string(),
        told(&verdict, &[], piped)
    );
}

/// Events of several processes with names that are long.
fn long_events(processes: usize) -> Vec<Event> {
    let object = format!("call:{}", "embedding_lookup/".repeat(6));
    let events = (0..processes).map(|number| {
        event(
            &format!("ps{number}"),
            "pool:handle(edge_61_embedding_lookup)",
            "Executor.outstanding",
            &object,
        )
    });
    events.collect()
}

#[test]
fn an_event_is_never_cut_however_many_processes_there_are_and_however_narrow_the_terminal_is() {
    for processes in [1, 3, 13] {
        for width in [None, Some(40), Some(80), Some(200)] {
            let view = View {
                width,
                ..View::default()
            };
            let events = long_events(processes);
            let text = lanes::lanes(&events, events.len(), &view);
            assert!(!text.contains('…'));
            for event in &events {
                for part in [&event.thread, &event.label, &event.object] {
                    assert_eq!(text.matches(part.as_str()).count(), processes, "{part}:\n{text}");
                }
            }
        }
    }
}

#[test]
fn a_schedule_without_room_for_lanes_fits_into_the_terminal_with_what_runs_below_its_thread() {
    let view = View {
        width: Some(60),
        ..View::default()
    };
    let events = vec![
        event("worker0", "pool:_SOURCE", "Recv.send", "call:RunGraph(ps0)"),
        event(
            "ps0",
            "pool:handle(edge_46_Reshape)",
            "Worker.install_cancel",
            "call:edge_46_Reshape",
        ),
    ];
    insta::assert_snapshot!(lanes::lanes(&events, 1, &view));
}

#[test]
fn every_line_of_a_verdict_fits_into_the_terminal() {
    for width in [60, 80, 100] {
        let view = View {
            width: Some(width),
            verbose: true,
            ..View::default()
        };
        let text = told(&verdict(vec![hang()]), &[], |told| verdict_text(told, &view));
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(usize::from(width)), "{widest:?} of {width}:\n{text}");
    }
}

#[test]
fn a_table_fits_into_the_terminal_and_keeps_the_names_in_its_first_column() {
    let name = "scenarios/final_batch/ps2_coupled.toml";
    let text = "as expected: ".repeat(6);
    let rows = [[name.to_owned(), text.clone()], ["short".to_owned(), "b".to_owned()]];
    let narrow = table(["scenario", "expectation"], &rows, Some(70));
    assert!(narrow.lines().all(|line| line.chars().count() <= 70), "{narrow}");
    assert!(narrow.contains(name), "{narrow}");
    assert!(
        !narrow.contains("expec\n") && narrow.lines().count() < 6,
        "words stay whole: {narrow}"
    );
    let narrower = table(["scenario", "expectation"], &rows, Some(40));
    assert!(
        narrower.starts_with(&format!("{name}\n  expectation  as expected: ")),
        "{narrower}"
    );
    assert!(narrower.lines().all(|line| line.chars().count() <= 40), "{narrower}");
    let wide = table(["scenario", "expectation"], &rows, None);
    assert_eq!(wide.lines().count(), 3, "{wide}");
    assert!(wide.contains(text.trim_end()), "{wide}");
}

#[test]
fn the_worker_has_the_first_lane_and_servers_follow_by_number() {
    let names = ["ps10", "ps2", "worker0"];
    let events: Vec<Event> = names.iter().map(|name| event(name, "t", "l", "o")).collect();
    let text = lanes::lanes(&events, 3, &View::default());
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
