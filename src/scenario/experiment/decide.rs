//! Engine `auto`: the way to a verdict on a job of any size.
//!
//! 1. A complete search, if the job is small enough for it.
//! 2. Its parts ([`parts`]), the smallest first. A hang of a part is told for the whole job and replayed there.
//! 3. Samples of the whole job, which look where no part does.
//! 4. The complete search again, with all that is left of the budget.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Budget, Experiment, ExperimentError, Labels, WorkerError};
use crate::explore::exhaustive::{self, Options, Status};
use crate::explore::{Answer, Finding, FoundHang, PartsSearched, Verdict};
use crate::machine::Signature;
use crate::models::TensorFlow;
use crate::models::tensorflow::import::concretization::concretize;
use crate::models::tensorflow::import::parts::{Part, Parts};
use crate::models::tensorflow::import::slice::{SliceOptions, slice};
use crate::scenario::EngineName;

/// States within which a job counts as small.
const SMALL: u64 = 20_000;
/// States of the search of one part.
const PART: u64 = 2_000_000;
/// Servers and edges of the largest parts: a wait-for chain needs no more ([`crate::models::tensorflow::import::parts`]).
const SERVERS: usize = 3;
const EDGES: usize = 6;
/// Longest time where nobody gives one.
const TIME: Duration = Duration::from_secs(600);
/// Hangs of one signature that are tried on the whole job: one that fails, fails for a reason that equal ones share.
const ATTEMPTS: usize = 3;
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
#[derive(Debug, thiserror::Error)]
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
        let bounded = |most: u64| Options {
            max_states: Some(options.max_states.map_or(most, |own| own.min(most))),
            max_time: Some(left(end).as_secs_f64()),
            ..options.clone()
        };
        let first = self.search(&bounded(SMALL), true, interrupt, progress);
        let over = |verdict: &Verdict| verdict.complete || !verdict.findings.is_empty();
        if over(&first) || !self.has_parts() || interrupt.load(Ordering::SeqCst) {
            let done = over(&first) || options.max_states.is_some_and(|own| own <= SMALL);
            return Ok(Decision {
                verdict: if done {
                    first
                } else {
                    self.search(&bounded(u64::MAX), true, interrupt, progress)
                },
                whole: None,
            });
        }
        let whole = Self::new(self.scenario.clone().with_every_node())?;
        let mut search = PartSearch::new(&whole, end);
        search.run(&bounded(PART), interrupt, progress);
        let (parts, mut verdict) = search.into_verdict();
        if verdict.answer == Answer::Hang {
            verdict.parts = Some(parts);
            let verdict = self.of_the_whole(verdict);
            return Ok(Decision {
                verdict,
                whole: Some(whole),
            });
        }
        self.without_a_part_that_hangs(whole, parts, &bounded(u64::MAX), end, program, interrupt, progress)
    }

    /// Samples the whole, then searches it with what is left.
    #[allow(clippy::too_many_arguments)]
    fn without_a_part_that_hangs(
        &self,
        whole: Self,
        mut parts: PartsSearched,
        options: &Options,
        end: Instant,
        program: &Path,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Result<Decision, DecideError> {
        let budget = Budget {
            executions: Some(EXECUTIONS),
            max_time: Some(left(end) / 4),
            stop_at_first_hang: true,
            ..Budget::of(&self.scenario.document.engine)
        };
        let sampled = whole.run_in_worker(program, EngineName::Shuttle, &budget, interrupt)?;
        parts.sampled = sampled.executions.as_ref().map_or(0, |executions| executions.count);
        if sampled.answer == Answer::Hang || !sampled.findings.is_empty() {
            let verdict = Verdict {
                parts: Some(parts),
                ..sampled
            };
            return Ok(Decision {
                verdict,
                whole: Some(whole),
            });
        }
        let options = Options {
            max_time: Some(left(end).as_secs_f64()),
            ..options.clone()
        };
        let mut verdict = self.search(&options, true, interrupt, progress);
        if verdict.answer == Answer::Undecided && parts.undecided == 0 && parts.not_lifted.is_empty() {
            verdict.answer = Answer::NoHangInParts;
        }
        verdict.parts = Some(parts);
        // The model leaves something out: of the parts, too.
        let verdict = self.of_the_whole(verdict);
        Ok(Decision { verdict, whole: None })
    }

    /// Returns true if the job is of the kind that has parts: two servers or more, and nothing but its steps can fail.
    fn has_parts(&self) -> bool {
        let document = &self.scenario.document;
        let plain = document.job.ends.is_none() && document.job.pipeline.is_none() && document.kernel.is_none();
        plain && self.servers >= 2 && !self.scenario.looks_at_outcomes()
    }
}

