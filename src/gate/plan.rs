//! The work of a run of the gate: the scenarios of a directory, with their schedules, or a shard of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Baseline, Identity};
use crate::explore::{Answer, Shard};
use crate::file::FileError;
use crate::scenario::{
    Expect, Experiment, ExperimentError, ExperimentProblem, Scenario, scenario_files, schedule_files,
};
use crate::schedule::Schedule;

/// States that a search is thought to take where the baseline does not know it.
const UNKNOWN_COST: u64 = 100_000;

/// The work of a run.
pub struct Plan {
    /// The gate's directory.
    pub root: PathBuf,
    /// The part of the scenarios.
    pub shard: Shard,
    /// Every scenario below the directory, of whatever shard, in order.
    pub names: Vec<String>,
    /// Those of the shard, in order.
    pub tasks: Vec<Task>,
    /// Those of the shard whose kernel the model cannot get to, in order.
    pub unreachable: Vec<Unreachable>,
    /// Recorded schedules whose scenario is not beside them.
    pub orphans: Vec<String>,
}

/// A scenario that cannot run because the model cannot do what must happen before its kernel begins. That is no bad input: a change
/// of the model can do this to a scenario that was right.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unreachable {
    /// Its path relative to the gate's directory, with `/`.
    pub name: String,
    /// The event that the model cannot do.
    pub because: String,
}

/// One scenario of a plan.
pub struct Task {
    /// Its path relative to the gate's directory, with `/`.
    pub name: String,
    /// Its model.
    pub experiment: Experiment,
    /// Problem of its control, if there is one.
    pub sibling_problem: Option<String>,
    /// The schedules recorded for it, in order.
    pub schedules: Vec<Recorded>,
}

/// A recorded schedule.
pub struct Recorded {
    /// Its path relative to the gate's directory, with `/`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Contents of the file.
    pub schedule: Schedule,
}

