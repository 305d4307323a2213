//! Running what a plan says.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::report::FORMAT;
use super::{
    Baseline, Budgets, GateReport, MODEL_HASH, Plan, REDUCTIONS_HASH, Recorded, ReplayEnd, Replayed, ScenarioResult,
    Scope, SearchResult, SignatureResult, Task,
};
use crate::explore::Verdict;
use crate::explore::exhaustive::{Options, Status};
use crate::report::{Told, verdict_text};
use crate::run::{Changed, Labels, Prepared, RecordedError, prepare_recorded};
use crate::scenario::{EngineName, Expect, ExpectedAnswer};
use crate::schedule::{Ending, Hash, Schedule, WriteError, replay, write_whole};

/// How a plan is run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How far searches go.
    pub budgets: Budgets,
    /// Bound of every search, in states.
    pub max_states: Option<u64>,
    /// Bound of all searches together, in states; scenarios that are left then are not run.
    pub total_states: Option<u64>,
    /// Threads of a search.
    pub threads: usize,
    /// Where hangs that were not known are saved.
    pub artifacts: Option<PathBuf>,
}

/// Why a run ended without a report: what it should save cannot be written.
#[derive(Debug, Error)]
pub enum GateError {
    /// A schedule.
    #[error(transparent)]
    Schedule(#[from] WriteError),
    /// Another file.
    #[error("{}: cannot write: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Who looks on while a plan is run.
pub trait Observer {
    /// A task begins: its number from 0, and the states that it took for the baseline.
    fn begin(&mut self, number: usize, task: &Task, known: Option<u64>);
    /// How far its search is.
    fn searching(&mut self, status: &Status);
    /// It is over; the report so far.
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
    interrupt: &AtomicBool,
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
        scenarios: Vec::new(),
        problems: Vec::new(),
    };
    let earlier = earlier.filter(|earlier| report.continues(earlier));
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
        let cut = |search: &SearchResult| search.stopped_by.is_some() && rest.is_some() && search.max_states == rest;
        if interrupt.load(Ordering::SeqCst) || result.searches.iter().any(cut) {
            return Ok(report);
        }
        report.scenarios.push(result);
        report.finished = report.scenarios.len() == plan.tasks.len();
        observer.end(&report)?;
    }
    Ok(report)
}

/// What the searches of an earlier run found, if the scenario is still the same, and what its schedules do now.
fn kept(earlier: &GateReport, task: &Task) -> Option<ScenarioResult> {
    let result = earlier.scenarios.iter().find(|result| result.name == task.name)?;
    let same = result.identity == task.identity()
        && result.expect == task.prepared.scenario.document.expect
        && result.sibling_problem == task.sibling_problem;
    same.then(|| ScenarioResult {
        replays: replays(task),
        ..result.clone()
    })
}

fn replays(task: &Task) -> Vec<Replayed> {
    let schedules = task.schedules.iter();
    schedules.map(|recorded| replay_recorded(task, recorded)).collect()
}

