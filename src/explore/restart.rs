//! A model that starts elsewhere: what can still happen after the first part of a run?

use crate::machine::{ClientStatus, Footprint, FrameSet, Model, ObjectId, Pending, ProcessId, System, WaitFor};

/// `model`, started from a state that it can reach, and with one client only: the others run, but nobody asks about them.
#[derive(Debug)]
pub struct Restart<'a, M: Model> {
    /// The model.
    pub model: &'a M,
    /// Where it starts.
    pub start: &'a System<M::Process>,
    /// The process of the client, and its number there.
    pub client: (ProcessId, usize),
}

impl<M: Model> Model for Restart<'_, M> {
    type Process = M::Process;
    type Thread = M::Thread;
    type Frame = M::Frame;

    fn process_count(&self) -> usize {
        self.model.process_count()
    }

    fn process_name(&self, process: ProcessId) -> String {
        self.model.process_name(process)
    }

    fn initial(&self, process: ProcessId) -> M::Process {
        self.start.processes[process.index()].clone()
    }

    fn threads(&self, process: ProcessId, state: &M::Process) -> Vec<Pending<M::Thread>> {
        self.model.threads(process, state)
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut M::Process,
        thread: M::Thread,
        choice: u8,
        sent: &mut Vec<(ProcessId, M::Frame)>,
    ) {
        self.model.apply(process, state, thread, choice, sent);
    }

    fn deliver(&self, to: ProcessId, state: &mut M::Process, from: ProcessId, frame: M::Frame) {
        self.model.deliver(to, state, from, frame);
    }

    fn thread_name(&self, process: ProcessId, state: &M::Process, thread: M::Thread) -> String {
        self.model.thread_name(process, state, thread)
    }

    fn object_name(&self, process: ProcessId, state: &M::Process, object: ObjectId) -> String {
        self.model.object_name(process, state, object)
    }

    fn object_values(&self, process: ProcessId, state: &M::Process) -> Vec<(ObjectId, u64)> {
        self.model.object_values(process, state)
    }

    fn future(&self, process: ProcessId, state: &M::Process, thread: M::Thread) -> Footprint {
        self.model.future(process, state, thread)
    }

    fn arrivals(&self, process: ProcessId, state: &M::Process, frames: FrameSet) -> Footprint {
        self.model.arrivals(process, state, frames)
    }

    fn may_send(&self, from: ProcessId, state: &M::Process, to: ProcessId) -> FrameSet {
        self.model.may_send(from, state, to)
    }

    fn frame_set(&self, frame: &M::Frame) -> FrameSet {
        self.model.frame_set(frame)
    }

    fn servers_come_back(&self, process: ProcessId, object: ObjectId) -> bool {
        self.model.servers_come_back(process, object)
    }

    fn forget_dead(&self, process: ProcessId, state: &mut M::Process) {
        self.model.forget_dead(process, state);
    }

    fn promises(&self, process: ProcessId, state: &M::Process, given: FrameSet) -> FrameSet {
        self.model.promises(process, state, given)
    }

    fn is_sure_to_return(&self, process: ProcessId, state: &M::Process, given: FrameSet) -> bool {
        // A process without the client has nobody to be sure of.
        process != self.client.0 || self.model.is_sure_to_return(process, state, given)
    }

    fn clients(&self, process: ProcessId, state: &M::Process) -> Vec<ClientStatus> {
        if process != self.client.0 {
            return Vec::new();
        }
        let all = self.model.clients(process, state).into_iter();
        all.skip(self.client.1).take(1).collect()
    }

    fn wait_for(&self, system: &[&M::Process], process: ProcessId, _client: usize) -> WaitFor {
        self.model.wait_for(system, process, self.client.1)
    }

    fn outcome(&self, system: &[&M::Process]) -> Option<String> {
        self.model.outcome(system)
    }

    fn leaks(&self, system: &[&M::Process]) -> Vec<String> {
        self.model.leaks(system)
    }
}
