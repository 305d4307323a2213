//! Bounds of one execution, and of an exploration.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::StatisticsStatus;

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

/// Bounds of an exploration that runs one execution after the other.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Number of executions after which to stop.
    pub executions: Option<u64>,
    /// Time at which to stop.
    pub deadline: Option<Instant>,
    /// Stop at the first hang.
    pub first_hang: bool,
}

impl Bounds {
    /// Returns what ends the exploration before its next execution, if something does.
    pub fn reached(&self, status: &StatisticsStatus, interrupt: &AtomicBool) -> Option<String> {
        let most = self.executions.filter(|most| status.executions >= *most);
        let reason = match most {
            _ if interrupt.load(Ordering::SeqCst) => "an interrupt",
            _ if status.broken => "a failure of the model",
            _ if self.first_hang && status.hangs > 0 => "the first hang",
            Some(most) => return Some(format!("the limit of {most} executions")),
            None if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => "the limit of time",
            None => return None,
        };
        Some(reason.to_owned())
    }
}
