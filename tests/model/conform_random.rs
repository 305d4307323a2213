//! Conformance of the model with itself: what a recorder would have written of a run of the model is never refused.
//!
//! In a random run threads stand still for very long, longer than any real one. Some such runs are *undecided*: the search gives up.
//! `LASTBATCH_CONFORM_TRACES` asks for more runs than these, and prints how many conform.

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

#[test]
fn no_trace_that_the_model_makes_is_refused() {
    let asked = std::env::var("LASTBATCH_CONFORM_TRACES").unwrap_or_default();
    let seeds: u64 = asked.parse().unwrap_or_default();
    for data in [Data::End, Data::Batch] {
        for inter_op in [4, 2, 1] {
            let mut conform = 0;
            for seed in 1..=seeds {
                let outcome = outcome(data, inter_op, seed);
                assert!(outcome.agreed || outcome.is_undecided(), "seed {seed}: {outcome}");
                conform += u64::from(outcome.agreed);
            }
            println!("{data:?}, {inter_op} pool threads: {conform} of {seeds} conform");
        }
    }
}
