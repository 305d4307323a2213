//! The model against the real runtime: recorded traces, stack dumps, forced orders.

pub mod conform;
pub mod forcing;
pub mod recording;
pub mod stacks;
