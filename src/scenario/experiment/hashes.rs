//! Hashes of what decides an experiment's states.

use std::hash::{Hash as _, Hasher};

use xxhash_rust::xxh3::Xxh3;

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
    /// All of a job that a label can depend on: equal for equal models.
    pub model: Hash,
}

impl Hashes {
    pub(super) fn of(scenario: Hash, graphs: &[u8], model: &TensorFlow) -> Self {
        let steps = 0..model.steps().len();
        let sliced: Vec<String> = steps.map(|step| format!("{:?}", model.graph(step as u16))).collect();
        Self {
            scenario,
            graph: Hash::of(graphs),
            slice: Hash::of(sliced.join("\n").as_bytes()),
            model: fingerprint(model),
        }
    }
}

fn fingerprint(model: &TensorFlow) -> Hash {
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
    Hash(hasher.finish())
}
