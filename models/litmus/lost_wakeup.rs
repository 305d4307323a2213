//! A condition variable: whoever looks at the flag and parks in two labels can miss the one wake-up.

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{
    Access, ClientStatus, Condvar, Footprint, Label, ObjectId, Pending, ProcessId, SpuriousWakeups, WaitFor,
};

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

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Waiter {
    Check,
    Park,
    Parked,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Signaller {
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
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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

    fn initial(&self) -> State {
        State {
            monitor: Monitor::default(),
            waiter: Waiter::Check,
            signaller: Signaller::Set,
        }
    }

    fn threads(&self, _: ProcessId, state: &State) -> Vec<Pending<Thread>> {
        let waiter = match state.waiter {
            Waiter::Check if self.recheck => Some((&CHECK_AND_PARK, Access::Write, true)),
            Waiter::Check => Some((&CHECK, Access::Read, true)),
            Waiter::Park => Some((&PARK, Access::Write, true)),
            Waiter::Parked => {
                let woken = state.monitor.condvar.may_wake(Thread::Waiter, SpuriousWakeups::Never);
                Some((&WAKE, Access::Write, woken))
            }
            Waiter::Done => None,
        };
        let signaller = match state.signaller {
            Signaller::Set => Some((&SET, Access::Write, true)),
            Signaller::Notify => Some((&NOTIFY, Access::Write, true)),
            Signaller::Done => None,
        };
        let threads = [(Thread::Waiter, waiter), (Thread::Signaller, signaller)];
        let one = |(thread, next): (Thread, Option<(&'static Label, Access, bool)>)| {
            next.map(|(label, access, enabled)| pending(thread, label, MONITOR.0, access, enabled))
        };
        threads.into_iter().filter_map(one).collect()
    }

    fn apply(&self, _: ProcessId, state: &mut State, thread: Thread, _: u32, _: &mut Vec<(ProcessId, ())>) {
        let monitor = &mut state.monitor;
        match thread {
            Thread::Waiter => {
                state.waiter = match state.waiter {
                    Waiter::Check if monitor.flag => Waiter::Done,
                    Waiter::Check if !self.recheck => Waiter::Park,
                    Waiter::Check | Waiter::Park => {
                        monitor.condvar.wait(Thread::Waiter);
                        Waiter::Parked
                    }
                    Waiter::Parked | Waiter::Done => Waiter::Done,
                };
            }
            Thread::Signaller => {
                state.signaller = match state.signaller {
                    Signaller::Set => {
                        monitor.flag = true;
                        Signaller::Notify
                    }
                    Signaller::Notify | Signaller::Done => {
                        monitor.condvar.notify_all();
                        Signaller::Done
                    }
                };
            }
        }
    }

    fn thread_name(&self, thread: Thread) -> String {
        match thread {
            Thread::Waiter => "waiter".to_owned(),
            Thread::Signaller => "signaller".to_owned(),
        }
    }

    fn object_name(&self, _: ObjectId) -> String {
        "monitor".to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![(MONITOR, value(&state.monitor))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![status("waiter", state.waiter == Waiter::Done)]
    }

    fn wait_for(&self, system: &[&State], process: ProcessId, _: usize) -> WaitFor {
        let cause = match system[process.index()].signaller {
            Signaller::Done => "notified before it parked",
            _ => "not notified",
        };
        let mut closure = WaitFor::default();
        closure.push(None, waits("host", WAKE.name, "condition", Some(cause)));
        closure
    }

    fn footprint(&self, _: ProcessId, _: &State, _: Thread) -> Footprint {
        Footprint::new().with(MONITOR, Access::Write)
    }
}
