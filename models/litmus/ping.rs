//! A call that its caller may reset at any moment: the server drops it then, and somebody has to tell the caller.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, Pending, ProcessId, WaitFor};

static SEND: Label = label("Caller.send", "ping:1");
static AWAIT: Label = label("Caller.await", "ping:2");
static RESET: Label = label("Timer.reset", "ping:3");
static READ: Label = label("Server.read", "ping:4");
static ANSWER: Label = label("Server.answer", "ping:5");

const CLIENT: ProcessId = ProcessId(0);
const SERVER: ProcessId = ProcessId(1);
/// Frames that have arrived.
const CONNECTION: ObjectId = ObjectId(0);
/// The one call.
const CALL: ObjectId = ObjectId(1);

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    /// Whether the server answers a call that was reset before its answer was sent.
    pub reset_is_answered: bool,
}

/// A message between the two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Frame {
    /// The call.
    Ping,
    /// Its cancellation.
    Reset,
    /// Its answer.
    Pong,
}

/// The threads, each of one process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thread {
    /// Sends the call and waits for its answer.
    Caller,
    /// May reset the call, once, after it was sent.
    Timer,
    /// Reads frames.
    Reader,
    /// Answers the call.
    Answerer,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Call {
    #[default]
    New,
    Open,
    /// Of the client: it was reset. Of the server: answered, or dropped.
    Closed,
}

/// The state of a process.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    arrived: Vec<Frame>,
    call: Call,
    returned: bool,
}

impl Ping {
    fn read(&self, state: &mut State, sent: &mut Vec<(ProcessId, Frame)>) {
        match state.arrived.remove(0) {
            Frame::Ping => state.call = Call::Open,
            Frame::Reset if state.call == Call::Open => {
                state.call = Call::Closed;
                if self.reset_is_answered {
                    sent.push((CLIENT, Frame::Pong));
                }
            }
            Frame::Reset | Frame::Pong => {}
        }
    }
}

impl Litmus for Ping {
    type State = State;
    type Thread = Thread;
    type Frame = Frame;

    const PROCESSES: &[&str] = &["client", "server"];

    fn initial(&self) -> State {
        State::default()
    }

    fn threads(&self, process: ProcessId, state: &State) -> Vec<Pending<Thread>> {
        let arrived = !state.arrived.is_empty();
        let mut threads = Vec::new();
        if process == CLIENT {
            match state.call {
                Call::New => threads.push(pending(Thread::Caller, &SEND, CALL.0, Access::Write, true)),
                _ if !state.returned => {
                    threads.push(pending(Thread::Caller, &AWAIT, CONNECTION.0, Access::Write, arrived));
                }
                _ => {}
            }
            if state.call == Call::Open {
                threads.push(pending(Thread::Timer, &RESET, CALL.0, Access::Write, true));
            }
            return threads;
        }
        // What a frame does to the call is part of reading it, so reading is an operation on the call.
        threads.push(pending(Thread::Reader, &READ, CALL.0, Access::Write, arrived));
        if state.call == Call::Open {
            threads.push(pending(Thread::Answerer, &ANSWER, CALL.0, Access::Write, true));
        }
        threads
    }

    fn apply(&self, process: ProcessId, state: &mut State, thread: Thread, _: u32, sent: &mut Vec<(ProcessId, Frame)>) {
        match thread {
            Thread::Caller if state.call == Call::New => {
                state.call = Call::Open;
                sent.push((SERVER, Frame::Ping));
            }
            Thread::Caller => {
                debug_assert_eq!(process, CLIENT);
                state.arrived.remove(0);
                state.returned = true;
            }
            Thread::Timer => {
                state.call = Call::Closed;
                sent.push((SERVER, Frame::Reset));
            }
            Thread::Reader => self.read(state, sent),
            Thread::Answerer => {
                state.call = Call::Closed;
                sent.push((CLIENT, Frame::Pong));
            }
        }
    }

    fn deliver(&self, state: &mut State, frame: Frame) {
        state.arrived.push(frame);
    }

    fn thread_name(&self, thread: Thread) -> String {
        format!("{thread:?}").to_lowercase()
    }

    fn object_name(&self, object: ObjectId) -> String {
        if object == CONNECTION { "connection" } else { "call" }.to_owned()
    }

    fn object_values(&self, process: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        // The server's connection is consumed by operations on the call, so the two count as one object there.
        if process == CLIENT {
            vec![(CONNECTION, value(&state.arrived)), (CALL, value(&state.call))]
        } else {
            vec![(CALL, value(&(&state.arrived, state.call)))]
        }
    }

    fn clients(&self, process: ProcessId, state: &State) -> Vec<ClientStatus> {
        let caller = status("caller", state.returned);
        if process == CLIENT { vec![caller] } else { Vec::new() }
    }

    fn wait_for(&self, system: &[&State], _: ProcessId, _: usize) -> WaitFor {
        let mut closure = WaitFor::default();
        let client = closure.push(None, waits("client", AWAIT.name, "connection", None));
        let cause = match system[SERVER.index()].call {
            Call::Closed => "dropped with its reset",
            _ => "not answered",
        };
        closure.push(Some(client), waits("server", ANSWER.name, "call", Some(cause)));
        closure
    }

    fn footprint(&self, process: ProcessId, _: &State, thread: Thread) -> Footprint {
        match thread {
            Thread::Caller => Footprint::new()
                .with(CONNECTION, Access::Write)
                .with(CALL, Access::Write),
            // The caller's first label starts the timer, the reader's the answerer.
            Thread::Timer | Thread::Answerer | Thread::Reader => {
                debug_assert_eq!(process == CLIENT, thread == Thread::Timer);
                Footprint::new().with(CALL, Access::Write)
            }
        }
    }

    fn eliminate_dead(&self, process: ProcessId, state: &mut State) {
        if process == SERVER && state.call == Call::Closed {
            // The reset of a call that was answered changes nothing.
            state.arrived.clear();
        }
        if process == CLIENT && state.returned {
            state.call = Call::Closed;
        }
    }
}
