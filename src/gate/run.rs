//! Running what a plan says, one task after the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::report::FORMAT;
use super::task::{replays, run_task, searched_as};
use super::{Baseline, Budgets, GateReport, MODEL_HASH, Plan, ScenarioResult, SearchResult, Task};
use crate::explore::exhaustive::{CheckpointError, Status};
use crate::file::FileError;
use crate::scenario::Told;

/// The settings with which a plan is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds of the searches.
    pub budgets: Budgets,
    /// Bound of every search, in states.
    pub max_states: Option<u64>,
    /// Bound of all searches together, in states; scenarios that are left then are not run.
    pub total_states: Option<u64>,
    /// Threads of a search.
    pub threads: usize,
    /// The place where hangs that were not known are saved.
    pub artifacts: Option<Artifacts>,
    /// The place where exhaustive searches keep checkpoints.
    pub checkpoints: Option<Checkpoints>,
    /// This program, for engines that run in a process of their own.
    pub program: PathBuf,
}

/// The place and form in which hangs that were not known are saved.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// The directory.
    pub directory: PathBuf,
    /// Makes the text that stands beside a schedule.
    pub text: fn(&Told<'_>) -> String,
}

/// The place and form in which exhaustive searches keep checkpoints. That of a search that is over is removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoints {
    /// The directory.
    pub directory: PathBuf,
    /// Whether to go on from those that are there. Otherwise one that is there is an error.
    pub resume: bool,
}

/// The reason why a run ended without a report.
#[derive(Debug, Error)]
pub enum GateError {
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint cannot be used or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An engine gave up on a scenario.
    #[error("{scenario}: {error}")]
    Engine {
        /// The scenario.
        scenario: String,
        /// Why.
        error: String,
    },
}

/// An observer, told while a plan is run.
pub trait Observer {
    /// Notes that a task begins: its number from 0, and the states that it took for the baseline.
    fn begin(&mut self, number: usize, task: &Task, known: Option<u64>);
    /// Notes how far its search is.
    fn searching(&mut self, status: &Status);
    /// Notes that it is over; the report so far.
    ///
    /// # Errors
    /// When it wants to write something and cannot.
    fn end(&mut self, report: &GateReport) -> Result<(), GateError>;
}

/// Runs a plan. Results of `earlier`, a report of the same plan that was cut off, are taken over; the report is not judged yet.
///
/// # Errors
/// When a file cannot be written.
pub fn run(
    plan: &Plan,
    settings: &Settings,
    baseline: &Baseline,
    earlier: Option<&GateReport>,
    interrupt: &Arc<AtomicBool>,
    observer: &mut dyn Observer,
) -> Result<GateReport, GateError> {
    let mut report = GateReport {
        version: FORMAT,
        model: MODEL_HASH.to_owned(),
        budgets: settings.budgets,
        max_states: settings.max_states,
        shard: plan.shard,
        names: plan.names.clone(),
        finished: plan.tasks.is_empty(),
        orphans: plan.orphans.clone(),
        unreachable: plan.unreachable.clone(),
        scenarios: Vec::new(),
        problems: Vec::new(),
    };
    let earlier = earlier.filter(|earlier| report.is_like(earlier));
    for (number, task) in plan.tasks.iter().enumerate() {
        if settings.total_states.is_some_and(|total| report.states() >= total) {
            return Ok(report);
        }
        observer.begin(number, task, baseline.states(&task.name, "exhaustive"));
        let rest = settings.total_states.map(|total| total.saturating_sub(report.states()));
        let result = match earlier.and_then(|earlier| kept(earlier, task)) {
            Some(result) => result,
            None => {
                let left = Settings {
                    max_states: [settings.max_states, rest].into_iter().flatten().min(),
                    ..settings.clone()
                };
                run_task(task, &left, baseline, interrupt, &mut |status| {
                    observer.searching(status)
                })?
            }
        };
        let cut =
            |search: &SearchResult| search.found.stopped_by.is_some() && rest.is_some() && search.max_states == rest;
        if interrupt.load(Ordering::SeqCst) || result.searches.iter().any(cut) {
            return Ok(report);
        }
        report.scenarios.push(result);
        report.finished = report.scenarios.len() == plan.tasks.len();
        observer.end(&report)?;
    }
    Ok(report)
}

/// Returns what the searches of an earlier run found, if the scenario is still the same, and what its schedules do now.
fn kept(earlier: &GateReport, task: &Task) -> Option<ScenarioResult> {
    let result = earlier.scenarios.iter().find(|result| result.name == task.name)?;
    let searched = result.searches.iter().map(|search| search.found.engine.clone());
    let same = searched.eq(searched_as(task, &earlier.budgets))
        && result.identity == task.identity()
        && result.expect == task.experiment.scenario().document.expect
        && result.sibling_problem == task.sibling_problem;
    same.then(|| ScenarioResult {
        replays: replays(task),
        ..result.clone()
    })
}
