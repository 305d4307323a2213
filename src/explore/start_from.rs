//! A model that starts elsewhere: what can still happen after the first part of a run?

use crate::delegate;
use crate::machine::{
    ClientStatus, GuaranteeSet, Guarantees, Independence, Model, ProcessId, System, WaitFor, Wrapper,
};

/// `model`, started from a state that it can reach, and with one client only: the others run, but nobody asks about them.
#[derive(Debug)]
pub struct StartFrom<'a, M: Model> {
    /// The model.
    pub model: &'a M,
    /// State in which it starts.
    pub start: &'a System<M::Process>,
    /// The process of the client, and its number there.
    pub client: (ProcessId, usize),
}

impl<M: Model> Wrapper for StartFrom<'_, M> {
    type Inner = M;

    fn inner(&self) -> &M {
        self.model
    }

    fn part(state: &M::Process) -> &M::Process {
        state
    }

    fn part_mut(state: &mut M::Process) -> &mut M::Process {
        state
    }
}

impl<M: Model> Model for StartFrom<'_, M> {
    type Process = M::Process;
    type Thread = M::Thread;
    type Frame = M::Frame;

    delegate!(process_count process_name threads apply deliver thread_name object_name object_values outcome leaks);

    fn initial(&self, process: ProcessId) -> M::Process {
        self.start.processes[process.index()].clone()
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
}

impl<M: Independence> Independence for StartFrom<'_, M> {
    type Facts = M::Facts;

    delegate!(facts footprint delivery_footprint may_send frame_set name permits_come_back eliminate_dead);
}

impl<M: Guarantees> Guarantees for StartFrom<'_, M> {
    delegate!(guarantees);

    fn is_inevitable(&self, process: ProcessId, state: &M::Process, assumed: &GuaranteeSet) -> bool {
        // A process without the client has nobody to be sure of.
        process != self.client.0 || self.model.is_inevitable(process, state, assumed)
    }
}
