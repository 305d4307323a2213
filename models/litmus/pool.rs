//! Closures on a pool of few threads: one that waits inside the pool for another can keep it from ever starting.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, ProcessId, WaitFor};

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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    busy: u8,
    flag: bool,
    closures: Vec<At>,
    cells: Vec<bool>,
}

impl Pool {
    fn closures(&self) -> usize {
        usize::from(self.independent) + if self.consumer { 2 } else { 0 }
    }

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
            ObjectId(2 + u32::from(closure))
        }
    }
}

impl Litmus for Pool {
    type State = State;
    type Thread = u8;
    type Frame = ();

    const OBJECTS: &[&str] = &["pool", "flag"];
    const THREADS: &str = "closure";

    fn initial(&self) -> State {
        let closures = self.closures();
        State {
            closures: vec![At::Start; closures],
            cells: vec![false; closures],
            ..State::default()
        }
    }

    fn all_threads(&self, _: ProcessId) -> Vec<u8> {
        (0..self.closures() as u8).collect()
    }

    fn next(&self, state: &State, closure: u8) -> Option<Step> {
        let target = self.target(closure);
        match state.closures[usize::from(closure)] {
            At::Start => {
                let mut start = step(&START, POOL, Access::Write, state.busy < self.servers);
                start.operation.takes_permit = true;
                Some(start)
            }
            At::Work if self.is_consumer(closure) => Some(step(&AWAIT, target, Access::Read, state.flag)),
            At::Work if self.is_producer(closure) => Some(step(&SET, target, Access::Write, true)),
            At::Work => Some(step(&WORK, target, Access::Write, true)),
            At::Finish => Some(step(&FINISH, POOL, Access::BothMover, true)),
            At::Done => None,
        }
    }

    fn apply(&self, state: &mut State, closure: u8, _: u32) -> Option<(ProcessId, ())> {
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
        None
    }

    fn object_name(&self, object: ObjectId) -> String {
        let number = object.index();
        let named = Self::OBJECTS.get(number).map(|name| (*name).to_owned());
        named.unwrap_or_else(|| format!("cell{}", number - Self::OBJECTS.len()))
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        let own = [value(&state.busy), value(&state.flag)];
        own.into_iter().chain(state.cells.iter().map(value)).collect()
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("host", state.closures.iter().all(|at| *at == At::Done))]
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let mut places = vec![waits("host", "Client.await", "closures", None)];
        if self.consumer && system[0].closures[0] == At::Work {
            places.push(waits("host", AWAIT.name, "flag", None));
            let cause = "never started: every server is blocked";
            places.push(waits("host", START.name, "pool", Some(cause)));
        }
        chain(places)
    }

    fn footprint(&self, state: &State, closure: u8) -> Footprint {
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

    fn permits_come_back(&self) -> bool {
        !self.consumer
    }
}
