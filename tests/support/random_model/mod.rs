//! A family of small random models: threads of two processes run straight-line programs over locks, bags, cells, counters,
//! a pool and a connection, and declare exactly what they do. Signatures contain the whole state at rest, so equal sets of
//! signatures mean equal sets of hanging terminal states.

mod programs;
mod reductions;

pub(crate) use programs::{looping, resting};

use std::sync::Arc;

use std::hash::{Hash, Hasher};

use lastbatch::machine::{
    Access, ClientStatus, Footprint, FrameSet, Guarantees, Independence, Label, Lock, Model, ObjectId, Operation,
    Pending, ProcessId, WaitFor, WaitNode,
};

/// One label of a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    Acquire(u8),
    Release(u8),
    /// Pushes onto a bag.
    Put,
    /// Waits until the bag holds something and takes it.
    Take,
    Set(u8),
    /// Skips the next op if the cell is not zero.
    Test,
    Add,
    /// Skips the next op if the counter is odd.
    Check,
    Send,
    /// Sends a task, which becomes a thread of the other process.
    SendTask(u8),
    Recv,
    /// Skips the next op, or not.
    Choose,
    /// Takes a server of the pool; only at the start of a closure.
    Start,
    /// Gives it back; only at the end of a closure.
    Finish,
}

const LOCKS: u32 = 0;
const BAG: u32 = 2;
const CELL: u32 = 3;
const COUNTER: u32 = 4;
const CONNECTION: u32 = 5;
const POOL: u32 = 6;
const PRIVATE: u32 = 7;
const OBJECTS: u32 = 16;
/// Threads from this number on are tasks.
const TASKS: u8 = 8;

macro_rules! labels {
    ($($name:ident)*) => { [$(Label { name: stringify!($name), function: "random", site: "random:1" }),*] };
}
static LABELS: [Label; 14] =
    labels!(acquire release put take set test add check send send_task recv choose start finish);

impl Op {
    fn label(self) -> &'static Label {
        let index = match self {
            Op::Acquire(_) => 0,
            Op::Release(_) => 1,
            Op::Put => 2,
            Op::Take => 3,
            Op::Set(_) => 4,
            Op::Test => 5,
            Op::Add => 6,
            Op::Check => 7,
            Op::Send => 8,
            Op::SendTask(_) => 9,
            Op::Recv => 10,
            Op::Choose => 11,
            Op::Start => 12,
            Op::Finish => 13,
        };
        &LABELS[index]
    }

    fn object(self, thread: u8) -> ObjectId {
        ObjectId(match self {
            Op::Acquire(lock) | Op::Release(lock) => LOCKS + u32::from(lock),
            Op::Put | Op::Take => BAG,
            Op::Set(_) | Op::Test => CELL,
            Op::Add | Op::Check => COUNTER,
            Op::Recv => CONNECTION,
            Op::Start | Op::Finish => POOL,
            Op::Send | Op::SendTask(_) | Op::Choose => PRIVATE + u32::from(thread),
        })
    }

    fn access(self) -> Access {
        match self {
            Op::Acquire(_) | Op::Take | Op::Set(_) | Op::Recv | Op::Start | Op::Choose | Op::Send => Access::Write,
            Op::Test | Op::Check => Access::Read,
            Op::Add => Access::Commuting,
            // A bag's other users wait until they can take; a lock's and a server's wait until it is given back.
            Op::Release(_) | Op::Put | Op::Finish | Op::SendTask(_) => Access::BothMover,
        }
    }

    fn waits(self) -> bool {
        matches!(self, Op::Acquire(_) | Op::Take | Op::Recv)
    }
}

/// The actions of one task.
const TASK: [fn(u8) -> Op; 2] = [Op::Set, |_| Op::Put];

