//! The engines that run the model on threads of their own: what they find, that their schedules are schedules of the model, and that
//! recorded schedules hang them every time.

#[allow(dead_code, reason = "other tests use the other faults")]
mod wrapped;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use lastbatch::explore::driver::Limits;
use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::shuttle::{self, Strategy};
use lastbatch::explore::{Answer, FindingKind, Verdict, threads};
use lastbatch::machine::{
    Access, ClientStatus, Footprint, FrameSet, Label, Model, ObjectId, Operation, Pending, ProcessId, WaitFor,
};
use lastbatch::models::job::Variant;
use lastbatch::models::litmus::busy_client::BusyClient;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::lost_wakeup::LostWakeup;
use lastbatch::models::litmus::outstanding_count::OutstandingCount;
use lastbatch::models::litmus::ping::Ping;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::pool_shutdown::PoolShutdown;
use lastbatch::models::litmus::rendezvous::Rendezvous;
use lastbatch::models::litmus::two_calls::TwoCalls;
use lastbatch::run::{Budget, Prepared, prepare};
use lastbatch::scenario::{EngineName, Judgement, Scenario};
use lastbatch::schedule::Schedule;

use wrapped::{Copies, Fault};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn prepared(name: &str, variant: Option<Variant>) -> Prepared {
    let mut scenario = Scenario::load(&scenarios().join(name)).unwrap_or_else(|error| panic!("{error}"));
    let hash = scenario.hash();
    scenario.document.runtime.variant = variant.unwrap_or(scenario.document.runtime.variant);
    prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"))
}

fn schedule(name: &str) -> Schedule {
    Schedule::load(&scenarios().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

const RECORDED: [&str; 4] = ["72eaa422", "7a624761", "7de6dade", "c33d79b5"];

fn shuttle_options(strategy: Strategy, max_executions: Option<u64>) -> shuttle::Options {
    shuttle::Options {
        strategy,
        seed: 7,
        max_executions,
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
    }
}

fn by_shuttle<M: Model + 'static>(model: M, strategy: Strategy, max_executions: Option<u64>) -> Verdict {
    let options = shuttle_options(strategy, max_executions);
    shuttle::explore(&Arc::new(model), &options, &Arc::default(), |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn by_threads<M: Model + 'static>(model: M, max_executions: u64) -> Verdict {
    let options = threads::Options {
        seed: 7,
        max_executions: Some(max_executions),
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
        watchdog: threads::Options::WATCHDOG,
    };
    threads::explore(&Arc::new(model), &options, &Arc::default(), &mut |_| {})
}

fn by_states<M: Model>(model: &M) -> Verdict {
    let options = exhaustive::Options {
        reductions: Reductions {
            leaks: true,
            ..Reductions::NONE
        },
        threads: 1,
        ..exhaustive::Options::default()
    };
    exhaustive::search(model, &options, &Arc::default(), &mut |_| {})
}

fn signatures(verdict: &Verdict) -> Vec<String> {
    let mut ids: Vec<String> = verdict.hangs.iter().map(|hang| hang.signature.to_string()).collect();
    ids.sort();
    ids
}

/// Depth-first search runs every schedule, so it knows as much as the search of every state.
fn agree<M: Model + Clone + 'static>(model: M) {
    let (schedules, states) = (by_shuttle(model.clone(), Strategy::Dfs, None), by_states(&model));
    assert_eq!(schedules.findings, []);
    assert!(schedules.complete && states.complete);
    assert_eq!(schedules.answer, states.answer);
    assert_eq!(signatures(&schedules), signatures(&states));
    assert_eq!(schedules.leaks, states.leaks);
    let sampled = by_shuttle(model.clone(), Strategy::portfolio(), Some(500));
    assert_eq!(
        signatures(&sampled),
        signatures(&states),
        "the portfolio misses none of so small a system"
    );
    assert!(!sampled.complete);
    let real = by_threads(model, 100);
    assert_eq!(real.findings, []);
    let known = signatures(&states);
    assert!(signatures(&real).iter().all(|found| known.contains(found)));
}

#[test]
fn every_schedule_of_a_small_system_gives_what_every_state_gives() {
    agree(CrossedLocks { crosswise: true });
    agree(CrossedLocks { crosswise: false });
    for reset_is_answered in [false, true] {
        agree(Ping { reset_is_answered });
    }
    for fixed in [false, true] {
        agree(OutstandingCount {
            nodes: 2,
            atomic: fixed,
        });
        agree(PoolShutdown {
            threads: 1,
            flag_first: fixed,
        });
        agree(TwoCalls { sticky: fixed });
    }
    agree(Pool {
        servers: 1,
        independent: 0,
        consumer: true,
    });
    agree(Pool {
        servers: 2,
        independent: 1,
        consumer: true,
    });
}

#[test]
fn an_execution_that_never_comes_to_rest_is_cut_off_and_nothing_is_called_complete() {
    let mut options = shuttle_options(Strategy::Random, Some(50));
    options.limits.labels = 500;
    let verdict = shuttle::explore(&Arc::new(BusyClient { fair: false }), &options, &Arc::default(), |_| {});
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
    let executions = verdict.executions.as_ref().expect("counted");
    assert!(executions.cut > 0, "{executions:?}");
    assert_eq!(verdict.answer, Answer::Undecided);
}

#[test]
fn the_same_seed_finds_the_same_and_another_one_runs_other_schedules() {
    let run = |seed| {
        let budget = Budget {
            seed,
            executions: Some(60),
            ..Budget::default()
        };
        let prepared = prepared("small/one_server.toml", None);
        let verdict = prepared.run(EngineName::Shuttle, &budget, &Arc::default(), |_| {});
        let mut verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
        verdict.seconds = 0.0;
        verdict
    };
    assert_eq!(run(1), run(1));
    let labels = |verdict: Verdict| verdict.executions.expect("counted").labels;
    assert_ne!(labels(run(1)), labels(run(2)));
}

/// What the engine found is an ordinary schedule: the machine replays it to the same hang.
fn hangs_of_two_servers(engine: EngineName, budget: &Budget) {
    let prepared = prepared("final_batch/ps2_coupled.toml", None);
    let verdict = prepared.run(engine, budget, &Arc::default(), |_| {});
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.answer, Answer::Hang);
    for hang in &verdict.hangs {
        assert!(RECORDED.contains(&hang.signature.id().as_str()), "{}", hang.signature);
        let mut schedule = prepared.schedule_of(hang);
        let replayed = prepared.verify(&mut schedule, &mut lastbatch::run::Labels::new());
        assert_eq!(replayed.broken_promise(&schedule), None);
    }
}

