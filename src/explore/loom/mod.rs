//! The loom engine: every interleaving of a kernel, found by somebody else's search.
//!
//! [loom](https://docs.rs/loom) runs threads that it switches itself and leaves out interleavings by dynamic partial-order reduction. It
//! shares nothing with the exhaustive engine but the model: neither its reduction nor its idea of a state. So where both search a
//! kernel to the end and agree, an error in one of them would have to be matched by one in the other.
//!
//! It takes at most five threads: see [`MOST_ROLES`] and [`crate::machine::Fragment`]. Its search counts as complete only if it was
//! unbounded and ended by itself, for every way in which the kernel's choices can come out.
//!
//! loom remembers no execution, and comes to the same labels in the same order by several of its paths, which differ in when a thread
//! woke up or found nothing to run. What follows is then explored along the first of these paths only (`loom::skip_branch`); without
//! that, four threads of three labels each take more than a minute instead of a second.

mod checkpoint;
mod choices;
mod execution;
mod replay;
mod roles;

pub use self::checkpoint::Checkpointing;
pub use self::replay::replay;
pub use self::roles::{MOST_ROLES, Unfit};

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use self::checkpoint::{Checkpoint, Saved};
use self::choices::Choices;
use self::execution::{Director, Path, StateOf, Threads};
use self::roles::Roles;
use super::driver::{Execution, Statistics, Taken};
use super::{Finding, Verdict, fingerprint, panic_text};
use crate::file::FileError;
use crate::machine::{Event, Fragment, Model, Pending, ProcessId};

/// Scheduling points of one execution. A kernel has a few hundred; loom refuses to go further.
const MOST_BRANCHES: usize = 20_000;

/// Options of an exploration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Number of executions after which to stop, undecided.
    pub max_executions: Option<u64>,
    /// Stop, undecided, after so long.
    pub max_time: Option<Duration>,
    /// Keep the state of the search in a file, so that it can go on after it was ended.
    pub checkpoint: Option<Checkpointing>,
}

/// The result of an exploration.
#[derive(Clone, PartialEq, Debug)]
pub struct Exploration {
    /// Verdict on the model.
    pub verdict: Verdict,
    /// The states at rest that were reached, as fingerprints ([`super::fingerprint`]), sorted.
    pub outcomes: Vec<u128>,
    /// Ways to fix the outcomes of choices, each of which loom explored.
    pub assignments: u64,
}

impl Exploration {
    /// Returns the exploration of a kernel of which a label fails before loom begins.
    fn broken(finding: Finding) -> Self {
        let verdict = Verdict {
            engine: "loom".to_owned(),
            findings: vec![finding],
            ..Verdict::default()
        };
        Self {
            verdict,
            outcomes: Vec::new(),
            assignments: 0,
        }
    }
}

/// The reason why there was no exploration.
#[derive(Debug, Error)]
pub enum LoomError {
    /// The engine can't run the kernel.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] FileError),
    /// loom gave up.
    #[error("loom: {0}")]
    Loom(String),
}

/// Returns true if the engine can run a kernel.
///
/// # Errors
/// When it can't; the text says why.
pub fn fits<M: Model>(kernel: &Fragment<M>) -> Result<(), Unfit> {
    Roles::of(kernel).map(|_| ())
}

/// Runs every interleaving of a kernel. Setting `interrupt` ends the search soon, as not complete, with what it found.
///
/// To be called in a process of its own: loom and the panic hooks of other engines do not go together.
///
/// # Errors
/// When the kernel does not fit, the checkpoint is of another kernel, or loom gives up. A label that fails is a finding of the verdict.
pub fn explore<M: Model + 'static>(
    kernel: &Arc<Fragment<M>>,
    options: &Options,
    interrupt: &Arc<AtomicBool>,
) -> Result<Exploration, LoomError> {
    let roles = match Roles::of(kernel) {
        Err(Unfit::Broken(finding)) => return Ok(Exploration::broken(finding)),
        roles => Arc::new(roles?),
    };
    let checkpoint = options.checkpoint.as_ref();
    let checkpoint = checkpoint.map(|place| Checkpoint::new(place, kernel, &roles));
    let saved = checkpoint.as_ref().map(Checkpoint::load).transpose()?.flatten();
    let progress = match saved {
        Some(saved) => Progress::resumed(kernel, saved),
        None => Progress::new(kernel, Choices::new(roles.names.len())),
    };
    let search = Arc::new(Search {
        kernel: kernel.clone(),
        options: options.clone(),
        interrupt: interrupt.clone(),
        started: Instant::now(),
        progress: Mutex::new(progress),
        checkpoint,
    });
    let stopped_by = loop {
        if let Some(reason) = search.run_assignment(&roles)? {
            break Some(reason);
        }
        if let Some(checkpoint) = &search.checkpoint {
            checkpoint.forget_path();
        }
        if !search.progress().choices.advance() {
            break None;
        }
    };
    if let Some(checkpoint) = search.checkpoint.as_ref().filter(|_| stopped_by.is_none()) {
        checkpoint.remove();
    }
    Ok(search.conclude(stopped_by))
}

/// The reason why an exploration ends from within.
struct Stop(String);

/// Findings so far.
struct Progress<M: Model> {
    choices: Choices,
    executions: u64,
    labels: u64,
    statistics: Statistics<Fragment<M>>,
    /// The events of the first execution that came to each outcome, while a checkpoint is kept.
    firsts: Vec<Vec<Event>>,
    /// Executions since loom began with these choices, or went on from a checkpoint.
    since: usize,
    /// The path of loom that came first to some labels, for the choices that are fixed now; both as fingerprints.
    paths: HashMap<u128, u128>,
}

