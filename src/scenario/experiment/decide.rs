//! Engine `auto`: the way to a verdict on a job of any size.
//!
//! 1. A complete search, if the job is small enough for it.
//! 2. Its parts ([`search_parts`]), the smallest first. A hang of a part is told for the whole job and replayed there.
//! 3. Samples of the whole job, which look where no part does.
//! 4. The complete search again, with all that is left of the budget.
//!
//! Several machines share the parts and sample from seeds of their own. The complete search is one, and the first shard's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::parts::{left, search_parts};
use super::{Experiment, ExperimentError};
use crate::explore::exhaustive::{Options, Status};
use crate::explore::{Answer, Budget, Shard, Strategy, UnknownStrategy, Verdict, by_sample};

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
    /// The scenario names a strategy that the sampler does not have.
    #[error(transparent)]
    Sampling(#[from] UnknownStrategy),
}

impl Experiment {
    /// Decides whether a client can hang, whatever that takes within the bounds; see the module for how. A shard does its share of it.
    ///
    /// # Errors
    /// When the whole graph is too large for the model, or the scenario names a strategy that the sampler does not have.
    pub fn decide(
        &self,
        options: &Options,
        shard: Shard,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Result<Decision, DecideError> {
        let time = options.max_time.map_or(TIME, Duration::from_secs_f64);
        let end = Instant::now() + time;
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
        let (hangs, first) = (verdict.answer == Answer::Hang, shard.number == 1);
        if hangs && !first {
            return told_by_search(verdict);
        }
        if !self.has_parts() && !first {
            return told_by_search(self.sample(left(end), options.threads, shard, interrupt)?);
        }
        if hangs || !self.has_parts() {
            let most = if hangs { OTHERS } else { u64::MAX };
            return told_by_search(self.search(&bounds.within(most), true, interrupt, progress));
        }
        let whole = Self::new(self.scenario.clone().with_every_node())?;
        // Half of the time is for the whole.
        let (part, half) = (bounds.within(PART), left(end) / 2);
        let found = search_parts(&whole.model, &part, shard, half, interrupt, progress);
        if found.answer == Answer::Hang || over(&found) {
            return Ok(whole.tells(found));
        }
        let mut parts = found.parts.clone().unwrap_or_default();
        let sampled = whole.sample(left(end) / 2, options.threads, shard, interrupt)?;
        parts.sampled = sampled.executions.as_ref().map_or(0, |executions| executions.count);
        if sampled.answer == Answer::Hang || over(&sampled) {
            let parts = Some(parts);
            return Ok(whole.tells(Verdict { parts, ..sampled }));
        }
        if small && first && !left(end).is_zero() {
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
        if left(end).is_zero() && !verdict.complete {
            // Of which the last search had but a part.
            verdict.stopped_by = Some(format!("max-time {:.0}", time.as_secs_f64()));
        }
        told_by_search(self.of_the_whole(verdict))
    }

    /// Samples the whole job until the first hang.
    fn sample(
        &self,
        time: Duration,
        threads: usize,
        shard: Shard,
        interrupt: &AtomicBool,
    ) -> Result<Verdict, UnknownStrategy> {
        let section = &self.scenario.document.engine;
        let budget = Budget {
            strategy: section.strategy.clone().unwrap_or(Strategy::Portfolio),
            seed: shard.seed(section.seed.unwrap_or(1)),
            executions: Some(section.executions.unwrap_or(EXECUTIONS)),
            max_time: Some(time),
            stop_at_first_hang: true,
            threads,
            ..Budget::default()
        };
        by_sample(&Arc::new(self.model.clone()), &budget, interrupt, |_| {})
    }

    /// Returns a verdict on this experiment, which is the one with every node.
    fn tells(self, verdict: Verdict) -> Decision {
        let verdict = self.of_the_whole(verdict);
        let whole = Some(self);
        Decision { verdict, whole }
    }

    /// Returns true if the job is of the kind that has parts: two servers or more, nothing but its steps can fail, one read brings the batch
    /// of a step, and one worker stands for all.
    fn has_parts(&self) -> bool {
        let document = &self.scenario.document;
        let plain = document.job.ends.is_none() && document.job.pipeline.is_none() && document.kernel.is_none();
        let mut steps = self.model.job().steps.iter();
        let reads_once = !steps.any(|step| step.graph.reads_several_times());
        plain && reads_once && self.model.is_even() && self.servers >= 2 && !self.scenario.looks_at_outcomes()
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
