//! `lastbatch gate`.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use lastbatch::explore::Shard;
use lastbatch::explore::exhaustive::Status;
use lastbatch::file::{FileError, write_whole};
use lastbatch::gate::{
    Artifacts, Baseline, Budgets, Checkpoints, GateError, GateReport, Observer, Plan, Settings, Task, judge, merge, run,
};
use lastbatch::report::{
    View, gate_annotations, gate_junit, gate_line, gate_markdown, gate_text, proofs_markdown, verdict_text,
};
use lastbatch::scenario::{BASELINE_NAME, EngineStatus};

use super::progress::Progress;
use super::screen::{is_quiet, print_more, view};
use super::selection::is_meant;
use super::{Ended, Failure, Outcome, help, interrupt, print, save, threads, writable};

/// Run every scenario and every recorded schedule against expectations and baseline
///
/// Exit code 0 if the gate is green, 1 if it is red, 2 for bad input, 3 if a total budget left scenarios out, 130 if
/// interrupted.
#[derive(Args)]
#[command(after_long_help = help::GATE)]
pub(super) struct Gate {
    /// The directory with the scenarios and their schedules
    #[arg(default_value = "scenarios")]
    directory: PathBuf,
    /// Whole searches only where the baseline says that they are small; else up to the first hang, or a part
    #[arg(long)]
    quick: bool,
    /// The baseline [default: baseline.toml in the directory]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Take second looks: another search of each proof, and shuttle and real threads for each scenario
    #[arg(long, conflicts_with = "merge")]
    verify: bool,
    /// Write the baseline anew from what this run finds, and tell what changes; with --only, the entries of those scenarios
    #[arg(long, conflicts_with_all = ["quick", "shard", "max_states", "total_states"])]
    update_baseline: bool,
    /// Run only scenarios whose path has this in it, or matches it if there is a * or a ? (repeatable)
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["shard", "merge"])]
    only: Vec<String>,
    /// Run the Nth of COUNT parts of the scenarios, as in 2/5
    #[arg(long, value_name = "N/COUNT", conflicts_with = "merge")]
    shard: Option<Shard>,
    /// Run nothing; join the --json reports of all shards
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["quick", "resume", "artifacts"])]
    merge: Vec<PathBuf>,
    /// Run nothing; write the table of proofs and what each rests on, in Markdown, from the baseline
    #[arg(long, conflicts_with_all = ["quick", "shard", "merge", "only", "update_baseline"])]
    proofs: bool,
    /// Stop each search after N states
    #[arg(long, value_name = "N")]
    max_states: Option<u64>,
    /// Stop after N states in all searches together
    #[arg(long, value_name = "N")]
    total_states: Option<u64>,
    /// Number of search threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the report as JSON, anew after each scenario
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a summary in Markdown, for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Save hangs that were not known in this directory: their schedules, and who waits for whom
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Keep a checkpoint of the search that runs in this directory, one every 30 seconds
    #[arg(long, value_name = "DIR", conflicts_with = "merge")]
    checkpoint: Option<PathBuf>,
    /// Take over the results of a run that was cut off from its --json file, and go on from its checkpoint
    #[arg(long, requires = "json")]
    resume: bool,
}

impl Gate {
    pub(super) fn run(self) -> Ended {
        let file = self
            .baseline
            .clone()
            .unwrap_or_else(|| self.directory.join(BASELINE_NAME));
        let baseline = self.load(&file)?;
        if self.proofs {
            let plan = Plan::new(&self.directory, Shard::ALL, &baseline)?;
            print(&proofs_markdown(&plan, &baseline));
            return Ok(Outcome::Holds);
        }
        let mut interrupted = false;
        let mut report = if self.merge.is_empty() {
            let (report, cut) = self.search(&baseline)?;
            interrupted = cut;
            report
        } else {
            self.merged()?
        };
        if self.update_baseline {
            let full = [Budgets::FULL, Budgets::FULL.verifying()];
            if !report.finished || !full.contains(&report.budgets) {
                return Err(Failure(
                    "the baseline is not updated: expected a full run to its end".to_owned(),
                ));
            }
            if let Some(first) = report.unreachable.first() {
                return Err(Failure(format!(
                    "the baseline is not updated: the model cannot get to the kernel of {}: {}",
                    first.name, first.because
                )));
            }
            let mut newer = Baseline::of(&report);
            newer.keep_second_looks(&baseline);
            if !self.only.is_empty() {
                newer.keep_others(&baseline);
            }
            judge(&mut report, &newer);
            newer.save(&file)?;
            self.tell(&report)?;
            print_more(&changes(&baseline, &newer));
        } else {
            judge(&mut report, &baseline);
            self.tell(&report)?;
        }
        Ok(match (report.problems.is_empty(), report.finished) {
            _ if interrupted => Outcome::Interrupted,
            (false, _) => Outcome::Fails,
            (true, false) => Outcome::Undecided,
            (true, true) => Outcome::Holds,
        })
    }

