//! Bounds of one execution.

/// Bounds of an execution, and how closely its labels are watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most labels of one execution; one that runs more is cut off.
    pub labels: usize,
    /// Whether every label is checked against what its thread had declared.
    pub checked: bool,
}

impl Limits {
    /// The limits of a replay: labels are checked, and it may go on after the schedule for as long as a completion does.
    pub const REPLAY: Self = Self {
        labels: 1_000_000,
        checked: true,
    };
}

impl Default for Limits {
    /// Allows more labels than any execution of our models has; labels are checked in builds with debug assertions.
    fn default() -> Self {
        Self {
            labels: 100_000,
            checked: cfg!(debug_assertions),
        }
    }
}
