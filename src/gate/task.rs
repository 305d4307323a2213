//! Running one task: its searches and its recorded schedules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{
    Artifacts, Baseline, BaselineEngine, Budgets, GateError, REDUCTIONS_HASH, Recorded, ReplayEnd, Replayed,
    ScenarioResult, Scope, SearchResult, Settings, Task,
};
use crate::explore::Answer;
use crate::explore::exhaustive::{Checkpointing, Options, Reductions, Status};
use crate::explore::{Finding, FindingKind, HangRecord, Verdict};
use crate::file::{FileError, write_whole};
use crate::scenario::{Budget, EngineName, Experiment, Labels};
use crate::schedule::{Ending, Hash, Schedule, replay};

/// A killed run loses less than a minute of its search.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_secs(30);

/// Runs one scenario: its searches, then its recorded schedules.
///
/// # Errors
/// When an artifact cannot be written.
pub fn run_task(
    task: &Task,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(&Status),
) -> Result<ScenarioResult, GateError> {
    let mut result = search_task(task, settings, baseline, interrupt, progress)?;
    result.replays = replays(task);
    Ok(result)
}

/// Returns the searches of one scenario.
///
/// # Errors
/// When an artifact cannot be written.
pub fn search_task(
    task: &Task,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(&Status),
) -> Result<ScenarioResult, GateError> {
    let document = &task.experiment.scenario().document;
    let mut searches = Vec::new();
    for kind in Kind::of(task, &settings.budgets) {
        searches.push(search(task, kind, settings, baseline, interrupt, progress)?);
    }
    Ok(ScenarioResult {
        name: task.name.clone(),
        variant: document.runtime.variant.to_string(),
        expect: document.expect.clone(),
        sibling_problem: task.sibling_problem.clone(),
        identity: task.identity(),
        searches,
        replays: Vec::new(),
        notes: Vec::new(),
    })
}

/// Replays the scenario's recorded schedules.
pub(super) fn replays(task: &Task) -> Vec<Replayed> {
    let schedules = task.schedules.iter();
    schedules.map(|recorded| replay_recorded(task, recorded)).collect()
}

/// The name of the exhaustive search with no reduction but partial order.
pub(super) const SECOND_LOOK: &str = "exhaustive-plain";

/// A way to search a scenario.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The exhaustive engine with all of its reductions.
    Exhaustive,
    /// The exhaustive search with no reduction but partial order: a second look at what the first one proved.
    Plain,
    /// An engine that runs one execution after the other.
    Sampled(EngineName),
    /// Such an engine that the scenario does not name, for a few executions: a second opinion.
    Brief(EngineName),
}

impl Kind {
    /// Returns those that a task is searched in, the exhaustive ones first.
    fn of(task: &Task, budgets: &Budgets) -> Vec<Self> {
        let section = &task.experiment.scenario().document.engine;
        let engines = section.all();
        let mut kinds = Vec::new();
        if engines.iter().any(|engine| engine.searches()) {
            kinds.push(Self::Exhaustive);
        }
        let proves = kinds.contains(&Self::Exhaustive) && expects(task) == Some(Answer::NoHang);
        if section.recheck || proves && budgets.second.is_some() {
            kinds.push(Self::Plain);
        }
        let named = engines.clone();
        let sampled = engines.into_iter().filter(|engine| !engine.searches());
        kinds.extend(sampled.map(Self::Sampled));
        let others = [EngineName::Shuttle, EngineName::Threads];
        let others = others
            .into_iter()
            .filter(|engine| budgets.brief > 0 && !named.contains(engine));
        kinds.extend(others.map(Self::Brief));
        kinds
    }

    /// Its name in reports and baselines.
    fn name(self) -> String {
        match self {
            Self::Exhaustive => "exhaustive".to_owned(),
            Self::Plain => SECOND_LOOK.to_owned(),
            Self::Sampled(engine) | Self::Brief(engine) => engine.to_string(),
        }
    }

    fn reductions(self) -> Reductions {
        match self {
            Self::Plain => Reductions::GENERAL,
            _ => Reductions::ALL,
        }
    }
}