#[test]
fn shuttle_finds_the_hang_of_two_servers_and_its_schedule_replays() {
    let budget = Budget {
        executions: Some(20_000),
        stop_at_first_hang: true,
        seed: 1,
        strategy: Strategy::Pct(3),
        ..Budget::default()
    };
    hangs_of_two_servers(EngineName::Shuttle, &budget);
}

/// Every schedule that is kept beside a scenario.
fn recorded() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["final_batch", "small", "traces"] {
        let entries = std::fs::read_dir(scenarios().join(folder)).expect("the folder is there");
        let files = entries.map(|entry| entry.expect("readable").path());
        found.extend(files.filter(|file| file.extension().is_some_and(|extension| extension == "schedule")));
    }
    found.sort();
    found
}

/// The model that a schedule was recorded on.
fn model_of(file: &Path, schedule: &Schedule) -> Prepared {
    let mut scenario =
        Scenario::load(&file.with_file_name(&schedule.header.scenario)).unwrap_or_else(|error| panic!("{error}"));
    let hash = scenario.hash();
    scenario
        .document
        .job
        .set_slice_text(&schedule.header.slice)
        .unwrap_or_else(|error| panic!("{error}"));
    scenario.document.runtime.variant = schedule
        .header
        .variant
        .parse()
        .unwrap_or_else(|error| panic!("{error}"));
    prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_recorded_schedule_ends_as_it_promises_under_every_engine() {
    let files = recorded();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let schedule = Schedule::load(&file).unwrap_or_else(|error| panic!("{error}"));
        let prepared = model_of(&file, &schedule);
        for engine in [EngineName::Exhaustive, EngineName::Shuttle, EngineName::Threads] {
            let mut runs = 0;
            let done = prepared.replay_under(engine, &schedule, 3, |outcome| {
                assert_eq!(outcome.broken_promise(&schedule), None, "{engine} {}", file.display());
                assert_eq!(outcome.followed, schedule.events.len());
                runs += 1;
            });
            done.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(runs, 3);
        }
    }
}

