//! Reads what real jobs export: the partition graphs of a step, and reduces them to what a search can finish.

pub mod proto;
mod run_metadata;

pub use run_metadata::{ImportError, read, run_metadata};
