//! A model that is wrong, or does not end, is a finding.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use lastbatch::explore::Strategy;
use lastbatch::explore::driver::Limits;
use lastbatch::explore::{Answer, FindingKind, threads};
use lastbatch::machine::{
    Access, ClientStatus, Footprint, FrameSet, Guarantees, Independence, Label, Model, ObjectId, Operation, Pending,
    ProcessId, WaitFor,
};
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::says_nothing;

use super::runs::{by_sample, by_shuttle, by_threads, sample_options};
use crate::support::fault_injection::{Copies, Fault};

/// A thread whose one label goes on until somebody opens the gate.
struct Gate(Arc<Barrier>);

static PASS: Label = Label {
    name: "Gate.pass",
    function: "none",
    site: "none",
};

impl Model for Gate {
    type Process = bool;
    type Thread = u8;
    type Frame = ();

    says_nothing!(outcome leaks);

    fn process_count(&self) -> usize {
        1
    }

    fn process_name(&self, _: ProcessId) -> String {
        "host".to_owned()
    }

    fn initial(&self, _: ProcessId) -> bool {
        false
    }

    fn threads(&self, _: ProcessId, passed: &bool) -> Vec<Pending<u8>> {
        let operation = Operation {
            label: &PASS,
            object: ObjectId(0),
            access: Access::Write,
            part: None,
            choices: 1,
            takes_permit: false,
        };
        let enabled = !passed;
        let pending = Pending {
            thread: 0,
            operation,
            enabled,
        };
        if *passed { Vec::new() } else { vec![pending] }
    }

    fn apply(&self, _: ProcessId, passed: &mut bool, _: u8, _: u32, _: &mut Vec<(ProcessId, ())>) {
        self.0.wait();
        *passed = true;
    }

    fn deliver(&self, _: ProcessId, _: &mut bool, _: ProcessId, _: ()) {}

    fn thread_name(&self, _: ProcessId, _: &bool, _: u8) -> String {
        "passer".to_owned()
    }

    fn object_name(&self, _: ProcessId, _: &bool, _: ObjectId) -> String {
        "gate".to_owned()
    }

    fn object_values(&self, _: ProcessId, passed: &bool) -> Vec<(ObjectId, u64)> {
        vec![(ObjectId(0), u64::from(*passed))]
    }

    fn clients(&self, _: ProcessId, passed: &bool) -> Vec<ClientStatus> {
        vec![ClientStatus {
            name: "passer".to_owned(),
            returned: *passed,
        }]
    }

    fn wait_for(&self, _: &[&bool], _: ProcessId, _: usize) -> WaitFor {
        WaitFor::default()
    }
}

impl Independence for Gate {
    says_nothing!(facts may_send frame_set name permits_come_back eliminate_dead);

    fn footprint(&self, _: ProcessId, _: &bool, (): &(), _: u8) -> Arc<Footprint> {
        Arc::new(Footprint::new().with(ObjectId(0), Access::Write))
    }

    fn delivery_footprint(&self, _: ProcessId, _: &bool, (): &(), _: &FrameSet) -> Arc<Footprint> {
        Arc::new(Footprint::new())
    }
}

impl Guarantees for Gate {
    says_nothing!(guarantees is_inevitable);
}

#[test]
fn the_watchdog_gives_up_an_execution_whose_label_does_not_end_and_says_where_its_threads_are() {
    let gate = Arc::new(Barrier::new(2));
    let options = threads::Options {
        seed: 1,
        max_executions: Some(10),
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
        watchdog: Duration::from_secs(1),
    };
    let verdict = threads::explore(
        &Arc::new(Gate(Arc::clone(&gate))),
        &options,
        &Arc::default(),
        &mut |_| {},
    );
    gate.wait();
    assert_eq!(verdict.answer, Answer::Undecided);
    assert_eq!(verdict.stopped_by.as_deref(), Some("the watchdog"));
    let [finding] = verdict.findings.as_slice() else {
        panic!("{:?}", verdict.findings)
    };
    assert_eq!(finding.kind, FindingKind::Internal);
    assert!(
        finding
            .message
            .ends_with("its threads: host: a label that does not end"),
        "{}",
        finding.message
    );
}

#[test]
fn a_label_that_panics_or_breaks_its_contract_is_a_finding_with_its_schedule_under_every_engine() {
    for (fault, kind, crosswise) in [
        (Fault::Label("Thread.release_first"), FindingKind::Panic, false),
        (Fault::Undeclared, FindingKind::Contract, false),
        (Fault::Initial, FindingKind::Panic, false),
        (Fault::WaitFor, FindingKind::Panic, true),
    ] {
        let broken = Copies {
            model: CrossedLocks { crosswise },
            count: 1,
            fault,
        };
        let mut verdicts = vec![
            by_shuttle(broken, Strategy::Random, Some(20)),
            by_sample(broken, &sample_options(Strategy::Random, 20)),
        ];
        // Only a hang asks why a client waits, and real threads need not find one so soon.
        if fault != Fault::WaitFor {
            verdicts.push(by_threads(broken, 20));
        }
        for verdict in verdicts {
            assert_eq!(verdict.answer, Answer::Undecided);
            let [finding] = verdict.findings.as_slice() else {
                panic!("{:?}", verdict.findings)
            };
            assert_eq!(finding.kind, kind, "{}", finding.message);
            assert_eq!(finding.events.is_empty(), fault == Fault::Initial);
        }
    }
}
