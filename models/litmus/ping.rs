//! A call that its caller may reset at any moment: the server drops it then, and somebody has to tell the caller.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, ProcessId, WaitFor};

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

impl Litmus for Ping {
    type State = State;
    type Thread = Thread;
    type Frame = Frame;

    const PROCESSES: &[&str] = &["client", "server"];

    const OBJECTS: &[&str] = &["connection", "call"];

    fn all_threads(&self, process: ProcessId) -> Vec<Thread> {
        match process {
            CLIENT => vec![Thread::Caller, Thread::Timer],
            _ => vec![Thread::Reader, Thread::Answerer],
        }
    }

    fn next(&self, state: &State, thread: Thread) -> Option<Step> {
        let (arrived, open) = (!state.arrived.is_empty(), state.call == Call::Open);
        match thread {
            Thread::Caller if state.call == Call::New => Some(step(&SEND, CALL, Access::Write, true)),
            Thread::Caller => (!state.returned).then(|| step(&AWAIT, CONNECTION, Access::Write, arrived)),
            Thread::Timer => open.then(|| step(&RESET, CALL, Access::Write, true)),
            // What a frame does to the call is part of reading it, so reading is an operation on the call.
            Thread::Reader => Some(step(&READ, CALL, Access::Write, arrived)),
            Thread::Answerer => open.then(|| step(&ANSWER, CALL, Access::Write, true)),
        }
    }

    fn apply(&self, state: &mut State, thread: Thread, _: u32) -> Option<(ProcessId, Frame)> {
        let (call, frame) = match thread {
            Thread::Caller if state.call == Call::New => (Call::Open, Some((SERVER, Frame::Ping))),
            Thread::Caller => {
                state.arrived.remove(0);
                state.returned = true;
                return None;
            }
            Thread::Timer => (Call::Closed, Some((SERVER, Frame::Reset))),
            Thread::Reader => match state.arrived.remove(0) {
                Frame::Ping => (Call::Open, None),
                Frame::Reset if state.call == Call::Open => {
                    (Call::Closed, self.reset_is_answered.then_some((CLIENT, Frame::Pong)))
                }
                Frame::Reset | Frame::Pong => return None,
            },
            Thread::Answerer => (Call::Closed, Some((CLIENT, Frame::Pong))),
        };
        state.call = call;
        frame
    }

    fn deliver(&self, state: &mut State, frame: Frame) {
        state.arrived.push(frame);
    }

    fn object_values(&self, process: ProcessId, state: &State) -> Vec<u64> {
        // The server's connection is consumed by operations on the call, so the two count as one object there.
        match process {
            CLIENT => vec![value(&state.arrived), value(&state.call)],
            _ => vec![0, value(&(&state.arrived, state.call))],
        }
    }

    fn clients(&self, process: ProcessId, state: &State) -> Vec<ClientStatus> {
        let caller = status("caller", state.returned);
        if process == CLIENT { vec![caller] } else { Vec::new() }
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let cause = match system[SERVER.index()].call {
            Call::Closed => "dropped with its reset",
            _ => "not answered",
        };
        chain([
            waits("client", AWAIT.name, "connection", None),
            waits("server", ANSWER.name, "call", Some(cause)),
        ])
    }

    fn footprint(&self, _: &State, thread: Thread) -> Footprint {
        let call = Footprint::new().with(CALL, Access::Write);
        match thread {
            Thread::Caller => call.with(CONNECTION, Access::Write),
            // The caller's first label starts the timer, the reader's the answerer.
            Thread::Timer | Thread::Answerer | Thread::Reader => call,
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
