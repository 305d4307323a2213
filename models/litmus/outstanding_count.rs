//! The executor's count of outstanding nodes: whoever brings it to zero ends the step, so taking one off and looking at what is left
//! must be one operation.
//!
//! `ExecutorState::NodeDone` does both with one atomic `fetch_sub` (`common_runtime/executor.cc:2177`); the node that finds nothing left
//! calls `Finish` (`2365`), which the step waits for. With a look first and a decrement afterwards two nodes that end at once both see
//! the other one outstanding: the count comes to zero, and nobody calls `Finish`.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, ProcessId, WaitFor};

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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
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

    const OBJECTS: &[&str] = &["outstanding", "step"];

    fn initial(&self) -> State {
        let first = if self.atomic { At::Decrement(None) } else { At::Look };
        State {
            outstanding: self.nodes,
            nodes: vec![first; usize::from(self.nodes)],
            ..State::default()
        }
    }

    fn all_threads(&self, _: ProcessId) -> Vec<Thread> {
        (0..self.nodes).map(Thread::Node).chain([Thread::Step]).collect()
    }

    fn next(&self, state: &State, thread: Thread) -> Option<Step> {
        let Thread::Node(node) = thread else {
            return (!state.returned).then(|| step(&AWAIT, STEP, Access::Write, state.finished));
        };
        match state.nodes[usize::from(node)] {
            At::Look => Some(step(&LOOK, OUTSTANDING, Access::Read, true)),
            At::Decrement(_) => Some(step(&DECREMENT, OUTSTANDING, Access::Write, true)),
            At::Finish => Some(step(&FINISH, STEP, Access::Write, true)),
            At::Done => None,
        }
    }

    fn apply(&self, state: &mut State, thread: Thread, _: u32) -> Option<(ProcessId, ())> {
        let Thread::Node(node) = thread else {
            state.returned = true;
            return None;
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
        None
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        vec![value(&state.outstanding), value(&(state.finished, state.returned))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("step", state.returned)]
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let cause = match system[0].outstanding {
            0 => "no node saw itself as the last",
            _ => "nodes are outstanding",
        };
        chain([waits("host", AWAIT.name, "step", Some(cause))])
    }

    fn footprint(&self, state: &State, thread: Thread) -> Footprint {
        let finish = Footprint::new().with(STEP, Access::Write);
        match thread {
            Thread::Node(node) => match state.nodes[usize::from(node)] {
                At::Look | At::Decrement(_) => finish.with(OUTSTANDING, Access::Write),
                At::Finish | At::Done => finish,
            },
            Thread::Step => finish,
        }
    }
}
