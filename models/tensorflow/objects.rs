//! The objects of a process and their numbers.

use crate::machine::{ObjectId, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::dataset;
use crate::models::tensorflow::process::{CallId, StepId};

/// An object of a process, as operations name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// The compute pool.
    Pool,
    /// `BaseRendezvousMgr`'s table.
    Table,
    /// The variables that live here.
    Variables,
    /// What passes between a client and its step thread.
    Client,
    /// What passes between the queue runner and its step thread.
    Runner,
    /// The queue of a worker: its elements and its attempts.
    FifoQueue,
    /// The session of a worker: whether it is closed, which step it would cancel.
    Session,
    /// The client completion queue of a remote process.
    Queue(ProcessId),
    /// A step's rendezvous: the local table.
    Local(StepId),
    /// A step's rendezvous: the remote half.
    Remote(StepId),
    /// A step's rendezvous: `session_` and `deferred_calls_`, of the remote half, where no abort touches them.
    Deferred(StepId),
    /// A step's executor: pending counts of its nodes.
    Frames(StepId),
    /// A step's executor: the first error.
    Status(StepId),
    /// A step's executor: the number of outstanding nodes.
    Outstanding(StepId),
    /// A step's cancellation manager.
    Cancellation(StepId),
    /// The mutex and status of a step's `RunManyGraphs`.
    RunMany(StepId),
    /// The counter of unanswered partitions of a step.
    Counter(StepId),
    /// The `CallOptions` of the worker's own partition.
    LocalOptions(StepId),
    /// The `CallOptions` of a client's call.
    ClientOptions(StepId),
    /// The delayed closures of a step.
    Timers(StepId),
    /// The input of a step: the iterator's or the queue's.
    Input(StepId),
    /// An object of a pipeline.
    Dataset(dataset::Object),
    /// A call, on the side that this process is on.
    Call(CallId),
    /// The entry of a call's tensor in the local table: a part of [`Object::Local`].
    Key(CallId),
}

/// Objects that every process has, before those of its queues.
const FIXED: u16 = 7;
/// Objects of each step.
const PER_STEP: u16 = 13;

impl TensorFlow {
    /// The number of an object.
    pub fn object(&self, object: Object) -> ObjectId {
        let step =
            |step: StepId, index: u16| FIXED + self.processes().len() as u16 + u16::from(step) * PER_STEP + index;
        let datasets = || step(self.steps().len() as u8, 0);
        let calls = || datasets() + dataset::Object::count(self.iterators());
        let number = match object {
            Object::Pool => 0,
            Object::Table => 1,
            Object::Variables => 2,
            Object::Client => 3,
            Object::Session => 4,
            Object::Runner => 5,
            Object::FifoQueue => 6,
            Object::Queue(peer) => FIXED + peer.0,
            Object::Local(id) => step(id, 0),
            Object::Remote(id) => step(id, 1),
            Object::Frames(id) => step(id, 2),
            Object::Status(id) => step(id, 3),
            Object::Outstanding(id) => step(id, 4),
            Object::Cancellation(id) => step(id, 5),
            Object::RunMany(id) => step(id, 6),
            Object::Counter(id) => step(id, 7),
            Object::LocalOptions(id) => step(id, 8),
            Object::Timers(id) => step(id, 9),
            Object::Input(id) => step(id, 10),
            Object::Deferred(id) => step(id, 11),
            Object::ClientOptions(id) => step(id, 12),
            Object::Dataset(object) => datasets() + object.number(),
            Object::Call(id) => calls() + id,
            Object::Key(id) => calls() + self.calls().len() as u16 + id,
        };
        ObjectId(number)
    }

    /// Objects of a process: their numbers are below this.
    pub(in crate::models) fn object_count(&self) -> u16 {
        self.object(Object::Key(self.calls().len() as CallId)).0
    }

    /// The object with a number.
    pub fn object_of(&self, id: ObjectId) -> Object {
        let queues = FIXED + self.processes().len() as u16;
        let datasets = queues + self.steps().len() as u16 * PER_STEP;
        let calls = datasets + dataset::Object::count(self.iterators());
        let keys = calls + self.calls().len() as u16;
        match id.0 {
            0 => Object::Pool,
            1 => Object::Table,
            2 => Object::Variables,
            3 => Object::Client,
            4 => Object::Session,
            5 => Object::Runner,
            6 => Object::FifoQueue,
            number if number < queues => Object::Queue(ProcessId(number - FIXED)),
            number if number < datasets => {
                let step = ((number - queues) / PER_STEP) as StepId;
                match (number - queues) % PER_STEP {
                    0 => Object::Local(step),
                    1 => Object::Remote(step),
                    2 => Object::Frames(step),
                    3 => Object::Status(step),
                    4 => Object::Outstanding(step),
                    5 => Object::Cancellation(step),
                    6 => Object::RunMany(step),
                    7 => Object::Counter(step),
                    8 => Object::LocalOptions(step),
                    9 => Object::Timers(step),
                    10 => Object::Input(step),
                    11 => Object::Deferred(step),
                    _ => Object::ClientOptions(step),
                }
            }
            number if number < calls => Object::Dataset(dataset::Object::of_number(number - datasets)),
            number if number < keys => Object::Call(number - calls),
            number => Object::Key(number - keys),
        }
    }

    /// The name of an object for people and schedules; unique within a process.
    pub fn describe_object(&self, object: Object) -> String {
        let step = |what: &str, id: StepId| format!("{what}:{}", self.step_name(id));
        match object {
            Object::Pool => "pool".to_owned(),
            Object::Table => "rendezvous_table".to_owned(),
            Object::Variables => "variables".to_owned(),
            Object::Client => "client".to_owned(),
            Object::Session => "session".to_owned(),
            Object::Runner => "runner".to_owned(),
            Object::FifoQueue => "fifo_queue".to_owned(),
            Object::Queue(peer) => format!("queue:{}", self.processes()[peer.index()].name),
            Object::Local(id) => step("local", id),
            Object::Remote(id) => step("rendezvous", id),
            Object::Deferred(id) => step("deferred", id),
            Object::Frames(id) => step("frames", id),
            Object::Status(id) => step("status", id),
            Object::Outstanding(id) => step("outstanding", id),
            Object::Cancellation(id) => step("cancellation", id),
            Object::RunMany(id) => step("run_many_graphs", id),
            Object::Counter(id) => step("counter", id),
            Object::LocalOptions(id) => step("call_options", id),
            Object::ClientOptions(id) => step("client_options", id),
            Object::Timers(id) => step("timers", id),
            Object::Input(id) => step("input", id),
            Object::Dataset(object) => object.text(),
            Object::Call(id) => format!("call:{}", self.call_name(id)),
            Object::Key(id) => format!("key:{}", self.call_name(id)),
        }
    }
}