impl<M: Model> Progress<M> {
    fn new(kernel: &Arc<Fragment<M>>, choices: Choices) -> Self {
        Self {
            choices,
            executions: 0,
            labels: 0,
            statistics: Statistics::new(kernel.clone()),
            firsts: Vec::new(),
            since: 0,
            paths: HashMap::new(),
        }
    }

    fn resumed(kernel: &Arc<Fragment<M>>, saved: Saved) -> Self {
        let mut progress = Self::new(kernel, saved.choices);
        for events in &saved.firsts {
            if let Some(execution) = checkpoint::rerun(kernel, events) {
                progress.statistics.add(&execution);
            }
        }
        progress.firsts = saved.firsts;
        (progress.executions, progress.labels) = (saved.executions, saved.labels);
        progress
    }
}

struct Search<M: Model> {
    kernel: Arc<Fragment<M>>,
    options: Options,
    interrupt: Arc<AtomicBool>,
    started: Instant,
    progress: Mutex<Progress<M>>,
    checkpoint: Option<Checkpoint>,
}

/// Returns a builder in which nothing is left to the environment's variables.
fn builder() -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = MOST_ROLES;
    builder.max_branches = MOST_BRANCHES;
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.expect_explicit_explore = true;
    builder.location = false;
    builder.log = false;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = checkpoint::INTERVAL;
    builder
}

impl<M: Model + 'static> Search<M> {
    fn progress(&self) -> MutexGuard<'_, Progress<M>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets loom run every interleaving of one assignment of choices; returns what stopped it, if something did.
    fn run_assignment(self: &Arc<Self>, roles: &Arc<Roles<M::Thread>>) -> Result<Option<String>, LoomError> {
        let mut builder = builder();
        builder.checkpoint_file = self.checkpoint.as_ref().map(Checkpoint::path_file);
        {
            let mut progress = self.progress();
            progress.since = 0;
            progress.paths.clear();
        }
        let (search, roles) = (self.clone(), roles.clone());
        let run = move || {
            search.before_execution();
            Threads::run(&search.kernel, &roles, &search);
        };
        match catch_unwind(AssertUnwindSafe(|| builder.check(run))) {
            Ok(()) => Ok(None),
            Err(payload) => match payload.downcast::<Stop>() {
                Ok(stop) => Ok(Some(stop.0)),
                Err(payload) => Err(LoomError::Loom(panic_text(payload.as_ref()))),
            },
        }
    }

    /// Looks at the bounds, counts, and keeps the state of the search where loom keeps its path.
    fn before_execution(&self) {
        let mut progress = self.progress();
        if let Some(reason) = self.exceeded(progress.executions) {
            drop(progress);
            resume_unwind(Box::new(Stop(reason)));
        }
        progress.since += 1;
        if let Some(checkpoint) = self
            .checkpoint
            .as_ref()
            .filter(|_| progress.since.is_multiple_of(checkpoint::INTERVAL))
            && let Err(error) = checkpoint.store(&progress)
        {
            drop(progress);
            resume_unwind(Box::new(error));
        }
        progress.executions += 1;
    }

    fn exceeded(&self, executions: u64) -> Option<String> {
        if self.interrupt.load(Ordering::SeqCst) {
            return Some("an interrupt".to_owned());
        }
        if self.options.max_executions.is_some_and(|most| executions >= most) {
            return Some(format!("the bound of {executions} executions"));
        }
        let most = self.options.max_time.filter(|most| self.started.elapsed() >= *most)?;
        Some(format!("the bound of {} seconds", most.as_secs()))
    }

    fn conclude(&self, stopped_by: Option<String>) -> Exploration {
        let mut progress = self.progress();
        let fresh = Progress::new(&self.kernel, Choices::new(0));
        let progress = std::mem::replace(&mut *progress, fresh);
        let outcomes = progress.statistics.outcomes();
        let assignments = progress.choices.known() as u64;
        let ended = stopped_by.is_none();
        let strategy = format!("every interleaving, with {assignments} ways to fix the outcomes of choices");
        let mut verdict = progress.statistics.verdict("loom", strategy, None, ended, stopped_by);
        if let Some(executions) = &mut verdict.executions {
            (executions.count, executions.labels) = (progress.executions, progress.labels);
        }
        verdict.seconds = self.started.elapsed().as_secs_f64();
        verdict.reductions = vec!["dynamic partial order".to_owned(), "equal labels once".to_owned()];
        Exploration {
            verdict,
            outcomes,
            assignments,
        }
    }
}

impl<M: Model + 'static> Director<M> for Search<M> {
    const EXPLORES: bool = true;

    fn choose(&self, path: &Path<M::Thread>, role: usize, outcomes: u32) -> u32 {
        self.progress().choices.choose(role, &path.made[role], outcomes)
    }

    fn admits(&self, _: &StateOf<M>, _: ProcessId, _: &Pending<M::Thread>, _: usize) -> bool {
        true
    }

    fn is_known(&self, path: &Path<M::Thread>) -> bool {
        let labels: Vec<_> = path
            .taken
            .iter()
            .map(|taken| (taken.process, taken.thread, taken.choice))
            .collect();
        let turns = fingerprint(&path.turns);
        let first = *self
            .progress()
            .paths
            .entry(fingerprint(&(labels, &path.made)))
            .or_insert(turns);
        first != turns
    }

    fn over(&self, execution: Execution<Fragment<M>>) {
        let mut progress = self.progress();
        progress.labels += execution.taken.len() as u64;
        let before = progress.statistics.status().outcomes;
        progress.statistics.add(&execution);
        if self.checkpoint.is_some()
            && progress.statistics.status().outcomes > before
            && let Ok(events) = execution.events(&self.kernel)
        {
            progress.firsts.push(events);
        }
    }
}
