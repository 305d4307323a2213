//! How a label of a thread is declared and run.

use super::TensorFlow;
use crate::machine::{Access, Label, Operation, Pending, ProcessId};
use crate::models::tensorflow::job::graph::Node;
use crate::models::tensorflow::mechanisms::pool;
use crate::models::tensorflow::mechanisms::rpc::Frame;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At, NodeId, Process, StepId, Thread, ThreadId};

/// The operation of a label, before its object has a number.
pub(in crate::models) struct Declared {
    label: &'static Label,
    object: Object,
    access: Access,
    part: Option<Object>,
    choices: u8,
    enabled: bool,
    takes_permit: bool,
}

impl Declared {
    pub(in crate::models) fn new(label: &'static Label, object: Object, access: Access) -> Self {
        Self {
            label,
            object,
            access,
            part: None,
            choices: 1,
            enabled: true,
            takes_permit: false,
        }
    }

    /// With a guard.
    pub(in crate::models) fn when(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Confined to a part of the object.
    pub(in crate::models) fn part(mut self, part: Object) -> Self {
        self.part = Some(part);
        self
    }

    /// With several outcomes.
    pub(in crate::models) fn choices(mut self, choices: u8) -> Self {
        self.choices = choices;
        self
    }

    /// Takes one of a bounded number of servers.
    pub(in crate::models) fn taking_server(mut self) -> Self {
        self.takes_permit = true;
        self
    }
}

/// A thread of a process, to look at.
pub(in crate::models) struct View<'a> {
    pub(in crate::models) model: &'a TensorFlow,
    pub(in crate::models) id: ProcessId,
    pub(in crate::models) process: &'a Process,
    pub(in crate::models) thread: &'a Thread,
}

/// A thread of a process, running one label.
pub(in crate::models) struct Run<'a> {
    pub(in crate::models) model: &'a TensorFlow,
    pub(in crate::models) id: ProcessId,
    pub(in crate::models) process: &'a mut Process,
    pub(in crate::models) thread: Thread,
    pub(in crate::models) choice: u8,
    pub(in crate::models) sent: &'a mut Vec<(ProcessId, Frame)>,
}

impl View<'_> {
    fn declare(&self) -> Declared {
        match self.thread.at() {
            At::PoolTake => {
                let may = self.process.pool.may_take(self.model.pool_size(), self.thread.id);
                Declared::new(&pool::TAKE, Object::Pool, Access::Write)
                    .when(may)
                    .taking_server()
            }
            At::PoolIdle => Declared::new(&pool::IDLE, Object::Pool, Access::BothMover),
            At::Executor(at) => self.declare_executor(at),
            At::Rendezvous(at) => self.declare_rendezvous(at),
            At::Rpc(at) => self.declare_rpc(at),
            At::Worker(at) => self.declare_worker(at),
            At::Master(at) => self.declare_master(at),
            At::Iterator(at) => self.declare_iterator(at),
            At::Session(at) => self.declare_session(at),
            At::Death(at) => self.declare_death(at),
            At::Dataset(at) => self.declare_dataset(at),
            At::Queue(at) => self.declare_queue(at),
        }
    }

    /// The thread with its next operation.
    pub(in crate::models) fn pending(&self) -> Pending<ThreadId> {
        let mut declared = self.declare();
        // Even what commutes with all else does not with the end of the process.
        if declared.access == Access::BothMover && self.model.may_still_die(self.id, self.process) {
            declared.access = Access::Write;
        }
        Pending {
            thread: self.thread.id,
            operation: Operation {
                label: declared.label,
                object: self.model.object(declared.object),
                access: declared.access,
                part: declared.part.map(|part| self.model.object(part)),
                choices: declared.choices.into(),
                takes_permit: declared.takes_permit,
            },
            enabled: declared.enabled,
        }
    }
}

impl Run<'_> {
    /// Runs the label and puts the thread back, if it goes on.
    pub(in crate::models) fn run(mut self) {
        let at = self.thread.stack.pop().expect("a live thread has a position");
        match at {
            At::PoolTake => self.take_pool_thread(),
            At::PoolIdle => self.process.pool.busy -= 1,
            At::Executor(at) => self.apply_executor(at),
            At::Rendezvous(at) => self.apply_rendezvous(at),
            At::Rpc(at) => self.apply_rpc(at),
            At::Worker(at) => self.apply_worker(at),
            At::Master(at) => self.apply_master(at),
            At::Iterator(at) => self.apply_iterator(at),
            At::Session(at) => self.apply_session(at),
            At::Death(at) => self.apply_death(at),
            At::Dataset(at) => self.apply_dataset(at),
            At::Queue(at) => self.apply_queue(at),
        }
        // `ExecutorState::Process` goes on with the nodes that it kept for itself.
        if let (Some(At::PoolIdle), ThreadId::Node(step, _), false) =
            (self.thread.stack.last(), self.thread.id, self.thread.inline.is_empty())
        {
            let node = self.thread.inline.remove(0);
            self.start_node(step, node);
        }
        if !self.thread.stack.is_empty() {
            self.process.spawn(self.thread);
        }
    }

    fn take_pool_thread(&mut self) {
        self.process.pool.take(self.model.pool_size(), self.thread.id);
        if let ThreadId::Node(step, node) = self.thread.id {
            self.start_node(step, node);
        }
    }

    /// A node of this process's partition.
    pub(in crate::models) fn node(&self, step: StepId, node: NodeId) -> &Node {
        self.model.node(step, self.id, node)
    }
}
