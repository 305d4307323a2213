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

#[test]
fn the_recorded_hang_is_one_of_the_models() {
    let outcome = of(&text());
    println!("{outcome}");
    assert!(outcome.agreed);
}
