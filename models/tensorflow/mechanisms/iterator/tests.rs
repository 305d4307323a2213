use super::*;
use crate::machine::Label;
use crate::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use crate::models::tensorflow::mechanisms::bench::{Bench, job};
use crate::models::tensorflow::mechanisms::pool;
use crate::models::tensorflow::process::SOURCE;

/// `_SOURCE` runs the only root itself.
const READER: ThreadId = ThreadId::Node(0, SOURCE);
const ANSWERER: ThreadId = ThreadId::GetNext(0, 0);

/// A worker that reads a batch and sends it, up to `label`.
fn reading(source: BatchSource, data: Data, variant: Variant, label: &'static Label) -> Bench {
    let edges = Edges::try_from(vec!["worker->ps0 batch".to_owned()]).expect("edges");
    let mut job = job(builtin(1, &edges, &[], source).expect("a graph"));
    (job.steps[0].data, job.variant) = (data, variant);
    let mut bench = Bench::of(TensorFlow::new(job).expect("a small job"));
    bench.hold("worker0", label);
    bench.go();
    bench
}

#[test]
fn a_read_gives_its_pool_thread_back_and_is_answered_on_the_iterators_own_thread() {
    let mut bench = reading(BatchSource::Iterator, Data::Batch, Variant::Tf112, &SCHEDULE);
    bench.step("worker0", READER);
    assert_eq!(bench.at("worker0", READER), Some(&pool::IDLE));
    assert_eq!(bench.at("worker0", ANSWERER), Some(&GET_NEXT));
}

#[test]
fn a_synchronous_read_keeps_its_pool_thread_until_it_is_answered() {
    let mut bench = reading(BatchSource::Iterator, Data::Batch, Variant::SyncGetNext, &SCHEDULE);
    bench.step("worker0", READER);
    assert_eq!(bench.at("worker0", READER), Some(&GET_NEXT));
    assert_eq!(bench.at("worker0", ANSWERER), None);
    assert_eq!(bench.process("worker0").pool.busy, 1);
}

#[test]
fn a_read_brings_a_batch_or_the_end_which_is_the_nodes_error() {
    for (data, label) in [(Data::Batch, &executor::PROPAGATE), (Data::End, &executor::LATCH)] {
        let mut bench = reading(BatchSource::Iterator, data, Variant::Tf112, &GET_NEXT);
        bench.step("worker0", ANSWERER);
        assert_eq!(bench.at("worker0", ANSWERER), Some(label));
    }
}

#[test]
fn a_dequeue_ends_on_its_pool_thread_either_way() {
    for (data, label) in [(Data::Batch, &executor::PROPAGATE), (Data::End, &executor::LATCH)] {
        let mut bench = reading(BatchSource::Queue, data, Variant::Tf112, &DEQUEUE);
        bench.step("worker0", READER);
        assert_eq!(bench.at("worker0", READER), Some(label));
        assert_eq!(bench.process("worker0").pool.busy, 1);
    }
}

#[test]
fn whoever_reads_delays_nobody() {
    let bench = reading(BatchSource::Iterator, Data::Batch, Variant::Tf112, &SCHEDULE);
    let pending = bench.pending("worker0", READER);
    assert!(pending.enabled && pending.operation.access == Access::BothMover);
}
