//! Engine `auto`: the way to a verdict on a job of any size.
//!
//! 1. A complete search, if the job is small enough for it.
//! 2. Its parts ([`search_parts`]), the smallest first. A hang of a part is told for the whole job and replayed there.
//! 3. Samples of the whole job, which look where no part does.
//! 4. The complete search again, with all that is left of the budget.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::parts::{left, search_parts};
use super::{Budget, Experiment, ExperimentError, WorkerError};
use crate::explore::exhaustive::{Options, Status};
use crate::explore::{Answer, Verdict};
use crate::scenario::EngineName;

/// States within which a job counts as small.
const SMALL: u64 = 20_000;
/// Calls of a job that may be small: what is done once for each pair of calls takes its time in larger ones.
const SMALL_CALLS: usize = 2_000;
/// States of a search that goes on though it has found a hang, to find the others.
const OTHERS: u64 = 2_000_000;
/// States of the search of one part.
const PART: u64 = 2_000_000;
/// Longest time where nobody gives one.
const TIME: Duration = Duration::from_secs(600);
/// Executions that are sampled where no part hangs.
const EXECUTIONS: u64 = 20_000;

/// A verdict, and what its schedules are of.
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The experiment with every node of the graph, if the schedules are of that one.
    pub whole: Option<Experiment>,
}

/// The reason why no verdict could be had.
#[derive(Debug, Error)]
pub enum DecideError {
    /// The job can't run with every node of its graph.
    #[error(transparent)]
    Whole(#[from] ExperimentError),
    /// The process that samples failed.
    #[error(transparent)]
    Sampling(#[from] WorkerError),
}

impl Experiment {
    /// Decides whether a client can hang, whatever that takes within the bounds; see the module for how. `program` is the one that
    /// samples, in a process of its own.
    ///
    /// # Errors
    /// When the whole graph is too large for the model, or the process that samples fails.
    pub fn decide(
        &self,
        options: &Options,
        program: &Path,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Result<Decision, DecideError> {
        let end = Instant::now() + options.max_time.map_or(TIME, Duration::from_secs_f64);
        let bounds = Bounds { options, end };
        let over =
            |verdict: &Verdict| verdict.complete || !verdict.findings.is_empty() || interrupt.load(Ordering::SeqCst);
        let told_by_search = |verdict| Ok(Decision { verdict, whole: None });
        let small = self.model.calls().len() <= SMALL_CALLS;
        let mut verdict = match small || !self.has_parts() {
            true => self.search(&bounds.within(SMALL), true, interrupt, progress),
            false => Verdict::default(),
        };
        if over(&verdict) {
            return told_by_search(verdict);
        }
        if verdict.answer == Answer::Hang || !self.has_parts() {
            let most = if verdict.answer == Answer::Hang {
                OTHERS
            } else {
                u64::MAX
            };
            return told_by_search(self.search(&bounds.within(most), true, interrupt, progress));
        }
        let whole = Self::new(self.scenario.clone().with_every_node())?;
        // Half of the time is for the whole.
        let found = search_parts(&whole.model, &bounds.within(PART), left(end) / 2, interrupt, progress);
        if found.answer == Answer::Hang || over(&found) {
            return Ok(whole.tells(found));
        }
        let mut parts = found.parts.clone().unwrap_or_default();
        let budget = Budget {
            executions: Some(EXECUTIONS),
            max_time: Some(left(end) / 2),
            stop_at_first_hang: true,
            ..Budget::of(&self.scenario.document.engine)
        };
        let sampled = whole.run_in_worker(program, EngineName::Shuttle, &budget, interrupt)?;
        parts.sampled = sampled.executions.as_ref().map_or(0, |executions| executions.count);
        if sampled.answer == Answer::Hang || over(&sampled) {
            let parts = Some(parts);
            return Ok(whole.tells(Verdict { parts, ..sampled }));
        }
        if small && !left(end).is_zero() {
            verdict = self.search(&bounds.within(u64::MAX), true, interrupt, progress);
        } else {
            verdict = Verdict {
                parts: None,
                ..found.clone()
            };
        }
        if (verdict.answer, found.answer) == (Answer::Undecided, Answer::NoHangInParts) {
            verdict.answer = Answer::NoHangInParts;
        }
        verdict.parts = Some(parts);
        told_by_search(self.of_the_whole(verdict))
    }

    /// Returns a verdict on this experiment, which is the one with every node.
    fn tells(self, verdict: Verdict) -> Decision {
        let verdict = self.of_the_whole(verdict);
        let whole = Some(self);
        Decision { verdict, whole }
    }

    /// Returns true if the job is of the kind that has parts: two servers or more, nothing but its steps can fail, and one worker stands
    /// for all.
    fn has_parts(&self) -> bool {
        let document = &self.scenario.document;
        let plain = document.job.ends.is_none() && document.job.pipeline.is_none() && document.kernel.is_none();
        plain && self.model.is_even() && self.servers >= 2 && !self.scenario.looks_at_outcomes()
    }
}

/// The bounds of everything together.
struct Bounds<'a> {
    options: &'a Options,
    end: Instant,
}

impl Bounds<'_> {
    /// Returns the options of a search of at most `states`, in the time that is left.
    fn within(&self, states: u64) -> Options {
        let own = self.options.max_states.unwrap_or(u64::MAX);
        Options {
            max_states: Some(states.min(own)).filter(|states| *states < u64::MAX),
            max_time: Some(left(self.end).as_secs_f64()),
            ..self.options.clone()
        }
    }
}
