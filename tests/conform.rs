//! The model can do what the real runtime was seen doing, and not what it can't have done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastbatch::conform::{Outcome, Trace, conform};
use lastbatch::import;
use lastbatch::machine::{Model, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::job::{Data, Job, JobStep, PartitionOrder, Variant};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

/// The job of the trace: the whole graph, nothing reduced.
fn model() -> TensorFlow {
    let graph = import::read(&file("graphs/ps2-coupled.pb")).unwrap_or_else(|error| panic!("{error}"));
    let job = Job {
        workers: 1,
        steps: vec![JobStep {
            graph: Arc::new(graph),
            data: Data::End,
        }],
        inter_op: 4,
        intra_op: 1,
        variant: Variant::Tf112,
        partition_order: PartitionOrder::Recorded,
    };
    let mut model = TensorFlow::new(job).unwrap_or_else(|error| panic!("{error}"));
    model.set_cancels_in_order(false);
    model.set_cleans_up(true);
    model
}

fn text() -> String {
    std::fs::read_to_string(file("traces/hang-trace-ps2.jsonl")).unwrap()
}

fn of(text: &str) -> Outcome {
    let trace = Trace::parse("trace", text).unwrap_or_else(|error| panic!("{error}"));
    conform(&model(), &trace)
}

/// The lines of the trace that contain all of the texts.
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

/// The trace with the line `from` moved before the line `to`, at the time `us`.
fn moved(text: &str, from: usize, to: usize, us: f64) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let taken = lines.remove(from - 1);
    let rest = taken.split_once(',').expect("the time comes first").1;
    let to = if from < to { to - 1 } else { to };
    lines.insert(to - 1, format!("{{\"us\": {us},{rest}"));
    lines.join("\n")
}

/// The trace with two events exchanged; the times stay where they are.
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

/// The outcome of a trace that must not agree: line and reason.
fn disagreement(text: &str) -> (usize, String) {
    let outcome = of(text);
    println!("{outcome}");
    assert!(!outcome.agreed);
    let stuck = outcome.stuck.expect("a trace that does not agree is stuck somewhere");
    (
        stuck.line,
        format!("{} | {} | {}", stuck.event, stuck.needed, stuck.reason),
    )
}

#[test]
fn the_recorded_hang_is_one_of_the_models() {
    let outcome = of(&text());
    println!("{outcome}");
    assert!(outcome.agreed);
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
