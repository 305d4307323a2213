//! The shuttle engine: one schedule after the other, chosen at random, by priorities, or by depth-first search.
//!
//! [shuttle](https://docs.rs/shuttle) runs each thread of the model as a coroutine ([`super::driver`]) and asks a scheduler which one
//! goes on. Ours (`scheduler`) stands between shuttle and its strategies: they decide once per label, and only among threads whose
//! guard holds. So the depth of PCT counts labels, and no execution is spent on a turn in which nothing happens.
//!
//! It samples: without a hang its answer is *undecided*. Only a depth-first search that ended by itself has run every schedule.

mod dfs;
mod scheduler;
mod strategy;
mod table;
mod walk;

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use thiserror::Error;

use self::scheduler::{Guide, Stop};
use self::strategy::{Chooser, REPERTOIRE};
use self::table::{Coroutines, TaskTable};
use super::driver::{Bounds, Execution, ForcedSchedule, Limits, Statistics, StatisticsStatus, drive};
use super::strategy::{Strategy, UnknownStrategy, joined};
use super::{Verdict, panic_text};
use crate::machine::{Model, panics};
use crate::schedule::Schedule;

/// Bytes of a coroutine's stack: labels of a model are shallow, but its diagnosis need not be.
const STACK: usize = 256 * 1024;

/// Options of an exploration.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Strategy by which schedules are chosen.
    pub strategy: Strategy,
    /// Seed of random choices.
    pub seed: u64,
    /// Number of executions after which to stop.
    pub max_executions: Option<u64>,
    /// Stop after so long.
    pub max_time: Option<Duration>,
    /// Stop at the first hang.
    pub stop_at_first_hang: bool,
    /// Bounds of one execution.
    pub limits: Limits,
}

/// The reason why shuttle gives no verdict.
#[derive(Debug, Error)]
pub enum ShuttleError {
    /// It gave up.
    #[error("shuttle: {0}")]
    GaveUp(String),
    /// It does not have the strategy.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
}

/// Checks that shuttle has a strategy.
///
/// # Errors
/// When it does not.
pub fn fits(strategy: &Strategy) -> Result<(), UnknownStrategy> {
    REPERTOIRE.turns(strategy).map(|_| ())
}

/// Runs executions until the budget is used up. Setting `interrupt` ends the search soon, with what it found. The same options find
/// the same, unless time or an interrupt stopped them.
///
/// # Errors
/// When shuttle does not have the strategy, or gives up: a bug in the engine.
pub fn explore<M: Model + 'static>(
    model: &Arc<M>,
    options: &Options,
    interrupt: &Arc<AtomicBool>,
    progress: impl FnMut(&StatisticsStatus) + Send + 'static,
) -> Result<Verdict, ShuttleError> {
    explore_outcomes(model, options, interrupt, progress).map(|(verdict, _)| verdict)
}

/// Explores, and returns the states at rest that were reached, as fingerprints ([`super::fingerprint`]), sorted.
///
/// # Errors
/// When shuttle does not have the strategy, or gives up: a bug in the engine.
pub fn explore_outcomes<M: Model + 'static>(
    model: &Arc<M>,
    options: &Options,
    interrupt: &Arc<AtomicBool>,
    progress: impl FnMut(&StatisticsStatus) + Send + 'static,
) -> Result<(Verdict, Vec<u128>), ShuttleError> {
    let statistics = Arc::new(Mutex::new(Statistics::new(Arc::clone(model))));
    let turns = REPERTOIRE.turns(&options.strategy)?;
    let table = Arc::new(TaskTable::new(Chooser::new(&turns, options.seed)));
    let bounds = Bounds {
        executions: options.max_executions,
        deadline: options.max_time.map(|time| Instant::now() + time),
        first_hang: options.stop_at_first_hang,
    };
    let stop = Arc::new(Mutex::new(None));
    let guide = Guide::new(&table, bounds, interrupt, &statistics, &stop, progress);
    let (model, limits) = (Arc::clone(model), options.limits);
    let kept = Arc::clone(&statistics);
    run(guide, move || {
        let kept = Arc::clone(&kept);
        let runtime = Arc::new(Coroutines::new(&table));
        drive(&model, &runtime, limits, None, move |execution| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).add(&execution);
        });
    })?;
    let stop = stop.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (ended, stopped_by) = match stop {
        Some(Stop::Ended) | None => (true, None),
        Some(Stop::By(reason)) => (false, Some(reason)),
    };
    let statistics =
        Arc::try_unwrap(statistics).map_err(|_| ShuttleError::GaveUp("a coroutine outlived its run".to_owned()))?;
    let statistics = statistics.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seed = (options.strategy != Strategy::Dfs).then_some(options.seed);
    let outcomes = statistics.outcomes();
    let verdict = statistics.verdict("shuttle", joined(&turns), seed, ended, stopped_by);
    Ok((verdict, outcomes))
}

/// Runs a recorded schedule on shuttle's coroutines: one execution, in which only the thread of the next event can run.
///
/// # Errors
/// When shuttle gives up: a bug in the engine.
pub fn replay<M: Model + 'static>(model: &Arc<M>, schedule: &Schedule) -> Result<Execution<M>, ShuttleError> {
    let table = Arc::new(TaskTable::new(Chooser::new(&[Strategy::Dfs], 0)));
    let statistics = Arc::new(Mutex::new(Statistics::new(Arc::clone(model))));
    let once = Bounds {
        executions: Some(1),
        deadline: None,
        first_hang: false,
    };
    let guide = Guide::new(&table, once, &Arc::default(), &statistics, &Arc::default(), |_| {});
    let ended = Arc::new(Mutex::new(None));
    let (kept, own, forced_schedule) = (Arc::clone(&ended), Arc::clone(model), schedule.clone());
    run(guide, move || {
        let kept = Arc::clone(&kept);
        let runtime = Arc::new(Coroutines::new(&table));
        let forced_schedule = ForcedSchedule::new(forced_schedule.clone());
        drive(
            &own,
            &runtime,
            Limits::REPLAY,
            Some(forced_schedule),
            move |execution| {
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(execution);
            },
        );
    })?;
    let execution = ended.lock().unwrap_or_else(PoisonError::into_inner).take();
    execution.ok_or_else(|| ShuttleError::GaveUp("the execution was not reported".to_owned()))
}

/// A hook that is called at panics.
type Hook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The hook that was there before shuttle's.
static HOOK: OnceLock<Hook> = OnceLock::new();

/// Returns the hook that is installed, which stays.
fn shared_hook() -> Hook {
    let hook: Hook = Arc::from(take_hook());
    let same = Arc::clone(&hook);
    set_hook(Box::new(move |info| same(info)));
    hook
}

/// Runs shuttle; panics of its own, which are no failures of a label, end here.
fn run<M: Model + 'static>(guide: Guide<M>, body: impl Fn() + Send + Sync + 'static) -> Result<(), ShuttleError> {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    let hook = Arc::clone(HOOK.get_or_init(shared_hook));
    let body = move || {
        // shuttle installs its own hook when it begins the first execution. That one would print of every panic of the process.
        static REMOVED: Once = Once::new();
        REMOVED.call_once(|| {
            let hook = Arc::clone(&hook);
            set_hook(Box::new(move |info| hook(info)));
            panics::stand_in_front();
        });
        body();
    };
    let ran = catch_unwind(AssertUnwindSafe(|| Runner::new(guide, config).run(body)));
    ran.map(|_| ())
        .map_err(|payload| ShuttleError::GaveUp(panic_text(&*payload)))
}
