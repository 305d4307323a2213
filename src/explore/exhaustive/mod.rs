//! The exhaustive engine: every state that the model can reach, breadth first.
//!
//! States are exact tuples of interned process states (collapse compression, Holzmann 1997), so nothing is proved on a hash.
//! Depth counts labels, so the first schedule found is a shortest one. What may be left out, and why, is in `reduction`.

mod audit;
mod audit_global;
mod checkpoint;
mod content;
mod cycles;
mod found;
mod graph;
mod interner;
mod local_graphs;
mod rebuild;
mod reduction;
mod returns;
mod search;
mod store;
mod successors;

pub use self::audit::{Audit, audit};
pub use self::audit_global::{GlobalAudit, audit_transitions};
pub use self::checkpoint::{CHECKPOINT_VERSION, CheckpointError, Checkpointing};
pub use self::returns::{Returns, returns};

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::checkpoint::Checkpoints;
use self::found::BrokenAt;
use self::reduction::guarded;
use self::search::{Keeper, Limits, NoKeeper, Search};
use super::{Answer, Finding, FindingKind, FoundHang, Verdict};
use crate::machine::Reducible;

/// Most findings that a verdict lists: a broken model fails in many ways at once.
const MOST_FINDINGS: usize = 64;

/// Reductions: what may be left out of a search without changing its verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reductions {
    /// Forget what can no longer matter ([`crate::machine::Independence::eliminate_dead`]).
    pub forget_dead: bool,
    /// Explore operations that nothing conflicts with first and alone.
    pub partial_order: bool,
    /// Stop where every client is sure to return ([`crate::machine::Guarantees::is_inevitable`]), unless leaks are asked for.
    pub sure_return: bool,
    /// Go on after every client has its answer, to learn what stays behind. Off, that is not looked at (and costs nothing).
    pub leaks: bool,
}

impl Reductions {
    /// All of them.
    pub const ALL: Self = Self {
        forget_dead: true,
        partial_order: true,
        sure_return: true,
        leaks: false,
    };
    /// The one that follows from which operations commute, and from nothing else that a model says of itself.
    pub const GENERAL: Self = Self {
        forget_dead: false,
        partial_order: true,
        sure_return: false,
        leaks: false,
    };
    /// None of them.
    pub const NONE: Self = Self {
        forget_dead: false,
        partial_order: false,
        sure_return: false,
        leaks: true,
    };
}

/// Options of a search.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Number of search threads, at least 1. Changes nothing but the time.
    pub threads: usize,
    /// Reductions to apply.
    pub reductions: Reductions,
    /// Stop, undecided, once more states than this are stored.
    pub max_states: Option<u64>,
    /// Stop, undecided, once the tables take more bytes than this.
    pub max_memory: Option<u64>,
    /// Stop, undecided, after this many seconds.
    pub max_time: Option<f64>,
    /// Stop at the first depth at which some client hangs.
    pub stop_at_first_hang: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 1,
            reductions: Reductions::ALL,
            max_states: None,
            max_memory: None,
            max_time: None,
            stop_at_first_hang: false,
        }
    }
}

/// The progress of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// States stored.
    pub states: u64,
    /// States still to be expanded, nearly.
    pub frontier: u64,
    /// States still to be expanded if the search goes on as it did of late, where that lets it end: an extrapolation, not a bound.
    pub left: Option<u64>,
    /// Labels from the initial state to those that are expanded now.
    pub depth: u64,
    /// Bytes that the tables take.
    pub bytes: u64,
    /// Time that the search has taken, runs that were ended before included.
    pub elapsed: Duration,
}