/// Returns the time until then.
fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// The search of a job's parts.
struct PartSearch<'a> {
    whole: &'a Experiment,
    /// The job with one edge for each pair of processes.
    pairs: TensorFlow,
    end: Instant,
    done: PartsSearched,
    hangs: Vec<FoundHang>,
    /// Problems with each signature on the whole job.
    not_lifted: BTreeMap<Signature, Vec<String>>,
    findings: Vec<Finding>,
    started: Instant,
}

impl<'a> PartSearch<'a> {
    fn new(whole: &'a Experiment, end: Instant) -> Self {
        let options = SliceOptions {
            keep: 1,
            keep_updates: false,
            pairs: true,
        };
        let pairs = whole.model.reduced(1, |graph| slice(graph, &options).graph);
        Self {
            whole,
            pairs: pairs.expect("a job with fewer workers and smaller graphs"),
            end,
            done: PartsSearched::default(),
            hangs: Vec::new(),
            not_lifted: BTreeMap::new(),
            findings: Vec::new(),
            started: Instant::now(),
        }
    }

    /// Searches the parts, the smallest first, until some of one size hang.
    fn run(&mut self, options: &Options, interrupt: &AtomicBool, progress: &mut dyn FnMut(&Status)) {
        let steps = self.pairs.job().steps.iter();
        let largest = steps.max_by_key(|step| step.graph.edges.len());
        let Some(largest) = largest.map(|step| Parts::of(&step.graph)) else {
            return;
        };
        for servers in 1..=SERVERS.min(largest.servers()) {
            for edges in 1..=EDGES {
                let parts = largest.with(servers, edges);
                for part in &parts {
                    // Half of the time is for the whole.
                    let mine = (left(self.end) / 2).as_secs_f64();
                    if mine <= 0.0 || interrupt.load(Ordering::SeqCst) {
                        return;
                    }
                    let options = Options {
                        max_time: Some(mine),
                        ..options.clone()
                    };
                    self.search(part, &options, interrupt, progress);
                }
                if !parts.is_empty() {
                    (self.done.servers, self.done.edges) = (servers, edges);
                }
                if !self.hangs.is_empty() || !self.findings.is_empty() {
                    return;
                }
            }
        }
    }

    /// Searches one part, and tells its hangs for the whole.
    fn search(&mut self, part: &Part, options: &Options, interrupt: &AtomicBool, progress: &mut dyn FnMut(&Status)) {
        let model = self.pairs.reduced(1, |graph| part.of(graph));
        let model = model.expect("a part of a job is a job");
        let mut reduced = model.clone();
        reduced.set_cancels_in_order(true);
        reduced.set_cleans_up(false);
        let verdict = exhaustive::search(&reduced, options, interrupt, progress);
        self.done.states += verdict.states;
        self.done.stand_for += part.stands_for as u64;
        self.findings.extend(verdict.findings);
        match verdict.answer {
            Answer::Hang => self.done.hung += 1,
            Answer::NoHang => self.done.proved += 1,
            _ => self.done.undecided += 1,
        }
        for hang in verdict.hangs {
            let known = |other: &FoundHang| other.signature == hang.signature;
            let tried = self.not_lifted.entry(hang.signature.clone()).or_default();
            if self.hangs.iter().any(known) || tried.len() == ATTEMPTS {
                continue;
            }
            match lifted(self.whole, &model, &hang) {
                Ok(hang) => self.hangs.push(hang),
                Err(problem) => tried.push(problem),
            }
        }
    }

    fn into_verdict(mut self) -> (PartsSearched, Verdict) {
        let lifted = |signature: &Signature| self.hangs.iter().any(|hang| hang.signature == *signature);
        let open = self.not_lifted.iter().filter(|(signature, _)| !lifted(signature));
        self.done.not_lifted = open.filter_map(|(_, problems)| problems.first().cloned()).collect();
        self.hangs.sort_by_key(|hang| (hang.length, hang.signature.clone()));
        let answer = if self.hangs.is_empty() {
            Answer::Undecided
        } else {
            Answer::Hang
        };
        let verdict = Verdict {
            engine: "parts".to_owned(),
            answer,
            states: self.done.states,
            seconds: self.started.elapsed().as_secs_f64(),
            storage: "full states, collapse-compressed".to_owned(),
            hangs: self.hangs,
            findings: self.findings,
            ..Verdict::default()
        };
        (self.done, verdict)
    }
}

/// Returns the hang of a part as one of the whole job, replayed there.
fn lifted(whole: &Experiment, part: &TensorFlow, hang: &FoundHang) -> Result<FoundHang, String> {
    let id = hang.signature.id();
    let told = concretize(part, &hang.events, &whole.model).map_err(|error| format!("{id}: {error}"))?;
    let lifted = FoundHang {
        length: told.events.len(),
        events: told.events,
        ..hang.clone()
    };
    match whole.verified(&lifted, &mut Labels::new()) {
        (_, None) => Ok(lifted),
        (_, Some(problem)) => Err(format!("{id}: {problem}")),
    }
}
