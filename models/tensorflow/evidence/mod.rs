//! The model against the real runtime: recorded traces, stack dumps.

pub mod conform;
pub mod stacks;
