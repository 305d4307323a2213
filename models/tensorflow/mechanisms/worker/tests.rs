use super::*;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::rpc::Frame;
use crate::models::tensorflow::mechanisms::{iterator, pool};
use crate::models::tensorflow::release::Status;

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];

/// The worker's input never answers, so that nothing fails by itself.
fn waiting(mut bench: Bench) -> Bench {
    bench.hold("worker0", &iterator::GET_NEXT);
    bench
}

#[test]
fn a_partition_starts_with_one_closure_that_hands_on_all_that_waits_for_nothing() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("worker0", &ROOT);
    bench.hold("worker0", &pool::TAKE);
    bench.go();
    bench.run("worker0", &ROOT);
    assert!(bench.process("worker0").started.contains(0));
    let source = ThreadId::Node(0, SOURCE);
    assert_eq!(bench.standing("worker0", &pool::TAKE), [source]);
    let execution = |bench: &Bench| bench.process("worker0").execution(0).expect("it has started").clone();
    assert_eq!(execution(&bench).outstanding, 1);
    assert!(
        execution(&bench).pending.iter().all(|&count| count > 0),
        "nothing is ready before it"
    );
    bench.hand_roots_on("worker0");
    let roots = bench.model.successors(0, bench.id("worker0"), SOURCE);
    assert_eq!((usize::from(execution(&bench).outstanding), roots.len()), (2, 2));
}

#[test]
fn every_abort_step_sets_a_timer_of_its_own_on_the_rendezvous_that_it_found() {
    let mut bench = waiting(Bench::new(1, &EDGES));
    bench.hold("worker0", &rendezvous::ABORT_LOCAL);
    bench.go();
    for _ in 0..2 {
        bench.does("worker0", rendezvous::abort_step(0));
        bench.go();
    }
    let timers = [ThreadId::Timer(0, 0), ThreadId::Timer(0, 1)];
    assert_eq!(bench.standing("worker0", &rendezvous::ABORT_LOCAL), timers);
    bench.does("worker0", rendezvous::cleanup(0));
    bench.does("worker0", rendezvous::abort_step(0));
    bench.go();
    let found = |timer| {
        bench
            .process("worker0")
            .thread(timer)
            .expect("it is set")
            .at()
            .subject()
            .rendezvous
    };
    assert_eq!(found(timers[0]), found(timers[1]));
    assert_ne!(
        found(timers[0]),
        found(ThreadId::Timer(0, 2)),
        "after a cleanup it is another one"
    );
    assert_eq!(found(ThreadId::Timer(0, 2)), Some(bench.rendezvous_id("worker0")));
}

/// The state of the worker's own options, and the thread that cancels them.
fn cancelled(variant: Variant, change: impl FnOnce(&mut Process)) -> (Bench, ThreadId) {
    let mut bench = waiting(Bench::variant(1, &EDGES, variant));
    bench.hold("worker0", &INSTALL_LOCAL);
    bench.go();
    change(bench.process_mut("worker0"));
    let thread = bench.does("worker0", Pc::CancelLocal(0));
    (bench, thread)
}

fn local(process: &mut Process) -> &mut super::super::master::LocalOptions {
    &mut process.master.as_mut().expect("a worker").local
}

#[test]
fn a_cancel_of_the_workers_own_partition_is_lost_until_its_function_is_installed() {
    let (mut bench, thread) = cancelled(Variant::Tf112, |_| {});
    assert_eq!(bench.at("worker0", thread), None);
    bench.step("worker0", ThreadId::Step(0));
    assert_eq!(
        bench.at("worker0", ThreadId::Step(0)),
        Some(&rendezvous::FIND),
        "nothing is remembered"
    );
    let thread = bench.does("worker0", Pc::CancelLocal(0));
    assert_eq!(bench.at("worker0", thread), Some(&CANCEL_MANAGER));
}

