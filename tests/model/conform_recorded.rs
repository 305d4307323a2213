//! Steps that the released TensorFlow 1.12.0 was recorded doing: one per kind of what traces show.

use std::sync::Arc;

use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::evidence::conform::{Outcome, Trace, conform};
use lastbatch::models::tensorflow::import;
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};

use crate::support::scenario::shipped;

/// A job whose steps were recorded.
struct Recorded {
    trace: &'static str,
    graph: &'static str,
    data: Data,
    inter_op: u8,
    workers: u8,
    variant: Variant,
}

impl Recorded {
    fn new(trace: &'static str, data: Data, inter_op: u8) -> Self {
        Self {
            trace,
            graph: "ps2-coupled",
            data,
            inter_op,
            workers: 1,
            variant: Variant::Tf112,
        }
    }

    fn text(&self) -> String {
        let path = format!("{}/tests/model/traces/{}.jsonl", env!("CARGO_MANIFEST_DIR"), self.trace);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn of(&self, text: &str) -> Outcome {
        let graph = shipped(format!("graphs/{}.pb", self.graph));
        let graph = import::read(&graph).unwrap_or_else(|error| panic!("{error}"));
        let step = JobStep {
            graph: Arc::new(graph),
            data: self.data,
        };
        let mut model = TensorFlow::new(Job {
            workers: self.workers,
            steps: vec![step],
            inter_op: self.inter_op,
            intra_op: 1,
            variant: self.variant,
            partition_order: Order::Recorded,
            root_order: Order::All,
            pipeline: None,
        })
        .unwrap_or_else(|error| panic!("{error}"));
        model.set_cancels_in_order(false);
        model.set_cleans_up(true);
        conform(&model, &Trace::parse(self.trace, text).unwrap())
    }

    fn conforms(&self) -> Outcome {
        let outcome = self.of(&self.text());
        assert!(outcome.agreed, "{outcome}");
        assert_eq!(outcome.matched, outcome.total, "{outcome}");
        outcome
    }
}

fn signature(outcome: &Outcome) -> String {
    outcome
        .signature
        .as_ref()
        .map(|signature| signature.id())
        .unwrap_or_default()
}

#[test]
fn an_end_of_the_data_with_one_pool_thread_conforms() {
    assert_eq!(signature(&Recorded::new("end.inter_op_1", Data::End, 1).conforms()), "");
}

#[test]
fn an_ordinary_step_with_its_outputs_conforms() {
    assert_eq!(
        signature(&Recorded::new("ordinary.inter_op_2", Data::Batch, 2).conforms()),
        ""
    );
}

#[test]
fn a_cancel_before_the_call_has_options_conforms_and_is_the_hang_that_was_forced() {
    let outcome = Recorded::new("hang.7a624761.inter_op_2", Data::End, 2).conforms();
    assert_eq!(signature(&outcome), "7a624761");
}

#[test]
fn a_server_that_loses_its_cancel_with_one_pool_thread_conforms_and_is_the_hang_that_was_forced() {
    let outcome = Recorded::new("hang.7de6dade.inter_op_1", Data::End, 1).conforms();
    assert_eq!(signature(&outcome), "7de6dade");
}

#[test]
fn a_queue_that_is_closed_conforms() {
    let queue = Recorded {
        graph: "ps2-queue",
        ..Recorded::new("queue_end.inter_op_2", Data::End, 2)
    };
    assert_eq!(signature(&queue.conforms()), "");
}

#[test]
fn a_step_of_one_of_two_workers_conforms() {
    let two = Recorded {
        workers: 2,
        ..Recorded::new("hang.7a624761.inter_op_2", Data::End, 2)
    };
    two.conforms();
}

#[test]
fn a_mended_runtime_conforms_to_the_mended_model_only() {
    let mended = Recorded {
        variant: Variant::StickyCancel,
        ..Recorded::new("mended_end.inter_op_2", Data::End, 2)
    };
    mended.conforms();
    let outcome = Recorded::new("mended_end.inter_op_2", Data::End, 2).of(&mended.text());
    assert!(!outcome.agreed, "{outcome}");
}

/// Returns the lines of an event of each receive of a process, by its call.
fn calls(text: &str, event: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields: serde_json::Value = serde_json::from_str(line).unwrap();
        if fields["event"] == event && fields["process"] == "worker0" {
            found.push((fields["call"].to_string(), index));
        }
    }
    found
}

/// Returns the text with two events exchanged; the times stay where they are.
fn exchanged(text: &str, one: usize, other: usize) -> String {
    let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.swap(one, other);
    let (first, second) = (lines[one]["us"].clone(), lines[other]["us"].clone());
    (lines[one]["us"], lines[other]["us"]) = (second, first);
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn copies_with_two_events_exchanged_are_refused() {
    let hang = Recorded::new("hang.7a624761.inter_op_2", Data::End, 2);
    let text = hang.text();
    let registered = calls(&text, "register");
    let mut refused = 0;
    for (call, over) in calls(&text, "deregister") {
        let Some((_, begun)) = registered.iter().find(|(other, _)| *other == call) else {
            continue;
        };
        let outcome = hang.of(&exchanged(&text, *begun, over));
        assert!(!outcome.agreed && !outcome.is_undecided(), "{call}: {outcome}");
        assert!(
            outcome.to_string().contains("refused: first disagreement, line "),
            "{outcome}"
        );
        refused += 1;
    }
    assert!(refused >= 3, "{refused}");
}
