//! A thread's name that is given to a second thread while the first one lives: every engine says so.

use std::sync::Arc;

use lastbatch::explore::Strategy;
use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::{Finding, FindingKind, Verdict};
use lastbatch::machine::{
    Access, ClientStatus, Footprint, FrameSet, Guarantees, Independence, Label, Model, ObjectId, Operation, Pending,
    ProcessId, ThreadName, WaitFor,
};
use lastbatch::says_nothing;

use super::runs::by_shuttle;

/// A runner that spawns a closure twice under one name. All that is left of a closure is a label that nothing conflicts with.
#[derive(Clone, Copy)]
struct Respawn {
    /// Whether the model numbers the closure's name.
    numbered: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct State {
    spawned: u8,
    closure: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Thread {
    Closure,
    Runner,
}

const fn label(name: &'static str) -> Label {
    Label {
        name,
        function: "none",
        site: "none",
    }
}

static SPAWN: Label = label("Runner.spawn");
static FINISH: Label = label("Closure.finish");
const QUEUE: ObjectId = ObjectId(0);
const NAME: ThreadName = ThreadName(0);

impl Model for Respawn {
    type Process = State;
    type Thread = Thread;
    type Frame = ();

    says_nothing!(outcome leaks);

    fn process_count(&self) -> usize {
        1
    }

    fn process_name(&self, _: ProcessId) -> String {
        "host".to_owned()
    }

    fn initial(&self, _: ProcessId) -> State {
        State::default()
    }

    fn threads(&self, _: ProcessId, state: &State) -> Vec<Pending<Thread>> {
        let pending = |thread, label, access| Pending {
            thread,
            operation: Operation {
                label,
                object: QUEUE,
                access,
                part: None,
                choices: 1,
                takes_permit: false,
            },
            enabled: true,
        };
        let closure = state
            .closure
            .then(|| pending(Thread::Closure, &FINISH, Access::BothMover));
        let runner = (state.spawned < 2).then(|| pending(Thread::Runner, &SPAWN, Access::Write));
        closure.into_iter().chain(runner).collect()
    }

    fn apply(&self, _: ProcessId, state: &mut State, thread: Thread, _: u32, _: &mut Vec<(ProcessId, ())>) {
        match thread {
            Thread::Closure => state.closure = false,
            Thread::Runner => {
                assert!(!state.closure, "two threads of one name");
                state.closure = true;
                state.spawned += 1;
            }
        }
    }

    fn deliver(&self, _: ProcessId, _: &mut State, _: ProcessId, (): ()) {}

    fn thread_name(&self, _: ProcessId, _: &State, thread: Thread) -> String {
        format!("{thread:?}").to_lowercase()
    }

    fn object_name(&self, _: ProcessId, _: &State, _: ObjectId) -> String {
        "queue".to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![(QUEUE, u64::from(state.spawned))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        vec![ClientStatus {
            name: "runner".to_owned(),
            returned: state.spawned == 2 && !state.closure,
        }]
    }

    fn wait_for(&self, _: &[&State], _: ProcessId, _: usize) -> WaitFor {
        WaitFor::default()
    }
}

impl Independence for Respawn {
    says_nothing!(facts frame_set permits_come_back eliminate_dead);

    fn footprint(&self, _: ProcessId, _: &State, (): &(), thread: Thread) -> Arc<Footprint> {
        let mut footprint = Footprint::new();
        if thread == Thread::Runner {
            footprint.insert(QUEUE, Access::Write);
            footprint.spawn(NAME);
        }
        Arc::new(footprint)
    }

    fn delivery_footprint(&self, _: ProcessId, _: &State, (): &(), _: &FrameSet) -> Arc<Footprint> {
        Arc::default()
    }

    fn may_send(&self, _: ProcessId, _: &State, _: ProcessId) -> FrameSet {
        FrameSet::none()
    }

    fn name(&self, _: ProcessId, thread: Thread) -> Option<ThreadName> {
        (self.numbered && thread == Thread::Closure).then_some(NAME)
    }
}

impl Guarantees for Respawn {
    says_nothing!(guarantees is_inevitable);
}

fn search(model: Respawn, reductions: Reductions) -> Verdict {
    let options = exhaustive::Options {
        reductions,
        ..exhaustive::Options::default()
    };
    exhaustive::search(&model, &options, &Arc::default(), &mut |_| {})
}

#[test]
fn a_name_that_is_taken_twice_is_a_panic_under_every_engine_whatever_is_left_out() {
    let model = Respawn { numbered: true };
    for verdict in [
        search(model, Reductions::NONE),
        search(model, Reductions::ALL),
        by_shuttle(model, Strategy::Dfs, None),
        by_shuttle(model, Strategy::Random, Some(50)),
    ] {
        let [Finding { kind, message, events }] = verdict.findings.as_slice() else {
            panic!("{}: {:?}", verdict.engine, verdict.findings)
        };
        assert_eq!(
            (*kind, message.as_str()),
            (FindingKind::Panic, "two threads of one name")
        );
        assert_eq!(events.len(), 2, "{}: it spawns and spawns again", verdict.engine);
    }
}

#[test]
fn a_name_without_a_number_says_that_it_is_never_taken_twice_and_a_reduction_relies_on_that() {
    assert_eq!(search(Respawn { numbered: false }, Reductions::ALL).findings, []);
}
