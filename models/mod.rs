//! Models of real runtimes, one mechanism a file, named as the original names it.

pub mod builtin;
pub mod graph;
pub mod job;
pub mod kernels;
#[path = "../src/schedule/toy.rs"]
#[allow(missing_docs)]
pub mod toy;

/// PLACEHOLDER until the model is here.
pub type TensorFlow = toy::Toy;

impl TensorFlow {
    /// A model of a job.
    pub fn new(job: job::Job) -> Result<Self, job::JobError> {
        Ok(Self {
            parks: job.variant == job::Variant::Tf112,
        })
    }
}
