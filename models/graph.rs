//! The partition graphs of one step.

/// The partition graphs of one step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Graph {}
