//! The model can do what the real runtime was seen doing, and not what it can't have done.

use std::sync::Arc;

use lastbatch::machine::System;
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::evidence::conform::{Outcome, Trace, conform};
use lastbatch::models::tensorflow::import;
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};

use crate::support::scenario::shipped;

/// Returns the job of the trace.
fn model() -> TensorFlow {
    whole_graph(Data::End, 4)
}

/// Returns one step of the whole two-server graph, nothing reduced.
pub(super) fn whole_graph(data: Data, inter_op: u8) -> TensorFlow {
    let graph = import::read(&shipped("graphs/ps2-coupled.pb")).unwrap_or_else(|error| panic!("{error}"));
    let job = Job {
        workers: 1,
        steps: vec![JobStep {
            graph: Arc::new(graph),
            data,
        }],
        inter_op,
        intra_op: 1,
        variant: Variant::Tf112,
        partition_order: Order::Recorded,
        root_order: Order::All,
        pipeline: None,
    };
    let mut model = TensorFlow::new(job).unwrap_or_else(|error| panic!("{error}"));
    model.set_cancels_in_order(false);
    model.set_cleans_up(true);
    model
}

fn text() -> String {
    std::fs::read_to_string(shipped("traces/hang-trace-ps2.jsonl")).unwrap()
}

fn of(text: &str) -> Outcome {
    let trace = Trace::parse("trace", text).unwrap_or_else(|error| panic!("{error}"));
    conform(&model(), &trace)
}

/// Returns the lines of the trace that contain all of the texts.
fn lines(text: &str, parts: &[&str]) -> Vec<usize> {
    let found = text.lines().enumerate();
    found
        .filter(|(_, line)| parts.iter().all(|part| line.contains(part)))
        .map(|(index, _)| index + 1)
        .collect()
}

fn line(text: &str, parts: &[&str]) -> usize {
    let found = lines(text, parts);
    assert_eq!(found.len(), 1, "{parts:?} is on lines {found:?}");
    found[0]
}

/// Returns the trace with the line `from` moved before the line `to`, at the time `us`.
fn moved(text: &str, from: usize, to: usize, us: f64) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let taken = lines.remove(from - 1);
    let rest = taken.split_once(',').expect("the time comes first").1;
    let to = if from < to { to - 1 } else { to };
    lines.insert(to - 1, format!("{{\"us\": {us},{rest}"));
    lines.join("\n")
}

/// Returns the trace with two events exchanged; the times stay where they are.
fn swapped(text: &str, one: usize, other: usize) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let split = |line: &str| {
        let (time, rest) = line.split_once(',').expect("the time comes first");
        (time.to_owned(), rest.to_owned())
    };
    let ((first_time, first), (second_time, second)) = (split(&lines[one - 1]), split(&lines[other - 1]));
    lines[one - 1] = format!("{first_time},{second}");
    lines[other - 1] = format!("{second_time},{first}");
    lines.join("\n")
}

/// Returns the outcome of a trace that must not agree: line and reason.
fn disagreement(text: &str) -> (usize, String) {
    let outcome = of(text);
    assert!(!outcome.agreed, "{outcome}");
    let stuck = outcome.stuck.expect("a trace that does not agree is stuck somewhere");
    (
        stuck.line,
        format!("{} | {} | {}", stuck.event, stuck.needed, stuck.reason),
    )
}

#[test]
fn the_recorded_hang_is_one_of_the_models() {
    let outcome = of(&text());
    assert!(outcome.agreed, "{outcome}");
    assert_eq!((outcome.matched, outcome.total), (267, 267));
    assert_eq!(outcome.after_end, []);
    let signature = outcome.signature.expect("the client is stuck");
    let expected = "worker: MasterSession::RunPartitionsHelper waits for BlockingCounter \
        -> worker: ExecutorState waits for outstanding nodes \
        -> worker: _Recv (cancelled before its callback was installed) waits for RecvTensor answer \
        -> ps: BaseRemoteRendezvous::RecvLocalAsync waits for deferred_calls_ \
        (never started: its RunGraph was cancelled before it was sent)";
    assert_eq!(signature.to_string(), expected);
    let details = outcome.wait_for.expect("so is its reason").nodes;
    let parked = details.last().expect("the cause comes last");
    assert!(
        parked
            .detail
            .starts_with("ps1: the receive of edge_76_b/read is parked"),
        "{}",
        parked.detail
    );
}

#[test]
fn what_is_dropped_is_exactly_what_earlier_steps_left() {
    let dropped: Vec<usize> = of(&text()).dropped.iter().map(|(line, _)| *line).collect();
    let expected: Vec<usize> = [42].into_iter().chain(73..=77).chain(266..=276).collect();
    assert_eq!(dropped, expected);
}

