//! `lastbatch`: a deterministic concurrency simulator and hang-reproduction harness for TensorFlow 1.x training steps.
//!
//! See `docs/architecture.md` for the map of the crate.

pub mod diagnose;
pub mod explore;
pub mod file;
#[cfg(feature = "tensorflow")]
pub mod gate;
pub mod machine;
#[cfg(feature = "tensorflow")]
pub mod matrix;
// The models: what is simulated. They know the machine, no engine. They live beside `src`, since they are what users read and change.
#[path = "../models/mod.rs"]
pub mod models;
pub mod report;
#[cfg(feature = "tensorflow")]
pub mod scenario;
pub mod schedule;