/// The reason why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A directory cannot be read, or has no scenario; or a file is no scenario or no schedule.
    #[error(transparent)]
    File(#[from] FileError),
    /// A scenario cannot run.
    #[error(transparent)]
    Run(#[from] ExperimentError),
}

impl Plan {
    /// Returns the scenarios below a directory that belong to a shard. The states of the baseline say what a scenario costs, so that shards
    /// take about equally long; every shard of a run must have the same baseline.
    ///
    /// # Errors
    /// When a file below the directory is wrong.
    pub fn new(root: &Path, shard: Shard, baseline: &Baseline) -> Result<Self, PlanError> {
        let mut scenarios = BTreeMap::new();
        for file in scenario_files(root)? {
            scenarios.insert(relative(root, &file), Scenario::load(&file)?);
        }
        let mut schedules: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
        let mut orphans = Vec::new();
        for path in schedule_files(root)? {
            let schedule = Schedule::load(&path)?;
            let name = relative(root, &path);
            let scenario = relative(root, &path.with_file_name(schedule.header.name()));
            if scenarios.contains_key(&scenario) {
                let recorded = Recorded { name, path, schedule };
                schedules.entry(scenario).or_default().push(recorded);
            } else {
                orphans.push(name);
            }
        }
        let names: Vec<String> = scenarios.keys().cloned().collect();
        let own = share(&names, shard, baseline);
        let (mut tasks, mut unreachable) = (Vec::new(), Vec::new());
        for name in own {
            let scenario = scenarios[&name].clone();
            let sibling_problem = sibling_problem(&scenario);
            let experiment = match Experiment::new(scenario) {
                Err(ExperimentError {
                    problem: because @ ExperimentProblem::Begin(_),
                    ..
                }) => {
                    let because = because.to_string();
                    unreachable.push(Unreachable { name, because });
                    continue;
                }
                experiment => experiment?,
            };
            tasks.push(Task {
                sibling_problem,
                experiment,
                schedules: schedules.remove(&name).unwrap_or_default(),
                name,
            });
        }
        Ok(Self {
            root: root.to_owned(),
            shard,
            names,
            tasks,
            unreachable,
            orphans,
        })
    }
}

impl Task {
    /// Hashes of what decides its states.
    pub fn identity(&self) -> Identity {
        let hashes = self.experiment.hashes();
        Identity {
            scenario: hashes.scenario.to_string(),
            graph: hashes.graph.to_string(),
            slice: hashes.slice.to_string(),
        }
    }
}

/// Returns a path relative to the gate's directory, with `/`.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Returns the names of a shard, in order. The dearest first, each goes to the shard that has least to do.
fn share(names: &[String], shard: Shard, baseline: &Baseline) -> Vec<String> {
    let cost = |name: &String| {
        let known = baseline.scenarios.get(name);
        known.map_or(UNKNOWN_COST, |entry| {
            entry.engines.values().map(|engine| engine.states).sum()
        })
    };
    let mut dearest: Vec<&String> = names.iter().collect();
    dearest.sort_by_key(|name| (Reverse(cost(name)), *name));
    let mut loads = vec![0_u64; shard.of];
    let mut own = Vec::new();
    for name in dearest {
        let least = (0..shard.of).min_by_key(|&index| loads[index]).unwrap_or(0);
        // Even a search that is over at once has a model to build and schedules to replay.
        loads[least] += cost(name).max(1_000);
        if least + 1 == shard.number {
            own.push(name.clone());
        }
    }
    own.sort();
    own
}

/// Says what is wrong with the control of a scenario: without one of the opposite expectation, nothing proves that it could fail.
fn sibling_problem(scenario: &Scenario) -> Option<String> {
    let Some(expect) = &scenario.document.expect else {
        return Some("it expects nothing, and so it cannot fail".to_owned());
    };
    let Some(sibling) = &scenario.document.sibling else {
        return Some("it has no control of the opposite expectation: no `sibling`".to_owned());
    };
    let place = scenario.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let other = match Scenario::load(&place.join(sibling)) {
        Ok(other) => other,
        Err(error) => return Some(format!("its control is no scenario: {error}")),
    };
    let others = other.document.expect;
    if others.as_ref().is_some_and(|others| shows_failure(expect, others)) {
        return None;
    }
    let found = others.map_or_else(|| "nothing".to_owned(), |others| others.verdict.name().to_owned());
    Some(format!(
        "it expects {}, and its control {sibling} expects {found}",
        expect.verdict.name()
    ))
}

/// Returns true if a control shows that what `own` expects could fail: it has the opposite answer, its clients end otherwise, or
/// something is found to be wrong there.
fn shows_failure(own: &Expect, sibling: &Expect) -> bool {
    let opposite = match own.verdict {
        Answer::NoHang => sibling.verdict == Answer::Hang,
        own => sibling.verdict != own,
    };
    let other_ends = own.outcomes.is_some() && sibling.outcomes.is_some() && own.outcomes != sibling.outcomes;
    opposite || other_ends || own.finding.is_none() && sibling.finding.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{BaselineEngine, BaselineEntry};

    fn baseline(costs: &[(&str, u64)]) -> Baseline {
        let mut baseline = Baseline::default();
        for &(name, states) in costs {
            let engine = BaselineEngine {
                verdict: Answer::NoHang,
                complete: true,
                signatures: Vec::new(),
                lengths: Vec::new(),
                outcomes: Vec::new(),
                states,
                reductions: String::new(),
            };
            let entry = BaselineEntry {
                scenario: String::new(),
                graph: String::new(),
                slice: String::new(),
                engines: BTreeMap::from([("exhaustive".to_owned(), engine)]),
            };
            baseline.scenarios.insert(name.to_owned(), entry);
        }
        baseline
    }

    #[test]
    fn every_scenario_is_in_exactly_one_shard_and_the_dearest_stand_alone() {
        let costs = [
            ("a", 10_000),
            ("b", 9_000_000),
            ("c", 20_000),
            ("d", 3_000_000),
            ("e", 5),
        ];
        let baseline = baseline(&costs);
        let mut names: Vec<String> = costs.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.push("unknown".to_owned());
        for of in 1..8 {
            let shards: Vec<Vec<String>> = (1..=of)
                .map(|number| share(&names, Shard { number, of }, &baseline))
                .collect();
            let mut all = shards.concat();
            all.sort();
            assert_eq!(all, names, "{of} shards");
        }
        assert_eq!(share(&names, Shard { number: 1, of: 3 }, &baseline), ["b"]);
        assert_eq!(share(&names, Shard { number: 2, of: 3 }, &baseline), ["d"]);
    }
}
