//! The executor's count of outstanding nodes: whoever brings it to zero ends the step, so taking one off and looking at what is left
//! must be one operation.
//!
//! `ExecutorState::NodeDone` does both with one atomic `fetch_sub` (`common_runtime/executor.cc:2177`); the node that finds nothing left
//! calls `Finish` (`2365`), which the step waits for. With a look first and a decrement afterwards two nodes that end at once both see
//! the other one outstanding: the count comes to zero, and nobody calls `Finish`.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, Pending, ProcessId, WaitFor};

static LOOK: Label = label("Executor.read_outstanding", "executor.cc:2177");
static DECREMENT: Label = label("Executor.outstanding", "executor.cc:2177");
static FINISH: Label = label("Executor.finish", "executor.cc:2365");
static AWAIT: Label = label("Step.await", "executor.cc:2365");

const OUTSTANDING: ObjectId = ObjectId(0);
const STEP: ObjectId = ObjectId(1);

/// The model: a step whose nodes all run, each on a thread of its own, and the thread that waits for the step.
#[derive(Clone, Copy, Debug)]
pub struct OutstandingCount {
    /// Nodes of the step.
    pub nodes: u8,
    /// Whether a node takes itself off the count and learns in the same operation whether it was the last.
    pub atomic: bool,
}

/// The place where a node stands: what its thread does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Look,
    /// With what the node saw, if it has looked: whether it is the last.
    Decrement(Option<bool>),
    Finish,
    Done,
}

/// The count, whether the step has ended, the nodes and whether the waiting thread has returned.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    outstanding: u8,
    finished: bool,
    nodes: Vec<At>,
    returned: bool,
}

/// The threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thread {
    /// Ends a node.
    Node(u8),
    /// Waits for the step.
    Step,
}

impl Litmus for OutstandingCount {
    type State = State;
    type Thread = Thread;
    type Frame = ();

    fn initial(&self) -> State {
        let first = if self.atomic { At::Decrement(None) } else { At::Look };
        State {
            outstanding: self.nodes,
            finished: false,
            nodes: vec![first; usize::from(self.nodes)],
            returned: false,
        }
    }

    fn threads(&self, _: ProcessId, state: &State) -> Vec<Pending<Thread>> {
        let node = |(node, at): (usize, &At)| {
            let (label, object, access) = match at {
                At::Look => (&LOOK, OUTSTANDING, Access::Read),
                At::Decrement(_) => (&DECREMENT, OUTSTANDING, Access::Write),
                At::Finish => (&FINISH, STEP, Access::Write),
                At::Done => return None,
            };
            Some(pending(Thread::Node(node as u8), label, object.0, access, true))
        };
        let mut threads: Vec<_> = state.nodes.iter().enumerate().filter_map(node).collect();
        if !state.returned {
            threads.push(pending(Thread::Step, &AWAIT, STEP.0, Access::Write, state.finished));
        }
        threads
    }

    fn apply(&self, _: ProcessId, state: &mut State, thread: Thread, _: u32, _: &mut Vec<(ProcessId, ())>) {
        let Thread::Node(node) = thread else {
            state.returned = true;
            return;
        };
        let at = &mut state.nodes[usize::from(node)];
        *at = match *at {
            At::Look => At::Decrement(Some(state.outstanding == 1)),
            At::Decrement(seen) => {
                state.outstanding -= 1;
                let is_last = seen.unwrap_or(state.outstanding == 0);
                if is_last { At::Finish } else { At::Done }
            }
            At::Finish | At::Done => {
                state.finished = true;
                At::Done
            }
        };
    }

    fn thread_name(&self, thread: Thread) -> String {
        match thread {
            Thread::Node(node) => format!("node{node}"),
            Thread::Step => "step".to_owned(),
        }
    }

    fn object_name(&self, object: ObjectId) -> String {
        if object == OUTSTANDING { "outstanding" } else { "step" }.to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![
            (OUTSTANDING, value(&state.outstanding)),
            (STEP, value(&(state.finished, state.returned))),
        ]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("step", state.returned)]
    }

    fn wait_for(&self, system: &[&State], process: ProcessId, _: usize) -> WaitFor {
        let cause = match system[process.index()].outstanding {
            0 => "no node saw itself as the last",
            _ => "nodes are outstanding",
        };
        let mut closure = WaitFor::default();
        closure.push(None, waits("host", AWAIT.name, "step", Some(cause)));
        closure
    }

    fn footprint(&self, _: ProcessId, state: &State, thread: Thread) -> Footprint {
        let finish = Footprint::new().with(STEP, Access::Write);
        match thread {
            Thread::Step => finish,
            Thread::Node(node) => match state.nodes[usize::from(node)] {
                At::Look | At::Decrement(_) => finish.with(OUTSTANDING, Access::Write),
                At::Finish => finish,
                At::Done => Footprint::new(),
            },
        }
    }
}
