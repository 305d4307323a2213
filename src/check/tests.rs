use super::*;
use crate::labels;
use crate::machine::{ClientStatus, Label, Model, ObjectId, Operation, Pending, ProcessId, WaitFor};
use crate::small::{SmallModel, Step};

labels! {
    LOOK = "Waiter.look" => "looks at the flag";
    WAIT = "Waiter.wait" => "waits for a wake-up";
    NOTIFY = "Signaller.notify" => "sets the flag and wakes who waits";
}

/// A thread that looks and then waits, and one that wakes it once.
#[derive(Clone, Copy, Debug)]
struct Signal {
    /// Whether nobody can come between the look and the wait.
    atomic: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Thread {
    Waiter,
    Signaller,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct State {
    flag: bool,
    looked: bool,
    waits: bool,
    returned: bool,
}

impl SmallModel for Signal {
    type State = State;
    type Thread = Thread;
    type Frame = ();

    const PROCESSES: &[&str] = &["host"];
    const OBJECTS: &[&str] = &["flag"];

    fn initial(&self, _: ProcessId) -> State {
        State::default()
    }

    fn threads(&self, _: ProcessId) -> Vec<Thread> {
        vec![Thread::Waiter, Thread::Signaller]
    }

    fn next(&self, _: ProcessId, state: &State, thread: Thread) -> Option<Step<'_, Self>> {
        let atomic = self.atomic;
        match thread {
            Thread::Signaller => (!state.flag).then(|| {
                self.step(&NOTIFY).then(|state| {
                    state.flag = true;
                    state.returned |= state.waits;
                })
            }),
            Thread::Waiter if state.returned => None,
            Thread::Waiter if !state.looked => Some(self.step(&LOOK).then(move |state| {
                state.looked = true;
                state.returned = state.flag;
                state.waits = atomic && !state.flag;
            })),
            Thread::Waiter => {
                let wait = self.step(&WAIT).when(!state.waits).because("notified before it waited");
                Some(wait.then(|state| state.waits = true))
            }
        }
    }
}

const HANGS: Signal = Signal { atomic: false };
const RETURNS: Signal = Signal { atomic: true };

fn panic_of(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = crate::machine::panics::catch(run).expect_err("it fails");
    payload.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn an_unexpected_hang_is_told_by_four_facts_and_its_schedule() {
    let failed = check(HANGS).run().failure_in("no hang", None);
    insta::assert_snapshot!(failed);
}

#[test]
fn assertions_pass_and_fail_as_they_say() {
    let found = check(HANGS).assert_hang("notified before");
    let id = found.hangs()[0].signature.id();
    check(HANGS).assert_hang(&id);
    check(HANGS).assert_hang("waiter");
    check(RETURNS).assert_no_hang();
    let text = panic_of(|| drop(check(HANGS).assert_no_hang()));
    assert!(
        text.starts_with("Signal: expected no hang\n\nSignal can hang in 1 way (engine exhaustive, "),
        "{text}"
    );
    let text = panic_of(|| drop(check(HANGS).assert_hang("exhausted")));
    assert!(
        text.starts_with("Signal: expected a hang \"exhausted\"\n\nSignal can hang in 1 way"),
        "{text}"
    );
    let text = panic_of(|| drop(check(RETURNS).named("signal").assert_hang("")));
    assert!(
        text.starts_with("signal: expected a hang\n\nsignal can't hang: proved (engine exhaustive, "),
        "{text}"
    );
}

#[test]
fn every_engine_agrees_and_runs_the_schedule_again() {
    check(HANGS)
        .executions(500)
        .assert_hang_under_every_engine("notified before it waited");
    check(RETURNS).executions(500).assert_no_hang_under_every_engine();
}

#[test]
fn a_search_that_a_bound_ends_proves_nothing() {
    let text = panic_of(|| drop(check(RETURNS).max_states(1).assert_no_hang()));
    assert!(
        text.contains("no hang was found, which is no proof (engine exhaustive, "),
        "{text}"
    );
}

#[test]
fn what_is_kept_of_a_hang_runs_again_on_this_model_and_on_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let checked = check(HANGS).run();
    let files = checked
        .keep(&checked.hangs()[0], &folder.path().join("hangs"))
        .expect("kept");
    assert!(files.iter().all(|file| file.is_file()));
    let outcome = check(HANGS).replay(&files[0]).expect("it hangs again");
    assert!(!outcome.end.clients[0].returned);
    let text = std::fs::read_to_string(&files[0]).expect("a file");
    assert!(
        text.starts_with("lastbatch-schedule: 1\nmodel: Signal\nends: hang\n"),
        "{text}"
    );
    let other = check(HANGS)
        .named("other")
        .replay(&files[0])
        .expect_err("another model");
    assert!(
        other
            .to_string()
            .ends_with(": a schedule of Signal, expected one of other"),
        "{other}"
    );
    let repaired = check(RETURNS).replay(&files[0]).expect_err("it can't hang");
    assert!(repaired.to_string().contains("event 3"), "{repaired}");
}

/// A clock that ticks once, written for the machine itself.
#[derive(Clone, Debug)]
struct Clock;

static TICK: Label = Label {
    name: "Clock.tick",
    function: "ticks",
    site: "here",
};

crate::says_nothing!(all Clock);

impl Model for Clock {
    type Process = bool;
    type Thread = ();
    type Frame = ();

    crate::says_nothing!(outcome leaks);

    fn process_count(&self) -> usize {
        1
    }
    fn process_name(&self, _: ProcessId) -> String {
        "clock".to_owned()
    }
    fn initial(&self, _: ProcessId) -> bool {
        false
    }
    fn threads(&self, _: ProcessId, ticked: &bool) -> Vec<Pending<()>> {
        let operation = Operation {
            label: &TICK,
            object: ObjectId(0),
            access: crate::machine::Access::Write,
            part: None,
            choices: 1,
            takes_permit: false,
        };
        let pending = Pending {
            thread: (),
            operation,
            enabled: true,
        };
        if *ticked { Vec::new() } else { vec![pending] }
    }
    fn apply(&self, _: ProcessId, ticked: &mut bool, (): (), _: u32, _: &mut Vec<(ProcessId, ())>) {
        *ticked = true;
    }
    fn deliver(&self, _: ProcessId, _: &mut bool, _: ProcessId, (): ()) {}
    fn thread_name(&self, _: ProcessId, _: &bool, (): ()) -> String {
        "hand".to_owned()
    }
    fn object_name(&self, _: ProcessId, _: &bool, _: ObjectId) -> String {
        "face".to_owned()
    }
    fn object_values(&self, _: ProcessId, ticked: &bool) -> Vec<(ObjectId, u64)> {
        vec![(ObjectId(0), u64::from(*ticked))]
    }
    fn clients(&self, _: ProcessId, ticked: &bool) -> Vec<ClientStatus> {
        vec![ClientStatus {
            name: "who looks".to_owned(),
            returned: *ticked,
        }]
    }
    fn wait_for(&self, _: &[&bool], _: ProcessId, _: usize) -> WaitFor {
        WaitFor::default()
    }
}

#[test]
fn a_model_that_says_nothing_beside_what_runs_it_can_be_checked() {
    check(Clock).assert_no_hang_under_every_engine();
}
