//! A verdict for programs.

use serde::{Deserialize, Serialize};

use crate::explore::{HangRecord, MergeError, Shard, Verdict};
use crate::gate::{Difference, MODEL_HASH};
use crate::scenario::{Experiment, Told};

/// The version of [`JsonVerdict`]: it grows when a field changes its meaning or goes; new fields do not count.
pub const VERDICT_VERSION: u32 = 1;

/// One verdict. Its fields are a promise: programs read them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JsonVerdict {
    /// [`VERDICT_VERSION`].
    pub version: u32,
    /// The scenario, as it was given.
    pub scenario: String,
    /// The runtime's variant.
    pub variant: String,
    /// The input design.
    pub input: String,
    /// The nodes of the graph that ran.
    pub slice: String,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict<HangRecord>,
    /// The share of the work, where several runs share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

/// The share of a check that one run did, and of what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Share {
    /// The shard.
    pub shard: Shard,
    /// Hash of the job as it was modelled.
    pub job: String,
    /// Hash of the model's code.
    pub code: String,
}

impl Share {
    /// Returns the share of a shard of a check.
    pub fn of(shard: Shard, experiment: &Experiment) -> Self {
        Self {
            shard,
            job: format!("{:016x}", experiment.hashes().model.0),
            code: MODEL_HASH.to_owned(),
        }
    }
}

impl JsonVerdict {
    /// Returns the verdict that was told.
    pub fn of(told: &Told<'_>) -> Self {
        Self {
            version: VERDICT_VERSION,
            scenario: told.scenario.clone(),
            variant: told.variant.clone(),
            input: told.input.clone(),
            slice: told.slice.to_owned(),
            verdict: told.verdict.record(told.schedules),
            share: None,
        }
    }

    /// Returns the verdicts of the shards of one check as one.
    ///
    /// # Errors
    /// When they are not exactly the shards of one check.
    pub fn joined(mut shards: Vec<Self>) -> Result<Self, MergeError> {
        let number = |one: &Self| one.share.as_ref().map_or(0, |share| share.shard.number);
        shards.sort_by_key(number);
        let of = |one: &Self| one.share.clone().map_or(Shard::ALL, |share| share.shard);
        let same = |one: &Self| {
            let share = one.share.clone().map(|share| (share.job, share.code));
            (one.version, one.variant.clone(), one.input.clone(), share)
        };
        let first = shards.first().cloned().ok_or(MergeError::Nothing)?;
        if let Some(other) = shards.iter().find(|other| same(other) != same(&first)) {
            return Err(MergeError::Different(of(other), of(&first)));
        }
        MergeError::unless_whole(&shards.iter().map(of).collect::<Vec<_>>())?;
        let verdicts = shards.into_iter().map(|one| one.verdict).reduce(Verdict::and);
        Ok(Self {
            verdict: verdicts.unwrap_or_default(),
            share: None,
            ..first
        })
    }
}

/// The version of [`JsonDiff`], which grows as [`VERDICT_VERSION`] does.
pub const DIFF_VERSION: u32 = 1;

/// The effects of a change on hangs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonDiff<'a> {
    /// [`DIFF_VERSION`].
    pub version: u32,
    /// One difference per scenario.
    pub scenarios: &'a [Difference],
}

impl<'a> JsonDiff<'a> {
    /// Returns the differences that were found.
    pub fn of(scenarios: &'a [Difference]) -> Self {
        Self {
            version: DIFF_VERSION,
            scenarios,
        }
    }
}
