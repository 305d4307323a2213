use super::*;
use crate::models::tensorflow::mechanisms::bench::Bench;
use crate::models::tensorflow::mechanisms::{executor as executors, iterator, rendezvous};
use crate::models::tensorflow::process::SOURCE;

const EDGES: [&str; 2] = ["ps0->worker", "worker->ps0 batch"];
/// The thread of the worker's receive: the last of the roots, which `_SOURCE` keeps.
const RECEIVER: ThreadId = ThreadId::Node(0, SOURCE);

/// The worker's receive is about to be looked at, and what is said of that label.
fn validating() -> (Bench, Said) {
    let mut bench = Bench::new(1, &EDGES);
    bench.hold("worker0", &iterator::GET_NEXT);
    bench.hold("worker0", &rendezvous::VALIDATE);
    bench.go();
    let said = Said::of(&bench.model, bench.id("worker0"), bench.process("worker0"), RECEIVER);
    (bench, said)
}

/// Holds what is said of the label against a state in which the thread has gone on with another place.
fn gone_on_with(place: crate::models::tensorflow::mechanisms::Pc) {
    let (mut bench, said) = validating();
    let process = bench.process_mut("worker0");
    let (_, mut thread) = process.take_thread(RECEIVER);
    thread.stack.pop();
    thread.then([place]);
    process.spawn(thread);
    said.check(bench.process("worker0"), RECEIVER, &[], &[]);
}

#[test]
fn a_label_that_does_what_it_said_passes() {
    let (mut bench, said) = validating();
    bench.step("worker0", RECEIVER);
    said.check(bench.process("worker0"), RECEIVER, &[], &[]);
    assert_eq!(bench.at("worker0", RECEIVER), Some(&rendezvous::REGISTER));
}

#[test]
fn a_label_may_leave_its_thread_with_all_that_it_had_before_it() {
    let (bench, said) = validating();
    said.check(bench.process("worker0"), RECEIVER, &[], &[]);
}

#[test]
#[should_panic(expected = "Recv.validate started Done(0), which its next() does not say")]
fn a_label_that_starts_a_thread_of_which_it_said_nothing_is_an_error() {
    let (bench, said) = validating();
    said.check(bench.process("worker0"), RECEIVER, &[ThreadId::Done(0)], &[]);
}

#[test]
#[should_panic(expected = "Recv.validate sent (ProcessId(1), Reset(1)), which its next() does not say")]
fn a_label_that_sends_a_frame_of_which_it_said_nothing_is_an_error() {
    let (bench, said) = validating();
    let frame = (bench.id("ps0"), rpc::Frame::Reset(1));
    said.check(bench.process("worker0"), RECEIVER, &[], &[frame]);
}

#[test]
#[should_panic(expected = "which its next() does not say")]
fn a_label_that_goes_on_to_a_place_of_which_it_said_nothing_is_an_error() {
    gone_on_with(rendezvous::abort_step(0));
}

#[test]
#[should_panic(expected = "which its next() does not say")]
fn a_label_that_comes_to_carry_a_node_of_which_it_said_nothing_is_an_error() {
    let (mut bench, said) = validating();
    let process = bench.process_mut("worker0");
    let (_, mut thread) = process.take_thread(RECEIVER);
    thread.inline.push(0);
    process.spawn(thread);
    said.check(bench.process("worker0"), RECEIVER, &[], &[]);
}

#[test]
fn a_rendezvous_that_nothing_refers_to_is_dropped_and_the_others_are_numbered_by_their_steps() {
    let mut process = Process::default();
    process.rendezvous.push(Rendezvous::new(1));
    process.rendezvous.push(Rendezvous::new(2));
    process.rendezvous.push(Rendezvous::new(0));
    process.table.push((0, 2));
    process.table.push((1, 0));
    eliminate_unreferenced(&mut process);
    assert_eq!(process.table[..], [(0, 0), (1, 1)]);
    assert_eq!(
        process.rendezvous.iter().map(|state| state.step).collect::<Vec<_>>(),
        [0, 1]
    );
}

#[test]
fn a_rendezvous_in_which_a_receive_waits_is_kept() {
    let mut process = Process::default();
    process.rendezvous.push(Rendezvous::new(0));
    process.rendezvous[0].deferred.push(3);
    eliminate_unreferenced(&mut process);
    assert_eq!(process.rendezvous.len(), 1);
    process.rendezvous[0].deferred.clear();
    eliminate_unreferenced(&mut process);
    assert!(process.rendezvous.is_empty());
}

#[test]
fn a_model_starts_with_its_clients_and_what_is_beside_them_alone() {
    let bench = Bench::new(1, &EDGES);
    let names =
        |process: &str| -> Vec<ThreadId> { bench.process(process).threads.iter().map(|thread| thread.id).collect() };
    assert_eq!((names("worker0"), names("ps0")), (vec![ThreadId::Client], vec![]));
    assert_eq!(
        executors::items(bench.process("worker0").thread(ThreadId::Client).expect("it lives")).count(),
        1
    );
}
