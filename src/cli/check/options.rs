//! What the options of `check` ask of an engine.

use lastbatch::explore::exhaustive::{Options, Reductions};
use lastbatch::explore::{Shard, Verdict};
use lastbatch::scenario::{Budget, EngineName, Expect, Experiment};

use super::{Check, Reduction};
use crate::cli::values::machine_memory;
use crate::cli::{Failure, threads};

impl Check {
    pub(super) fn options(&self, experiment: &Experiment) -> Options {
        let engine = &experiment.scenario().document.engine;
        let given = self.max_time.map(|time| time.as_secs_f64());
        Options {
            threads: threads(self.threads),
            reductions: Reductions {
                forget_dead: self.reduces(Reduction::ForgetDead),
                partial_order: self.reduces(Reduction::PartialOrder),
                sure_return: self.reduces(Reduction::SureReturn),
                leaks: self.leaks || experiment.scenario().looks_at_outcomes(),
            },
            max_states: self.max_states.or(engine.max_states),
            max_memory: self
                .max_memory
                .or(engine.max_memory)
                .map(|size| size.0)
                .or_else(|| machine_memory().map(|all| all / 2)),
            max_time: given.or_else(|| engine.max_time.map(|seconds| seconds as f64)),
            stop_at_first_hang: self.first,
        }
    }

    pub(super) fn budget(&self, experiment: &Experiment) -> Budget {
        let mut budget = Budget::of(&experiment.scenario().document.engine);
        budget.stop_at_first_hang = self.first;
        budget.executions = self.executions.or(budget.executions);
        budget.max_time = self.max_time.or(budget.max_time);
        budget.seed = self.shard().seed(self.seed.unwrap_or(budget.seed));
        budget.strategy = self.strategy.clone().unwrap_or(budget.strategy);
        budget.threads = threads(self.threads);
        budget
    }

    /// Checks that the engine looks at every option that was given.
    pub(super) fn options_fit(&self, experiment: &Experiment) -> Result<(), Failure> {
        use EngineName::{Auto, Exhaustive, Loom, Sample, Shuttle, Threads};
        let (scenario, checkpoints) = (experiment.scenario(), &self.checkpoints);
        let engine = scenario.document.engine.name;
        let options: [(&str, bool, &[EngineName]); 13] = [
            (
                "--executions",
                self.executions.is_some(),
                &[Sample, Shuttle, Threads, Loom],
            ),
            ("--seed", self.seed.is_some(), &[Sample, Shuttle, Threads]),
            ("--shard", self.shard.is_some(), &[Auto, Sample, Shuttle, Threads]),
            ("--first", self.first, &[Auto, Exhaustive, Sample, Shuttle, Threads]),
            ("--strategy", self.strategy.is_some(), &[Sample, Shuttle]),
            ("--threads", self.threads.is_some(), &[Auto, Exhaustive, Sample]),
            ("--max-states", self.max_states.is_some(), &[Auto, Exhaustive]),
            ("--max-memory", self.max_memory.is_some(), &[Auto, Exhaustive]),
            ("--no-reduction", !self.no_reduction.is_empty(), &[Auto, Exhaustive]),
            ("--leaks", self.leaks, &[Auto, Exhaustive]),
            ("--verify", self.verify, &[Auto, Exhaustive]),
            (
                "--checkpoint",
                checkpoints.directory().is_some(),
                &[Auto, Exhaustive, Loom],
            ),
            ("--checkpoint-every", checkpoints.counts_states(), &[Auto, Exhaustive]),
        ];
        if let Some((option, ..)) = options.iter().find(|(_, given, by)| *given && !by.contains(&engine)) {
            return Err(Failure(format!(
                "{scenario}: {option} does not go with engine {engine}"
            )));
        }
        if self.shard.is_some() && self.asks_for_a_search() {
            let problem = "--shard goes with no option of a single search, which is not shared out";
            return Err(Failure(format!("{scenario}: {problem}")));
        }
        let strategy = engine.fits(&self.budget(experiment).strategy);
        strategy.map_err(|error| format!("{scenario}: {error}"))?;
        let fits = experiment.fits(engine);
        Ok(fits.map_err(|error| format!("{scenario}: {error}"))?)
    }

    /// Returns the share of the work that is to be done.
    pub(super) fn shard(&self) -> Shard {
        self.shard.unwrap_or(Shard::ALL)
    }

    /// Returns true if an option is given that only the search of every state knows.
    pub(super) fn asks_for_a_search(&self) -> bool {
        let checkpoints = self.checkpoints.directory().is_some() || self.checkpoints.counts_states();
        self.verify || self.leaks || checkpoints || !self.no_reduction.is_empty()
    }

    /// Returns true if a bound or the user ended a search that a checkpoint can keep.
    pub(super) fn can_go_on(&self, experiment: &Experiment, verdict: &Verdict) -> bool {
        let engine = experiment.scenario().document.engine.name;
        let keeps = matches!(engine, EngineName::Auto | EngineName::Exhaustive | EngineName::Loom);
        keeps && verdict.stopped_by.is_some() && verdict.parts.is_none() && !self.first
    }

    pub(super) fn reduces(&self, reduction: Reduction) -> bool {
        !self.no_reduction.contains(&reduction)
    }

    /// Returns the part of an expectation that this search can meet: one that stops at the first hang says nothing about the others.
    pub(super) fn comparable(&self, expect: &Expect) -> Expect {
        let mut expect = expect.clone();
        if self.first {
            expect.complete = None;
            expect.signatures = None;
        }
        expect
    }

    /// Returns what the command line changed of a scenario, as a part of file names.
    pub(super) fn changes(&self, experiment: &Experiment) -> String {
        let mut changes = String::new();
        if let Some(variant) = self.variant {
            changes.push_str(&format!(".{variant}"));
        }
        let engine = experiment.scenario().document.engine.name;
        if !engine.searches() {
            // It is no shortest one, and takes the place of none.
            changes.push_str(&format!(".{engine}"));
        }
        if self.full || self.keep.is_some() {
            let slice = &experiment.scenario().document.job.slice_text();
            changes.push_str(&format!(".{}", slice.replace("merged keep=", "keep")));
        }
        changes
    }
}
