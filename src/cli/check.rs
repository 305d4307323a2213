//! `lastbatch check`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use lastbatch::explore::exhaustive::Status;
use lastbatch::explore::{Shard, Strategy, Verdict};
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::report::{JsonVerdict, Share, table, verdict_line, verdict_text};
use lastbatch::scenario::{EngineName, Expect, Experiment, Judgement, Labels, Scenario, Size, SliceKind};
use lastbatch::schedule::Schedule;

mod options;
mod shards;

use super::checkpoints::CheckpointArgs;
use super::progress::Progress;
use super::screen::{is_quiet, reader_is_gone, view, width};
use super::selection::scenarios;
use super::values::{duration, memory, variant};
use super::{Ended, Failure, Outcome, help, interrupt, note, print, writable};

/// Search scenarios for hangs and compare with what they expect
///
/// Exit code 0 if they are as expected (or nothing hangs, where nothing is expected), 1 if not, 2 for bad input, 3 if undecided
/// (a bound ended the search first, or the graph has kernels that are not modelled), 130 if interrupted.
#[derive(Args)]
#[command(after_long_help = help::CHECK)]
pub(super) struct Check {
    /// Scenario files, patterns of their paths, or directories with scenarios below them [default: the final-batch scenario that is built in]
    places: Vec<PathBuf>,
    /// Search with this engine
    #[arg(long)]
    engine: Option<EngineName>,
    /// Stop after N executions (sample, shuttle, threads, loom)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    executions: Option<u64>,
    /// Seed for random choices (sample, shuttle, threads)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Choose schedules in this way: random, pct:DEPTH, portfolio, or several joined by + (sample, shuttle); hold:COUNT (sample); urw,
    /// dfs (shuttle)
    #[arg(long)]
    strategy: Option<Strategy>,
    /// Run this variant of the runtime; expectations for another variant are not compared
    #[arg(long, value_parser = variant())]
    variant: Option<Variant>,
    /// Run every node of the graph
    #[arg(long, conflicts_with = "keep")]
    full: bool,
    /// Keep N equal receives of each class
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    keep: Option<u8>,
    /// Number of search threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Give up after N states (verdict: undecided)
    #[arg(long, value_name = "N")]
    max_states: Option<u64>,
    /// Give up when the search needs more memory: a size, as in 8G, or a part of the machine's, as in 0.7 (verdict: undecided)
    /// [default: 0.5]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    max_memory: Option<Size>,
    /// Give up after this time: seconds, or as in 10m (verdict: undecided)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Search without a reduction (repeatable)
    #[arg(long, value_name = "REDUCTION")]
    no_reduction: Vec<Reduction>,
    /// Go on after every client has its answer, to learn what stays behind on servers
    #[arg(long)]
    leaks: bool,
    /// Stop at the first hang
    #[arg(long)]
    first: bool,
    /// Look at each proof a second time: without any reduction but partial order, and by sampling where that does not end
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    checkpoints: CheckpointArgs,
    /// Do one share of the work: parts of the job, seeds of the samples
    #[arg(long, value_name = "N/COUNT", requires = "json", conflicts_with = "merge")]
    shard: Option<Shard>,
    /// Search nothing; join what --shard --json printed, of all shards
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["places", "out", "record"])]
    merge: Vec<PathBuf>,
    /// Print each verdict as one line of JSON
    #[arg(long)]
    json: bool,
    /// Write schedules into this directory
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write schedules beside their scenario
    #[arg(long, conflicts_with = "out")]
    record: bool,
    /// Write no schedules: the default, and once an option of its own
    #[arg(long, hide = true, conflicts_with_all = ["out", "record"])]
    no_write: bool,
}

/// The hint how to keep schedules, where none was written.
const NOT_WRITTEN: &str =
    "\nSchedules are not written: --record keeps them beside their scenario, --out DIR elsewhere.\n";

/// A reduction: something that a search may leave out.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reduction {
    /// Explore operations that nothing conflicts with first and alone
    PartialOrder,
    /// Forget what can no longer matter
    ForgetDead,
    /// Stop where every client is sure to return
    SureReturn,
    /// Let an abort cancel the calls in ascending order only
    CancelOrder,
}

/// The outcome of one scenario.
struct Checked {
    verdict: Verdict,
    judgement: Judgement,
}

