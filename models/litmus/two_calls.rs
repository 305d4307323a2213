//! A master and two calls: it issues them one after the other while somebody cancels both, because another partition has failed.
//!
//! `RunPartitionsHelper` issues one RunGraph for each partition: it installs the cancel function
//! (`distributed_runtime/rpc/grpc_state.h:54`) and starts the call (`66`), which is not sent if it is cancelled by then.
//! `RunManyGraphs::WhenDone` cancels every call in order (`distributed_runtime/master_session.cc:515`). Where no function is installed
//! yet, `CallOptions::StartCancel` does nothing and is not repeated (`distributed_runtime/call_options.cc:24`). So the first call can miss
//! its cancel and the second get it: the first server runs, waits for a tensor of the second, which never runs, and the master waits for
//! both (`master_session.cc:674`). If a call remembers that it was cancelled, and the installation looks, both end.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, Pending, ProcessId, WaitFor};

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
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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

    fn initial(&self) -> State {
        State {
            calls: [Call::default(); COUNT as usize],
            issued: 0,
            cancels: 0,
            returned: false,
        }
    }

    fn threads(&self, _: ProcessId, state: &State) -> Vec<Pending<Thread>> {
        let all_completed = state.calls.iter().all(|call| call.completed);
        let master = match state.issued {
            _ if state.returned => None,
            issued if issued == 2 * COUNT => Some((&WAIT, all_completed)),
            issued if issued.is_multiple_of(2) => Some((&INSTALL, true)),
            _ => Some((&START, true)),
        };
        let canceller = (state.cancels < COUNT).then_some((&CANCEL, true));
        let mut threads = vec![(Thread::Master, master), (Thread::Canceller, canceller)];
        threads.extend((0..COUNT).map(|call| (Thread::Call(call), state.next_of(call))));
        let one = |(thread, next): (Thread, Option<(&'static Label, bool)>)| {
            next.map(|(label, enabled)| pending(thread, label, CALLS.0, Access::Write, enabled))
        };
        threads.into_iter().filter_map(one).collect()
    }

    fn apply(&self, _: ProcessId, state: &mut State, thread: Thread, _: u32, _: &mut Vec<(ProcessId, ())>) {
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
                let label = state.next_of(number).map(|(label, _)| label);
                let call = &mut state.calls[usize::from(number)];
                if label == Some(&HANDLE) {
                    call.runs = true;
                } else {
                    call.completed = true;
                }
            }
        }
    }

    fn thread_name(&self, thread: Thread) -> String {
        match thread {
            Thread::Master => "master".to_owned(),
            Thread::Canceller => "canceller".to_owned(),
            Thread::Call(call) => format!("call{call}"),
        }
    }

    fn object_name(&self, _: ObjectId) -> String {
        "calls".to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![(CALLS, value(state))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("master", state.returned)]
    }

    fn wait_for(&self, system: &[&State], process: ProcessId, _: usize) -> WaitFor {
        let state = system[process.index()];
        let mut closure = WaitFor::default();
        let client = closure.push(None, waits("host", WAIT.name, "calls", None));
        if state.calls[0].runs && !state.calls[0].completed {
            let cause = "the call of the server that it needs was cancelled before it ran";
            closure.push(Some(client), waits("host", RESPOND.name, "tensor", Some(cause)));
        }
        closure
    }

    fn footprint(&self, _: ProcessId, _: &State, _: Thread) -> Footprint {
        Footprint::new().with(CALLS, Access::Write)
    }
}
