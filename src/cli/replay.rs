//! `lastbatch replay`.

use std::path::PathBuf;

use clap::Args;
use lastbatch::models::tensorflow::import::concretization::{ConcretizeError, concretize};
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::report::{prefix_end, replay_end, replay_line};
use lastbatch::scenario::{EngineName, Experiment, Scenario, SliceKind};
use lastbatch::schedule::{Ending, PrefixOutcome, ReplayOutcome, Schedule, Step, replay, replay_prefix};

use super::screen::{is_quiet, is_verbose, print_more, shown, view};
use super::values::variant;
use super::{Ended, Failure, Outcome, help, print};

/// The way in which a run goes on after a schedule that has ended before it, without an engine.
const FIXED_POLICY: &str = "by a fixed policy (the first thread that can run, choice 0)";

/// Run a recorded schedule again, event by event
///
/// Exit code 0 if it ends as it promises, 1 at the first difference, 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::REPLAY)]
pub(super) struct Replay {
    /// The schedule
    file: PathBuf,
    /// Run it on another variant as far as it goes, then to an end; exit code 0 if every client returns
    #[arg(long, value_name = "VARIANT", value_parser = variant())]
    prefix_on: Option<Variant>,
    /// Its scenario, if that does not stand beside it
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Run it on every node of the graph, whatever slice it was found on
    #[arg(long)]
    full: bool,
    /// Run it with the threads of this engine, in which only the thread of the next event can run
    #[arg(long, default_value_t = EngineName::Exhaustive)]
    engine: EngineName,
    /// Run it N times; exit code 0 if all end as they should
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    times: u64,
}

impl Replay {
    /// Returns the plain replay of a schedule; `scenario`: its scenario, if that does not stand beside it.
    pub(super) fn of(file: PathBuf, scenario: Option<PathBuf>) -> Self {
        Self {
            file,
            prefix_on: None,
            scenario,
            full: false,
            engine: EngineName::Exhaustive,
            times: 1,
        }
    }

    /// Returns the schedule, and the model that it was recorded on.
    pub(super) fn subject(&self) -> Result<(Schedule, Experiment), Failure> {
        let schedule = Schedule::load(&self.file)?;
        let experiment = self.prepare(&schedule)?;
        Ok((schedule, experiment))
    }

    pub(super) fn run(self) -> Ended {
        let mut schedule = Schedule::load(&self.file)?;
        let mut experiment = self.prepare(&schedule)?;
        if self.full && experiment.scenario().document.job.slice != SliceKind::Full {
            match self.concretized(experiment, &schedule)? {
                Ok(concretized) => (experiment, schedule) = concretized,
                Err(problem) => {
                    print(&format!("{}: {problem}\n", self.file.display()));
                    return Ok(Outcome::Fails);
                }
            }
        }
        if let Some(variant) = self.prefix_on {
            experiment = Experiment::new(experiment.scenario().clone().on(variant))?;
        }
        if self.engine != EngineName::Exhaustive || self.times > 1 {
            return self.run_under_engine(&experiment, &schedule);
        }
        let show = |step: &Step<'_>| {
            if is_verbose() {
                print(&format!("{}\n", replay_line(step)));
            }
        };
        let (kept, text) = match self.prefix_on {
            Some(variant) => {
                let outcome = replay_prefix(experiment.model(), &schedule, show);
                self.told_of_prefix(&outcome, variant, FIXED_POLICY)
            }
            None => {
                let outcome = replay(experiment.model(), &schedule, show);
                self.told_of_replay(&outcome, &experiment, &schedule)
            }
        };
        print(&text);
        Ok(if kept { Outcome::Holds } else { Outcome::Fails })
    }

    /// Runs the schedule with the threads of an engine, or several times; tells the first run that does not end as it should, or the
    /// last one.
    fn run_under_engine(&self, experiment: &Experiment, schedule: &Schedule) -> Ended {
        let policy = match self.engine {
            EngineName::Auto | EngineName::Exhaustive | EngineName::Sample => FIXED_POLICY,
            EngineName::Shuttle => "in the order of the coroutines",
            EngineName::Threads => "as the operating system chose",
            EngineName::Loom => "in no way",
        };
        let (mut kept, mut last, mut wrong) = (0, String::new(), None);
        let mut note = |(keeps, text): (bool, String)| {
            kept += u64::from(keeps);
            match keeps {
                true => last = text,
                false => wrong = wrong.take().or(Some(text)),
            }
        };
        let what = match self.prefix_on {
            Some(variant) => {
                let each = |outcome: PrefixOutcome| note(self.told_of_prefix(&outcome, variant, policy));
                experiment.prefix_under(self.engine, schedule, self.times, each)?;
                "returned every client"
            }
            None => {
                let each = |outcome: ReplayOutcome| note(self.told_of_replay(&outcome, experiment, schedule));
                experiment.replay_under(self.engine, schedule, self.times, each)?;
                match schedule.header.ending {
                    Ending::Hang { .. } => "reproduced the hang",
                    Ending::Panic { .. } => "reproduced the panic",
                    Ending::Open => "followed the schedule",
                }
            }
        };
        print_more(&wrong.unwrap_or(last));
        print(&format!("engine {}: {kept}/{} runs {what}\n", self.engine, self.times));
        let all = kept == self.times;
        Ok(if all { Outcome::Holds } else { Outcome::Fails })
    }

    /// Returns the schedule on every node of the graph.
    fn concretized(
        &self,
        slice: Experiment,
        schedule: &Schedule,
    ) -> Result<Result<(Experiment, Schedule), ConcretizeError>, Failure> {
        let full = Experiment::new(slice.scenario().clone().with_every_node())?;
        let concretized = match concretize(slice.model(), &schedule.events, full.model()) {
            Ok(concretized) => concretized,
            Err(problem) => return Ok(Err(problem)),
        };
        print_more(&format!(
            "{} labels put in for the nodes that the slice left out\n",
            concretized.inserted
        ));
        let schedule = full.schedule(schedule.header.ending.clone(), concretized.events);
        Ok(Ok((full, schedule)))
    }

    /// Returns the model that the schedule was recorded on.
    fn prepare(&self, schedule: &Schedule) -> Result<Experiment, Failure> {
        let scenario = match &self.scenario {
            Some(path) => Scenario::load(path)?,
            None => Scenario::of_schedule(schedule, &self.file)?,
        };
        Ok(Experiment::recorded(schedule, &self.file, scenario)?)
    }

    /// Tells how a schedule ended on another variant, and whether every client returned.
    fn told_of_prefix(&self, outcome: &PrefixOutcome, variant: Variant, policy: &str) -> (bool, String) {
        let returned = outcome.end.clients.iter().all(|client| client.returned);
        let text = match (is_quiet(), returned) {
            (true, true) => format!("on {variant}: every client has its answer\n"),
            (true, false) => format!("on {variant}: not every client has its answer\n"),
            (false, _) => prefix_end(outcome, &variant.to_string(), policy, &view()),
        };
        (returned, text)
    }

    /// Tells how a replay ended, and whether as the schedule promises.
    fn told_of_replay(&self, outcome: &ReplayOutcome, experiment: &Experiment, schedule: &Schedule) -> (bool, String) {
        let all = schedule.events.len();
        let length = match schedule.header.ending {
            Ending::Hang { .. } => experiment.length(&schedule.events),
            Ending::Panic { .. } | Ending::Open => all,
        };
        let text = replay_end(outcome, schedule, length, &view());
        (outcome.broken_promise(schedule).is_none(), shown(text))
    }
}