/// The programs of both processes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Random {
    pub programs: [Vec<Vec<Op>>; 2],
    /// The last thread of each process starts again at its end.
    pub looping: [bool; 2],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Frame {
    Data,
    Task(u8),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct State {
    locks: [Lock<u8>; 2],
    bag: u8,
    cell: u8,
    counter: u8,
    arrived: u8,
    busy: u8,
    at: Vec<u8>,
    /// Value and position, sorted.
    tasks: Vec<(u8, u8)>,
    tasks_arrived: u8,
}

impl Random {
    fn op(&self, process: ProcessId, state: &State, thread: u8) -> Option<Op> {
        if thread >= TASKS {
            let (value, at) = state.tasks[usize::from(thread - TASKS)];
            return Some(TASK[usize::from(at)](value));
        }
        let program = &self.programs[process.index()][usize::from(thread)];
        program.get(usize::from(state.at[usize::from(thread)])).copied()
    }

    fn loops(&self, process: ProcessId, thread: u8) -> bool {
        let threads = self.programs[process.index()].len();
        self.looping[process.index()] && threads > 1 && usize::from(thread) == threads - 1
    }

    fn threads_of(state: &State) -> impl Iterator<Item = u8> {
        let tasks = (0..state.tasks.len() as u8).map(|task| TASKS + task);
        (0..state.at.len() as u8).chain(tasks)
    }

    fn guard(state: &State, thread: u8, op: Op) -> bool {
        match op {
            Op::Acquire(lock) => {
                state.locks[usize::from(lock)].owner() != Some(thread) && state.locks[usize::from(lock)].is_free()
            }
            Op::Take => state.bag > 0,
            Op::Recv => state.arrived > 0,
            Op::Start => state.busy == 0,
            _ => true,
        }
    }

    /// Returns everything that the thread may still do, and what is left of its program.
    fn rest(&self, process: ProcessId, state: &State, thread: u8) -> Vec<Op> {
        if thread >= TASKS {
            let (value, at) = state.tasks[usize::from(thread - TASKS)];
            return TASK[usize::from(at)..].iter().map(|op| op(value)).collect();
        }
        let program = &self.programs[process.index()][usize::from(thread)];
        let from = if self.loops(process, thread) {
            0
        } else {
            usize::from(state.at[usize::from(thread)])
        };
        program[from.min(program.len())..].to_vec()
    }
}

impl Model for Random {
    type Process = State;
    type Thread = u8;
    type Frame = Frame;

    fn process_count(&self) -> usize {
        2
    }

    fn process_name(&self, process: ProcessId) -> String {
        format!("process{}", process.0)
    }

    fn initial(&self, process: ProcessId) -> State {
        State {
            at: vec![0; self.programs[process.index()].len()],
            ..State::default()
        }
    }

    fn threads(&self, process: ProcessId, state: &State) -> Vec<Pending<u8>> {
        let one = |thread: u8| {
            let op = self.op(process, state, thread)?;
            Some(Pending {
                thread,
                operation: Operation {
                    label: op.label(),
                    object: op.object(thread),
                    access: op.access(),
                    part: None,
                    choices: if op == Op::Choose { 2 } else { 1 },
                    takes_permit: op == Op::Start,
                },
                enabled: Self::guard(state, thread, op),
            })
        };
        Self::threads_of(state).filter_map(one).collect()
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut State,
        thread: u8,
        choice: u32,
        sent: &mut Vec<(ProcessId, Frame)>,
    ) {
        let op = self.op(process, state, thread).expect("only live threads run");
        let other = ProcessId(1 - process.0);
        let mut skip = 0;
        match op {
            Op::Acquire(lock) => state.locks[usize::from(lock)].acquire(thread),
            Op::Release(lock) => {
                let lock = &mut state.locks[usize::from(lock)];
                if lock.owner() == Some(thread) {
                    lock.release(thread);
                }
            }
            Op::Put => state.bag += 1,
            Op::Take => state.bag -= 1,
            Op::Set(value) => state.cell = value,
            Op::Test => skip = u8::from(state.cell != 0),
            Op::Add => state.counter += 1,
            Op::Check => skip = state.counter % 2,
            Op::Send => sent.push((other, Frame::Data)),
            Op::SendTask(value) => sent.push((other, Frame::Task(value))),
            Op::Recv => state.arrived -= 1,
            Op::Choose => skip = choice as u8,
            Op::Start => state.busy += 1,
            Op::Finish => state.busy -= 1,
        }
        if thread >= TASKS {
            let index = usize::from(thread - TASKS);
            state.tasks[index].1 += 1;
            if usize::from(state.tasks[index].1) == TASK.len() {
                state.tasks.remove(index);
            }
            state.tasks.sort_unstable();
            return;
        }
        let length = self.programs[process.index()][usize::from(thread)].len() as u8;
        let last = length - u8::from(self.op_at(process, thread, length - 1) == Op::Finish);
        let at = &mut state.at[usize::from(thread)];
        // A closure's last label gives its server back and is never skipped.
        *at = if *at + 1 >= last {
            *at + 1
        } else {
            (*at + 1 + skip).min(last)
        };
        if *at >= length && self.loops(process, thread) {
            *at = 0;
        }
    }

    fn deliver(&self, _: ProcessId, state: &mut State, _: ProcessId, frame: Frame) {
        match frame {
            Frame::Data => state.arrived += 1,
            Frame::Task(value) => {
                state.tasks_arrived += 1;
                state.tasks.push((value, 0));
                state.tasks.sort_unstable();
            }
        }
    }

    fn thread_name(&self, _: ProcessId, _: &State, thread: u8) -> String {
        format!("thread{thread}")
    }

    fn object_name(&self, _: ProcessId, _: &State, object: ObjectId) -> String {
        format!("object{}", object.0)
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        let value = |object: u32| {
            let mut hasher = rustc_hash::FxHasher::default();
            match object {
                0 | 1 => state.locks[object as usize].hash(&mut hasher),
                BAG => state.bag.hash(&mut hasher),
                CELL => state.cell.hash(&mut hasher),
                COUNTER => state.counter.hash(&mut hasher),
                CONNECTION => state.arrived.hash(&mut hasher),
                POOL => state.busy.hash(&mut hasher),
                _ => {}
            }
            (ObjectId(object), hasher.finish())
        };
        (0..OBJECTS).map(value).collect()
    }

    fn clients(&self, process: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![ClientStatus {
            name: format!("process{}", process.0),
            returned: self.op(process, state, 0).is_none(),
        }]
    }

    fn wait_for(&self, system: &[&State], process: ProcessId, _: usize) -> WaitFor {
        let mut closure = WaitFor::default();
        let mut states: Vec<State> = system.iter().map(|state| (*state).clone()).collect();
        for (index, state) in states.iter_mut().enumerate() {
            self.eliminate_dead(ProcessId::new(index), state);
        }
        closure.push(
            None,
            WaitNode {
                role: format!("process{}", process.0).into(),
                label: "client".into(),
                object: "anything".into(),
                cause: Some(format!("{states:?}").into()),
                detail: String::new(),
            },
        );
        closure
    }

    fn leaks(&self, system: &[&State]) -> Vec<String> {
        let states: Vec<_> = system
            .iter()
            .map(|state| (&state.at, &state.tasks, state.bag, state.cell))
            .collect();
        vec![format!("{states:?}")]
    }

    fn outcome(&self, _: &[&Self::Process]) -> Option<String> {
        None
    }
}

impl Random {
    fn op_at(&self, process: ProcessId, thread: u8, at: u8) -> Op {
        self.programs[process.index()][usize::from(thread)][usize::from(at)]
    }
}
