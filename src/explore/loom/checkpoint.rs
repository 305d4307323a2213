//! Long explorations: what was found, and where loom is, in two files that are written at the same execution.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::choices::Choices;
use super::roles::Roles;
use super::{Progress, Taken};
use crate::explore::driver::{Ended, Execution};
use crate::explore::fingerprint;
use crate::machine::{Event, Kernel, Model, System};
use crate::schedule::write_whole;

/// loom writes its path every so many executions, and we what was found.
pub(super) const INTERVAL: usize = 1_000;

/// A checkpoint that can't be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// It can't be read.
    #[error("{}: cannot read the checkpoint: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It is none.
    #[error("{}: not a checkpoint of engine loom: {error}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// It is one of something else.
    #[error("{}: a checkpoint of another kernel", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
}

/// Where the checkpoint stands, and of what it is one.
pub(super) struct Checkpoint {
    path: PathBuf,
    kernel: u128,
}

/// What was found before.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// Fingerprint of the kernel.
    kernel: String,
    pub(super) choices: Choices,
    pub(super) executions: u64,
    pub(super) labels: u64,
    /// The events of an execution to each outcome.
    pub(super) firsts: Vec<Vec<Event>>,
}

impl Checkpoint {
    pub(super) fn new<M: Model>(path: &Path, kernel: &Kernel<M>, roles: &Roles<M::Thread>) -> Self {
        Self {
            path: path.to_owned(),
            kernel: fingerprint(&(System::initial(kernel), &roles.names)),
        }
    }

    /// loom's own file.
    pub(super) fn path_file(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".path");
        name.into()
    }

    /// loom begins anew: with other choices.
    pub(super) fn forget_path(&self) {
        // A file that is not there is what is wanted.
        let _ = std::fs::remove_file(self.path_file());
    }

    fn identity(&self) -> String {
        format!("{:032x}", self.kernel)
    }

    /// What was found before, if there is a checkpoint.
    pub(super) fn load(&self) -> Result<Option<Saved>, CheckpointError> {
        let path = || self.path.clone();
        if !self.path.exists() {
            self.forget_path();
            return Ok(None);
        }
        let bytes = std::fs::read(&self.path).map_err(|error| CheckpointError::Read { path: path(), error })?;
        let saved: Saved =
            serde_json::from_slice(&bytes).map_err(|error| CheckpointError::Format { path: path(), error })?;
        if saved.kernel != self.identity() {
            return Err(CheckpointError::Other { path: path() });
        }
        Ok(Some(saved))
    }

    /// Keeps what was found before the execution that loom has just noted in its own file.
    pub(super) fn store<M: Model>(&self, progress: &Progress<M>) -> Result<(), String> {
        let saved = Saved {
            kernel: self.identity(),
            choices: progress.choices.clone(),
            executions: progress.executions,
            labels: progress.labels,
            firsts: progress.firsts.clone(),
        };
        let text = serde_json::to_string(&saved).map_err(|error| error.to_string())?;
        write_whole(&self.path, text.as_bytes()).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

/// The execution of some events; none if the kernel can't do them.
pub(super) fn rerun<M: Model>(kernel: &Kernel<M>, events: &[Event]) -> Option<Execution<Kernel<M>>> {
    let mut system = System::initial(kernel);
    let mut taken = Vec::new();
    for event in events {
        let choice = event.choice.unwrap_or(0);
        let enabled = system.enabled(kernel);
        let mut enabled = enabled.into_iter();
        let (process, pending) =
            enabled.find(|(process, pending)| system.event(kernel, *process, pending, choice) == *event)?;
        taken.push(Taken {
            process,
            thread: pending.thread,
            choice,
        });
        system.step(kernel, process, &pending, choice).ok()?;
    }
    Some(Execution {
        taken,
        ended: Ended::AtRest,
        system,
        followed: None,
    })
}