#[test]
fn a_sticky_cancel_of_the_workers_own_partition_runs_when_the_function_is_installed_if_it_has_not_ended() {
    let (mut bench, _) = cancelled(Variant::StickyCancel, |_| {});
    bench.step("worker0", ThreadId::Step(0));
    assert_eq!(bench.at("worker0", ThreadId::Step(0)), Some(&CANCEL_MANAGER));
    let (mut bench, _) = cancelled(Variant::StickyCancel, |process| local(process).done = true);
    bench.step("worker0", ThreadId::Step(0));
    assert_eq!(bench.at("worker0", ThreadId::Step(0)), Some(&rendezvous::FIND));
}

#[test]
fn a_cancel_of_the_workers_own_partition_holds_its_options_until_it_is_done() {
    let (mut bench, thread) = cancelled(Variant::Tf112, |process| local(process).installed = true);
    let clears = bench.start("worker0", Pc::ClearLocal(0));
    while bench.at("worker0", thread) != Some(&RELEASE_LOCAL) {
        assert!(!bench.pending("worker0", clears).enabled);
        bench.step("worker0", thread);
    }
    bench.step("worker0", thread);
    bench.step("worker0", clears);
    let options = local(bench.process_mut("worker0")).clone();
    assert!(options.done && !options.installed && options.lock.is_free());
}

#[test]
fn a_server_that_came_back_answers_run_graph_and_receives_with_errors() {
    let death = Death {
        task: "ps0".to_owned(),
        restarts: true,
    };
    let faults = Faults {
        death: Some(death),
        ..Faults::default()
    };
    let mut bench = waiting(Bench::new(1, &EDGES).with(faults));
    bench.process_mut("ps0").threads.clear();
    bench.process_mut("ps0").connections.restarted = true;
    bench.hold("worker0", &rpc::QUEUE_TAKE);
    bench.go();
    for call in ["RunGraph(ps0)", "edge_1_ps0_worker"] {
        let answer = Frame::Response(bench.call(call), Status::Error);
        assert!(bench.sent.contains(&answer), "{call}");
    }
    let process = bench.process("ps0");
    assert!(!process.started.contains(0) && process.rendezvous.is_empty());
}

#[test]
fn a_process_that_is_told_of_a_cancelled_step_aborts_what_is_there_of_it_and_remembers_it() {
    let mut bench = waiting(Bench::variant(1, &EDGES, Variant::RememberCancelledSteps));
    let start = ThreadId::Arrival(bench.call("RunGraph(ps0)"));
    bench.hold("ps0", start);
    let early = bench.does("ps0", Pc::RememberCancelled(0));
    assert_eq!(bench.at("ps0", early), None, "there is nothing to abort");
    assert!(bench.process("ps0").cancelled_steps.contains(0));
    bench.process_mut("ps0").cancelled_steps.remove(0);
    bench.go();
    let late = bench.does("ps0", Pc::RememberCancelled(0));
    assert_eq!(bench.at("ps0", late), Some(&rendezvous::ABORT_LOCAL));
    bench.go();
    assert!(bench.rendezvous("ps0").aborted && bench.rendezvous("ps0").deferred.is_empty());
}

#[test]
fn a_handler_installs_both_functions_before_it_does_what_was_asked() {
    let bench = Bench::new(1, &EDGES);
    let labels = |call: &str| -> Vec<&str> {
        let places = handler(&bench.model, false, bench.call(call)).into_iter();
        places.map(|place| place.label().name).collect()
    };
    let installs = [
        "Handler.install_cancel",
        "Worker.install_cancel",
        "Rendezvous.find_or_create",
    ];
    assert_eq!(labels("RunGraph(ps0)"), installs);
    assert_eq!(labels("edge_0_worker_ps0"), installs);
    assert_eq!(labels("CleanupGraph(ps0)"), ["Rendezvous.cleanup"]);
    assert_eq!(labels("CancelStep(ps0)"), ["Worker.remember_cancelled"]);
}
