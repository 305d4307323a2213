//! The place where `lastbatch check` keeps checkpoints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use lastbatch::explore::exhaustive::Checkpointing;
use lastbatch::explore::loom;

/// Time between two checkpoints: a killed search loses less than a minute.
const EVERY: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct CheckpointArgs {
    /// Keep a checkpoint of each search in this directory, one every 30 seconds (loom: every 1,000 executions), so that it can go on
    /// after it was killed, interrupted or stopped by a bound (exhaustive, loom)
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Write one also after N further states
    #[arg(long, value_name = "N", requires = "checkpoint", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
    /// Go on from the checkpoints that are there; searches without one begin
    #[arg(long, requires = "checkpoint")]
    resume: bool,
}

impl CheckpointArgs {
    pub(super) fn directory(&self) -> Option<&Path> {
        self.checkpoint.as_deref()
    }

    pub(super) fn counts_states(&self) -> bool {
        self.checkpoint_every.is_some()
    }

    /// Returns how a search that was ended can go on.
    pub(super) fn hint(&self) -> String {
        match &self.checkpoint {
            Some(directory) => format!("it goes on with --checkpoint {} --resume", directory.display()),
            None => "with --checkpoint DIR such a search can go on later: --resume".to_owned(),
        }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let plain = |letter: char| {
            let kept = letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
            if kept { letter } else { '_' }
        };
        let file: String = name.chars().map(plain).collect();
        Some(self.checkpoint.as_ref()?.join(format!("{file}.checkpoint")))
    }

    /// Tells where an exploration of this name by loom keeps its checkpoint, if anywhere.
    pub(super) fn of_loom(&self, name: &str) -> Option<loom::Checkpointing> {
        Some(loom::Checkpointing {
            path: self.file(name)?,
            identity: Vec::new(),
            resume: self.resume,
        })
    }

    /// Tells where a search of this name keeps its checkpoints, if anywhere.
    pub(super) fn place(&self, name: &str) -> Option<Checkpointing> {
        Some(Checkpointing {
            path: self.file(name)?,
            identity: Vec::new(),
            resume: self.resume,
            every: EVERY,
            every_states: self.checkpoint_every,
        })
    }
}
