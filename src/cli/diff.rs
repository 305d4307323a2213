//! `lastbatch diff`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use lastbatch::explore::exhaustive::Options;
use lastbatch::explore::{HangRecord, Verdict};
use lastbatch::file::FileError;
use lastbatch::gate::Difference;
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::report::{JsonDiff, diff_line, diff_text};
use lastbatch::scenario::{EngineStatus, Experiment, Labels, Scenario};

use super::progress::Progress;
use super::screen::{is_quiet, view};
use super::selection::scenarios;
use super::values::variant;
use super::{Ended, Failure, Outcome, help, interrupt, print, threads, writable};

/// Tell what a change does to hangs
///
/// Which verdicts change, which ways to hang appear or vanish. Exit code 0 if nothing differs, 1 if something does, 2 for bad input, 3 if nothing was seen to differ but a bound stopped a
/// search, 130 if interrupted.
#[derive(Args)]
#[command(after_long_help = help::DIFF)]
pub(super) struct Diff {
    /// The variant before the change, and the one after it; every scenario of the first is run on both
    #[arg(num_args = 2, value_names = ["BASE", "CHANGED"], value_parser = variant(), required_unless_present = "against")]
    variants: Vec<Variant>,
    /// Compare with another build of this program instead, run on the same scenarios: it is the side before the change
    #[arg(long, value_name = "PROGRAM", conflicts_with = "variants")]
    against: Option<PathBuf>,
    /// Scenario files, or directories with scenarios below them (repeatable)
    #[arg(long = "scenarios", value_name = "PLACE", default_value = "scenarios")]
    places: Vec<PathBuf>,
    /// Stop each search after N states
    #[arg(long, value_name = "N")]
    max_states: Option<u64>,
    /// Number of search threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Write the schedules of both sides below this directory, in base/ and changed/
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the differences as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) fn run(self) -> Ended {
        self.out.as_deref().map_or(Ok(()), writable)?;
        let found = self.scenarios()?;
        let interrupt = interrupt::flag()?;
        let mut progress = Progress::of_many(found.len());
        let mut differences = Vec::new();
        for (number, scenario) in found.into_iter().enumerate() {
            progress.begin(number, &scenario.to_string());
            let name = scenario.to_string();
            let (base, changed) = match (&self.against, self.variants.as_slice()) {
                (Some(program), _) => {
                    let base = self.ask(program, &scenario)?;
                    let own = Experiment::new(scenario)?;
                    (base, self.search(&own, "changed", &interrupt, &mut progress)?)
                }
                (None, &[base, changed]) => {
                    let base = Experiment::new(scenario.clone().on(base))?;
                    let changed = Experiment::new(scenario.clone().on(changed))?;
                    (
                        self.search(&base, "base", &interrupt, &mut progress)?,
                        self.search(&changed, "changed", &interrupt, &mut progress)?,
                    )
                }
                _ => return Err(Failure("expected two variants, or --against".to_owned())),
            };
            if interrupt.load(Ordering::SeqCst) {
                progress.end();
                return Ok(Outcome::Interrupted);
            }
            differences.push(Difference::of(name, base, changed));
        }
        progress.end();
        self.tell(&differences)?;
        Ok(if differences.iter().any(Difference::differs) {
            Outcome::Fails
        } else if differences.iter().any(Difference::is_open) {
            Outcome::Undecided
        } else {
            Outcome::Holds
        })
    }

    /// Returns all that there are, or of those of the first variant each job once.
    fn scenarios(&self) -> Result<Vec<Scenario>, Failure> {
        let mut found = scenarios(&self.places)?;
        if let Some(base) = self.variants.first() {
            found.retain(|scenario| scenario.document.runtime.variant == *base);
            if found.is_empty() {
                return Err(Failure(format!("no scenario runs on variant {base}")));
            }
        }
        Ok(found)
    }

    fn search(
        &self,
        experiment: &Experiment,
        side: &str,
        interrupt: &AtomicBool,
        progress: &mut Progress,
    ) -> Result<Verdict<HangRecord>, Failure> {
        let engine = &experiment.scenario().document.engine;
        let options = Options {
            threads: threads(self.threads),
            max_states: self.max_states.or(engine.max_states),
            ..Options::default()
        };
        let verdict = experiment.search(&options, true, interrupt, &mut |status| {
            progress.show(&EngineStatus::States(*status));
        });
        if let Some(finding) = verdict.findings.first() {
            return Err(Failure(format!("{}: {side}: {finding}", experiment.scenario())));
        }
        let mut schedules = Vec::new();
        if let Some(directory) = self.directory(side)? {
            let name = PathBuf::from(experiment.scenario().file_name()).with_extension("");
            for hang in &verdict.hangs {
                let (schedule, _) = experiment.verified(hang, &mut Labels::new());
                let path = directory.join(format!("{}.{}.schedule", name.display(), hang.signature.id()));
                schedule.write(&path)?;
                schedules.push(Some(path));
            }
        }
        Ok(verdict.record(&schedules))
    }

    /// Asks another program for its verdict on a scenario.
    fn ask(&self, program: &Path, scenario: &Scenario) -> Result<Verdict<HangRecord>, Failure> {
        let shown = program.display();
        let mut command = Command::new(program);
        command.arg("check").arg("--json").stderr(Stdio::inherit());
        if let Some(path) = &scenario.path {
            command.arg(path);
        }
        if let Some(most) = self.max_states {
            command.arg("--max-states").arg(most.to_string());
        }
        match self.directory("base")? {
            Some(directory) => command.arg("--out").arg(directory),
            None => command.arg("--no-write"),
        };
        let output = command
            .output()
            .map_err(|error| format!("{shown}: cannot run it: {error}"))?;
        // 0, 1 and 3 come with a verdict, whatever was expected.
        if !matches!(output.status.code(), Some(0 | 1 | 3)) {
            return Err(Failure(format!(
                "{shown}: `check {scenario}` ended with {}",
                output.status
            )));
        }
        let side = serde_json::from_slice(&output.stdout);
        Ok(side.map_err(|error| format!("{shown}: `check {scenario} --json` printed no verdict: {error}"))?)
    }

    fn directory(&self, side: &str) -> Result<Option<PathBuf>, Failure> {
        let Some(out) = &self.out else { return Ok(None) };
        let directory = out.join(side);
        std::fs::create_dir_all(&directory).map_err(FileError::cannot("make the directory", &directory))?;
        Ok(Some(directory))
    }

    fn tell(&self, differences: &[Difference]) -> Result<(), Failure> {
        if self.json {
            print(&format!("{}\n", serde_json::to_string(&JsonDiff::of(differences))?));
            return Ok(());
        }
        if is_quiet() {
            print(&diff_line(differences));
            return Ok(());
        }
        let sides = match (&self.against, self.variants.as_slice()) {
            (Some(program), _) => [program.display().to_string(), "this program".to_owned()],
            (None, variants) => [0, 1].map(|side| variants[side].to_string()),
        };
        print(&diff_text(&sides[0], &sides[1], differences, &view()));
        Ok(())
    }
}
