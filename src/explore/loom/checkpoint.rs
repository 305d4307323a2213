//! Long explorations: what was found, and where loom is, in two files that are written at the same execution.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::choices::Choices;
use super::roles::Roles;
use super::{Progress, Taken};
use crate::explore::driver::{Ended, Execution};
use crate::explore::fingerprint;
use crate::file::{FileError, write_whole};
use crate::machine::{Event, Fragment, Model, System};

/// loom writes its path at an interval of executions; the engine adds what was found.
pub(super) const INTERVAL: usize = 1_000;

/// The problem of a checkpoint that is there already, where nobody asked to go on from it.
const EXISTS: &str = "a checkpoint is there already: go on from it (--resume) or remove it";

/// The place where an exploration keeps its checkpoint, and of what it is one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpointing {
    /// The file; loom keeps its own beside it, with `.path` added. Both are removed when the exploration has ended by itself.
    pub path: PathBuf,
    /// Identity of the exploration, as names and values: all that decides what it does, the program itself included. A checkpoint of
    /// anything else is refused. The engine adds the state in which the kernel begins.
    pub identity: Vec<(String, String)>,
    /// Whether to go on from the file, if it is there. Otherwise a file that is there is an error.
    pub resume: bool,
}

/// The files of an exploration.
pub(super) struct Checkpoint {
    path: PathBuf,
    identity: Vec<(String, String)>,
    resume: bool,
}

/// Findings from before.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    identity: Vec<(String, String)>,
    pub(super) choices: Choices,
    pub(super) executions: u64,
    pub(super) labels: u64,
    /// The events of an execution to each outcome.
    pub(super) firsts: Vec<Vec<Event>>,
}

impl Checkpoint {
    pub(super) fn new<M: Model>(place: &Checkpointing, kernel: &Fragment<M>, roles: &Roles<M::Thread>) -> Self {
        let begin = fingerprint(&(System::initial(kernel), &roles.names));
        let mut identity = place.identity.clone();
        identity.push(("kernel".to_owned(), format!("{begin:032x}")));
        Self {
            path: place.path.clone(),
            identity,
            resume: place.resume,
        }
    }

    /// Returns loom's own file.
    pub(super) fn path_file(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".path");
        name.into()
    }

    /// Forgets loom's path, as loom begins anew: with other choices.
    pub(super) fn forget_path(&self) {
        // A file that is not there is what is wanted.
        let _ = std::fs::remove_file(self.path_file());
    }

    /// Removes the files, as the exploration has ended by itself: nothing is left to go on from.
    pub(super) fn remove(&self) {
        self.forget_path();
        let _ = std::fs::remove_file(&self.path);
    }

    /// Loads what was found before, if there is a checkpoint.
    pub(super) fn load(&self) -> Result<Option<Saved>, FileError> {
        if !self.path.exists() {
            self.forget_path();
            return Ok(None);
        }
        let refuse = |problem: String| FileError::new(&self.path, problem);
        if !self.resume {
            return Err(refuse(EXISTS.to_owned()));
        }
        let bytes = std::fs::read(&self.path).map_err(FileError::cannot("read the checkpoint", &self.path))?;
        let saved: Saved = serde_json::from_slice(&bytes)
            .map_err(|error| refuse(format!("not a checkpoint of engine loom: {error}")))?;
        match self.differs(&saved) {
            None => Ok(Some(saved)),
            Some((what, found, expected)) => Err(refuse(format!(
                "a checkpoint of another exploration: its {what} is {found}, expected {expected}"
            ))),
        }
    }

    /// Returns what differs between this exploration and that of a checkpoint, with both values.
    fn differs(&self, saved: &Saved) -> Option<(String, String, String)> {
        let value = |identity: &[(String, String)], name: &String| {
            let known = identity.iter().find(|(known, _)| known == name);
            known.map_or_else(|| "nothing".to_owned(), |(_, value)| value.clone())
        };
        let mut names = self.identity.iter().chain(&saved.identity).map(|(name, _)| name);
        let name = names.find(|name| value(&self.identity, name) != value(&saved.identity, name))?;
        Some((name.clone(), value(&saved.identity, name), value(&self.identity, name)))
    }

    /// Keeps what was found before the execution that loom has just noted in its own file.
    pub(super) fn store<M: Model>(&self, progress: &Progress<M>) -> Result<(), String> {
        let saved = Saved {
            identity: self.identity.clone(),
            choices: progress.choices.clone(),
            executions: progress.executions,
            labels: progress.labels,
            firsts: progress.firsts.clone(),
        };
        let text = serde_json::to_string(&saved).map_err(|error| error.to_string())?;
        write_whole(&self.path, text.as_bytes()).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

/// Returns the execution of some events; none if the kernel can't do them.
pub(super) fn rerun<M: Model>(kernel: &Fragment<M>, events: &[Event]) -> Option<Execution<Fragment<M>>> {
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
