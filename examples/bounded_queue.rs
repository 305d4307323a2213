//! A bounded queue with a lost wake-up: producer and consumers wait for one condition variable, and each change wakes one waiter. That may be
//! one who can't use the change, and then nobody wakes the one who could.
//!
//! `cargo run --example bounded_queue [PAGE.html]`

use lastbatch::machine::{Condvar, ProcessId, SpuriousWakeups};
use lastbatch::{SmallModel, Step, check, labels};

labels! {
    PUT = "Producer.put" => "puts an item and notifies";
    FULL = "Producer.wait" => "waits, since the queue is full";
    TAKE = "Consumer.take" => "takes an item and notifies";
    EMPTY = "Consumer.wait" => "waits, since the queue is empty";
}

const CAPACITY: u8 = 1;
const ITEMS: u8 = 2;

/// The queue, before and after its repair.
#[derive(Clone)]
struct BoundedQueue {
    /// Whether a change wakes every waiter, and not just one.
    notify_all: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Thread {
    Producer,
    Consumer(u8),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct State {
    items: u8,
    changed: Condvar<Thread>,
    put: u8,
    /// Consumers that have their item.
    taken: [bool; ITEMS as usize],
}

impl SmallModel for BoundedQueue {
    type State = State;
    type Thread = Thread;
    type Frame = ();

    const OBJECTS: &[&str] = &["queue"];

    fn initial(&self, _: ProcessId) -> State {
        State::default()
    }

    fn threads(&self, _: ProcessId) -> Vec<Thread> {
        vec![Thread::Producer, Thread::Consumer(0), Thread::Consumer(1)]
    }

    // Each step is what happens between taking the mutex and giving it back, or waiting.
    fn next(&self, _: ProcessId, state: &State, thread: Thread) -> Option<Step<'_, Self>> {
        let (acts, waits, ended, possible) = match thread {
            Thread::Producer => (&PUT, &FULL, state.put == ITEMS, state.items < CAPACITY),
            Thread::Consumer(number) => (&TAKE, &EMPTY, state.taken[usize::from(number)], state.items > 0),
        };
        if ended {
            return None;
        }
        let notifies_one = possible && !self.notify_all;
        let woken = if notifies_one { state.changed.outcomes() } else { 1 };
        let waiting = state.changed.is_waiting(thread);
        let step = self
            .step(if possible && !waiting { acts } else { waits })
            .when(state.changed.may_wake(thread, SpuriousWakeups::Never))
            .because("the wake-up went to one who could not use it");
        Some(step.choose(woken, move |state, chosen| {
            if !possible {
                return state.changed.wait(thread);
            }
            match thread {
                Thread::Producer => (state.items, state.put) = (state.items + 1, state.put + 1),
                Thread::Consumer(number) => {
                    state.items -= 1;
                    state.taken[usize::from(number)] = true;
                }
            }
            if notifies_one {
                state.changed.notify_one(chosen);
            } else {
                state.changed.notify_all();
            }
        }))
    }
}

fn main() {
    let hanging = check(BoundedQueue { notify_all: false });
    if let Some(page) = std::env::args().nth(1) {
        hanging.clone().page(page).run();
    }
    println!("{}", hanging.run());
    println!("{}", check(BoundedQueue { notify_all: true }).run());
}

#[test]
fn a_wake_up_can_go_to_the_wrong_waiter_unless_all_are_woken() {
    let queue = |notify_all| check(BoundedQueue { notify_all }).executions(2_000);
    queue(false).assert_hang_under_every_engine("went to one who could not use it");
    queue(true).assert_no_hang_under_every_engine();
}
