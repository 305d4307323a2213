//! The progress of a search, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use lastbatch::explore::exhaustive::Status;
use lastbatch::report::{executions_text, expanded, states_text};
use lastbatch::scenario::EngineStatus;

use super::screen::{is_watched, note};

/// Between two lines of a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A search of which nobody knows how far it is.
const ONE: &str = "{spinner} {prefix}  {wide_msg}";
/// A search of which the end is in sight.
const ONE_WITH_END: &str = "{bar:16} {percent:>3}% {prefix}  {wide_msg}";
/// Several searches.
const MANY: &str = "{bar:16} {pos}/{len} {prefix}  {wide_msg}";

/// A line that changes on a terminal, or now and then a line of a log.
pub(super) enum Progress {
    Bar {
        bar: ProgressBar,
        /// The bar counts searches, not states.
        many: bool,
    },
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
        let mut progress = Self::of(bar, ONE, None);
        progress.begin(0, name);
        progress
    }

    /// Returns the progress of several searches, one after the other.
    pub(super) fn of_many(total: usize) -> Self {
        Self::of(ProgressBar::new(total as u64), MANY, Some(total))
    }

    /// Returns the bar, or lines where nobody would see it.
    fn of(bar: ProgressBar, template: &str, total: Option<usize>) -> Self {
        if !is_watched() {
            let (name, last) = (String::new(), Duration::ZERO);
            return Self::Lines { name, total, last };
        }
        set_style(&bar, template);
        Self::Bar {
            bar,
            many: total.is_some(),
        }
    }

    /// Begins the next of several searches; `done` are over.
    pub(super) fn begin(&mut self, done: usize, next: &str) {
        match self {
            Self::Bar { bar, .. } => {
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
            EngineStatus::Executions(status) => self.show_text(status.elapsed, || executions_text(status)),
        }
    }

    /// Shows the progress of an engine that stores states.
    pub(super) fn show_states(&mut self, status: &Status) {
        if let Self::Bar { bar, many: false } = self {
            match status.left {
                Some(left) => {
                    let expanded = expanded(status);
                    set_style(bar, ONE_WITH_END);
                    bar.set_length(expanded + left);
                    bar.set_position(expanded);
                }
                None => set_style(bar, ONE),
            }
        }
        self.show_text(status.elapsed, || states_text(status));
    }

    fn show_text(&mut self, elapsed: Duration, text: impl Fn() -> String) {
        match self {
            Self::Bar { bar, .. } => {
                bar.set_message(text());
                bar.tick();
            }
            Self::Lines { name, last, .. } => {
                if elapsed >= *last + LINE_EVERY {
                    *last = elapsed;
                    note(&format!("{name}: {}", text()));
                }
            }
        }
    }

    pub(super) fn end(self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
