//! Conformance of the model with itself: what a recorder would have written of a run of the model.
//!
//! In a random run threads stand still for longer than any real one. So not all of its traces conform yet, see
//! `docs/real_tensorflow.md`; these do.

use lastbatch::models::tensorflow::evidence::conform::{Outcome, Trace, conform};
use lastbatch::models::tensorflow::job::Data;

use crate::support::recorder;

use super::conform::whole_graph;

/// Records a run and compares it. If it conforms, the schedule has the run's own end.
fn outcome(data: Data, inter_op: u8, seed: u64) -> Outcome {
    let model = whole_graph(data, inter_op);
    let (text, returned) = recorder::record(&model, seed);
    let trace = Trace::parse("trace", &text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let outcome = conform(&model, &trace);
    if outcome.agreed {
        assert_eq!(outcome.signature.is_none(), returned, "seed {seed}: {outcome}");
    }
    outcome
}

#[test]
fn traces_that_the_model_makes_conform() {
    let runs = [
        (Data::End, 2, 1),
        (Data::End, 1, 1),
        (Data::Batch, 4, 2),
        (Data::Batch, 2, 1),
        (Data::Batch, 1, 1),
    ];
    for (data, inter_op, seed) in runs {
        let outcome = outcome(data, inter_op, seed);
        assert!(outcome.agreed && outcome.after_end.is_empty(), "{outcome}");
    }
}