#[test]
fn the_schedule_replays_label_by_label_and_comes_to_rest_with_the_client_stuck() {
    let (model, outcome) = (model(), of(&text()));
    let mut system = System::initial(&model);
    for (number, event) in outcome.events.iter().enumerate() {
        let enabled = system.enabled(&model);
        let choice = event.choice.unwrap_or(0);
        let found = enabled
            .iter()
            .find(|(id, pending)| system.event(&model, *id, pending, choice) == *event);
        let (id, pending) = found.unwrap_or_else(|| panic!("event {number}, {event:?}, can't run"));
        let (id, pending) = (*id, pending.clone());
        system.step(&model, id, &pending, choice).unwrap();
    }
    assert_eq!(system.enabled(&model), []);
    assert!(system.clients(&model).iter().all(|(_, _, client)| !client.returned));
}

#[test]
fn the_same_trace_always_gives_the_same_outcome() {
    assert_eq!(of(&text()), of(&text()));
}

#[test]
fn a_rendezvous_is_not_initialized_before_the_partition_starts() {
    let text = text();
    let enters = line(&text, &["ps0", "rungraph-handler<"]);
    let initialize = line(&text, &["ps0", "\"initialize\""]);
    let (at, reason) = disagreement(&swapped(&text, enters, initialize));
    assert_eq!(at, enters, "{reason}");
}

#[test]
fn a_call_is_not_taken_out_before_it_is_put_in() {
    let text = text();
    let register = line(&text, &["worker0", "\"register\"", "call4"]);
    let deregister = line(&text, &["worker0", "deregister", "call4"]);
    let (at, reason) = disagreement(&swapped(&text, register, deregister));
    assert_eq!(at, register, "{reason}");
}

#[test]
fn a_parked_receive_does_not_complete_before_it_is_cancelled() {
    let text = text();
    let abort = line(&text, &["worker0", "startabort<", "code\": 11"]);
    let clear = line(&text, &["worker0", "clearcancel", "opts11"]);
    let deregister = line(&text, &["worker0", "deregister", "call4"]);
    let text = moved(&moved(&text, clear, abort, 600.0), deregister, abort + 1, 610.0);
    let (at, reason) = disagreement(&text);
    assert_eq!(at, abort, "{reason}");
}

#[test]
fn a_server_does_not_answer_before_it_can_know_of_the_failure() {
    let text = text();
    let clear = line(&text, &["worker0", "clearcancel", "opts3"]);
    let done = line(&text, &["worker0", "whendone", "partition\": 1"]);
    let handler = lines(&text, &["process\": \"worker0", "recvtensor-handler<"])[0];
    let text = moved(&moved(&text, clear, handler, 1930.0), done, handler + 1, 1931.0);
    let (at, reason) = disagreement(&text);
    assert_eq!(at, handler, "{reason}");
}

#[test]
fn a_cancel_function_does_not_run_before_it_is_installed() {
    let text = text();
    let installed = line(&text, &["\"ps0\"", "setcancel>", "opts8"]);
    let runs = line(&text, &["\"ps0\"", "startcancel<", "opts8"]);
    let entered = line(&text, &["\"ps0\"", "setcancel<", "opts8"]);
    // The cancellation of ps0's request moves to before its handler installs the function: it would have found none, and not aborted.
    let mut text = text;
    for (offset, us) in [372.8, 372.9, 373.0, 373.1].into_iter().enumerate() {
        text = moved(&text, runs + offset, entered + offset, us);
    }
    assert!(installed < runs);
    let (at, reason) = disagreement(&text);
    assert_eq!(at, entered + 2, "{reason}");
    assert!(reason.contains("Rendezvous.find_or_create"), "{reason}");
}

#[test]
fn a_run_graph_that_was_started_before_it_was_cancelled_is_another_hang() {
    let text = text();
    let started = line(&text, &["\"worker0\"", "rungraph-issue>", "wk2"]);
    let cancelled = line(&text, &["\"worker0\"", "setcancel<", "opts4"]);
    let outcome = of(&moved(&text, started, cancelled + 2, 1332.0));
    assert!(outcome.agreed, "{outcome}");
    let signature = outcome
        .signature
        .expect("the receive is parked all the same")
        .to_string();
    assert!(signature.contains("dropped together with its reset"), "{signature}");
}

#[test]
fn an_event_left_out_is_missed() {
    let text = text();
    let abort = line(&text, &["\"worker0\"", "startcancel<", "opts9"]);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.drain(abort - 1..=abort);
    let (at, reason) = disagreement(&lines.join("\n"));
    assert_eq!(at, line(&text, &["\"worker0\"", "startcancel<", "opts11"]), "{reason}");
    assert!(reason.contains("edge_76_b/read"), "{reason}");
}

#[test]
fn a_trace_may_end_anywhere() {
    let text = text();
    for end in (1..284).step_by(3) {
        let lines: Vec<&str> = text.lines().take(end).collect();
        let outcome = of(&lines.join("\n"));
        assert!(outcome.agreed, "{end} lines: {outcome}");
    }
}

#[test]
fn a_process_that_the_graph_does_not_have_is_the_first_disagreement() {
    let text = text();
    let at = line(&text, &["\"ps1\"", "startabort>", "us\": 492.6"]);
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            if index + 1 == at {
                line.replace("ps1", "ps7")
            } else {
                line.to_owned()
            }
        })
        .collect();
    let (found, reason) = disagreement(&lines.join("\n"));
    assert_eq!(found, at);
    assert!(reason.contains("a process ps7"), "{reason}");
}