impl Check {
    pub(super) fn run(self) -> Ended {
        if !self.merge.is_empty() {
            return self.join();
        }
        let found = match self.places.as_slice() {
            [] => vec![Scenario::built_in()],
            places => scenarios(places)?,
        };
        let own = found.iter().filter(|_| self.record).map(beside);
        let own = own.collect::<Result<Vec<_>, _>>()?;
        let given = self.out.as_deref().into_iter().chain(self.checkpoints.directory());
        given.chain(own).try_for_each(writable)?;
        // Whatever is wrong with any of them is said before the first long search.
        let experiment = found.into_iter().map(|scenario| self.prepare(scenario));
        let experiment = experiment.collect::<Result<Vec<_>, _>>()?;
        experiment.iter().try_for_each(|one| self.options_fit(one))?;
        let interrupt = interrupt::flag()?;
        let mut rows = Vec::new();
        let mut worst = Outcome::Holds;
        for one in &experiment {
            let checked = self.check(one, &interrupt)?;
            rows.push(row(one, &checked));
            worst = worse(worst, outcome(&checked.judgement));
            if interrupt.load(Ordering::SeqCst) {
                worst = Outcome::Interrupted;
                break;
            }
            if reader_is_gone() {
                break;
            }
        }
        if experiment.len() > 1 && !self.json && !is_quiet() {
            let heading = ["scenario", "verdict", "states or executions", "seconds", "expectation"];
            print(&format!("\n{}", table(heading, &rows, width())));
        }
        Ok(worst)
    }

    fn prepare(&self, mut scenario: Scenario) -> Result<Experiment, Failure> {
        let document = &mut scenario.document;
        if self.full {
            document.job.slice = SliceKind::Full;
        }
        if let Some(keep) = self.keep {
            document.job.slice = SliceKind::Merged;
            document.job.slice_keep = keep;
        }
        if let Some(variant) = self.variant
            && variant != document.runtime.variant
        {
            document.runtime.variant = variant;
            document.expect = None;
        }
        document.engine.name = self.engine.unwrap_or(document.engine.name);
        Ok(Experiment::new(scenario)?)
    }

