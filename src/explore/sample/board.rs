//! A system while it runs, with the threads that can run kept up to date.

use crate::machine::{ContractViolation, Model, ProcessId, Ready, System, run_label};

/// The state of every process, and the threads of each that can run.
pub(super) struct Board<'a, M: Model> {
    model: &'a M,
    checked: bool,
    start: System<M::Process>,
    pub(super) system: System<M::Process>,
    /// By process; in the order in which the model lists them.
    ready: Vec<Vec<Ready<M::Thread>>>,
    sent: Vec<(ProcessId, M::Frame)>,
}

impl<'a, M: Model> Board<'a, M> {
    /// Returns a board on which nothing has begun. Labels are checked against what they declare if `checked`.
    pub(super) fn new(model: &'a M, checked: bool) -> Self {
        let start = System::initial(model);
        Self {
            model,
            checked,
            system: start.clone(),
            ready: start.processes.iter().map(|_| Vec::new()).collect(),
            start,
            sent: Vec::new(),
        }
    }

    /// Returns the ids of the processes.
    pub(super) fn processes(&self) -> impl Iterator<Item = ProcessId> + use<M> {
        ProcessId::all(self.start.processes.len())
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        self.sent.clear();
        self.system.processes.clone_from(&self.start.processes);
        self.processes().for_each(|process| self.list(process));
    }

    /// Returns the threads of a process that can run.
    pub(super) fn ready(&self, process: ProcessId) -> &[Ready<M::Thread>] {
        &self.ready[process.index()]
    }

    /// Runs the next label of a thread. Returns the other process in which something changed, if there is one.
    pub(super) fn run(
        &mut self,
        process: ProcessId,
        thread: M::Thread,
        choice: u32,
    ) -> Result<Option<ProcessId>, ContractViolation> {
        let state = &mut self.system.processes[process.index()];
        if self.checked {
            let threads = self.model.threads(process, state);
            let pending = threads.iter().find(|pending| pending.thread == thread);
            let pending = pending.expect("a thread that can run is live");
            self.sent = run_label(self.model, process, state, pending, choice)?;
        } else {
            self.model.apply(process, state, thread, choice, &mut self.sent);
        }
        let mut other = None;
        for (to, frame) in self.sent.drain(..) {
            self.model
                .deliver(to, &mut self.system.processes[to.index()], process, frame);
            other = Some(to).filter(|to| *to != process);
        }
        self.list(process);
        if let Some(other) = other {
            self.list(other);
        }
        Ok(other)
    }

    /// Lists the threads of a process that can run.
    fn list(&mut self, process: ProcessId) {
        let state = &self.system.processes[process.index()];
        let ready = &mut self.ready[process.index()];
        ready.clear();
        self.model.ready(process, state, ready);
        if self.checked {
            let threads = self.model.threads(process, state);
            assert!(
                threads.iter().filter_map(Ready::of).eq(ready.iter().copied()),
                "{}: who is ready, {ready:?}, is not who is enabled",
                self.model.process_name(process)
            );
        }
    }
}
