//! The progress of a search, on standard error.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use lastbatch::explore::driver::StatisticsStatus;
use lastbatch::explore::exhaustive::Status;
use lastbatch::scenario::{EngineStatus, Size};

/// Between two lines of a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A line that changes on a terminal, or now and then a line of a log.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines {
        name: String,
        /// Number of searches, if several.
        total: Option<usize>,
        last: Duration,
    },
}

impl Progress {
    pub(super) fn new(name: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
        let mut progress = Self::of(bar, "{spinner} {prefix}  {msg}", None);
        progress.begin(0, name);
        progress
    }

    /// Returns the progress of several searches, one after the other.
    pub(super) fn of_many(total: usize) -> Self {
        let bar = ProgressBar::new(total as u64);
        Self::of(bar, "{bar:24} {pos}/{len} {prefix}  {msg}", Some(total))
    }

    /// Returns the bar, or lines where nobody would see it.
    fn of(bar: ProgressBar, template: &str, total: Option<usize>) -> Self {
        if !io::stderr().is_terminal() {
            let (name, last) = (String::new(), Duration::ZERO);
            return Self::Lines { name, total, last };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    /// Begins the next of several searches; `done` are over.
    pub(super) fn begin(&mut self, done: usize, next: &str) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(done as u64);
                bar.set_prefix(next.to_owned());
            }
            Self::Lines { name, total, last } => {
                *name = total.map_or_else(|| next.to_owned(), |total| format!("[{}/{total}] {next}", done + 1));
                *last = Duration::ZERO;
            }
        }
    }

    /// Shows the progress of any engine.
    pub(super) fn show(&mut self, status: &EngineStatus) {
        match status {
            EngineStatus::States(status) => self.show_states(status),
            EngineStatus::Executions(status) => self.show_text(status.elapsed, || executions(status)),
        }
    }

    /// Shows the progress of an engine that stores states.
    pub(super) fn show_states(&mut self, status: &Status) {
        self.show_text(status.elapsed, || told(status));
    }

    fn show_text(&mut self, elapsed: Duration, text: impl Fn() -> String) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(text());
                bar.tick();
            }
            Self::Lines { name, last, .. } => {
                if elapsed >= *last + LINE_EVERY {
                    *last = elapsed;
                    eprintln!("{name}: {}", text());
                }
            }
        }
    }

    pub(super) fn end(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn executions(status: &StatisticsStatus) -> String {
    let seconds = status.elapsed.as_secs_f64();
    let rate = status.executions as f64 / seconds.max(f64::MIN_POSITIVE);
    let StatisticsStatus {
        executions,
        outcomes,
        hangs,
        ..
    } = status;
    format!("{executions} executions, {rate:.0}/s, {outcomes} outcomes, {hangs} kinds of hang, {seconds:.0} s")
}

fn told(status: &Status) -> String {
    let seconds = status.elapsed.as_secs_f64();
    let rate = status.states as f64 / seconds.max(f64::MIN_POSITIVE);
    let expanded = status.states.saturating_sub(status.frontier).max(1) as f64;
    let left = status.left.map(|left| left as f64 * seconds / expanded);
    let left = left.map(|left| format!(", {left:.0} s left if it goes on as of late"));
    let left = left.unwrap_or_default();
    format!(
        "{} states, {rate:.0} states/s, frontier {}, depth {}, {}, {seconds:.0} s{left}",
        status.states,
        status.frontier,
        status.depth,
        Size(status.bytes),
    )
}
