//! A second look at a proof.

use serde::{Deserialize, Serialize};

/// A second search of what was proved. It leaves out only what follows from which operations commute, and uses nothing that the model is
/// known to do: no inevitability, no dead state, no fixed order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Verification {
    /// True if the second search ended by itself and found no hang either: the proof is verified.
    pub complete: bool,
    /// States that it stored.
    pub states: u64,
    /// Wall-clock seconds, sampling included.
    pub seconds: f64,
    /// The limit that ended it before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Executions of an engine of its own kind, none of which hung, where the second search did not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executions: Option<u64>,
}
