//! Problems that turn the gate red.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// One reason why the gate is red.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Kind of the problem.
    pub kind: ProblemKind,
    /// The scenario, the schedule or the baseline that it is about, relative to the gate's directory.
    pub subject: String,
    /// The finding and the expectation, in one line.
    pub message: String,
}

/// Kinds of reasons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProblemKind {
    /// A client hangs in a way that was not known.
    NewSignature,
    /// A scenario that must hang did not, within its budget: the gate could no longer see a hang there.
    LostCanary,
    /// One of the ways to hang was not found any more.
    LostSignature,
    /// The clients can end in a way, or leave something on variables, that was not known.
    NewOutcome,
    /// A way to end was not found any more.
    LostOutcome,
    /// A recorded schedule runs to its end, and the client returns.
    HangGone,
    /// A recorded schedule stops before its end: the model does something else there.
    ScheduleDiffers,
    /// A recorded schedule belongs to a job, runtime or graph that is no longer there.
    ForeignSchedule,
    /// A search that ended by itself does so no longer.
    NoLongerComplete,
    /// A search saw fewer states although model, slice and reductions are the same.
    FewerStates,
    /// The answer is another than the expected one, or than that of the baseline.
    OtherVerdict,
    /// A label panics or breaks its contract, the engine contradicts itself, or the model cannot get to where a kernel begins.
    BrokenModel,
    /// The baseline knows nothing of a scenario or of one of its engines.
    NotInBaseline,
    /// The baseline has a scenario or an engine that is not run any more.
    Vanished,
    /// Nothing proves that the scenario could fail: it has no control of the opposite expectation.
    NoSibling,
}

impl ProblemKind {
    /// Its name in reports, as in `new_signature`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for ProblemKind {
    /// Writes it as people read it, as in `new signature`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}
