//! `lastbatch confirm`.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use lastbatch::diagnose::ExplainOptions;
use lastbatch::models::tensorflow::evidence::forcing::{Forcing, Judgement, Seen};
use lastbatch::scenario::Experiment;
use lastbatch_probe_format::STICKY_CANCEL;
use lastbatch_probe_format::holds::Holds;

use super::job::{Folder, LOOK, RunningJob, Watch, probe};
use super::minimise::no_hang;
use super::replay::Replay;
use super::screen::print_more;
use super::values::some_time;
use super::{Ended, Failure, Outcome, help, interrupt, print};

/// Force a schedule's order on a real job, and tell whether it hangs
///
/// Its decisive races become holds in the job's tasks. Exit code 0 if the job hangs in that order, 1 if it returns in that
/// order, 2 for bad input, 3 if the order was not reached, 130 if interrupted.
#[derive(Args)]
#[command(after_long_help = help::CONFIRM)]
pub(super) struct Confirm {
    /// The schedule
    schedule: PathBuf,
    /// Its scenario, if that does not stand beside it
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Print what would be held and start nothing
    #[arg(long, conflicts_with_all = ["command", "fix", "out"])]
    rules: bool,
    /// Mend lost cancellations meanwhile
    #[arg(long, value_name = "FIX", value_parser = [STICKY_CANCEL])]
    fix: Option<String>,
    /// Keep what the tasks write in this folder, which must be new
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The probe [default: liblastbatch_probe.so beside this program]
    #[arg(long, value_name = "FILE")]
    probe: Option<PathBuf>,
    /// Time without an answer that counts as a hang
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = some_time)]
    stall: Duration,
    /// Longest hold in milliseconds
    #[arg(long, value_name = "N", default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..))]
    longest: u64,
    /// End the job after this time, and judge what it did until then
    #[arg(long, alias = "limit", value_name = "TIME", default_value = "5min", value_parser = some_time)]
    max_time: Duration,
    /// The command that starts the job: all its tasks, which inherit the probe
    #[arg(last = true, required_unless_present = "rules")]
    command: Vec<String>,
}

/// The way in which a run of the job came to its end.
struct Run {
    seen: Seen,
    /// Steps that had no answer for as long as one was waited for.
    for_ever: Vec<u64>,
    interrupted: bool,
}

impl Confirm {
    pub(super) fn run(self) -> Ended {
        let (schedule, experiment) = Replay::of(self.schedule.clone(), self.scenario.clone()).subject()?;
        let explanation = match experiment.explain(&schedule, &ExplainOptions::default()) {
            Ok(explanation) => explanation,
            Err(error) => return no_hang(&self.schedule, &error),
        };
        let whole = Experiment::new(experiment.scenario().clone().with_every_node())?;
        let forcing = Forcing::of(experiment.model(), &explanation, whole.model());
        let mut forcing = forcing.map_err(|error| Failure(format!("{}: {error}", self.schedule.display())))?;
        forcing.holds.longest_ms = self.longest;
        if self.rules {
            print(&told(&forcing));
            return Ok(Outcome::Holds);
        }
        print_more(&told(&forcing));
        let probe = probe(self.probe.as_deref())?;
        let folder = Folder::new(self.out.as_deref())?;
        self.force(&forcing.holds, &folder, &probe)
    }

    /// Runs the job under the holds and judges it.
    fn force(&self, holds: &Holds, folder: &Folder, probe: &Path) -> Ended {
        folder.hold(holds)?;
        let run = self.watch(folder, folder.start(&self.command, probe, self.fix.as_deref(), true)?)?;
        if run.seen.refused > 0 {
            let (tasks, words) = (run.seen.refused, folder.last_words());
            return Err(Failure(format!(
                "{tasks} tasks have another TensorFlow than the probe knows; {words}"
            )));
        }
        let there: Vec<String> = folder.rings()?.into_iter().map(|(task, _)| task).collect();
        let points = holds.rules.iter().flat_map(|rule| [&rule.hold, &rule.until]);
        if let Some(missing) = points
            .map(|point| &point.process)
            .find(|process| !there.contains(process))
        {
            let there = if there.is_empty() {
                "none".to_owned()
            } else {
                there.join(", ")
            };
            let words = folder.last_words();
            return Err(Failure(format!(
                "no task {missing} with the probe in it; there were: {there}; {words}"
            )));
        }
        let judgement = Judgement::of(holds, &run.seen, &run.for_ever);
        print(&format!("{judgement}\n"));
        if run.interrupted {
            return Ok(Outcome::Interrupted);
        }
        Ok(match judgement {
            Judgement::Hung { .. } => Outcome::Holds,
            Judgement::Returned { .. } => Outcome::Fails,
            Judgement::NotReached { .. } => Outcome::Undecided,
        })
    }

    /// Watches the job until it ends, hangs or takes too long; then it is ended.
    fn watch(&self, folder: &Folder, mut job: RunningJob) -> Result<Run, Failure> {
        let stop = interrupt::flag()?;
        let (start, limit) = (Instant::now(), self.max_time);
        let mut watch = Watch::new(self.stall);
        loop {
            let ended = job.ended()?.is_some();
            let seen = Seen::of(&folder.conditions()?);
            let for_ever = watch.hanging(&seen);
            let interrupted = stop.load(std::sync::atomic::Ordering::SeqCst);
            // A step that ended with the job was answered by nobody, and hangs no more.
            if ended || !for_ever.is_empty() || interrupted || start.elapsed() > limit {
                return Ok(Run {
                    seen,
                    for_ever: if ended { Vec::new() } else { for_ever },
                    interrupted,
                });
            }
            thread::sleep(LOOK);
        }
    }
}

/// Tells what is held and what can't be.
fn told(forcing: &Forcing) -> String {
    let mut text = String::new();
    for rule in &forcing.holds.rules {
        text += &format!("{rule}\n");
    }
    for event in &forcing.without_hook {
        text += &format!("no hook, left to chance: {event}\n");
    }
    text
}
