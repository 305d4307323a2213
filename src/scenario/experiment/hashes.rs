//! Hashes of what decides an experiment's states.

use std::hash::{Hash as _, Hasher};

use xxhash_rust::xxh3::Xxh3;

use crate::machine::Unmodelled;
use crate::models::TensorFlow;
use crate::schedule::Hash;

/// Hashes of what decides an experiment's states, besides the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hashes {
    /// Job and runtime, as the scenario's file has them.
    pub scenario: Hash,
    /// Contents of the graph files.
    pub graph: Hash,
    /// The graphs that the model runs, after slicing.
    pub slice: Hash,
    /// All of a job that a label can depend on, and what the model leaves out: with equal hashes, equal verdicts.
    pub model: Hash,
}

impl Hashes {
    /// `left_out` is what the model leaves out of the graphs, and what is assumed: of equal models they may be different.
    pub(super) fn of(scenario: Hash, graphs: &[u8], model: &TensorFlow, left_out: (&[Unmodelled], &[String])) -> Self {
        let steps = 0..model.steps().len();
        let sliced: Vec<String> = steps.map(|step| format!("{:?}", model.graph(step as u16))).collect();
        Self {
            scenario,
            graph: Hash::of(graphs),
            slice: Hash::of(sliced.join("\n").as_bytes()),
            model: fingerprint(model, left_out),
        }
    }
}

fn fingerprint(model: &TensorFlow, left_out: (&[Unmodelled], &[String])) -> Hash {
    let job = model.job();
    let mut hasher = Xxh3::new();
    (
        job.workers,
        job.inter_op,
        job.variant,
        job.partition_order,
        job.root_order,
    )
        .hash(&mut hasher);
    model.faults().hash(&mut hasher);
    for step in &job.steps {
        (&*step.graph, step.data).hash(&mut hasher);
    }
    // Jobs whose clients run the same steps have the hashes of before there were others.
    if !model.is_even() {
        model.loops().hash(&mut hasher);
    }
    if left_out != (&[], &[]) {
        left_out.hash(&mut hasher);
    }
    Hash(hasher.finish())
}