#[test]
fn the_portfolio_contradicts_no_expectation_about_the_last_batch() {
    let entries = std::fs::read_dir(scenarios().join("final_batch")).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    assert!(files.len() >= 12, "{files:?}");
    let budget = Budget {
        executions: Some(250),
        ..Budget::default()
    };
    for file in files {
        let scenario = Scenario::load(&file).unwrap_or_else(|error| panic!("{error}"));
        let (hash, expect) = (scenario.hash(), scenario.document.expect.clone());
        let prepared = prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"));
        let verdict = prepared.run(EngineName::Shuttle, &budget, &Arc::default(), |_| {});
        let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
        if let Judgement::Fails(problem) = Judgement::of(expect.as_ref(), &verdict) {
            panic!("{}: {problem}", file.display());
        }
        assert_eq!(verdict.executions.expect("counted").count, 250);
    }
}

#[test]
fn the_recorded_schedule_hangs_real_threads_a_hundred_times_of_a_hundred() {
    let prepared = prepared("final_batch/ps2_coupled.toml", None);
    let schedule = schedule("final_batch/ps2_coupled.7a624761.schedule");
    let mut hung = 0;
    let done = prepared.replay_under(EngineName::Threads, &schedule, 100, |outcome| {
        hung += u32::from(outcome.broken_promise(&schedule).is_none());
    });
    done.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(hung, 100);
}

#[test]
fn under_the_same_prefix_a_fixed_variant_returns_on_real_threads_and_on_coroutines() {
    let schedule = schedule("final_batch/ps2_coupled.7a624761.schedule");
    for variant in [
        Variant::StickyCancel,
        Variant::CheckAfterSend,
        Variant::RememberCancelledSteps,
    ] {
        let prepared = prepared("final_batch/ps2_coupled.toml", Some(variant));
        for engine in [EngineName::Exhaustive, EngineName::Shuttle, EngineName::Threads] {
            let done = prepared.prefix_under(engine, &schedule, 20, |outcome| {
                assert!(
                    outcome.impossible.is_some(),
                    "{variant} can't follow the schedule to its end"
                );
                assert_eq!(outcome.failure, None);
                assert!(outcome.end.at_rest());
                assert!(
                    outcome.end.clients.iter().all(|client| client.returned),
                    "{engine} {variant}"
                );
            });
            done.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn every_engine_stops_at_the_same_event_of_a_schedule_that_differs_and_says_the_same() {
    let prepared = prepared("final_batch/ps2_coupled.toml", Some(Variant::StickyCancel));
    let schedule = schedule("final_batch/ps2_coupled.7de6dade.schedule");
    let mut told = Vec::new();
    for engine in [EngineName::Exhaustive, EngineName::Shuttle, EngineName::Threads] {
        let done = prepared.replay_under(engine, &schedule, 1, |outcome| {
            let mismatch = outcome.mismatch.expect("another variant");
            told.push((outcome.followed, outcome.end, mismatch.to_string()));
        });
        done.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}

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
            takes_server: false,
        };
        let enabled = !passed;
        let pending = Pending {
            thread: 0,
            operation,
            enabled,
        };
        if *passed { Vec::new() } else { vec![pending] }
    }

    fn apply(&self, _: ProcessId, passed: &mut bool, _: u8, _: u8, _: &mut Vec<(ProcessId, ())>) {
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

    fn future(&self, _: ProcessId, _: &bool, _: u8) -> Footprint {
        Footprint::new().with(ObjectId(0), Access::Write)
    }

    fn arrivals(&self, _: ProcessId, _: &bool, _: FrameSet) -> Footprint {
        Footprint::new()
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

#[test]
fn the_watchdog_gives_up_an_execution_whose_label_does_not_end_and_says_where_its_threads_are() {
    let gate = Arc::new(Barrier::new(2));
    let options = threads::Options {
        seed: 1,
        max_executions: Some(10),
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
        watchdog: Duration::from_millis(10),
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
        let mut verdicts = vec![by_shuttle(broken, Strategy::Random, Some(20))];
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

#[test]
fn real_threads_find_the_hangs_of_the_litmus_models_and_record_them() {
    // Each needs only that the other of two threads goes first.
    let lost = by_threads(LostWakeup { recheck: false }, 2_000);
    let expected = by_states(&LostWakeup { recheck: false });
    assert_eq!(lost.findings, []);
    for hang in &lost.hangs {
        assert!(signatures(&expected).contains(&hang.signature.to_string()));
    }
    assert_eq!(by_threads(LostWakeup { recheck: true }, 200).answer, Answer::Undecided);
    assert_eq!(
        by_threads(Rendezvous { failure_is_sent: true }, 200).answer,
        Answer::Undecided
    );
}
