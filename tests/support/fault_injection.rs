//! A model made of copies of a one-process model, which may be broken on purpose.

use std::sync::Arc;

use lastbatch::delegate;
use lastbatch::machine::{
    ClientStatus, Footprint, FrameSet, Guarantees, Independence, Model, ObjectId, Pending, ProcessId, WaitFor, Wrapper,
};

/// The way in which a model is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    None,
    /// It panics when this label runs.
    Label(&'static str),
    /// It panics when asked why a client waits.
    WaitFor,
    /// It panics before it starts.
    Initial,
    /// Its labels declare another object.
    Undeclared,
    /// It promises that permits come back, whether they do or not.
    Promise,
    /// Its footprints are empty.
    Future,
}

/// `count` processes that each run `model` and have nothing to do with each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copies<M> {
    pub(crate) model: M,
    pub(crate) count: usize,
    pub(crate) fault: Fault,
}

const ONE: ProcessId = ProcessId(0);

impl<M: Model> Wrapper for Copies<M> {
    type Inner = M;

    fn inner(&self) -> &M {
        &self.model
    }

    fn inner_process(&self, _: ProcessId) -> ProcessId {
        ONE
    }

    fn part(state: &M::Process) -> &M::Process {
        state
    }

    fn part_mut(state: &mut M::Process) -> &mut M::Process {
        state
    }
}

impl<M: Model> Model for Copies<M> {
    type Process = M::Process;
    type Thread = M::Thread;
    type Frame = M::Frame;

    delegate!(thread_name object_name object_values);

    fn process_count(&self) -> usize {
        self.count
    }

    fn process_name(&self, process: ProcessId) -> String {
        format!("{}{}", self.model.process_name(ONE), process.0)
    }

    fn initial(&self, _: ProcessId) -> M::Process {
        assert!(self.fault != Fault::Initial, "no beginning");
        self.model.initial(ONE)
    }

    fn threads(&self, _: ProcessId, state: &M::Process) -> Vec<Pending<M::Thread>> {
        let mut threads = self.model.threads(ONE, state);
        if self.fault == Fault::Undeclared {
            threads.iter_mut().for_each(|pending| pending.operation.object.0 ^= 1);
        }
        threads
    }

    fn apply(
        &self,
        _: ProcessId,
        state: &mut M::Process,
        thread: M::Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, M::Frame)>,
    ) {
        let threads = self.model.threads(ONE, state);
        let label = threads
            .iter()
            .find(|pending| pending.thread == thread)
            .map(|pending| pending.operation.label.name);
        assert!(
            label.is_none_or(|label| self.fault != Fault::Label(label)),
            "this label is broken"
        );
        self.model.apply(ONE, state, thread, choice, sent);
    }

    fn deliver(&self, _: ProcessId, _: &mut M::Process, _: ProcessId, _: M::Frame) {
        panic!("copies exchange no frames");
    }

    fn clients(&self, process: ProcessId, state: &M::Process) -> Vec<ClientStatus> {
        let mut clients = self.model.clients(ONE, state);
        clients
            .iter_mut()
            .for_each(|client| client.name = format!("{} of {}", client.name, process.0));
        clients
    }

    fn wait_for(&self, system: &[&M::Process], process: ProcessId, client: usize) -> WaitFor {
        assert!(self.fault != Fault::WaitFor, "nobody knows why");
        self.model
            .wait_for(&system[process.index()..=process.index()], ONE, client)
    }

    fn outcome(&self, _: &[&M::Process]) -> Option<String> {
        None
    }

    fn leaks(&self, _: &[&M::Process]) -> Vec<String> {
        Vec::new()
    }
}

impl<M: Independence> Independence for Copies<M> {
    type Facts = M::Facts;

    delegate!(facts delivery_footprint frame_set name eliminate_dead);

    fn footprint(&self, _: ProcessId, state: &M::Process, facts: &M::Facts, thread: M::Thread) -> Arc<Footprint> {
        if self.fault == Fault::Future {
            return Arc::default();
        }
        self.model.footprint(ONE, state, facts, thread)
    }

    fn may_send(&self, _: ProcessId, _: &M::Process, _: ProcessId) -> FrameSet {
        FrameSet::Any
    }

    fn permits_come_back(&self, _: ProcessId, object: ObjectId) -> bool {
        self.fault == Fault::Promise || self.model.permits_come_back(ONE, object)
    }
}

impl<M: Guarantees> Guarantees for Copies<M> {
    delegate!(guarantees is_inevitable);
}
