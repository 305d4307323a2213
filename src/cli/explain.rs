//! `lastbatch explain`.

use std::path::{Path, PathBuf};

use clap::Args;
use lastbatch::conform::{Aligned, Trace, conform};
use lastbatch::diagnose::{Explanation, Recording, record};
use lastbatch::report::{Beside, ChromeTrace, Page, timeline_svg};
use lastbatch::run::{Prepared, prepare};
use lastbatch::scenario::{Scenario, SliceKind};
use lastbatch::schedule::{Schedule, Staged};

use super::conform::promising;
use super::replay::Replay;
use super::{Ended, Failure, Outcome, print};

/// Explain a schedule: what happened, which races decided it, who waits for whom. Exit code 0 if it ends as it promises.
#[derive(Args)]
pub(super) struct Explain {
    /// The schedule
    #[arg(required_unless_present = "trace")]
    file: Option<PathBuf>,
    /// Explain the schedule that conforms to this trace of the real runtime, beside the trace
    #[arg(long, conflicts_with = "file")]
    trace: Option<PathBuf>,
    /// The scenario, if it does not stand beside the schedule; of a trace, as for `conform`
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Write everything as one page for a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the timeline as a drawing
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the timeline in Chrome's trace format, for Perfetto; one event is one microsecond
    #[arg(long, value_name = "FILE")]
    chrome_trace: Option<PathBuf>,
}

/// What is explained.
struct Subject {
    prepared: Prepared,
    schedule: Schedule,
    /// The trace that it was made from.
    traced: Option<Traced>,
}

struct Traced {
    trace: Trace,
    aligned: Vec<Aligned>,
    disagreement: Option<String>,
}

impl Explain {
    pub(super) fn run(self) -> Ended {
        let subject = match (&self.trace, &self.file) {
            (Some(trace), _) => self.of_trace(trace)?,
            (None, Some(file)) => self.of_schedule(file)?,
            (None, None) => unreachable!("clap asks for one of them"),
        };
        let recording = match record(&subject.prepared.model, &subject.schedule.events) {
            Ok(recording) => recording,
            Err(impossible) => {
                print(&format!("{impossible}\n"));
                return Ok(Outcome::Fails);
            }
        };
        let explanation = explained(&subject, &recording);
        self.write(&subject, &recording, explanation.as_ref())?;
        let agrees = subject.traced.is_none_or(|traced| traced.disagreement.is_none());
        Ok(if agrees { Outcome::Holds } else { Outcome::Fails })
    }

    fn of_schedule(&self, file: &Path) -> Result<Subject, Failure> {
        let (schedule, prepared) = Replay::of(file.to_owned(), self.scenario.clone()).subject()?;
        Ok(Subject {
            prepared,
            schedule,
            traced: None,
        })
    }

    fn of_trace(&self, file: &Path) -> Result<Subject, Failure> {
        let trace = Trace::read(file)?;
        let mut scenario = match &self.scenario {
            Some(path) => Scenario::load(path)?,
            None => Scenario::traced(),
        };
        let hash = scenario.hash();
        scenario.document.job.slice = SliceKind::Full;
        let prepared = prepare(scenario, hash)?;
        let outcome = conform(&prepared.model, &trace);
        let disagreement = outcome.stuck.as_ref().map(|stuck| {
            format!(
                "The model can do {} of {} events. First disagreement, line {}: {} needs {}, but {}",
                outcome.matched, outcome.total, stuck.line, stuck.event, stuck.needed, stuck.reason
            )
        });
        let aligned = outcome.aligned.clone();
        let schedule = promising(&prepared, outcome.events)?;
        Ok(Subject {
            prepared,
            schedule,
            traced: Some(Traced {
                trace,
                aligned,
                disagreement,
            }),
        })
    }

    /// Writes the files that were asked for: all or none.
    fn write(
        &self,
        subject: &Subject,
        recording: &Recording,
        explanation: Option<&Explanation>,
    ) -> Result<(), Failure> {
        let beside = subject.traced.as_ref().map(|traced| Beside {
            trace: &traced.trace,
            aligned: &traced.aligned,
            disagreement: traced.disagreement.clone(),
        });
        let page = Page {
            schedule: &subject.schedule,
            recording,
            explanation,
            beside,
        };
        let mut staged = Vec::new();
        let mut stage = |path: &Option<PathBuf>, what: &'static str, contents: &dyn Fn() -> String| {
            let Some(path) = path else { return Ok(()) };
            let file = Staged::new(path, contents().as_bytes()).map_err(|error| unwritable(path, &error))?;
            staged.push((path.clone(), what, file));
            Ok::<_, Failure>(())
        };
        stage(&self.html, "page", &|| page.html())?;
        stage(&self.svg, "timeline", &|| {
            timeline_svg(&page.title(), recording, explanation)
        })?;
        stage(&self.chrome_trace, "trace", &|| {
            ChromeTrace::of(recording, explanation).json()
        })?;
        for (path, what, file) in staged {
            file.publish().map_err(|error| unwritable(&path, &error))?;
            print(&format!("{what} written to {}\n", path.display()));
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: cannot write there: {error}", path.display()))
}

/// Why the schedule hangs, if it does.
fn explained(_subject: &Subject, _recording: &Recording) -> Option<Explanation> {
    None
}
