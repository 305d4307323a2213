//! A whole system state, run one label at a time: what every engine but the exhaustive search steps through.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ClientStatus, Model, Pending, ProcessId};

/// One label that ran, as schedules record it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Task name of the process.
    pub process: String,
    /// Name of the thread within it.
    pub thread: String,
    /// Name of the label.
    pub label: String,
    /// Name of the object that it touched.
    pub object: String,
    /// Outcome that was chosen, where the label has several.
    pub choice: Option<u32>,
}

/// A label that did not do what its thread had declared: a bug in the model.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ContractViolation {
    /// An object changed that the operation had not named.
    #[error("{process}: label {label} declared {declared} but changed {changed}")]
    Undeclared {
        /// Task name.
        process: String,
        /// Label that ran.
        label: &'static str,
        /// Object that it had declared.
        declared: String,
        /// Object that changed.
        changed: String,
    },
    /// More than one frame was sent by one label.
    #[error("{process}: label {label} sent {frames} frames; a label sends at most one")]
    Frames {
        /// Task name.
        process: String,
        /// Label that ran.
        label: &'static str,
        /// Number of frames.
        frames: usize,
    },
}

/// The state of all processes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct System<P> {
    /// One state a process, indexed by [`ProcessId`].
    pub processes: Vec<P>,
}

impl<P: Clone> System<P> {
    /// Returns the initial state of a model.
    pub fn initial<M: Model<Process = P>>(model: &M) -> Self {
        let ids = 0..model.process_count();
        Self {
            processes: ids.map(|id| model.initial(ProcessId::new(id))).collect(),
        }
    }

    /// Returns every live thread of every process with its next operation.
    pub fn threads<M: Model<Process = P>>(&self, model: &M) -> Vec<(ProcessId, Pending<M::Thread>)> {
        let mut all = Vec::new();
        for (index, state) in self.processes.iter().enumerate() {
            let id = ProcessId::new(index);
            all.extend(model.threads(id, state).into_iter().map(|pending| (id, pending)));
        }
        all
    }

    /// Returns the threads that can run now.
    pub fn enabled<M: Model<Process = P>>(&self, model: &M) -> Vec<(ProcessId, Pending<M::Thread>)> {
        let mut all = self.threads(model);
        all.retain(|(_, pending)| pending.enabled);
        all
    }

    /// Returns the event that running `pending` with `choice` in this state is recorded as.
    pub fn event<M: Model<Process = P>>(
        &self,
        model: &M,
        id: ProcessId,
        pending: &Pending<M::Thread>,
        choice: u32,
    ) -> Event {
        let state = &self.processes[id.index()];
        Event {
            process: model.process_name(id),
            thread: model.thread_name(id, state, pending.thread),
            label: pending.operation.label.name.to_owned(),
            object: model.object_name(id, state, pending.operation.object),
            choice: (pending.operation.choices > 1).then_some(choice),
        }
    }

    /// Runs one label and checks that it kept to what it had declared.
    ///
    /// # Errors
    /// When the label changed another object of its process, or sent several frames.
    pub fn step<M: Model<Process = P>>(
        &mut self,
        model: &M,
        id: ProcessId,
        pending: &Pending<M::Thread>,
        choice: u32,
    ) -> Result<(), ContractViolation> {
        let sent = run_label(model, id, &mut self.processes[id.index()], pending, choice)?;
        for (to, frame) in sent {
            model.deliver(to, &mut self.processes[to.index()], id, frame);
        }
        Ok(())
    }

    /// Runs one label without a look at what it had declared: for a run that is checked later.
    pub fn step_unchecked<M: Model<Process = P>>(
        &mut self,
        model: &M,
        id: ProcessId,
        pending: &Pending<M::Thread>,
        choice: u32,
    ) {
        let mut sent = Vec::new();
        let state = &mut self.processes[id.index()];
        model.apply(id, state, pending.thread, choice, &mut sent);
        for (to, frame) in sent {
            model.deliver(to, &mut self.processes[to.index()], id, frame);
        }
    }

    /// Finds a client by its name: its process, and its number there.
    pub fn client<M: Model<Process = P>>(&self, model: &M, name: &str) -> Option<(ProcessId, usize)> {
        let clients = self.clients(model).into_iter();
        let mut named = clients.filter(|(.., status)| status.name == name);
        named.next().map(|(process, number, _)| (process, number))
    }

    /// Returns every client of every process.
    pub fn clients<M: Model<Process = P>>(&self, model: &M) -> Vec<(ProcessId, usize, ClientStatus)> {
        let mut all = Vec::new();
        for (index, state) in self.processes.iter().enumerate() {
            let id = ProcessId::new(index);
            all.extend(
                model
                    .clients(id, state)
                    .into_iter()
                    .enumerate()
                    .map(|(client, status)| (id, client, status)),
            );
        }
        all
    }
}

/// Runs one label of one process, checks that it kept to what it had declared, and returns the frames that it sent.
///
/// # Errors
/// When the label changed another object of its process, or sent several frames.
pub fn run_label<M: Model>(
    model: &M,
    id: ProcessId,
    state: &mut M::Process,
    pending: &Pending<M::Thread>,
    choice: u32,
) -> Result<Vec<(ProcessId, M::Frame)>, ContractViolation> {
    let before = model.object_values(id, state);
    let mut sent = Vec::new();
    model.apply(id, state, pending.thread, choice, &mut sent);
    let label = pending.operation.label.name;
    if sent.len() > 1 {
        return Err(ContractViolation::Frames {
            process: model.process_name(id),
            label,
            frames: sent.len(),
        });
    }
    let after = model.object_values(id, state);
    let changed = before
        .iter()
        .filter(|(object, value)| after.iter().any(|(other, new)| other == object && new != value))
        .map(|(object, _)| *object)
        .find(|object| *object != pending.operation.object);
    if let Some(changed) = changed {
        return Err(ContractViolation::Undeclared {
            process: model.process_name(id),
            label,
            declared: model.object_name(id, state, pending.operation.object),
            changed: model.object_name(id, state, changed),
        });
    }
    Ok(sent)
}
