//! The engine of real threads: each thread of the model is a thread of the operating system.
//!
//! Processes are behind parking_lot mutexes, waiting threads behind its condition variables, frames and threads to run in crossbeam's
//! queues. Who goes on is decided by the operating system; noise at the labels (`noise`) makes it decide differently each time.
//! Timers have no clock: one that is set may fire whenever it gets its turn.
//!
//! It samples, and a seed decides only the noise and the outcomes of labels, so two runs need not find the same. A schedule that it
//! records replays exactly, and a forced schedule ([`super::driver::ForcedSchedule`]) makes real threads follow a schedule every time.

mod noise;
mod pool;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::{Condvar, Mutex, MutexGuard};
use thiserror::Error;

use self::noise::Noise;
use self::pool::ThreadPool;
use super::driver::{Bounds, Driver, Execution, ForcedSchedule, Limits, Runtime, Statistics, StatisticsStatus};
use super::{FindingKind, Verdict};
use crate::machine::Model;
use crate::schedule::Schedule;

/// Options of an exploration.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Seed of the noise and of the outcomes of labels.
    pub seed: u64,
    /// Number of executions after which to stop.
    pub max_executions: Option<u64>,
    /// Stop after so long.
    pub max_time: Option<Duration>,
    /// Stop at the first hang.
    pub stop_at_first_hang: bool,
    /// Bounds of one execution.
    pub limits: Limits,
    /// An execution in which no thread has taken a lock for so long is given up.
    pub watchdog: Duration,
}

impl Options {
    /// The time that the watchdog waits: far longer than any label takes.
    pub const WATCHDOG: Duration = Duration::from_secs(20);
}

/// An execution that neither comes to rest nor gets on: a label that does not end.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("an execution neither comes to rest nor gets on; its threads: {}", standings.join("; "))]
pub struct Stuck {
    /// The place where every live thread stands.
    pub standings: Vec<String>,
}

/// Runs executions until the budget is used up. Setting `interrupt` ends the search soon, with what it found.
pub fn explore<M: Model + 'static>(
    model: &Arc<M>,
    options: &Options,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&StatisticsStatus),
) -> Verdict {
    let pool = ThreadPool::new();
    let bounds = Bounds {
        executions: options.max_executions,
        deadline: options.max_time.map(|time| Instant::now() + time),
        first_hang: options.stop_at_first_hang,
    };
    let mut statistics = Statistics::new(Arc::clone(model));
    let stopped_by = loop {
        let status = statistics.status();
        progress(&status);
        if let Some(reason) = bounds.reached(&status, interrupt) {
            break reason;
        }
        let noise = Noise::of(options.seed, status.executions);
        match run(&pool, model, noise, options.limits, None, options.watchdog) {
            Ok(execution) => statistics.add(&execution),
            Err(stuck) => {
                statistics.finding(FindingKind::Internal, stuck.to_string(), Vec::new());
                break "the watchdog".to_owned();
            }
        }
    };
    statistics.verdict(
        "threads",
        "noise".to_owned(),
        Some(options.seed),
        false,
        Some(stopped_by),
    )
}

/// Makes real threads follow a schedule, `times` times; what comes after its last possible event is left to the operating system.
/// `each` is called with every execution, in order.
///
/// # Errors
/// When an execution neither comes to rest nor gets on.
pub fn replay<M: Model + 'static>(
    model: &Arc<M>,
    schedule: &Schedule,
    times: u64,
    mut each: impl FnMut(Execution<M>),
) -> Result<(), Stuck> {
    let pool = ThreadPool::new();
    for number in 0..times {
        let forced_schedule = ForcedSchedule::new(schedule.clone());
        let noise = Noise::of(0, number);
        each(run(
            &pool,
            model,
            noise,
            Limits::REPLAY,
            Some(forced_schedule),
            Options::WATCHDOG,
        )?);
    }
    Ok(())
}

/// Runs one execution.
fn run<M: Model + 'static>(
    pool: &ThreadPool,
    model: &Arc<M>,
    noise: Noise,
    limits: Limits,
    forced_schedule: Option<ForcedSchedule<M>>,
    watchdog: Duration,
) -> Result<Execution<M>, Stuck> {
    let (report, reported) = bounded(1);
    let moves = Arc::new(AtomicU64::new(0));
    let (runtime, ended) = OsThreads::new(pool, noise, &moves);
    let driver = Driver::new(model, &Arc::new(runtime), limits, forced_schedule, move |execution| {
        // The receiver is gone only if the watchdog has given up.
        let _ = report.send(execution);
    });
    let driver = Arc::new(driver);
    let first = Arc::clone(&driver);
    pool.run(Box::new(move || first.run()));
    let mut seen = 0;
    let execution = loop {
        match reported.recv_timeout(watchdog) {
            Ok(execution) => break execution,
            Err(RecvTimeoutError::Timeout) if moves.load(Ordering::Relaxed) != seen => {
                seen = moves.load(Ordering::Relaxed);
            }
            Err(_) => {
                return Err(Stuck {
                    standings: driver.standings(),
                });
            }
        }
    };
    drop(driver);
    // Every thread of the execution holds a sender on which nothing is ever sent: this returns when the last one has ended.
    let _ = ended.recv();
    Ok(execution)
}

/// Threads and locks of the operating system.
struct OsThreads {
    pool: ThreadPool,
    noise: Noise,
    /// Number of times that a lock was taken.
    moves: Arc<AtomicU64>,
    _alive: Sender<()>,
}

/// A place to wait.
struct Slot {
    woken: Condvar,
    noise: noise::Own,
}

impl OsThreads {
    fn new(pool: &ThreadPool, noise: Noise, moves: &Arc<AtomicU64>) -> (Self, Receiver<()>) {
        let (alive, ended) = bounded(0);
        let runtime = Self {
            pool: pool.clone(),
            noise,
            moves: Arc::clone(moves),
            _alive: alive,
        };
        (runtime, ended)
    }
}

impl Runtime for OsThreads {
    type Lock = Mutex<()>;
    type Guard<'a> = MutexGuard<'a, ()>;
    type Slot = Slot;

    fn lock(&self) -> Self::Lock {
        Mutex::new(())
    }

    fn slot(&self, identity: u64) -> Slot {
        Slot {
            woken: Condvar::new(),
            noise: self.noise.own(identity),
        }
    }

    fn pause(&self, slot: &Slot) {
        slot.noise.pause();
    }

    fn acquire<'a>(&self, lock: &'a Self::Lock) -> Self::Guard<'a> {
        self.moves.fetch_add(1, Ordering::Relaxed);
        lock.lock()
    }

    fn wait<'a>(&self, slot: &Slot, _lock: &'a Self::Lock, mut guard: Self::Guard<'a>) -> Self::Guard<'a> {
        slot.woken.wait(&mut guard);
        guard
    }

    fn notify(&self, slot: &Slot) {
        slot.woken.notify_one();
    }

    fn spawn(&self, _slot: &Slot, body: Box<dyn FnOnce() + Send>) {
        self.pool.run(body);
    }

    fn choose(&self, outcomes: u32) -> u32 {
        self.noise.choose(outcomes)
    }
}