    fn budgets(&self) -> Budgets {
        let budgets = if self.quick { Budgets::QUICK } else { Budgets::FULL };
        if self.verify { budgets.verifying() } else { budgets }
    }

    fn load(&self, file: &Path) -> Result<Baseline, Failure> {
        if self.update_baseline && !file.exists() {
            return Ok(Baseline::default());
        }
        if !file.exists() && self.directory.is_dir() {
            return Err(FileError::new(file, "no baseline; write one with --update-baseline").into());
        }
        Ok(Baseline::load(file)?)
    }

    /// Runs the plan; true if the user ended it.
    fn search(&self, baseline: &Baseline) -> Result<(GateReport, bool), Failure> {
        self.checkpoint.as_deref().map_or(Ok(()), writable)?;
        let mut plan = Plan::new(&self.directory, self.shard.unwrap_or(Shard::ALL), baseline)?;
        if !self.only.is_empty() {
            let wanted = |name: &str| self.only.iter().any(|text| is_meant(name, text));
            plan.tasks.retain(|task| wanted(&task.name));
            plan.unreachable.retain(|scenario| wanted(&scenario.name));
            if plan.tasks.is_empty() && plan.unreachable.is_empty() {
                let problem = format!("no scenario with {} in its path", self.only.join(", "));
                return Err(FileError::new(&self.directory, problem).into());
            }
        }
        let settings = Settings {
            budgets: self.budgets(),
            max_states: self.max_states,
            total_states: self.total_states,
            threads: threads(self.threads),
            artifacts: self.artifacts.clone().map(|directory| Artifacts {
                directory,
                text: |told| {
                    verdict_text(
                        told,
                        &View {
                            verbose: true,
                            ..View::default()
                        },
                    )
                },
            }),
            checkpoints: self.checkpoint.clone().map(|directory| Checkpoints {
                directory,
                resume: self.resume,
            }),
            program: std::env::current_exe()?,
        };
        let earlier = match &self.json {
            Some(file) if self.resume && file.exists() => Some(read(file)?),
            _ => None,
        };
        let interrupt = interrupt::flag()?;
        let mut shown = Shown {
            progress: Progress::of_many(plan.tasks.len()),
            json: self.json.as_deref(),
        };
        let report = run(&plan, &settings, baseline, earlier.as_ref(), &interrupt, &mut shown)?;
        shown.progress.end();
        Ok((report, interrupt.load(Ordering::SeqCst)))
    }

    fn merged(&self) -> Result<GateReport, Failure> {
        let reports = self.merge.iter().map(|file| read(file));
        Ok(merge(reports.collect::<Result<_, _>>()?)?)
    }

    fn tell(&self, report: &GateReport) -> Result<(), Failure> {
        print(&match is_quiet() {
            true => gate_line(report),
            false => gate_text(report, &view()),
        });
        if std::env::var_os("GITHUB_ACTIONS").is_some() {
            print(&gate_annotations(report, &self.directory));
        }
        if let Some(file) = &self.json {
            save(file, &json(report)?)?;
        }
        if let Some(file) = &self.markdown {
            save(file, &gate_markdown(report))?;
        }
        if let Some(file) = &self.junit {
            save(file, &gate_junit(report)?)?;
        }
        Ok(())
    }
}

/// Shows how far a run is, and keeps what it has found.
struct Shown<'a> {
    progress: Progress,
    json: Option<&'a Path>,
}

impl Observer for Shown<'_> {
    fn begin(&mut self, number: usize, task: &Task, known: Option<u64>) {
        let size = known.map_or_else(String::new, |states| format!(" ({states} states in the baseline)"));
        self.progress.begin(number, &format!("{}{size}", task.name));
    }

    fn searching(&mut self, status: &Status) {
        self.progress.show(&EngineStatus::States(*status));
    }

    fn end(&mut self, report: &GateReport) -> Result<(), GateError> {
        let Some(path) = self.json else { return Ok(()) };
        let text = serde_json::to_string_pretty(report).expect("a report is plain data");
        Ok(write_whole(path, text.as_bytes()).map_err(FileError::cannot("write", path))?)
    }
}

fn read(file: &Path) -> Result<GateReport, Failure> {
    let text = std::fs::read_to_string(file).map_err(FileError::cannot("read the report", file))?;
    let report = GateReport::parse(&text);
    Ok(report.map_err(|problem| FileError::new(file, format!("no report of the gate: {problem}")))?)
}

fn json(report: &GateReport) -> Result<String, Failure> {
    Ok(format!("{}\n", serde_json::to_string_pretty(report)?))
}

fn changes(older: &Baseline, newer: &Baseline) -> String {
    let lines = older.changes(newer);
    if lines.is_empty() {
        return "\nthe baseline is as it was\n".to_owned();
    }
    let mut text = "\nchanges of the baseline:\n".to_owned();
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