/// Runs one scenario: its searches, then its recorded schedules.
///
/// # Errors
/// When an artifact cannot be written.
pub fn run_task(
    task: &Task,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Result<ScenarioResult, GateError> {
    let mut result = search_task(task, settings, baseline, interrupt, progress)?;
    result.replays = replays(task);
    Ok(result)
}

/// The searches of one scenario.
///
/// # Errors
/// When an artifact cannot be written.
pub fn search_task(
    task: &Task,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Result<ScenarioResult, GateError> {
    let document = &task.prepared.scenario.document;
    let search = match document.engine.name {
        EngineName::Exhaustive => exhaustive(task, settings, baseline, interrupt, progress)?,
    };
    Ok(ScenarioResult {
        name: task.name.clone(),
        variant: document.runtime.variant.to_string(),
        expect: document.expect.clone(),
        sibling_problem: task.sibling_problem.clone(),
        identity: task.identity(),
        searches: vec![search],
        replays: Vec::new(),
        notes: Vec::new(),
    })
}

fn exhaustive(
    task: &Task,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Result<SearchResult, GateError> {
    let document = &task.prepared.scenario.document;
    let known = baseline.states(&task.name, "exhaustive");
    let expects = document.expect.as_ref().map(|expect| expect.verdict);
    let (scope, bound) = settings.budgets.of(expects, known, document.engine.max_states);
    let bound = [bound, settings.max_states].into_iter().flatten().min();
    let options = Options {
        threads: settings.threads,
        max_states: bound,
        max_memory: document.engine.max_memory.map(|size| size.0),
        max_time: document.engine.max_time.map(|seconds| seconds as f64),
        stop_at_first_hang: scope == Scope::FirstHang,
        ..Options::default()
    };
    let verdict = task.prepared.search(&options, true, interrupt, progress);
    let mut result = searched(&task.prepared, &verdict, scope, bound);
    let expected = document
        .expect
        .as_ref()
        .and_then(|expect: &Expect| expect.signatures.clone());
    let entry = baseline
        .scenarios
        .get(&task.name)
        .and_then(|entry| entry.engines.get("exhaustive"));
    let recorded = entry.map(|engine| engine.signatures.clone());
    let known: BTreeSet<String> = [expected, recorded].into_iter().flatten().flatten().collect();
    save(task, &verdict, &known, settings.artifacts.as_deref(), &mut result)?;
    Ok(result)
}

fn searched(prepared: &Prepared, verdict: &Verdict, scope: Scope, max_states: Option<u64>) -> SearchResult {
    let mut findings: Vec<String> = verdict
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.kind, finding.message))
        .collect();
    let signatures = verdict.hangs.iter().map(|hang| {
        let mut schedule = prepared.schedule_of(hang);
        let outcome = prepared.verify(&mut schedule, &mut Labels::new());
        if let Some(problem) = outcome.broken_promise(&schedule) {
            findings.push(format!("the search and the replay of its schedule disagree: {problem}"));
        }
        SignatureResult {
            id: hang.signature.id(),
            client: hang.client.clone(),
            waits: hang.signature.to_string(),
            length: hang.length,
            artifact: None,
        }
    });
    SearchResult {
        engine: verdict.engine.clone(),
        scope,
        max_states,
        verdict: ExpectedAnswer::from(verdict.answer),
        complete: verdict.complete,
        stopped_by: verdict.stopped_by.clone(),
        states: verdict.states,
        transitions: verdict.transitions,
        depth: verdict.depth,
        reductions: verdict.reductions.clone(),
        reductions_hash: Hash::of(format!("{REDUCTIONS_HASH} {}", verdict.reductions.join(", ")).as_bytes())
            .to_string(),
        slice: prepared.slice.clone(),
        storage: verdict.storage.clone(),
        signatures: signatures.collect(),
        findings,
        seconds: verdict.seconds,
        peak_bytes: verdict.peak_bytes,
    }
}

/// Saves the hangs that were not known, and what is wrong with the model: each as its schedule, with the verdict's text beside it.
fn save(
    task: &Task,
    verdict: &Verdict,
    known: &BTreeSet<String>,
    artifacts: Option<&Path>,
    result: &mut SearchResult,
) -> Result<(), GateError> {
    let Some(artifacts) = artifacts else { return Ok(()) };
    let prepared = &task.prepared;
    let stem = task.name.strip_suffix(".toml").unwrap_or(&task.name);
    for (hang, signature) in verdict.hangs.iter().zip(&mut result.signatures) {
        if known.contains(&signature.id) {
            continue;
        }
        let name = format!("{stem}.{}", signature.id);
        let mut schedule = prepared.schedule_of(hang);
        let mut labels = Labels::new();
        prepared.verify(&mut schedule, &mut labels);
        let file = write(artifacts, &name, &schedule)?;
        let only = Verdict {
            hangs: vec![hang.clone()],
            ..verdict.clone()
        };
        let text = verdict_text(&Told {
            scenario: &prepared.scenario.to_string(),
            variant: &prepared.scenario.document.runtime.variant.to_string(),
            input: &prepared.scenario.document.job.input.to_string(),
            slice: &prepared.slice,
            verdict: &only,
            labels: &labels,
            schedules: &[Some(file)],
        });
        let path = artifacts.join(format!("{name}.txt"));
        write_whole(&path, text.as_bytes()).map_err(|error| GateError::Write { path, error })?;
        signature.artifact = Some(format!("{name}.schedule"));
    }
    for (index, finding) in verdict.findings.iter().enumerate() {
        let message = finding.message.clone();
        let schedule = prepared.schedule(Ending::Panic { message }, finding.events.clone());
        write(artifacts, &format!("{stem}.finding{}", index + 1), &schedule)?;
    }
    Ok(())
}

fn write(artifacts: &Path, name: &str, schedule: &Schedule) -> Result<PathBuf, GateError> {
    let path = artifacts.join(format!("{name}.schedule"));
    let folder = path.parent().unwrap_or(artifacts);
    std::fs::create_dir_all(folder).map_err(|error| GateError::Write {
        path: folder.to_owned(),
        error,
    })?;
    schedule.write(&path)?;
    Ok(path)
}

/// Replays a schedule that was recorded for a scenario.
pub fn replay_recorded(task: &Task, recorded: &Recorded) -> Replayed {
    let schedule = &recorded.schedule;
    let signature = match &schedule.header.ending {
        Ending::Hang { signature, .. } => Some(signature.clone()),
        _ => None,
    };
    let scenario = task.prepared.scenario.clone();
    let (followed, end) = match prepare_recorded(schedule, &recorded.path, scenario, Changed::default()) {
        Ok(prepared) => {
            let outcome = replay(&prepared.model, schedule, |_| {});
            let end = match (outcome.broken_promise(schedule), &outcome.mismatch) {
                (None, _) => ReplayEnd::Kept,
                (Some(problem), None) => ReplayEnd::EndsOtherwise(problem),
                (Some(problem), Some(_)) => ReplayEnd::Differs(problem),
            };
            (outcome.followed, end)
        }
        Err(error) => (0, ReplayEnd::Foreign(told(&recorded.path, &error))),
    };
    Replayed {
        schedule: recorded.name.clone(),
        signature,
        followed,
        events: schedule.events.len(),
        end,
    }
}

/// An error without the file, which a report names itself.
fn told(path: &Path, error: &RecordedError) -> String {
    let text = error.to_string();
    let file = format!("{}: ", path.display());
    text.strip_prefix(&file).map(str::to_owned).unwrap_or(text)
}
