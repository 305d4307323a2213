//! A rendezvous that nobody fills: a worker asks a server for a tensor, and the op that should produce it may fail.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, ProcessId, WaitFor};

static REQUEST: Label = label("Recv.request", "rendezvous:1");
static AWAIT: Label = label("Recv.await", "rendezvous:2");
static REGISTER: Label = label("Server.register", "rendezvous:3");
static PRODUCE: Label = label("Server.produce", "rendezvous:4");
static REPLY: Label = label("Server.reply", "rendezvous:5");

const WORKER: ProcessId = ProcessId(0);
const SERVER: ProcessId = ProcessId(1);
/// Frames that have arrived.
const CONNECTION: ObjectId = ObjectId(0);
/// The table of values that the op produced, and of those who wait for it.
const TABLE: ObjectId = ObjectId(1);

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Rendezvous {
    /// Whether an op that fails puts its error into the rendezvous, where the receive finds it.
    pub failure_is_sent: bool,
}

/// A message between the two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Frame {
    /// Asks for the tensor.
    Request,
    /// The tensor, or why there is none.
    Tensor,
}

/// The threads, each of one process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thread {
    /// The worker's receive.
    Recv,
    /// The server's handler of requests.
    Handler,
    /// The server's op.
    Op,
}

/// The state of a process; the worker uses only the connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    arrived: Vec<Frame>,
    asked: bool,
    received: bool,
    waiting: bool,
    produced: Option<bool>,
}

impl Litmus for Rendezvous {
    type State = State;
    type Thread = Thread;
    type Frame = Frame;

    const PROCESSES: &[&str] = &["worker0", "ps0"];

    const OBJECTS: &[&str] = &["connection", "rendezvous"];

    fn all_threads(&self, process: ProcessId) -> Vec<Thread> {
        match process {
            WORKER => vec![Thread::Recv],
            _ => vec![Thread::Handler, Thread::Op],
        }
    }

    fn next(&self, state: &State, thread: Thread) -> Option<Step> {
        let (arrived, filled) = (!state.arrived.is_empty(), state.produced == Some(true));
        match thread {
            Thread::Recv if !state.asked => Some(step(&REQUEST, TABLE, Access::BothMover, true)),
            Thread::Recv => (!state.received).then(|| step(&AWAIT, CONNECTION, Access::Write, arrived)),
            Thread::Handler if state.waiting => Some(step(&REPLY, TABLE, Access::Write, filled)),
            Thread::Handler => Some(step(&REGISTER, CONNECTION, Access::Write, arrived)),
            Thread::Op => state.produced.is_none().then(|| {
                let mut produce = step(&PRODUCE, TABLE, Access::Write, true);
                produce.operation.choices = 2;
                produce
            }),
        }
    }

    fn apply(&self, state: &mut State, thread: Thread, choice: u32) -> Option<(ProcessId, Frame)> {
        match thread {
            Thread::Recv if state.asked => {
                state.arrived.remove(0);
                state.received = true;
            }
            Thread::Recv => {
                state.asked = true;
                return Some((SERVER, Frame::Request));
            }
            Thread::Handler if state.waiting => {
                state.waiting = false;
                state.produced = Some(false);
                return Some((WORKER, Frame::Tensor));
            }
            Thread::Handler => {
                state.arrived.remove(0);
                state.waiting = true;
            }
            Thread::Op => state.produced = Some(choice == 0 || self.failure_is_sent),
        }
        None
    }

    fn deliver(&self, state: &mut State, frame: Frame) {
        state.arrived.push(frame);
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        vec![value(&state.arrived), value(&state.produced)]
    }

    fn clients(&self, process: ProcessId, state: &State) -> Vec<ClientStatus> {
        let worker = status("worker0 recv", state.received);
        if process == WORKER { vec![worker] } else { Vec::new() }
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let cause = match system[SERVER.index()].produced {
            Some(false) => "its op failed and sent nothing",
            _ => "its op did not run",
        };
        chain([
            waits("worker", AWAIT.name, "connection", None),
            waits("ps", REPLY.name, "rendezvous", Some(cause)),
        ])
    }

    fn footprint(&self, _: &State, thread: Thread) -> Footprint {
        let object = |object| Footprint::new().with(object, Access::Write);
        match thread {
            Thread::Recv => object(CONNECTION),
            Thread::Handler => object(CONNECTION).with(TABLE, Access::Write),
            Thread::Op => object(TABLE),
        }
    }
}
