//! Checkpoints: all that a search knows, in a file, so that it can go on after it was ended, with the same verdict.
//!
//! A checkpoint is taken between two chunks of a batch, when everything that was expanded is also inserted. It holds the tables as they
//! are, ids included, so a search that goes on from it does exactly what the one that wrote it would have done next: states, parents,
//! counts, signatures and schedules are the same, on any number of threads. Only what is computed again at need is left out (what is
//! known of a local state by itself, indices over tables).
//!
//! The file is written beside its final name, flushed to the disk, then renamed, so there is always one whole checkpoint or none. It says
//! what it is of, and ends in a hash of all that stands before.

mod file;
mod snapshot;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::Reductions;
use super::search::{Keeper, Place, Search};
use crate::file::FileError;
use crate::machine::Reducible;

/// Version of the format of checkpoint files.
pub const CHECKPOINT_VERSION: u32 = 2;

/// The place where, the time when and under which name a search keeps checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpointing {
    /// The file. It is removed when the search has ended by itself.
    pub path: PathBuf,
    /// Identity of the search, as names and values. A checkpoint of anything else is refused, so this must name all that decides what
    /// the search does, the program itself included. The engine adds its reductions.
    pub identity: Vec<(String, String)>,
    /// Whether to go on from the file, if it is there. Otherwise a file that is there is an error.
    pub resume: bool,
    /// Time between two checkpoints. A killed search loses what it did since the last one.
    pub every: Duration,
    /// Number of further states after which one is also written, if given.
    pub every_states: Option<u64>,
}

/// The reason why there is no checkpoint, or none to go on from.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// It is there already, and nobody asked to go on from it.
    #[error("{}: a checkpoint is there already: go on from it (--resume) or remove it", .0.display())]
    Exists(PathBuf),
    /// It can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is something else.
    #[error("{}: not a checkpoint of lastbatch", .0.display())]
    NotACheckpoint(PathBuf),
    /// Another version of the format.
    #[error("{}: a checkpoint of format {found}, expected {CHECKPOINT_VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Its content is not what was written.
    #[error("{}: a damaged checkpoint: its content does not have the hash that it ends with", .0.display())]
    Damaged(PathBuf),
}

impl Checkpointing {
    /// Returns the identity with the reductions that were asked for.
    pub(super) fn full_identity(&self, reductions: Reductions) -> Vec<(String, String)> {
        let mut identity = self.identity.clone();
        identity.push(("engine's reductions".to_owned(), format!("{reductions:?}")));
        identity
    }

    pub(super) fn io(&self, error: io::Error) -> CheckpointError {
        FileError::new(&self.path, error).into()
    }

    /// Removes the file of a search that has ended by itself.
    pub(super) fn remove(&self) -> Result<(), CheckpointError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(error)),
            _ => Ok(()),
        }
    }
}

/// Writes checkpoints while a search runs.
pub(super) struct Checkpoints<'a> {
    config: &'a Checkpointing,
    identity: Vec<(String, String)>,
    /// Time that the search had taken before this run.
    before: Duration,
    started: Instant,
    last: Instant,
    /// Time that the last one took to write.
    cost: Duration,
    last_states: u64,
    /// The first that could not be written ends the search.
    pub(super) failed: Option<io::Error>,
}

impl<'a> Checkpoints<'a> {
    pub(super) fn new(config: &'a Checkpointing, reductions: Reductions, started: Instant, before: Duration) -> Self {
        Self {
            config,
            identity: config.full_identity(reductions),
            before,
            started,
            last: Instant::now(),
            cost: Duration::ZERO,
            last_states: 0,
            failed: None,
        }
    }
}

impl<M: Reducible> Keeper<M> for Checkpoints<'_>
where
    M::Process: Serialize,
    M::Frame: Serialize,
{
    /// Returns when the next checkpoint is due: one that takes long to write is taken less often, so that the search gets three quarters
    /// of the time.
    fn deadline(&self) -> Option<Instant> {
        Some(self.last + self.config.every.max(self.cost * 3))
    }

    fn is_due(&self, states: u64) -> bool {
        let many = self.config.every_states;
        many.is_some_and(|many| states >= self.last_states + many)
            || Keeper::<M>::deadline(self).is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn keep(&mut self, search: &Search<'_, M>, place: &Place) -> bool {
        let start = Instant::now();
        let elapsed = self.before + self.started.elapsed();
        let written = file::write(&self.config.path, |writer| {
            snapshot::write(writer, &self.identity, elapsed, search, place)
        });
        self.last = Instant::now();
        self.cost = start.elapsed();
        self.last_states = search.store.len();
        self.failed = written.err();
        self.failed.is_none()
    }
}

/// Returns a search as a checkpoint has it, and the time that it had taken; none if there is no file.
///
/// # Errors
/// When the file can't be used, or must not be there.
pub(super) fn resume<'m, M: Reducible>(
    model: &'m M,
    config: &Checkpointing,
    reductions: Reductions,
) -> Result<Option<(Search<'m, M>, Duration)>, CheckpointError>
where
    M::Process: DeserializeOwned,
    M::Frame: DeserializeOwned,
{
    if !config.path.try_exists().map_err(|error| config.io(error))? {
        return Ok(None);
    }
    if !config.resume {
        return Err(CheckpointError::Exists(config.path.clone()));
    }
    let mut reader = file::open(&config.path)?;
    snapshot::read(&mut reader, model, config, reductions).map(Some)
}