/// Returns the names under which a task is searched.
pub(super) fn searched_as(task: &Task, budgets: &Budgets) -> impl Iterator<Item = String> + use<> {
    Kind::of(task, budgets).into_iter().map(Kind::name)
}

/// Returns the answer that a task expects.
fn expects(task: &Task) -> Option<Answer> {
    let expect = task.experiment.scenario().document.expect.as_ref();
    expect.map(|expect| expect.verdict)
}

/// Tells how much of a search of every state to ask for, and its bound.
fn extent(task: &Task, kind: Kind, settings: &Settings, known: Option<&BaselineEngine>) -> (Scope, Option<u64>) {
    let section = &task.experiment.scenario().document.engine;
    let budgets = &settings.budgets;
    if kind == Kind::Plain && !section.recheck {
        let ended = known.filter(|engine| engine.complete);
        return budgets.of_second(ended.map(|engine| engine.states));
    }
    budgets.of(expects(task), known.map(|engine| engine.states), section.max_states)
}

fn search(
    task: &Task,
    kind: Kind,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(&Status),
) -> Result<SearchResult, GateError> {
    let document = &task.experiment.scenario().document;
    let entry = baseline.scenarios.get(&task.name);
    let entry = entry.and_then(|entry| entry.engines.get(&kind.name()));
    let expects = expects(task);
    let (scope, bound, verdict) = match kind {
        Kind::Sampled(engine) => {
            let hangs = expects == Some(Answer::Hang);
            let budget = Budget::of(&document.engine);
            let verdict = sampled(task, engine, hangs, budget, settings, interrupt)?;
            (if hangs { Scope::FirstHang } else { Scope::Part }, None, verdict)
        }
        Kind::Brief(engine) => {
            // Real threads are slow, and no two runs of them are alike.
            let share = if engine == EngineName::Threads { 10 } else { 1 };
            let budget = Budget {
                executions: Some(settings.budgets.brief.div_ceil(share).max(1)),
                ..Budget::default()
            };
            (
                Scope::Brief,
                None,
                sampled(task, engine, false, budget, settings, interrupt)?,
            )
        }
        _ => {
            let (scope, bound) = extent(task, kind, settings, entry);
            let bound = [bound, settings.max_states].into_iter().flatten().min();
            let options = Options {
                max_states: bound,
                stop_at_first_hang: scope == Scope::FirstHang,
                threads: settings.threads,
                ..Budget::of(&document.engine).exhaustive(Reductions {
                    leaks: task.experiment.scenario().looks_at_outcomes(),
                    ..kind.reductions()
                })
            };
            (
                scope,
                bound,
                exhaustive(task, kind, &options, settings, interrupt, progress)?,
            )
        }
    };
    let expected = document.expect.as_ref().and_then(|expect| expect.signatures.clone());
    let recorded = entry.map(|engine| engine.signatures.clone());
    let known: BTreeSet<String> = [expected, recorded].into_iter().flatten().flatten().collect();
    let artifacts = settings.artifacts.as_ref();
    let mut found = told(task, &verdict, |id| artifacts.filter(|_| !known.contains(id)))?;
    found.engine = kind.name();
    let reductions = verdict.reductions.join(", ");
    Ok(SearchResult {
        scope,
        max_states: bound,
        slice: task.experiment.slice().to_owned(),
        reductions_hash: Hash::of(format!("{REDUCTIONS_HASH} {reductions}").as_bytes()).to_string(),
        found,
    })
}

/// Searches exhaustively, from where an earlier search was cut off if it was.
fn exhaustive(
    task: &Task,
    kind: Kind,
    options: &Options,
    settings: &Settings,
    interrupt: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(&Status),
) -> Result<Verdict, GateError> {
    let in_order = kind == Kind::Exhaustive;
    let name = task.name.replace('/', "_");
    let place = settings.checkpoints.as_ref().map(|checkpoints| Checkpointing {
        path: checkpoints.directory.join(format!("{name}.{}.checkpoint", kind.name())),
        identity: Vec::new(),
        resume: checkpoints.resume,
        every: BETWEEN_CHECKPOINTS,
        every_states: None,
    });
    let path = place.as_ref().map(|place| place.path.clone());
    let verdict = task
        .experiment
        .search_at(options, in_order, place, interrupt, progress)?;
    // One that its bound stopped could go on, but not in this run, and the next one begins anew.
    if let Some(path) = path.filter(|path| !interrupt.load(Ordering::SeqCst) && path.exists()) {
        std::fs::remove_file(&path).map_err(FileError::cannot("write", &path))?;
    }
    Ok(verdict)
}

