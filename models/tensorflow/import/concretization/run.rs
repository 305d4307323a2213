//! A run of a model that remembers which node each pool thread is on.

use std::collections::BTreeMap;

use crate::machine::{Event, Label, Model, Pending, ProcessId, System};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::{executor, pool, rendezvous, rpc, worker};
use crate::models::tensorflow::process::{NodeId, Process, StepId, Thread, ThreadId};

/// The thread that runs a label, under a name that a slice and the whole graph share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// The thread that a node of a step runs on: its own closure, or inline another one's.
    Node(StepId, String),
    /// The thread of this name.
    Thread(String),
    /// Any thread: who counts out the last node depends on how many there are.
    Anyone,
}

/// A run so far.
pub(super) struct Run<'m> {
    pub(super) model: &'m TensorFlow,
    pub(super) system: System<Process>,
    pub(super) events: Vec<Event>,
    /// The node that the closure of a node is on, where that is another one.
    nodes: BTreeMap<(ProcessId, ThreadId), NodeId>,
}

impl<'m> Run<'m> {
    pub(super) fn new(model: &'m TensorFlow) -> Self {
        Self {
            model,
            system: System::initial(model),
            events: Vec::new(),
            nodes: BTreeMap::new(),
        }
    }

    pub(super) fn process(&self, id: ProcessId) -> &Process {
        &self.system.processes[id.index()]
    }

    pub(super) fn thread(&self, id: ProcessId, thread: ThreadId) -> &Thread {
        self.process(id).thread(thread).expect("a pending thread lives")
    }

    pub(super) fn threads(&self, id: ProcessId) -> Vec<Pending<ThreadId>> {
        self.model.threads(id, self.process(id))
    }

    /// Runs the next label of a thread. Contracts are checked when the schedule that comes out is replayed.
    pub(super) fn step(&mut self, id: ProcessId, pending: &Pending<ThreadId>, choice: u32) {
        let event = self.system.event(self.model, id, pending, choice);
        self.system.step_unchecked(self.model, id, pending, choice);
        self.events.push(event);
        let thread = self.process(id).thread(pending.thread);
        match thread.map(|thread| (thread.id, thread.at().subject().node)) {
            Some((ThreadId::Node(..), Some(node))) => {
                self.nodes.insert((id, pending.thread), node);
            }
            Some(_) => {}
            None => {
                self.nodes.remove(&(id, pending.thread));
            }
        }
    }

    /// Returns the node that a thread is on, if it is the closure of one.
    pub(super) fn node_of(&self, id: ProcessId, thread: ThreadId) -> Option<(StepId, NodeId)> {
        match thread {
            ThreadId::Node(step, own) => Some((step, *self.nodes.get(&(id, thread)).unwrap_or(&own))),
            _ => None,
        }
    }

    pub(super) fn node_name(&self, id: ProcessId, step: StepId, node: NodeId) -> &str {
        &self.model.node(step, id, node).name
    }

    pub(super) fn who(&self, id: ProcessId, thread: ThreadId) -> Who {
        match self.node_of(id, thread) {
            Some((step, node)) => Who::Node(step, self.node_name(id, step, node).to_owned()),
            None => Who::Thread(self.model.thread_name(id, self.process(id), thread)),
        }
    }

    pub(super) fn object(&self, id: ProcessId, pending: &Pending<ThreadId>) -> String {
        self.model.object_name(id, self.process(id), pending.operation.object)
    }

    /// Returns true if the step carries an error in this process already.
    pub(super) fn has_failed(&self, id: ProcessId, step: StepId) -> bool {
        self.process(id)
            .execution(step)
            .is_some_and(|execution| execution.failed)
    }
}

/// The labels that only keep the books of pools and executors: how often and by whom they run depends on how many nodes there are.
static BOOK_KEEPING: [&Label; 8] = [
    &pool::TAKE,
    &pool::IDLE,
    &executor::PROPAGATE,
    &executor::OUTSTANDING,
    &executor::DISPATCH,
    &worker::ROOT,
    // Who holds the mutex, or the completion queue, for longer only lets others wait.
    &rendezvous::ABORT_UNLOCK,
    &rpc::QUEUE_IDLE,
];

/// Returns true if the next label of a thread only keeps books.
pub(super) fn is_book_keeping(run: &Run<'_>, id: ProcessId, thread: &Thread) -> bool {
    let label = thread.at().label();
    let late = label == &executor::LATCH && thread.at().subject().step.is_some_and(|step| run.has_failed(id, step));
    late || BOOK_KEEPING.contains(&label)
}
