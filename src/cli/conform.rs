//! `lastbatch conform`.

use std::path::PathBuf;

use clap::Args;

use super::{Ended, Failure};

/// Decide whether the model can do what a trace of the real runtime shows.
#[derive(Args)]
pub(super) struct Conform {
    /// The trace, one JSON object a line
    trace: PathBuf,
    /// The scenario with the graph and the job that was traced
    #[arg(long)]
    scenario: PathBuf,
}

impl Conform {
    pub(super) fn run(self) -> Ended {
        let Self { trace, scenario } = self;
        let (trace, scenario) = (trace.display(), scenario.display());
        Err(Failure(format!(
            "{trace}: traces cannot be compared with {scenario} yet"
        )))
    }
}