/// Samples with an engine that runs one execution after the other: a hang, where there must be one, within the scenario's executions.
fn sampled(
    task: &Task,
    engine: EngineName,
    hangs: bool,
    budget: Budget,
    settings: &Settings,
    interrupt: &Arc<AtomicBool>,
) -> Result<Verdict, GateError> {
    let experiment = &task.experiment;
    let budget = Budget {
        stop_at_first_hang: hangs,
        threads: settings.threads,
        ..budget
    };
    let gave_up = |error: String| GateError::Engine {
        scenario: task.name.clone(),
        error,
    };
    if matches!(engine, EngineName::Sample | EngineName::Threads) {
        let run = experiment.run(engine, &budget, interrupt, |_| {});
        return run.map_err(|error| gave_up(error.to_string()));
    }
    // Other engines install panic hooks, so they run in a process of their own.
    let run = experiment.run_in_worker(&settings.program, engine, &budget, interrupt);
    run.map_err(|error| gave_up(error.to_string()))
}

/// Records a verdict. Its hangs are verified; those that are to be saved and what is wrong with the model are saved: each as its
/// schedule, a hang with the verdict's text beside it.
fn told<'a>(
    task: &Task,
    verdict: &Verdict,
    saves: impl Fn(&str) -> Option<&'a Artifacts>,
) -> Result<Verdict<HangRecord>, GateError> {
    let experiment = &task.experiment;
    let stem = task.name.strip_suffix(".toml").unwrap_or(&task.name);
    let mut record = verdict.record(&[]);
    for (hang, recorded) in verdict.hangs.iter().zip(&mut record.hangs) {
        let mut labels = Labels::new();
        let (schedule, problem) = experiment.verified(hang, &mut labels);
        record.findings.extend(problem.map(|message| Finding {
            kind: FindingKind::Internal,
            message,
            events: Vec::new(),
        }));
        let Some(artifacts) = saves(&recorded.id) else { continue };
        let name = format!("{stem}.{}", recorded.id);
        let file = write(&artifacts.directory, &name, &schedule)?;
        let only = Verdict {
            hangs: vec![hang.clone()],
            ..verdict.clone()
        };
        let text = (artifacts.text)(&experiment.told(&only, &labels, &[Some(file)]));
        let path = artifacts.directory.join(format!("{name}.txt"));
        write_whole(&path, text.as_bytes()).map_err(FileError::cannot("write", &path))?;
        recorded.schedule = Some(format!("{name}.schedule"));
    }
    for (index, finding) in verdict.findings.iter().enumerate() {
        let Some(artifacts) = saves("") else { break };
        let schedule = experiment.schedule_of_finding(finding);
        write(&artifacts.directory, &format!("{stem}.finding{}", index + 1), &schedule)?;
    }
    Ok(record)
}

fn write(artifacts: &Path, name: &str, schedule: &Schedule) -> Result<PathBuf, GateError> {
    let path = artifacts.join(format!("{name}.schedule"));
    let folder = path.parent().unwrap_or(artifacts);
    std::fs::create_dir_all(folder).map_err(FileError::cannot("write", folder))?;
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
    let scenario = task.experiment.scenario().clone();
    let (followed, end) = match Experiment::recorded(schedule, &recorded.path, scenario) {
        Ok(experiment) => {
            let outcome = replay(experiment.model(), schedule, |_| {});
            let end = match (outcome.broken_promise(schedule), &outcome.mismatch) {
                (None, _) => ReplayEnd::Kept,
                (Some(problem), None) => ReplayEnd::EndsOtherwise(problem),
                (Some(problem), Some(_)) => ReplayEnd::Differs(problem),
            };
            (outcome.followed, end)
        }
        Err(error) => (0, ReplayEnd::Foreign(error.problem())),
    };
    Replayed {
        schedule: recorded.name.clone(),
        signature,
        followed,
        events: schedule.events.len(),
        end,
    }
}
