//! Running one task: its searches and its recorded schedules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{
    Baseline, GateError, REDUCTIONS_HASH, Recorded, ReplayEnd, Replayed, ScenarioResult, Scope, SearchResult, Settings,
    SignatureResult, Task,
};
use crate::explore::Verdict;
use crate::explore::exhaustive::{Checkpointing, Options, Reductions, Status};
use crate::report::{Told, verdict_text};
use crate::run::{Budget, Changed, Labels, Prepared, RecordedError, looks_at_outcomes, prepare_recorded};
use crate::scenario::{EngineName, ExpectedAnswer};
use crate::schedule::{Ending, Hash, Schedule, replay, write_whole};

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

/// The searches of one scenario.
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
    let document = &task.prepared.scenario.document;
    let mut searches = Vec::new();
    for kind in Kind::of(task) {
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

/// What its recorded schedules do.
pub(super) fn replays(task: &Task) -> Vec<Replayed> {
    let schedules = task.schedules.iter();
    schedules.map(|recorded| replay_recorded(task, recorded)).collect()
}

/// A way to search a scenario.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The exhaustive engine with all of its reductions.
    Exhaustive,
    /// The same with none but partial order.
    Plain,
    /// An engine that runs one execution after the other.
    Sampled(EngineName),
}

impl Kind {
    /// Those that a task is searched in, the exhaustive ones first.
    fn of(task: &Task) -> Vec<Self> {
        let section = &task.prepared.scenario.document.engine;
        let engines = section.all();
        let mut kinds = Vec::new();
        if engines.contains(&EngineName::Exhaustive) {
            kinds.push(Self::Exhaustive);
        }
        if section.recheck {
            kinds.push(Self::Plain);
        }
        let sampled = engines.into_iter().filter(|engine| *engine != EngineName::Exhaustive);
        kinds.extend(sampled.map(Self::Sampled));
        kinds
    }

    /// Its name in reports and baselines.
    fn name(self) -> String {
        match self {
            Self::Exhaustive => "exhaustive".to_owned(),
            Self::Plain => "exhaustive-plain".to_owned(),
            Self::Sampled(engine) => engine.to_string(),
        }
    }

    fn reductions(self) -> Reductions {
        match self {
            Self::Plain => Reductions {
                partial_order: true,
                leaks: false,
                ..Reductions::NONE
            },
            _ => Reductions::ALL,
        }
    }
}

/// The names under which a task is searched.
pub(super) fn searched_as(task: &Task) -> impl Iterator<Item = String> {
    Kind::of(task).into_iter().map(Kind::name)
}

fn search(
    task: &Task,
    kind: Kind,
    settings: &Settings,
    baseline: &Baseline,
    interrupt: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(&Status),
) -> Result<SearchResult, GateError> {
    let document = &task.prepared.scenario.document;
    let entry = baseline.scenarios.get(&task.name);
    let entry = entry.and_then(|entry| entry.engines.get(&kind.name()));
    let expects = document.expect.as_ref().map(|expect| expect.verdict);
    let (scope, bound, verdict) = match kind {
        Kind::Sampled(engine) => {
            let hangs = expects == Some(ExpectedAnswer::Hang);
            let verdict = sampled(task, engine, hangs, settings, interrupt)?;
            (if hangs { Scope::FirstHang } else { Scope::Part }, None, verdict)
        }
        _ => {
            let known = entry.map(|engine| engine.states);
            let (scope, bound) = settings.budgets.of(expects, known, document.engine.max_states);
            let bound = [bound, settings.max_states].into_iter().flatten().min();
            let options = Options {
                max_states: bound,
                stop_at_first_hang: scope == Scope::FirstHang,
                threads: settings.threads,
                ..Budget::of(&document.engine).exhaustive(Reductions {
                    leaks: looks_at_outcomes(&task.prepared.scenario),
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
    let mut result = searched(&task.prepared, &verdict, scope, bound);
    result.engine = kind.name();
    let expected = document.expect.as_ref().and_then(|expect| expect.signatures.clone());
    let recorded = entry.map(|engine| engine.signatures.clone());
    let known: BTreeSet<String> = [expected, recorded].into_iter().flatten().flatten().collect();
    save(task, &verdict, &known, settings.artifacts.as_deref(), &mut result)?;
    Ok(result)
}

/// What the exhaustive engine finds, from where an earlier search was cut off if it was.
fn exhaustive(
    task: &Task,
    kind: Kind,
    options: &Options,
    settings: &Settings,
    interrupt: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(&Status),
) -> Result<Verdict, GateError> {
    let in_order = kind == Kind::Exhaustive;
    let Some(checkpoints) = &settings.checkpoints else {
        return Ok(task.prepared.search(options, in_order, interrupt, progress));
    };
    let name = task.name.replace('/', "_");
    let path = checkpoints.directory.join(format!("{name}.{}.checkpoint", kind.name()));
    let place = Checkpointing {
        path: path.clone(),
        identity: Vec::new(),
        resume: checkpoints.resume,
        every: BETWEEN_CHECKPOINTS,
        every_states: None,
    };
    let prepared = &task.prepared;
    let verdict = prepared.search_with_checkpoints(options, in_order, place, interrupt, progress)?;
    // One that its bound stopped could go on, but not in this run, and the next one begins anew.
    if !interrupt.load(Ordering::SeqCst) && path.exists() {
        std::fs::remove_file(&path).map_err(|error| GateError::Write { path, error })?;
    }
    Ok(verdict)
}

/// What an engine finds that runs one execution after the other: a hang, where there must be one, within the scenario's executions.
fn sampled(
    task: &Task,
    engine: EngineName,
    hangs: bool,
    settings: &Settings,
    interrupt: &Arc<AtomicBool>,
) -> Result<Verdict, GateError> {
    let prepared = &task.prepared;
    let budget = Budget {
        stop_at_first_hang: hangs,
        threads: settings.threads,
        ..Budget::of(&prepared.scenario.document.engine)
    };
    let gave_up = |error: String| GateError::Engine {
        scenario: task.name.clone(),
        error,
    };
    if engine == EngineName::Threads {
        let run = prepared.run(engine, &budget, interrupt, |_| {});
        return run.map_err(|error| gave_up(error.to_string()));
    }
    // Other engines install panic hooks, so they run in a process of their own.
    let run = prepared.run_in_worker(&settings.program, engine, &budget, interrupt);
    run.map_err(|error| gave_up(error.to_string()))
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
        executions: verdict.executions.as_ref().map(|executions| executions.count),
        outcomes: verdict.executions.as_ref().map(|executions| executions.outcomes),
        transitions: verdict.transitions,
        depth: verdict.depth,
        reductions: verdict.reductions.clone(),
        reductions_hash: Hash::of(format!("{REDUCTIONS_HASH} {}", verdict.reductions.join(", ")).as_bytes())
            .to_string(),
        slice: prepared.slice.clone(),
        storage: verdict.storage.clone(),
        signatures: signatures.collect(),
        ends: verdict.outcomes.clone(),
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
