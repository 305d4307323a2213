//! A pool's shutdown: its destructor has to tell every thread to leave, those that sleep and those that are about to.
//!
//! Eigen's pool (`NonBlockingThreadPool.h`) waits in two phases (`EventCount.h`): a thread announces that it may sleep (`Prewait`), looks
//! once more whether there is work or the pool is done, and only then sleeps (`CommitWait`), unless somebody notified since it
//! announced itself. The destructor sets `done_`, notifies everybody, and joins the threads. In this order whoever has not seen the flag
//! yet hears the notification. With the notification first a thread hears it, looks, finds nothing, and sleeps before the flag is set:
//! it is never joined.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, ProcessId, WaitFor};

static PREWAIT: Label = label("EventCount.prewait", "EventCount.h");
static LOOK: Label = label("Pool.wait_for_work", "NonBlockingThreadPool.h");
static COMMIT_WAIT: Label = label("EventCount.commit_wait", "EventCount.h");
static WAKE: Label = label("EventCount.wake", "EventCount.h");
static EXIT: Label = label("Pool.exit", "NonBlockingThreadPool.h");
static SET_DONE: Label = label("Pool.set_done", "NonBlockingThreadPool.h");
static NOTIFY_ALL: Label = label("EventCount.notify_all", "EventCount.h");
static JOIN: Label = label("Pool.join", "NonBlockingThreadPool.h");

const DONE: ObjectId = ObjectId(0);
const EVENTS: ObjectId = ObjectId(1);
const ENDED: ObjectId = ObjectId(2);

/// The model: idle pool threads, and the one that destroys the pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolShutdown {
    /// Threads of the pool.
    pub threads: u8,
    /// Whether the destructor sets the flag before it notifies.
    pub flag_first: bool,
}

/// The place where a pool thread stands: what it does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Prewait,
    Look,
    CommitWait,
    Asleep,
    Exit,
    Ended,
}

/// The place where the destructor stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Destructor {
    #[default]
    First,
    Second,
    Join,
    Returned,
}

/// The flag, which threads have been notified since they announced themselves, and where everybody stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    done: bool,
    notified: Vec<bool>,
    threads: Vec<At>,
    destructor: Destructor,
}

/// The threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thread {
    /// One of the pool.
    Pool(u8),
    /// The one that destroys it.
    Destructor,
}

impl PoolShutdown {
    /// Returns true if the destructor's next label sets the flag; else it notifies.
    fn sets_flag(&self, at: Destructor) -> bool {
        (at == Destructor::First) == self.flag_first
    }

    fn destroy(&self, state: &mut State) {
        let at = state.destructor;
        state.destructor = match at {
            Destructor::First => Destructor::Second,
            Destructor::Second => Destructor::Join,
            Destructor::Join | Destructor::Returned => {
                state.destructor = Destructor::Returned;
                return;
            }
        };
        if self.sets_flag(at) {
            state.done = true;
        } else {
            // Whoever is not announced takes no notice, and clears it when it announces itself.
            state.notified.fill(true);
        }
    }
}

impl Litmus for PoolShutdown {
    type State = State;
    type Thread = Thread;
    type Frame = ();

    const OBJECTS: &[&str] = &["done", "event_count", "threads"];

    fn initial(&self) -> State {
        State {
            notified: vec![false; usize::from(self.threads)],
            threads: vec![At::Prewait; usize::from(self.threads)],
            ..State::default()
        }
    }

    fn all_threads(&self, _: ProcessId) -> Vec<Thread> {
        (0..self.threads)
            .map(Thread::Pool)
            .chain([Thread::Destructor])
            .collect()
    }

    fn next(&self, state: &State, thread: Thread) -> Option<Step> {
        let Thread::Pool(thread) = thread else {
            let ended = state.threads.iter().all(|at| *at == At::Ended);
            return match state.destructor {
                Destructor::Returned => None,
                Destructor::Join => Some(step(&JOIN, ENDED, Access::Write, ended)),
                at if self.sets_flag(at) => Some(step(&SET_DONE, DONE, Access::Write, true)),
                _ => Some(step(&NOTIFY_ALL, EVENTS, Access::Write, true)),
            };
        };
        let index = usize::from(thread);
        match state.threads[index] {
            At::Prewait => Some(step(&PREWAIT, EVENTS, Access::Write, true)),
            At::Look => Some(step(&LOOK, DONE, Access::Read, true)),
            At::CommitWait => Some(step(&COMMIT_WAIT, EVENTS, Access::Write, true)),
            At::Asleep => Some(step(&WAKE, EVENTS, Access::Write, state.notified[index])),
            At::Exit => Some(step(&EXIT, ENDED, Access::Commuting, true)),
            At::Ended => None,
        }
    }

    fn apply(&self, state: &mut State, thread: Thread, _: u32) -> Option<(ProcessId, ())> {
        let Thread::Pool(thread) = thread else {
            self.destroy(state);
            return None;
        };
        let index = usize::from(thread);
        state.threads[index] = match state.threads[index] {
            At::Prewait => {
                state.notified[index] = false;
                At::Look
            }
            At::Look if state.done => At::Exit,
            At::Look => At::CommitWait,
            At::CommitWait if state.notified[index] => At::Prewait,
            At::CommitWait => At::Asleep,
            At::Asleep => At::Prewait,
            At::Exit | At::Ended => At::Ended,
        };
        None
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        let ended = state.threads.iter().filter(|at| **at == At::Ended).count();
        let joined = state.destructor == Destructor::Returned;
        vec![value(&state.done), value(&state.notified), value(&(ended, joined))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("destructor", state.destructor == Destructor::Returned)]
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let mut places = vec![waits("host", JOIN.name, "threads", None)];
        // One place for all of them: how many sleep is no other kind of hang.
        if system[0].threads.contains(&At::Asleep) {
            let cause = "notified before the flag was set";
            places.push(waits("host", WAKE.name, "event count", Some(cause)));
        }
        chain(places)
    }

    fn footprint(&self, state: &State, thread: Thread) -> Footprint {
        let exit = Footprint::new().with(ENDED, Access::Commuting);
        match thread {
            Thread::Pool(thread) if state.threads[usize::from(thread)] == At::Exit => exit,
            _ => [DONE, EVENTS, ENDED]
                .into_iter()
                .fold(exit, |all, object| all.with(object, Access::Write)),
        }
    }
}