#[test]
fn the_report_names_what_was_found() {
    let agreed = of(&text()).to_string();
    assert!(
        agreed.starts_with("trace: the model can do all 267 events of the step\n"),
        "{agreed}"
    );
    assert!(agreed.contains("dropped 17 events"), "{agreed}");
    assert!(agreed.contains("ends in a hang, signature "), "{agreed}");
    let text = text();
    let register = line(&text, &["worker0", "\"register\"", "call4"]);
    let deregister = line(&text, &["worker0", "deregister", "call4"]);
    let refused = of(&swapped(&text, register, deregister)).to_string();
    assert!(
        refused.contains("first disagreement, line 17: worker0 t5 deregister call4 rz2\n"),
        "{refused}"
    );
    assert!(refused.contains("sure: no run of the model has line 17"), "{refused}");
}

/// Returns the message of a text that is no trace.
fn refusal(text: &str) -> String {
    let error = Trace::parse("some.jsonl", text)
        .expect_err("this is no trace")
        .to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn what_is_no_trace_is_refused_with_file_line_and_field() {
    let good = text().lines().next().unwrap().to_owned();
    assert!(refusal("").starts_with("some.jsonl: the trace is empty, expected JSON lines"));
    assert!(refusal("\n\n").starts_with("some.jsonl: the trace is empty"));
    let cases = [
        (good[..40].to_owned(), "no JSON object, column 40: EOF while parsing"),
        ("hang".to_owned(), "no JSON object, column 1: expected value"),
        ("[1]".to_owned(), "expected JSON lines"),
        (
            good.replace("0.0", "\"soon\""),
            "invalid type: string \"soon\", expected f64",
        ),
        (
            good.replace("\"us\": 0.0, ", ""),
            "field us is missing in event rungraph-handler<",
        ),
        (
            good.replace("\"process\": \"worker0\", ", ""),
            "field process is missing in event rungraph-handler<",
        ),
        (
            good.replace("\"thread\": \"t7\", ", ""),
            "field thread is missing in event rungraph-handler<",
        ),
        (good.replace("event", "evnt"), "field event is missing"),
        (
            good.replace(", \"opts\": \"opts7\"", ""),
            "field opts is missing in event rungraph-handler<",
        ),
        (
            good.replace("rungraph-handler<", "launch"),
            "field event: unknown event launch, expected one of rungraph-issue",
        ),
        (
            good.replace("rungraph-handler<", "rungraph-handler"),
            "expected rungraph-handler< or rungraph-handler>",
        ),
        (
            good.replace("rungraph-handler<", "initialize<"),
            "field event: initialize< is a single point",
        ),
    ];
    for (line, expected) in cases {
        let error = refusal(&format!("{good}\n{line}\n"));
        assert!(error.starts_with("some.jsonl:2: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Trace::read(&shipped("traces/none.jsonl")).unwrap_err().to_string();
    assert!(
        error.contains("none.jsonl: ") && error.contains("expected JSON lines"),
        "{error}"
    );
}

/// Exchanges and drops every event of the trace in turn: nothing panics, and each is decided without running out of budget.
#[test]
fn every_change_of_one_event_is_decided() {
    let text = text();
    let all: Vec<&str> = text.lines().collect();
    let model = model();
    let mut refused = 0;
    for index in (0..all.len()).step_by(5) {
        let mut rest = all.clone();
        rest.remove(index);
        let trace = Trace::parse("trace", &rest.join("\n")).unwrap();
        let outcome = conform(&model, &trace);
        assert!(!outcome.is_undecided(), "{outcome}");
        refused += usize::from(!outcome.agreed);
    }
    assert!(refused >= 45, "{refused}");
}

#[test]
fn every_event_of_the_trace_stands_beside_its_own_label_and_each_thread_in_order() {
    let trace = Trace::parse("trace", &text()).unwrap();
    let outcome = of(&text());
    assert_eq!(outcome.aligned.len(), outcome.total);
    let mut furthest: std::collections::BTreeMap<(&str, &str), usize> = std::collections::BTreeMap::new();
    for aligned in &outcome.aligned {
        let real = &trace.events[aligned.trace];
        let Some(index) = aligned.schedule else {
            assert!(!aligned.exact, "{real}");
            continue;
        };
        let label = &outcome.events[index];
        assert_eq!(label.process, real.process, "{real}");
        let before = furthest.insert((&real.process, &real.thread), index);
        assert!(before <= Some(index), "{real}");
        let expected = match real.name().as_str() {
            "register" => Some("Recv.register"),
            "deregister" => Some("Recv.deregister"),
            "initialize" => Some("Rendezvous.initialize"),
            "startabort<" => Some("StartAbort.local"),
            "whendone" => Some("RunManyGraphs.when_done"),
            "recvtensor-issue>" | "rungraph-issue>" => Some("Call.start"),
            _ => None,
        };
        if let Some(expected) = expected {
            assert!(aligned.exact, "{real}");
            assert_eq!(label.label, expected, "{real}");
        }
    }
}
