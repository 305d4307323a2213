//! The result of a run of the gate, as data: the contents of `--json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Budgets, Problem, Scope, Unreachable};
use crate::explore::{HangRecord, MergeError, Shard, Verdict};
use crate::scenario::Expect;

/// The newest format, and the one that is written.
pub(super) const FORMAT: u32 = 2;

/// The result of a run of the gate. But for `seconds` and `peak_bytes`, two runs of one program over the same files give the same.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateReport {
    /// Version of the format.
    pub version: u32,
    /// Hash of the model's code.
    pub model: String,
    /// Bounds of the searches.
    pub budgets: Budgets,
    /// Bound of every search, in states, from the command line.
    pub max_states: Option<u64>,
    /// The part of the scenarios that this is; 1 of 1 is all.
    pub shard: Shard,
    /// Every scenario of the directory, of whatever shard.
    pub names: Vec<String>,
    /// False if the run was interrupted or used its total budget up.
    pub finished: bool,
    /// Recorded schedules that belong to no scenario.
    pub orphans: Vec<String>,
    /// Scenarios whose kernel the model cannot get to. They were not run.
    #[serde(default)]
    pub unreachable: Vec<Unreachable>,
    /// Each scenario, by name.
    pub scenarios: Vec<ScenarioResult>,
    /// The reason why the gate is red; empty if it is green.
    pub problems: Vec<Problem>,
}

/// The results of one scenario.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioResult {
    /// Its path relative to the gate's directory, with `/`.
    pub name: String,
    /// The runtime's variant.
    pub variant: String,
    /// Expectation of the scenario.
    pub expect: Option<Expect>,
    /// Problem of its control, if there is one.
    pub sibling_problem: Option<String>,
    /// Identity of the scenario.
    pub identity: Identity,
    /// Findings of each engine.
    pub searches: Vec<SearchResult>,
    /// Outcomes of its recorded schedules.
    pub replays: Vec<Replayed>,
    /// Remarks that are worth knowing and no reason to be red.
    pub notes: Vec<String>,
}

/// Hashes of what decides a scenario's states, besides the model's code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Job and runtime.
    pub scenario: String,
    /// Contents of the graph files.
    pub graph: String,
    /// The graph that the model runs, after slicing.
    pub slice: String,
}

/// The findings of one engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SearchResult {
    /// Part of the search that was asked for.
    pub scope: Scope,
    /// Bound, in states.
    pub max_states: Option<u64>,
    /// The nodes of the graph that ran, for people.
    pub slice: String,
    /// Hash of the reductions that were on, and of their code.
    pub reductions_hash: String,
    /// The verdict, under the name of the search.
    #[serde(flatten)]
    pub found: Verdict<HangRecord>,
}

/// The outcome of one recorded schedule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replayed {
    /// Its file, relative to the gate's directory.
    pub schedule: String,
    /// The signature that it promises, if it is of a hang.
    pub signature: Option<String>,
    /// Events that ran, of how many.
    pub followed: usize,
    /// Events that it has.
    pub events: usize,
    /// End of the replay: whether it keeps its promise.
    pub end: ReplayEnd,
}

/// The answer whether a recorded schedule keeps its promise; the texts say what differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "because")]
pub enum ReplayEnd {
    /// It does.
    Kept,
    /// Every event ran, and it ended otherwise.
    EndsOtherwise(String),
    /// An event could not run.
    Differs(String),
    /// Its job, runtime or graph is another now.
    Foreign(String),
}

impl GateReport {
    /// Reads what was written as JSON.
    ///
    /// # Errors
    /// When it is none of this format; the text says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut report: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let version = report["version"].clone();
        if version == 1 {
            super::upgrade::upgrade(&mut report);
        } else if version.is_number() && version != FORMAT {
            return Err(format!("version {version}, expected {FORMAT}"));
        }
        serde_json::from_value(report).map_err(|error| error.to_string())
    }

    /// Returns true if both are of the same code with the same budgets, so that a scenario gives the same in both.
    pub fn is_like(&self, other: &Self) -> bool {
        let of = |report: &Self| (report.model.clone(), report.budgets, report.max_states);
        of(self) == of(other)
    }

    /// States that all searches together stored.
    pub fn states(&self) -> u64 {
        let searches = self.scenarios.iter().flat_map(|result| &result.searches);
        searches.map(|search| search.found.states).sum()
    }
}

/// Joins the reports of all shards of a run; their problems are to be judged anew.
///
/// # Errors
/// When they are not exactly the shards of one run.
pub fn merge(mut reports: Vec<GateReport>) -> Result<GateReport, MergeError> {
    reports.sort_by_key(|report| report.shard.number);
    let first = reports.first().cloned().ok_or(MergeError::Nothing)?;
    for report in &reports {
        if !first.is_like(report) || first.names != report.names {
            return Err(MergeError::Different(report.shard, first.shard));
        }
    }
    MergeError::unless_whole(&reports.iter().map(|report| report.shard).collect::<Vec<_>>())?;
    let finished = reports.iter().all(|report| report.finished);
    let (mut scenarios, mut unreachable) = (Vec::new(), Vec::new());
    for report in reports {
        scenarios.extend(report.scenarios);
        unreachable.extend(report.unreachable);
    }
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    unreachable.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(GateReport {
        shard: Shard::ALL,
        finished,
        scenarios,
        unreachable,
        problems: Vec::new(),
        ..first
    })
}
