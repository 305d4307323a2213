//! How far a search has come, on standard error.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lastbatch::explore::exhaustive::Status;
use lastbatch::scenario::Size;

/// Between two lines of a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A line that changes on a terminal, or now and then a line of a log.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { name: String, last: Duration },
}

impl Progress {
    pub(super) fn new(name: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines {
                name: name.to_owned(),
                last: Duration::ZERO,
            };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Self::Bar(bar)
    }

    pub(super) fn show(&mut self, status: &Status) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(told(status));
                bar.tick();
            }
            Self::Lines { name, last } => {
                if status.elapsed >= *last + LINE_EVERY {
                    *last = status.elapsed;
                    eprintln!("{name}: {}", told(status));
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

fn told(status: &Status) -> String {
    let seconds = status.elapsed.as_secs_f64();
    let rate = if seconds > 0.0 {
        status.states as f64 / seconds
    } else {
        0.0
    };
    format!(
        "{} states, {rate:.0} states/s, frontier {}, depth {}, {}, {seconds:.0} s",
        status.states,
        status.frontier,
        status.depth,
        Size(status.bytes),
    )
}
