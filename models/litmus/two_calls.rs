//! A master and two calls: it issues them one after the other while somebody cancels both, because another partition has failed.
//!
//! `RunPartitionsHelper` issues one RunGraph for each partition: it installs the cancel function
//! (`distributed_runtime/rpc/grpc_state.h:54`) and starts the call (`66`), which is not sent if it is cancelled by then.
//! `RunManyGraphs::WhenDone` cancels every call in order (`distributed_runtime/master_session.cc:515`). Where no function is installed
//! yet, `CallOptions::StartCancel` does nothing and is not repeated (`distributed_runtime/call_options.cc:24`). So the first call can miss
//! its cancel and the second get it: the first server runs, waits for a tensor of the second, which never runs, and the master waits for
//! both (`master_session.cc:674`). If a call remembers that it was cancelled, and the installation looks, both end.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Label, ObjectId, ProcessId, WaitFor};

static INSTALL: Label = label("Call.install_cancel", "grpc_state.h:54");
static START: Label = label("Call.start", "grpc_state.h:66");
static WAIT: Label = label("Master.wait", "master_session.cc:674");
static CANCEL: Label = label("Call.start_cancel", "call_options.cc:24");
static HANDLE: Label = label("Server.handle", "worker.cc:150");
static RESPOND: Label = label("Server.respond", "grpc_call.h:163");
static COMPLETE: Label = label("Call.complete", "grpc_state.h:72");

const CALLS: ObjectId = ObjectId(0);
const COUNT: u8 = 2;

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct TwoCalls {
    /// Whether a call remembers a cancel that came before its cancel function.
    pub sticky: bool,
}

/// One call, as its client and its server know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Call {
    installed: bool,
    started: bool,
    cancelled: bool,
    /// A cancel came before the function.
    remembered: bool,
    /// The server has the request, and runs.
    runs: bool,
    completed: bool,
}

/// The calls, how many labels the master has run, and how many calls the other thread has cancelled.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    calls: [Call; COUNT as usize],
    issued: u8,
    cancels: u8,
    returned: bool,
}

/// The threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thread {
    /// Issues the calls and waits for them.
    Master,
    /// Cancels them.
    Canceller,
    /// The far end of a call: its server, and the thread that completes it.
    Call(u8),
}

impl State {
    /// Returns the next label of a call beyond the master, and whether it can happen.
    fn next_of(&self, call: u8) -> Option<(&'static Label, bool)> {
        let this = &self.calls[usize::from(call)];
        match this {
            Call { completed: true, .. } => None,
            Call {
                started: true,
                cancelled: true,
                ..
            } => Some((&COMPLETE, true)),
            // The first server needs a tensor of the second.
            Call { runs: true, .. } => Some((&RESPOND, call == 1 || self.calls[1].runs)),
            _ => Some((&HANDLE, this.started)),
        }
    }
}

impl Litmus for TwoCalls {
    type State = State;
    type Thread = Thread;
    type Frame = ();

    const OBJECTS: &[&str] = &["calls"];

    fn all_threads(&self, _: ProcessId) -> Vec<Thread> {
        let calls = (0..COUNT).map(Thread::Call);
        [Thread::Master, Thread::Canceller].into_iter().chain(calls).collect()
    }

    fn next(&self, state: &State, thread: Thread) -> Option<Step> {
        let all_completed = state.calls.iter().all(|call| call.completed);
        let (label, enabled) = match thread {
            Thread::Master if state.returned => return None,
            Thread::Master if state.issued == 2 * COUNT => (&WAIT, all_completed),
            Thread::Master if state.issued.is_multiple_of(2) => (&INSTALL, true),
            Thread::Master => (&START, true),
            Thread::Canceller if state.cancels == COUNT => return None,
            Thread::Canceller => (&CANCEL, true),
            Thread::Call(call) => state.next_of(call)?,
        };
        Some(step(label, CALLS, Access::Write, enabled))
    }

    fn apply(&self, state: &mut State, thread: Thread, _: u32) -> Option<(ProcessId, ())> {
        match thread {
            Thread::Master if state.issued == 2 * COUNT => state.returned = true,
            Thread::Master => {
                let call = &mut state.calls[usize::from(state.issued / 2)];
                if state.issued.is_multiple_of(2) {
                    call.installed = true;
                    call.cancelled = call.remembered;
                } else {
                    call.started = true;
                }
                state.issued += 1;
            }
            Thread::Canceller => {
                let call = &mut state.calls[usize::from(state.cancels)];
                state.cancels += 1;
                call.cancelled |= call.installed;
                call.remembered = self.sticky && !call.installed;
            }
            Thread::Call(number) => {
                let handles = state.next_of(number).is_some_and(|(label, _)| label == &HANDLE);
                let call = &mut state.calls[usize::from(number)];
                *(if handles { &mut call.runs } else { &mut call.completed }) = true;
            }
        }
        None
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        vec![value(state)]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("master", state.returned)]
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let first = &system[0].calls[0];
        let cause = Some("the call of the server that it needs was cancelled before it ran");
        let blocked = waits("host", RESPOND.name, "tensor", cause);
        let blocked = Some(blocked).filter(|_| first.runs && !first.completed);
        chain([waits("host", WAIT.name, "calls", None)].into_iter().chain(blocked))
    }
}
