//! Closures on a pool of few threads: one that waits inside the pool for another can keep it from ever starting.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, Pending, ProcessId, WaitFor};

static START: Label = label("Closure.start", "pool:1");
static WORK: Label = label("Closure.work", "pool:2");
static AWAIT: Label = label("Closure.await", "pool:3");
static SET: Label = label("Closure.set", "pool:4");
static FINISH: Label = label("Closure.finish", "pool:5");

const POOL: ObjectId = ObjectId(0);
const FLAG: ObjectId = ObjectId(1);

/// The model: independent closures, and possibly two of which one waits for the other.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Threads of the pool.
    pub servers: u8,
    /// Closures that touch nothing but a cell of their own.
    pub independent: u8,
    /// Whether a closure that waits for a flag and one that sets it are there too.
    pub consumer: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum At {
    Start,
    Work,
    Finish,
    Done,
}

/// The pool, the flag, and each closure with its cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    busy: u8,
    flag: bool,
    closures: Vec<At>,
    cells: Vec<bool>,
}

impl Pool {
    fn is_consumer(&self, closure: u8) -> bool {
        self.consumer && closure == 0
    }

    fn is_producer(&self, closure: u8) -> bool {
        self.consumer && closure == 1
    }

    /// Returns the object of the closure's middle label.
    fn target(&self, closure: u8) -> ObjectId {
        if self.is_consumer(closure) || self.is_producer(closure) {
            FLAG
        } else {
            ObjectId(2 + u16::from(closure))
        }
    }
}

impl Litmus for Pool {
    type State = State;
    type Thread = u8;
    type Frame = ();

    fn initial(&self) -> State {
        let closures = usize::from(self.independent) + if self.consumer { 2 } else { 0 };
        State {
            busy: 0,
            flag: false,
            closures: vec![At::Start; closures],
            cells: vec![false; closures],
        }
    }

    fn threads(&self, _: ProcessId, state: &State) -> Vec<Pending<u8>> {
        let one = |(closure, at): (usize, &At)| {
            let closure = closure as u8;
            let target = self.target(closure).0;
            match at {
                At::Start => {
                    let mut start = pending(closure, &START, POOL.0, Access::Write, state.busy < self.servers);
                    start.operation.takes_permit = true;
                    Some(start)
                }
                At::Work if self.is_consumer(closure) => {
                    Some(pending(closure, &AWAIT, target, Access::Read, state.flag))
                }
                At::Work if self.is_producer(closure) => Some(pending(closure, &SET, target, Access::Write, true)),
                At::Work => Some(pending(closure, &WORK, target, Access::Write, true)),
                At::Finish => Some(pending(closure, &FINISH, POOL.0, Access::BothMover, true)),
                At::Done => None,
            }
        };
        state.closures.iter().enumerate().filter_map(one).collect()
    }

    fn apply(&self, _: ProcessId, state: &mut State, closure: u8, _: u32, _: &mut Vec<(ProcessId, ())>) {
        let index = usize::from(closure);
        state.closures[index] = match state.closures[index] {
            At::Start => {
                state.busy += 1;
                At::Work
            }
            At::Work => {
                if self.is_producer(closure) {
                    state.flag = true;
                } else if !self.is_consumer(closure) {
                    state.cells[index] = true;
                }
                At::Finish
            }
            At::Finish | At::Done => {
                state.busy -= 1;
                At::Done
            }
        };
    }

    fn thread_name(&self, closure: u8) -> String {
        format!("closure{closure}")
    }

    fn object_name(&self, object: ObjectId) -> String {
        match object {
            POOL => "pool".to_owned(),
            FLAG => "flag".to_owned(),
            ObjectId(cell) => format!("cell{}", cell - 2),
        }
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        let mut values = vec![(POOL, value(&state.busy)), (FLAG, value(&state.flag))];
        let cells = state.cells.iter().enumerate();
        values.extend(cells.map(|(cell, set)| (ObjectId(2 + cell as u16), value(set))));
        values
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("host", state.closures.iter().all(|at| *at == At::Done))]
    }

    fn wait_for(&self, system: &[&State], process: ProcessId, _: usize) -> WaitFor {
        let state = system[process.index()];
        let mut closure = WaitFor::default();
        let client = closure.push(None, waits("host", "Client.await", "closures", None));
        if self.consumer && state.closures[0] == At::Work {
            let consumer = closure.push(Some(client), waits("host", AWAIT.name, "flag", None));
            let cause = "never started: every server is blocked";
            closure.push(Some(consumer), waits("host", START.name, "pool", Some(cause)));
        }
        closure
    }

    fn footprint(&self, _: ProcessId, state: &State, closure: u8) -> Footprint {
        let access = if self.is_consumer(closure) {
            Access::Read
        } else {
            Access::Write
        };
        let target = self.target(closure);
        match state.closures[usize::from(closure)] {
            At::Start => Footprint::new().with(POOL, Access::Write).with(target, access),
            At::Work => Footprint::new().with(target, access),
            At::Finish | At::Done => Footprint::new(),
        }
    }

    fn permits_come_back(&self, _: ProcessId, _: ObjectId) -> bool {
        !self.consumer
    }
}
