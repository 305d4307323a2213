//! Faults: events that happen to a job beside the steps of its clients.

use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::analysis::Footprints;
use crate::models::tensorflow::process::Process;

/// The ways in which a step may end otherwise than by itself: nothing of this, unless a job asks for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Faults {
    /// `operation_timeout_in_ms` is set: the wait for a step runs out at any time
    /// ([`crate::models::tensorflow::mechanisms::cancellation`]).
    pub timeout: bool,
    /// Another thread of the worker closes the session at any time ([`crate::models::tensorflow::mechanisms::cancellation`]).
    pub close: bool,
    /// The batches come from a queue with this capacity ([`crate::models::tensorflow::mechanisms::queue`]).
    pub queue: Option<u8>,
    /// A server dies at any time ([`crate::models::tensorflow::mechanisms::crash`]).
    pub death: Option<Death>,
}

/// The death of a server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Death {
    /// Task name of the server.
    pub task: String,
    /// Whether it comes back, with nothing of what it knew.
    pub restarts: bool,
}

impl Faults {
    /// Returns true if something but a partition's error can cancel a step: then what may do so is modelled.
    pub(in crate::models) fn cancel_steps(&self) -> bool {
        self.timeout || self.close
    }
}

impl TensorFlow {
    /// Returns what happens beside the steps.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the same job with these faults beside its steps.
    #[must_use]
    pub fn with(mut self, faults: Faults) -> Self {
        let queue = self.faults.queue;
        self.faults = Faults { queue, ..faults };
        self.footprints = Footprints::default();
        self
    }

    /// Returns true if the server that dies comes back.
    pub(in crate::models) fn restarts(&self) -> bool {
        self.faults.death.as_ref().is_some_and(|death| death.restarts)
    }

    /// Returns true if this process is the one that dies.
    pub(in crate::models) fn is_mortal(&self, id: ProcessId) -> bool {
        let death = self.faults.death.as_ref();
        death.is_some_and(|death| death.task == self.processes()[id.index()].name)
    }

    /// Returns true if a process may still die: until then nothing that it does commutes with that.
    pub(in crate::models) fn may_still_die(&self, id: ProcessId, process: &Process) -> bool {
        let connections = &process.connections;
        let alive = !connections.down && !connections.restarted;
        self.is_mortal(id) && alive
    }
}
