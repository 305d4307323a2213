//! The summary of a search of a job's parts.

use serde::{Deserialize, Serialize};

/// Parts of a job that were searched: small jobs that it contains. A hang in one of them is a hang of the job only once it is told and
/// replayed there; that none hangs is an argument about the job, and no proof.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PartsSearched {
    /// Parts that were searched to their end and in which nothing hangs.
    pub proved: u64,
    /// Parts in which a client hangs.
    pub hung: u64,
    /// Parts whose search did not end.
    pub undecided: u64,
    /// Parts of the job for which these stand: they differ in the names of their servers only.
    pub stand_for: u64,
    /// Most servers of a part.
    pub servers: usize,
    /// Most edges of a part with that number of servers.
    pub edges: usize,
    /// True if parts of that size hang and larger ones were left out, which may hang in other ways.
    #[serde(default)]
    pub stopped_at_hang: bool,
    /// States of all their searches.
    pub states: u64,
    /// Hangs of parts that could not be told for the whole job: each says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_lifted: Vec<String>,
    /// Schedules of the whole job that were sampled besides; none of them hung, unless the answer is a hang.
    #[serde(default)]
    pub sampled: u64,
}

impl PartsSearched {
    /// Name of the engine of a verdict that rests on parts.
    pub const ENGINE: &str = "parts";
}
