//! Conformance of the model with itself: a trace of it should agree with the model: `conform` should miss no schedule for want of trying.
//! It does not hold yet, see the rules in `models/tensorflow/evidence/conform/policy.rs`.

use lastbatch::models::tensorflow::evidence::conform::{Trace, conform};
use lastbatch::models::tensorflow::job::Data;

use crate::support::recorder;

use super::conform::whole_graph;

/// Tells on how many of the seeds the whole trace agrees and nothing is left that it would show. Where it does, the end must be the right
/// one.
fn agreements(data: Data, inter_op: u8, seeds: std::ops::Range<u64>) -> usize {
    let model = whole_graph(data, inter_op);
    let agrees = |seed: &u64| {
        let (text, returned) = recorder::record(&model, *seed);
        let trace = Trace::parse("trace", &text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let outcome = conform(&model, &trace);
        let whole = outcome.agreed && outcome.after_end.is_empty();
        if whole {
            assert_eq!(outcome.signature.is_none(), returned, "seed {seed}: {outcome}");
        }
        whole
    };
    seeds.filter(agrees).count()
}

// A known gap: a `_Send` that a search holds back inline starves the pool, so some traces that the model made itself are refused. The
// counts are what was measured; a change that raises them should say so here, one that lowers them has made the gap wider, unless the
// model is another one: then the same seeds draw other runs (3 to 7 of 19 and 4 to 6 of 15 over six versions of it).

#[test]
fn known_gap_some_traces_of_a_last_batch_are_refused() {
    assert_eq!(agreements(Data::End, 4, 1..20), 3);
}

#[test]
fn known_gap_some_traces_of_a_last_batch_on_two_pool_threads_are_refused() {
    assert_eq!(agreements(Data::End, 2, 100..115), 4);
}

#[test]
fn known_gap_some_traces_of_an_ordinary_step_are_refused() {
    assert_eq!(agreements(Data::Batch, 4, 1..10), 0);
}
