//! `lastbatch match`.

use std::path::PathBuf;

use clap::Args;
use lastbatch::models::tensorflow::evidence::stacks::Job;
use lastbatch::report::{dumps_json, dumps_line, dumps_text};

use super::screen::{is_quiet, view};
use super::{Ended, Outcome, help, print};

/// Say which known hang the stacks of a job look like
///
/// Exit code 0 if one is likely, 1 if none fits, 2 for bad input, 3 if one is possible but the dumps do not show all that it
/// needs, or if a dump is not whole.
#[derive(Args)]
#[command(after_long_help = help::MATCH)]
pub(super) struct Match {
    /// Stacks of the job's tasks, one file per task, or a folder of them: what gdb, lldb, eu-stack, pstack, py-spy or faulthandler print
    #[arg(required = true)]
    dumps: Vec<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

impl Match {
    pub(super) fn run(self) -> Ended {
        let job = Job::load(&self.dumps)?;
        let assessment = job.assess();
        if self.json {
            print(&format!("{}\n", dumps_json(&job, &assessment)));
        } else if is_quiet() {
            print(&dumps_line(&assessment));
        } else {
            print(&dumps_text(&job, &assessment, &view()));
        }
        Ok(match assessment.fits.first() {
            Some(fit) if fit.likely => Outcome::Holds,
            Some(_) => Outcome::Undecided,
            None if assessment.open => Outcome::Undecided,
            None => Outcome::Fails,
        })
    }
}
