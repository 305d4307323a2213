//! Reads what real jobs export: the partition graphs of a step, and reduces them to what a search can finish.

pub mod concretization;
pub mod parts;
pub mod proto;
mod run_metadata;
pub mod slice;

pub use run_metadata::{read, run_metadata};
