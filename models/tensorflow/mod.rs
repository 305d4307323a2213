//! One distributed training step of TensorFlow 1.12, as labels over objects.
//!
//! [`cluster`] says what a job is made of. [`mechanisms`] has one room per mechanism of the runtime, each with its state, its labels and
//! what they do. [`analysis`] derives what reductions assume, [`evidence`] holds the model against recordings of the real runtime, and
//! [`import`] reads graphs from it.

pub mod analysis;
pub mod cluster;
mod describe;
mod diagnosis;
pub mod evidence;
pub mod import;
pub mod job;
pub mod kernels;
pub mod mechanisms;
pub mod objects;
pub mod process;
pub mod release;
mod sources;

pub use cluster::TensorFlow;
