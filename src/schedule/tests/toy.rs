//! A small model for tests: a client asks a server, which may close before the request arrives and then parks it.

use std::sync::Arc;

use crate::machine::{
    Access, ClientStatus, Footprint, FrameSet, Guarantees, Independence, Label, Model, ObjectId, Operation, Pending,
    ProcessId, WaitFor, WaitNode,
};
use crate::says_nothing;

const WORKER: ProcessId = ProcessId(0);
const SERVER: ProcessId = ProcessId(1);

const fn label(name: &'static str, function: &'static str) -> Label {
    Label {
        name,
        function,
        site: "toy.cc:1",
    }
}

static NEXT: Label = label("Input.next", "Input::GetNext");
static SEND: Label = label("Request.send", "Client::Ask");
static AWAIT: Label = label("Request.await", "Client::Wait");
static SERVE: Label = label("Request.serve", "Server::Handle");
static CLOSE: Label = label("Table.close", "Server::Close");

/// The model; `parks` is its bug.
pub(crate) struct Toy {
    /// Whether a closed server parks requests rather than answers them.
    pub(crate) parks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Thread {
    Step,
    Handler,
    Closer,
}

/// Either process: the worker uses `step` and `answered`, the server the rest.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Process {
    step: u8,
    answered: bool,
    request: bool,
    closed: bool,
    parked: bool,
}

impl Model for Toy {
    type Process = Process;
    type Thread = Thread;
    type Frame = ();

    says_nothing!(outcome leaks);

    fn process_count(&self) -> usize {
        2
    }

    fn process_name(&self, process: ProcessId) -> String {
        if process == WORKER { "worker0" } else { "ps0" }.to_owned()
    }

    fn initial(&self, _process: ProcessId) -> Process {
        Process::default()
    }

    fn threads(&self, process: ProcessId, state: &Process) -> Vec<Pending<Thread>> {
        let pending = |thread, label, object, choices, enabled| Pending {
            thread,
            operation: Operation {
                label,
                object: ObjectId(object),
                access: Access::Write,
                part: None,
                choices,
                takes_permit: false,
            },
            enabled,
        };
        let mut threads = Vec::new();
        if process == WORKER {
            match state.step {
                0 => threads.push(pending(Thread::Step, &NEXT, 0, 2, true)),
                1 => threads.push(pending(Thread::Step, &SEND, 1, 1, true)),
                2 => threads.push(pending(Thread::Step, &AWAIT, 2, 1, state.answered)),
                _ => {}
            }
            return threads;
        }
        if state.request {
            threads.push(pending(Thread::Handler, &SERVE, 0, 1, true));
        }
        if !state.closed {
            threads.push(pending(Thread::Closer, &CLOSE, 0, 1, true));
        }
        threads
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut Process,
        thread: Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, ())>,
    ) {
        match (thread, state.step) {
            (Thread::Step, 0) => state.step = if choice == 0 { 1 } else { 3 },
            (Thread::Step, step) => {
                state.step = step + 1;
                if step == 1 {
                    sent.push((SERVER, ()));
                }
            }
            (Thread::Closer, _) => state.closed = true,
            (Thread::Handler, _) => {
                assert_eq!(process, SERVER);
                state.request = false;
                state.parked = state.closed && self.parks;
                if !state.parked {
                    sent.push((WORKER, ()));
                }
            }
        }
    }

    fn deliver(&self, to: ProcessId, state: &mut Process, _from: ProcessId, _frame: ()) {
        if to == WORKER {
            state.answered = true;
        } else {
            state.request = true;
        }
    }

    fn thread_name(&self, _process: ProcessId, _state: &Process, thread: Thread) -> String {
        match thread {
            Thread::Step => "step",
            Thread::Handler => "request handler",
            Thread::Closer => "closer",
        }
        .to_owned()
    }

    fn object_name(&self, process: ProcessId, _state: &Process, object: ObjectId) -> String {
        let names = if process == WORKER {
            ["input", "connection", "answer"]
        } else {
            ["table"; 3]
        };
        names[object.index()].to_owned()
    }

    fn object_values(&self, process: ProcessId, state: &Process) -> Vec<(ObjectId, u64)> {
        if process == WORKER {
            vec![(ObjectId(2), u64::from(state.answered))]
        } else {
            vec![(ObjectId(0), u64::from(state.closed) * 2 + u64::from(state.parked))]
        }
    }

    fn clients(&self, process: ProcessId, state: &Process) -> Vec<ClientStatus> {
        let client = ClientStatus {
            name: "worker0 sess.run".to_owned(),
            returned: state.step == 3,
        };
        if process == WORKER { vec![client] } else { Vec::new() }
    }

    fn wait_for(&self, _system: &[&Process], _process: ProcessId, _client: usize) -> WaitFor {
        let mut waits = WaitFor::default();
        let client = waits.push(
            None,
            WaitNode {
                role: "worker".into(),
                label: "Request.await".into(),
                object: "answer".into(),
                cause: None,
                detail: "worker0's request to ps0 has no answer".to_owned(),
            },
        );
        waits.push(
            Some(client),
            WaitNode {
                role: "ps".into(),
                label: "Request.serve".into(),
                object: "table".into(),
                cause: Some("parked: the table was closed before the request came".into()),
                detail: "ps0 parked the request".to_owned(),
            },
        );
        waits
    }
}

impl Independence for Toy {
    says_nothing!(facts may_send frame_set name permits_come_back eliminate_dead);

    fn footprint(&self, process: ProcessId, _state: &Process, (): &(), _thread: Thread) -> Arc<Footprint> {
        self.delivery_footprint(process, &Process::default(), &(), &FrameSet::Any)
    }

    fn delivery_footprint(&self, _process: ProcessId, _state: &Process, (): &(), _frames: &FrameSet) -> Arc<Footprint> {
        Arc::new({
            let all = Footprint::new().with(ObjectId(0), Access::Write);
            all.with(ObjectId(1), Access::Write).with(ObjectId(2), Access::Write)
        })
    }
}

impl Guarantees for Toy {
    says_nothing!(guarantees is_inevitable);
}
