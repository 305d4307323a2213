//! `lastbatch match`.

use std::path::PathBuf;

use clap::Args;
use lastbatch::models::tensorflow::evidence::stacks::{Dump, assess};
use lastbatch::report::{dumps_json, dumps_text};

use super::{Ended, Failure, Outcome, print};

/// Say which known hang the stacks of a job look like. Exit code 0 if one is likely, 1 if none fits, 2 for bad input, 3 if one is
/// possible but the dumps do not show all that it needs.
#[derive(Args)]
pub(super) struct Match {
    /// Stacks of the job's tasks, one file per task, as `gdb -p PID -batch -ex 'thread apply all bt'` prints them
    #[arg(required = true)]
    dumps: Vec<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

impl Match {
    pub(super) fn run(self) -> Ended {
        let dumps = self.dumps.iter().map(|path| Dump::load(path));
        let dumps = dumps.collect::<Result<Vec<_>, _>>()?;
        for (index, dump) in dumps.iter().enumerate() {
            if dumps[..index].iter().any(|other| other.task == dump.task) {
                let task = &dump.task;
                return Err(Failure(format!(
                    "two dumps of {task}, expected one file per task, named after it"
                )));
            }
        }
        let assessment = assess(&dumps);
        if self.json {
            print(&format!("{}\n", dumps_json(&dumps, &assessment)));
        } else {
            print(&dumps_text(&dumps, &assessment));
        }
        Ok(match assessment.fits.first() {
            Some(fit) if fit.likely => Outcome::Holds,
            Some(_) => Outcome::Undecided,
            None => Outcome::Fails,
        })
    }
}
