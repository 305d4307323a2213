use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::machine::{Access, Model, ObjectId};
use crate::models::tensorflow::job::Data;
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::mechanisms::bench::{Bench, Transition, models, picks, run_at_random};
use crate::models::tensorflow::mechanisms::{iterator, rendezvous, rpc};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::SOURCE;

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];

fn of_thread(model: &TensorFlow, id: ProcessId, process: &Process, thread: ThreadId) -> Arc<Footprint> {
    let thread = process.thread(thread).expect("a live thread");
    Outlook::new(model, id, process).of_thread(model, thread)
}

fn of_delivery(model: &TensorFlow, id: ProcessId, process: &Process, frames: &FrameSet) -> Arc<Footprint> {
    Outlook::new(model, id, process).of_delivery(model, process, frames)
}

/// Checks that the next operation of every thread is in its footprint.
fn declares_what_its_footprint_has(model: &TensorFlow, id: ProcessId, process: &Process) {
    for pending in model.threads(id, process) {
        let footprint = of_thread(model, id, process, pending.thread);
        let mut next = Footprint::new();
        next.insert_operation(&pending.operation);
        assert!(
            footprint.includes(&next),
            "{:?} at {}",
            pending.thread,
            pending.operation.label
        );
    }
}

/// Checks that a thread may do after a label of its process only what it could do before, or the thread that ran, which started the new
/// ones, or what arrives.
fn footprints_only_shrink(model: &TensorFlow, transition: &Transition<'_>) {
    let id = transition.process;
    let [before, after] = [transition.before, transition.after].map(|system| &system.processes[id.index()]);
    if after.connections.down {
        return;
    }
    let ran = of_thread(model, id, before, transition.thread);
    for thread in &after.threads {
        let mut allowed = (*ran).clone();
        if before.thread(thread.id).is_some() {
            allowed.extend(&of_thread(model, id, before, thread.id));
        } else if let Some(name) = model.footprints.name(thread.id) {
            assert!(ran.spawns(name), "{:?} started {:?}", transition.thread, thread.id);
        }
        let now = of_thread(model, id, after, thread.id);
        assert!(
            allowed.includes(&now),
            "{:?} may do more after {:?} ran",
            thread.id,
            transition.thread
        );
    }
}

