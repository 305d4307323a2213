//! The role of a task, from what its threads do.

use strum::Display;

use super::{Dump, Place};

/// The role of a task in its job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Display)]
pub enum Role {
    /// It runs a client or a pipeline.
    #[strum(to_string = "worker")]
    Worker,
    /// It only serves.
    #[strum(to_string = "parameter server")]
    Server,
    /// Its stacks do not say.
    #[strum(to_string = "role unknown")]
    Unknown,
}

impl Role {
    /// Tells the role: a client, a step or a pipeline makes a worker; a main thread in `join` without any of them a server.
    pub(super) fn of(dump: &Dump) -> Self {
        let works = [
            Place::StepWaits,
            Place::StepRuns,
            Place::Registers,
            Place::FindsDevices,
            Place::OpensSessions,
            Place::Close,
            Place::DeletesSessions,
            Place::GetNextIdle,
            Place::GetNextBusy,
            Place::MapRunnerWaits,
            Place::MapRunnerPulls,
            Place::Prefetch,
            Place::InterleaveConsumer,
            Place::PythonQueueRunner,
            Place::PythonCoordinator,
        ];
        if dump.has(&works) || dump.has(&Place::CLIENTS) {
            Self::Worker
        } else if dump.has(&[Place::ServerJoin, Place::PythonJoin]) {
            Self::Server
        } else {
            Self::Unknown
        }
    }
}
