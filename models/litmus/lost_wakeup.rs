//! A condition variable: whoever looks at the flag and parks in two labels can miss the one wake-up.

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Condvar, Label, ObjectId, ProcessId, SpuriousWakeups, WaitFor};

static CHECK: Label = label("Waiter.check", "lost_wakeup:1");
static PARK: Label = label("Waiter.park", "lost_wakeup:2");
static CHECK_AND_PARK: Label = label("Waiter.check_and_park", "lost_wakeup:3");
static WAKE: Label = label("Waiter.wake", "lost_wakeup:4");
static SET: Label = label("Signaller.set", "lost_wakeup:5");
static NOTIFY: Label = label("Signaller.notify", "lost_wakeup:6");

const MONITOR: ObjectId = ObjectId(0);

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct LostWakeup {
    /// Whether the waiter checks the flag under the lock with which it parks.
    pub recheck: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Waiter {
    #[default]
    Check,
    Park,
    Parked,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Signaller {
    #[default]
    Set,
    Notify,
    Done,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Monitor {
    flag: bool,
    condvar: Condvar<Thread>,
}

/// A monitor, the thread that waits for its flag and the one that sets it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    monitor: Monitor,
    waiter: Waiter,
    signaller: Signaller,
}

/// The threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thread {
    /// Waits for the flag.
    Waiter,
    /// Sets it.
    Signaller,
}

impl Litmus for LostWakeup {
    type State = State;
    type Thread = Thread;
    type Frame = ();

    const OBJECTS: &[&str] = &["monitor"];

    fn all_threads(&self, _: ProcessId) -> Vec<Thread> {
        vec![Thread::Waiter, Thread::Signaller]
    }

    fn next(&self, state: &State, thread: Thread) -> Option<Step> {
        let woken = state.monitor.condvar.may_wake(Thread::Waiter, SpuriousWakeups::Never);
        let (label, access, enabled) = match (thread, state.waiter, state.signaller) {
            (Thread::Waiter, Waiter::Check, _) if self.recheck => (&CHECK_AND_PARK, Access::Write, true),
            (Thread::Waiter, Waiter::Check, _) => (&CHECK, Access::Read, true),
            (Thread::Waiter, Waiter::Park, _) => (&PARK, Access::Write, true),
            (Thread::Waiter, Waiter::Parked, _) => (&WAKE, Access::Write, woken),
            (Thread::Signaller, _, Signaller::Set) => (&SET, Access::Write, true),
            (Thread::Signaller, _, Signaller::Notify) => (&NOTIFY, Access::Write, true),
            (Thread::Waiter, Waiter::Done, _) | (Thread::Signaller, _, Signaller::Done) => return None,
        };
        Some(step(label, MONITOR, access, enabled))
    }

    fn apply(&self, state: &mut State, thread: Thread, _: u32) -> Option<(ProcessId, ())> {
        let State {
            monitor,
            waiter,
            signaller,
        } = state;
        match (thread, &*waiter, &*signaller) {
            (Thread::Waiter, Waiter::Check, _) if monitor.flag => *waiter = Waiter::Done,
            (Thread::Waiter, Waiter::Check, _) if !self.recheck => *waiter = Waiter::Park,
            (Thread::Waiter, Waiter::Check | Waiter::Park, _) => {
                monitor.condvar.wait(Thread::Waiter);
                *waiter = Waiter::Parked;
            }
            (Thread::Waiter, Waiter::Parked | Waiter::Done, _) => *waiter = Waiter::Done,
            (Thread::Signaller, _, Signaller::Set) => {
                monitor.flag = true;
                *signaller = Signaller::Notify;
            }
            (Thread::Signaller, _, Signaller::Notify | Signaller::Done) => {
                monitor.condvar.notify_all();
                *signaller = Signaller::Done;
            }
        }
        None
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        vec![value(&state.monitor)]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("waiter", state.waiter == Waiter::Done)]
    }

    fn wait_for(&self, system: &[&State], _: usize) -> WaitFor {
        let cause = match system[0].signaller {
            Signaller::Done => "notified before it parked",
            _ => "not notified",
        };
        chain([waits("host", WAKE.name, "condition", Some(cause))])
    }
}