/// Checks that whatever an arrival starts was among what arrivals may cause.
fn arrivals_were_foreseen(model: &TensorFlow, transition: &Transition<'_>) {
    let from = transition.process;
    for id in model.process_ids().filter(|id| *id != from) {
        let [before, after] = [transition.before, transition.after].map(|system| &system.processes[id.index()]);
        if before == after || model.may_still_die(id, before) {
            continue;
        }
        let frames = model.frames_that_may_come(from, &transition.before.processes[from.index()], id);
        let caused = of_delivery(model, id, before, &frames);
        // What arrives too late to matter is dead.
        let mut after = after.clone();
        model.eliminate_dead_of(id, &mut after);
        for thread in after.threads.iter().filter(|thread| before.thread(thread.id).is_none()) {
            let now = of_thread(model, id, &after, thread.id);
            assert!(
                caused.includes(&now),
                "{:?} came with a frame of {:?}",
                thread.id,
                transition.thread
            );
            let name = model.footprints.name(thread.id).expect("frames start no timers");
            assert!(caused.spawns(name), "{:?}", thread.id);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn what_a_label_declares_in_a_state_is_in_the_footprint_of_its_thread(model in models(), picks in picks()) {
        run_at_random(&model, &picks, |transition| {
            let id = transition.process;
            declares_what_its_footprint_has(&model, id, &transition.after.processes[id.index()]);
        });
    }

    #[test]
    fn what_threads_may_still_do_only_shrinks_along_a_run(model in models(), picks in picks()) {
        run_at_random(&model, &picks, |transition| footprints_only_shrink(&model, transition));
    }

    #[test]
    fn what_a_frame_starts_was_foreseen_where_it_was_to_come(model in models(), picks in picks()) {
        run_at_random(&model, &picks, |transition| arrivals_were_foreseen(&model, transition));
    }
}

/// The worker's receive is held at `label`.
fn at(label: &'static crate::machine::Label) -> (Bench, ThreadId) {
    let mut bench = Bench::new(1, &EDGES);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", label);
    bench.go();
    (bench, ThreadId::Node(0, SOURCE))
}

fn footprint(bench: &Bench, thread: ThreadId) -> Arc<Footprint> {
    of_thread(&bench.model, bench.id("worker0"), bench.process("worker0"), thread)
}

#[test]
fn a_receive_that_is_yet_to_register_may_still_call_and_fail_its_partition() {
    let (bench, thread) = at(&rendezvous::VALIDATE);
    let footprint = footprint(&bench, thread);
    let uses = |object: ObjectId| footprint.conflicts_with(object, Access::Write);
    let call = bench.call("edge_1_ps0_worker");
    assert!(uses(bench.model.object(rpc::Object::Call(call))));
    assert!(uses(bench.model.object(executor::Object::Status(0))));
}

#[test]
fn a_receive_of_a_step_that_cannot_fail_has_no_abort_and_no_other_call_in_its_footprint() {
    for (data, fails) in [(Data::Batch, false), (Data::End, true)] {
        let mut bench = Bench::changed(1, &EDGES, |job| job.steps[0].data = data);
        bench.hold("worker0", &iterator::GET_NEXT);
        bench.hold("worker0", &rendezvous::VALIDATE);
        bench.go();
        let footprint = footprint(&bench, ThreadId::Node(0, SOURCE));
        let other = bench.call("RunGraph(ps0)");
        for object in [
            executor::Object::Status(0).into(),
            Object::from(rpc::Object::Call(other)),
        ] {
            let writes = footprint.conflicts_with(bench.model.object(object), Access::Read);
            assert_eq!(writes, fails, "{data:?}, {object:?}");
        }
    }
}

#[test]
fn a_footprint_is_computed_once_for_states_with_the_same_facts() {
    let (bench, thread) = at(&rendezvous::REGISTER);
    assert!(Arc::ptr_eq(&footprint(&bench, thread), &footprint(&bench, thread)));
}

#[test]
fn a_request_that_has_arrived_is_not_expected_again() {
    let mut bench = Bench::new(1, &EDGES);
    bench.hold("ps0", &rpc::READ);
    let call = bench.call("RunGraph(ps0)");
    let ps = bench.id("ps0");
    let frames = FrameSet::one(Frame::Request(call).number());
    let name = bench.model.footprints.name(ThreadId::Arrival(call)).expect("a name");
    let spawns = |bench: &Bench| of_delivery(&bench.model, ps, bench.process("ps0"), &frames).spawns(name);
    assert!(spawns(&bench));
    bench.go();
    assert!(!spawns(&bench));
}

#[test]
fn threads_that_choose_a_free_name_have_no_number() {
    let footprints = Footprints::default();
    assert_eq!(footprints.name(ThreadId::Timer(0, 0)), None);
    let [first, second] = [ThreadId::Step(0), ThreadId::Done(0)].map(|thread| footprints.name(thread));
    assert!(first.is_some() && second.is_some() && first != second);
    assert_eq!(footprints.name(ThreadId::Step(0)), first);
}

#[test]
fn nothing_commutes_with_the_end_of_a_process_that_may_still_die() {
    let death = Death {
        task: "ps0".to_owned(),
        restarts: false,
    };
    let faults = Faults {
        death: Some(death),
        ..Faults::default()
    };
    let bench = Bench::new(1, &EDGES).with(faults);
    let ps = bench.id("ps0");
    let footprint = of_thread(&bench.model, ps, bench.process("ps0"), ThreadId::Death);
    assert!(footprint.includes(&Footprint::everything()));
}