/// Searches every state of `model`.
///
/// `progress` is called about ten times a second. Setting `interrupt` ends the search soon, as undecided, with what it
/// found.
pub fn search<M: Reducible>(
    model: &M,
    options: &Options,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Verdict {
    let limits = Limits::new(options, interrupt);
    run(Search::new(model, options.reductions), &limits, progress, &mut NoKeeper)
}

/// Searches with checkpoints: a search that was killed, interrupted or stopped by a budget goes on where it was, and says in the end
/// what it would have said without. Its seconds are those of all runs; `max_time` is that of this one.
///
/// # Errors
/// When the checkpoint that is there can't be used, or none can be written.
pub fn search_with_checkpoints<M: Reducible>(
    model: &M,
    options: &Options,
    checkpointing: &Checkpointing,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Result<Verdict, CheckpointError>
where
    M::Process: Serialize + DeserializeOwned,
    M::Frame: Serialize + DeserializeOwned,
{
    let resumed = checkpoint::resume(model, checkpointing, options.reductions)?;
    let (search, before) = resumed.unwrap_or_else(|| (Search::new(model, options.reductions), Duration::ZERO));
    let limits = Limits {
        before,
        ..Limits::new(options, interrupt)
    };
    let mut checkpoints = Checkpoints::new(checkpointing, options.reductions, limits.started, before);
    let verdict = run(search, &limits, progress, &mut checkpoints);
    if let Some(error) = checkpoints.failed {
        return Err(checkpointing.io(error));
    }
    if verdict.stopped_by.is_none() {
        checkpointing.remove()?;
    }
    Ok(verdict)
}

/// Runs a search that has just begun or that goes on.
fn run<M: Reducible>(
    mut search: Search<'_, M>,
    limits: &Limits<'_>,
    progress: &mut dyn FnMut(&Status),
    keeper: &mut dyn Keeper<M>,
) -> Verdict {
    let options = limits.options;
    let cyclic;
    (search, cyclic) = search.completed(limits, progress, keeper);
    let mut reductions = describe(search.graphs.reductions);
    if options.reductions.partial_order && !search.graphs.reductions.partial_order {
        reductions.push("partial order: not used, because the model has cycles".to_owned());
    }
    if cyclic
        && search.found.broken.is_empty()
        && let Err(message) = guarded(|| cycles::judge(&mut search, options.max_memory))
    {
        search.internal(message);
    }
    conclude(search, cyclic, reductions, limits)
}

fn describe(reductions: Reductions) -> Vec<String> {
    let mut names = Vec::new();
    if reductions.forget_dead {
        names.push("forget dead".to_owned());
    }
    if reductions.partial_order {
        names.push("partial order".to_owned());
    }
    if reductions.sure_return && !reductions.leaks {
        names.push("sure return".to_owned());
    }
    names
}

fn conclude<M: Reducible>(
    mut search: Search<'_, M>,
    cyclic: bool,
    reductions: Vec<String>,
    limits: &Limits<'_>,
) -> Verdict {
    let mut hangs: Vec<FoundHang> = Vec::new();
    for (signature, at) in std::mem::take(&mut search.found.hangs) {
        let rebuilt = guarded(|| rebuild::hang(&mut search, &signature, &at, cyclic));
        match rebuilt.unwrap_or_else(Err) {
            Ok(hang) => hangs.push(hang),
            Err(message) => search.internal(message),
        }
    }
    hangs.sort_by(FoundHang::by_length);
    let mut findings = Vec::new();
    for at in std::mem::take(&mut search.found.broken).into_values() {
        findings.push(finding(&mut search, at));
    }
    findings.extend(search.initial_error.take().map(|message| Finding {
        kind: FindingKind::Panic,
        message,
        events: Vec::new(),
    }));
    findings.sort();
    findings.truncate(MOST_FINDINGS);
    let complete = search.stopped_by.is_none() && findings.is_empty();
    Verdict {
        engine: "exhaustive".to_owned(),
        answer: Answer::of(&hangs, complete),
        complete,
        states: search.store.len(),
        transitions: search.transitions,
        depth: u64::from(search.depth),
        seconds: (limits.before + limits.started.elapsed()).as_secs_f64(),
        peak_bytes: search.peak_bytes,
        reductions,
        storage: "full states, collapse-compressed".to_owned(),
        stopped_by: search.stopped_by,
        executions: None,
        hangs,
        // Of a search that leaves out what comes after the answers it is not known.
        outcomes: (search.found.outcomes.into_iter())
            .filter(|_| search.graphs.reductions.leaks)
            .collect(),
        leaks: search.found.leaks.into_iter().collect(),
        findings,
        unmodelled: Vec::new(),
        assumptions: Vec::new(),
        parts: None,
        verification: None,
    }
}

fn finding<M: Reducible>(search: &mut Search<'_, M>, at: BrokenAt) -> Finding {
    let events = guarded(|| rebuild::events_to_failure(search, &at));
    let mut events = events.unwrap_or_else(Err).unwrap_or_default();
    events.extend(at.failure.event);
    Finding {
        kind: at.failure.kind,
        message: at.failure.message,
        events,
    }
}
