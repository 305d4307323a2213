//! One condition variable for two kinds of waiters: a wake-up of one thread can go to the wrong one.
//!
//! A slot for one item, a producer that fills it twice, two consumers that each empty it once. Whoever finds the slot as it does not
//! want it waits, all for the same condition variable. A consumer that empties the slot and wakes one waiter may wake the other
//! consumer, who finds nothing and waits again: the producer sleeps for ever. Waking everyone is right, and so are wake-ups that need
//! no notification.

use super::{Litmus, Step, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Condvar, Label, ObjectId, ProcessId, SpuriousWakeups, WaitFor};

static PUT: Label = label("Producer.put", "one_condvar:1");
static TAKE: Label = label("Consumer.take", "one_condvar:2");
static NOTIFY: Label = label("Slot.notify", "one_condvar:3");

const SLOT: ObjectId = ObjectId(0);
const PRODUCER: u8 = 0;
const THREADS: u8 = 3;

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct OneCondvar {
    /// Whether a change of the slot wakes everyone who waits, or one of them.
    pub notify_all: bool,
    /// Wake-ups of threads without a notification.
    pub spurious: SpuriousWakeups,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Slot {
    full: bool,
    condvar: Condvar<u8>,
}

/// The rest of a thread's work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Turn {
    changes: u8,
    notifies: bool,
}

/// The slot and the threads: the producer, then the consumers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    slot: Slot,
    turns: [Turn; THREADS as usize],
}

impl State {
    fn is_done(&self, thread: u8) -> bool {
        let turn = self.turns[usize::from(thread)];
        turn.changes == 0 && !turn.notifies
    }
}

impl Litmus for OneCondvar {
    type State = State;
    type Thread = u8;
    type Frame = ();

    const OBJECTS: &[&str] = &["slot"];

    fn initial(&self) -> State {
        let turn = |changes| Turn {
            changes,
            notifies: false,
        };
        State {
            slot: Slot::default(),
            turns: [turn(2), turn(1), turn(1)],
        }
    }

    fn all_threads(&self, _: ProcessId) -> Vec<u8> {
        (0..THREADS).collect()
    }

    fn next(&self, state: &State, thread: u8) -> Option<Step> {
        let condvar = &state.slot.condvar;
        if state.turns[usize::from(thread)].notifies {
            let mut notify = step(&NOTIFY, SLOT, Access::Write, true);
            notify.operation.choices = if self.notify_all { 1 } else { condvar.outcomes() };
            return Some(notify);
        }
        let label = if thread == PRODUCER { &PUT } else { &TAKE };
        let awake = condvar.may_wake(thread, self.spurious);
        (!state.is_done(thread)).then(|| step(label, SLOT, Access::Write, awake))
    }

    fn apply(&self, state: &mut State, thread: u8, choice: u32) -> Option<(ProcessId, ())> {
        let turn = &mut state.turns[usize::from(thread)];
        let slot = &mut state.slot;
        if turn.notifies {
            turn.notifies = false;
            if self.notify_all {
                slot.condvar.notify_all();
            } else {
                slot.condvar.notify_one(choice);
            }
            return None;
        }
        slot.condvar.wake(thread);
        if slot.full == (thread == PRODUCER) {
            slot.condvar.wait(thread);
        } else {
            slot.full = !slot.full;
            turn.changes -= 1;
            turn.notifies = true;
        }
        None
    }

    fn thread_name(&self, thread: u8) -> String {
        match thread {
            PRODUCER => "producer".to_owned(),
            consumer => format!("consumer{consumer}"),
        }
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        vec![value(&state.slot)]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("host", (0..THREADS).all(|thread| state.is_done(thread)))]
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let state = system[0];
        let mut closure = WaitFor::default();
        let client = closure.push(None, waits("host", "Client.await", "threads", None));
        for thread in (0..THREADS).filter(|thread| state.slot.condvar.is_waiting(*thread)) {
            let wants_full = thread != PRODUCER;
            let cause = if state.slot.full == wants_full {
                "its wake-up went to another waiter"
            } else {
                "its condition does not hold"
            };
            let label = if wants_full { TAKE.name } else { PUT.name };
            closure.push(Some(client), waits("host", label, "condition variable", Some(cause)));
        }
        closure
    }
}
