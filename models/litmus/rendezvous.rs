//! A rendezvous that nobody fills: a worker asks a server for a tensor, and the op that should produce it may fail.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, Pending, ProcessId, WaitFor};

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

    fn initial(&self) -> State {
        State::default()
    }

    fn threads(&self, process: ProcessId, state: &State) -> Vec<Pending<Thread>> {
        let arrived = !state.arrived.is_empty();
        let mut threads = Vec::new();
        if process == WORKER {
            if !state.asked {
                threads.push(pending(Thread::Recv, &REQUEST, TABLE.0, Access::BothMover, true));
            } else if !state.received {
                threads.push(pending(Thread::Recv, &AWAIT, CONNECTION.0, Access::Write, arrived));
            }
            return threads;
        }
        if state.waiting {
            let filled = state.produced == Some(true);
            threads.push(pending(Thread::Handler, &REPLY, TABLE.0, Access::Write, filled));
        } else {
            threads.push(pending(
                Thread::Handler,
                &REGISTER,
                CONNECTION.0,
                Access::Write,
                arrived,
            ));
        }
        if state.produced.is_none() {
            let mut op = pending(Thread::Op, &PRODUCE, TABLE.0, Access::Write, true);
            op.operation.choices = 2;
            threads.push(op);
        }
        threads
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut State,
        thread: Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, Frame)>,
    ) {
        match thread {
            Thread::Recv if state.asked => {
                state.arrived.remove(0);
                state.received = true;
            }
            Thread::Recv => {
                debug_assert_eq!(process, WORKER);
                state.asked = true;
                sent.push((SERVER, Frame::Request));
            }
            Thread::Handler if state.waiting => {
                state.waiting = false;
                state.produced = Some(false);
                sent.push((WORKER, Frame::Tensor));
            }
            Thread::Handler => {
                state.arrived.remove(0);
                state.waiting = true;
            }
            Thread::Op => state.produced = Some(choice == 0 || self.failure_is_sent),
        }
    }

    fn deliver(&self, state: &mut State, frame: Frame) {
        state.arrived.push(frame);
    }

    fn thread_name(&self, thread: Thread) -> String {
        format!("{thread:?}").to_lowercase()
    }

    fn object_name(&self, object: ObjectId) -> String {
        if object == CONNECTION {
            "connection"
        } else {
            "rendezvous"
        }
        .to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![(CONNECTION, value(&state.arrived)), (TABLE, value(&state.produced))]
    }

    fn clients(&self, process: ProcessId, state: &State) -> Vec<ClientStatus> {
        let worker = status("worker0 recv", state.received);
        if process == WORKER { vec![worker] } else { Vec::new() }
    }

    fn wait_for(&self, system: &[&State], _: ProcessId, _: usize) -> WaitFor {
        let mut closure = WaitFor::default();
        let client = closure.push(None, waits("worker", AWAIT.name, "connection", None));
        let cause = match system[SERVER.index()].produced {
            Some(false) => "its op failed and sent nothing",
            _ => "its op did not run",
        };
        closure.push(Some(client), waits("ps", REPLY.name, "rendezvous", Some(cause)));
        closure
    }

    fn footprint(&self, process: ProcessId, _: &State, thread: Thread) -> Footprint {
        match thread {
            Thread::Recv => Footprint::new().with(CONNECTION, Access::Write),
            Thread::Handler => Footprint::new()
                .with(CONNECTION, Access::Write)
                .with(TABLE, Access::Write),
            Thread::Op => {
                debug_assert_eq!(process, SERVER);
                Footprint::new().with(TABLE, Access::Write)
            }
        }
    }
}
