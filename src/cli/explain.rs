//! `lastbatch explain`.

use std::path::{Path, PathBuf};

use clap::Args;
use lastbatch::diagnose::{ExplainOptions, Explanation, Recording, record};
use lastbatch::file::{FileError, Staged};
use lastbatch::models::tensorflow::evidence::conform::{Aligned, Trace, conform};
use lastbatch::report::{Beside, ChromeTrace, JsonExplanation, Page, explanation_line, explanation_text, timeline_svg};
use lastbatch::scenario::{Experiment, HangError};
use lastbatch::schedule::{Ending, Schedule};

use super::conform::{promising, traced};
use super::minimise::no_hang;
use super::replay::Replay;
use super::screen::{is_quiet, print_more, view};
use super::{Ended, Failure, Outcome, help, note, print};

/// Explain why a schedule hangs
///
/// What happened, which races decided it, who waits for whom. Exit code 0 if it ends as it promises, 1 if not, 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::EXPLAIN)]
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
    /// Tell the hang in text; done in any case if nothing else is asked for
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// Tell the hang in JSON
    #[arg(long)]
    json: bool,
    /// Explain the schedule as it is, without minimising it first; a trace's is never minimised
    #[arg(long)]
    as_is: bool,
    /// States that one search may store before it is left undecided
    #[arg(long, value_name = "N", default_value_t = ExplainOptions::default().max_states)]
    max_states: u64,
}

/// The subject of an explanation.
struct Subject {
    experiment: Experiment,
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
        let mut subject = match (&self.trace, &self.file) {
            (Some(trace), _) => self.of_trace(trace)?,
            (None, Some(file)) => self.of_schedule(file)?,
            (None, None) => unreachable!("clap asks for one of them"),
        };
        let told = self.text || self.json || !self.writes();
        let explains = told || matches!(subject.schedule.header.ending, Ending::Hang { .. });
        let explanation = explains.then(|| subject.explain(self.as_is, self.max_states));
        let explanation = match explanation.transpose() {
            Ok(explanation) => explanation,
            Err(error) => return no_hang(self.file.as_deref().unwrap_or(Path::new("the trace")), &error),
        };
        let recorded;
        let recording = match &explanation {
            Some(explanation) => &explanation.recording,
            None => match record(subject.experiment.model(), &subject.schedule.events) {
                Ok(recording) => {
                    recorded = recording;
                    &recorded
                }
                Err(impossible) => {
                    print(&format!("{impossible}\n"));
                    return Ok(Outcome::Fails);
                }
            },
        };
        self.write(&subject, recording, explanation.as_ref())?;
        match &explanation {
            Some(explanation) if told && self.json => {
                let json = serde_json::to_string_pretty(&JsonExplanation::of(explanation))?;
                print(&format!("{json}\n"));
            }
            Some(explanation) if told && is_quiet() => print(&explanation_line(explanation, &view())),
            Some(explanation) if told => print(&explanation_text(explanation, &view())),
            _ => {}
        }
        let agrees = subject.traced.is_none_or(|traced| traced.disagreement.is_none());
        Ok(if agrees { Outcome::Holds } else { Outcome::Fails })
    }

    /// Returns true if a file was asked for.
    fn writes(&self) -> bool {
        self.html.is_some() || self.svg.is_some() || self.chrome_trace.is_some()
    }

    fn of_schedule(&self, file: &Path) -> Result<Subject, Failure> {
        let (schedule, experiment) = Replay::of(file.to_owned(), self.scenario.clone()).subject()?;
        Ok(Subject {
            experiment,
            schedule,
            traced: None,
        })
    }

    fn of_trace(&self, file: &Path) -> Result<Subject, Failure> {
        let trace = Trace::read(file)?;
        let experiment = traced(self.scenario.as_deref(), &trace)?;
        let outcome = conform(experiment.model(), &trace);
        let disagreement = outcome.stuck.as_ref().map(|stuck| {
            format!(
                "The model can do {} of {} events. First disagreement, line {}: {} needs {}, but {}",
                outcome.matched, outcome.total, stuck.line, stuck.event, stuck.needed, stuck.reason
            )
        });
        let aligned = outcome.aligned.clone();
        let schedule = promising(&experiment, outcome.events)?;
        Ok(Subject {
            experiment,
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
            let file = Staged::new(path, contents().as_bytes()).map_err(FileError::cannot("write there", path))?;
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
            file.publish().map_err(FileError::cannot("write there", &path))?;
            let told = format!("{what} written to {}", path.display());
            // With `--json` standard output is for one document and nothing else.
            if self.json {
                note(&told);
            } else {
                print_more(&format!("{told}\n"));
            }
        }
        Ok(())
    }
}

impl Subject {
    /// Tells why the schedule hangs. It becomes the one that the explanation is about: the minimised one, unless it is explained as it is.
    fn explain(&mut self, as_is: bool, max_states: u64) -> Result<Explanation, HangError> {
        let options = ExplainOptions {
            minimise: !as_is && self.traced.is_none(),
            max_states,
        };
        let explanation = self.experiment.explain(&self.schedule, &options)?;
        if options.minimise {
            let events = explanation.recording.schedule();
            self.schedule = self.experiment.schedule(self.schedule.header.ending.clone(), events);
        }
        Ok(explanation)
    }
}
