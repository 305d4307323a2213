//! `lastbatch minimise`.

use std::path::{Path, PathBuf};

use clap::Args;
use lastbatch::report::minimised_text;
use lastbatch::scenario::HangError;

use super::replay::Replay;
use super::screen::print_more;
use super::{Ended, Failure, Outcome, help, print};

/// Enough for every way to a hang of two parameter servers: some seconds.
const MAX_STATES: u64 = 1_000_000;

/// Make a schedule that hangs smaller
///
/// The same hang with fewer events and fewer context switches. Exit code 0 if that is done, 1 if the schedule does not hang as it promises, 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::MINIMISE)]
pub(super) struct Minimise {
    /// The schedule
    file: PathBuf,
    /// Write the smaller schedule there; without it only its size is told
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Its scenario, if that does not stand beside it
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// States that one search for a shorter way may store; with 0 nothing is searched
    #[arg(long, value_name = "N", default_value_t = MAX_STATES)]
    max_states: u64,
}

impl Minimise {
    pub(super) fn run(self) -> Ended {
        let (schedule, experiment) = Replay::of(self.file.clone(), self.scenario.clone()).subject()?;
        let (smaller, minimised) = match experiment.minimise(&schedule, self.max_states) {
            Ok(done) => done,
            Err(error) => return no_hang(&self.file, &error),
        };
        if let Some(out) = &self.out {
            smaller.write(out)?;
        }
        print(&minimised_text(&minimised, experiment.length(&smaller.events)));
        if let Some(out) = &self.out {
            print_more(&format!("written to {}\n", out.display()));
        }
        Ok(Outcome::Holds)
    }
}

/// Ends the command: a schedule that does not keep its promise is a finding; one that promises no hang is bad input.
pub(super) fn no_hang(file: &Path, error: &HangError) -> Ended {
    let text = format!("{}: {error}", file.display());
    match error {
        HangError::NoHang(_) => Err(Failure(text)),
        HangError::Broken(_) | HangError::Minimise(_) | HangError::Explain(_) => {
            print(&format!("{text}\n"));
            Ok(Outcome::Fails)
        }
    }
}