    /// Runs the engine. Returns with its verdict the experiment that the schedules are of, if that is another one.
    fn searched(
        &self,
        experiment: &Experiment,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<(Verdict, Option<Experiment>), Failure> {
        let name = experiment.scenario().to_string();
        let mut progress = Progress::new(&name);
        let mut whole = None;
        let verdict = match experiment.scenario().document.engine.name {
            EngineName::Auto if !self.asks_for_a_search() => {
                let options = self.options(experiment);
                let mut show = |status: &Status| progress.show_states(status);
                let decision = experiment.decide(&options, self.shard(), interrupt, &mut show)?;
                progress.end();
                whole = decision.whole;
                decision.verdict
            }
            EngineName::Auto | EngineName::Exhaustive => {
                let in_order = self.reduces(Reduction::CancelOrder);
                let options = self.options(experiment);
                let mut show = |status: &Status| progress.show_states(status);
                let place = self.checkpoints.place(&format!("{name}{}", self.changes(experiment)));
                let mut verdict = experiment.search_at(&options, in_order, place, interrupt, &mut show)?;
                if self.verify {
                    let program = std::env::current_exe()?;
                    verdict = experiment.look_again(verdict, &options, &program, interrupt, &mut show)?;
                }
                progress.end();
                verdict
            }
            engine @ (EngineName::Sample | EngineName::Threads) => {
                let budget = self.budget(experiment);
                experiment.run(engine, &budget, interrupt, move |status| progress.show(status))?
            }
            // It shows its progress itself.
            engine @ (EngineName::Shuttle | EngineName::Loom) => {
                progress.end();
                let mut budget = self.budget(experiment);
                budget.checkpoint = self.checkpoints.of_loom(&format!("{name}{}", self.changes(experiment)));
                experiment.run_in_worker(&std::env::current_exe()?, engine, &budget, interrupt)?
            }
        };
        Ok((verdict, whole))
    }

    fn check(&self, given: &Experiment, interrupt: &Arc<AtomicBool>) -> Result<Checked, Failure> {
        let document = &given.scenario().document;
        let (verdict, whole) = self.searched(given, interrupt)?;
        // Its schedules are of the job with every node, if a part of it was searched.
        let experiment = whole.as_ref().unwrap_or(given);
        let expect = document.expect.as_ref().map(|expect| self.comparable(expect));
        let mut judgement = Judgement::of(expect.as_ref(), &verdict);
        let mut labels = Labels::new();
        let mut schedules = Vec::new();
        for hang in &verdict.hangs {
            // That of a part was replayed on the whole job when it was told for it, which takes its time.
            let (schedule, problem) = match verdict.parts {
                Some(_) => (experiment.schedule_of(hang), None),
                None => experiment.verified(hang, &mut labels),
            };
            if let Some(problem) = problem {
                judgement = Judgement::Fails(problem);
            }
            schedules.push(self.write(experiment, &hang.signature.id(), &schedule)?);
        }
        for (index, finding) in verdict.findings.iter().enumerate() {
            let schedule = experiment.schedule_of_finding(finding);
            self.write(experiment, &format!("finding{}", index + 1), &schedule)?;
        }
        let told = experiment.told(&verdict, &labels, &schedules);
        if self.json {
            let share = self.shard.map(|shard| Share::of(shard, given));
            let line = JsonVerdict {
                share,
                ..JsonVerdict::of(&told)
            };
            print(&format!("{}\n", serde_json::to_string(&line)?));
        } else if is_quiet() {
            print(&verdict_line(&told.scenario, told.verdict, &view()));
        } else {
            print(&verdict_text(&told, &view()));
            if !(self.record || self.out.is_some() || verdict.hangs.is_empty() && verdict.findings.is_empty()) {
                print(NOT_WRITTEN);
            }
        }
        if self.can_go_on(experiment, &verdict) {
            note(&format!("{}: {}", experiment.scenario(), self.checkpoints.hint()));
        }
        let compared = compared(&judgement, expect.as_ref());
        if self.json {
            note(&format!("{}: {compared}", experiment.scenario()));
        } else if !is_quiet() {
            print(&format!("\n{compared}\n"));
        }
        Ok(Checked { verdict, judgement })
    }

    /// Writes a schedule where it belongs, if anywhere; returns where.
    fn write(&self, experiment: &Experiment, what: &str, schedule: &Schedule) -> Result<Option<PathBuf>, Failure> {
        let directory = match &self.out {
            Some(directory) => directory,
            None if self.record => beside(experiment.scenario())?,
            None => return Ok(None),
        };
        let mut name = Path::new(&experiment.scenario().file_name())
            .with_extension("")
            .into_os_string();
        name.push(format!("{}.{what}.schedule", self.changes(experiment)));
        let path = directory.join(name);
        schedule.write(&path)?;
        Ok(Some(path))
    }
}

fn compared(judgement: &Judgement, expect: Option<&Expect>) -> String {
    match (judgement, expect) {
        (Judgement::Holds, Some(expect)) => format!("as expected: {}", expect.verdict),
        (Judgement::Holds, None) => "nothing hangs".to_owned(),
        (Judgement::Fails(problem), Some(_)) => format!("NOT as expected: {problem}"),
        (Judgement::Fails(problem), None) => problem.clone(),
        (Judgement::Undecided(problem), _) => format!("undecided: {problem}"),
    }
}

/// Returns the directory of a scenario.
fn beside(scenario: &Scenario) -> Result<&Path, Failure> {
    let path = scenario.path.as_deref();
    let path = path.ok_or_else(|| format!("{scenario}: nothing can be written beside it, expected --out DIR"))?;
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    Ok(directory.unwrap_or(Path::new(".")))
}

fn row(experiment: &Experiment, checked: &Checked) -> [String; 5] {
    let Checked { verdict, judgement } = checked;
    let end = if verdict.complete { "complete" } else { "not complete" };
    [
        experiment.scenario().to_string(),
        format!("{}, {end}", verdict.answer),
        verdict.size().to_string(),
        format!("{:.1}", verdict.seconds),
        compared(judgement, experiment.scenario().document.expect.as_ref()),
    ]
}

fn outcome(judgement: &Judgement) -> Outcome {
    match judgement {
        Judgement::Holds => Outcome::Holds,
        Judgement::Fails(_) => Outcome::Fails,
        Judgement::Undecided(_) => Outcome::Undecided,
    }
}

/// Returns the outcome of several scenarios: a failure counts for more than what is undecided.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    let weight = |outcome| match outcome {
        Outcome::Holds => 0,
        Outcome::Undecided => 1,
        Outcome::Fails => 2,
        Outcome::BadInput => 3,
        Outcome::Interrupted => 4,
    };
    if weight(other) > weight(one) { other } else { one }
}
