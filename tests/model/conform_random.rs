//! Conformance of the model with itself: what a recorder would have written of a run of the model.
//!
//! `LASTBATCH_CONFORM_TRACES=200 cargo test --locked --test model conform_random -- --nocapture` compares more runs, and tells what
//! came of each. In a random run threads stand still for longer than any real one. So not all of its traces conform yet, see
//! `docs/real_tensorflow.md`; the first ones do.

use std::collections::BTreeMap;

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
        assert!(outcome.after_end.is_empty(), "seed {seed}: {outcome}");
    }
    outcome
}

/// Returns the run with this number: the end of the data or an ordinary step, one, two or four pool threads, and a seed.
fn run(number: usize) -> (Data, u8, u64) {
    let data = [Data::End, Data::Batch][number % 2];
    let inter_op = [2, 1, 4][number / 2 % 3];
    (data, inter_op, number as u64 / 6 + 1)
}

#[test]
fn the_first_traces_that_the_model_makes_conform() {
    const FIRST: usize = 4;
    let count = std::env::var("LASTBATCH_CONFORM_TRACES").map_or(FIRST, |count| count.parse().expect("a number"));
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..count {
        let (data, inter_op, seed) = run(number);
        let outcome = outcome(data, inter_op, seed);
        let given_up = outcome.stuck.as_ref().is_some_and(|stuck| stuck.given_up.is_some());
        let end = match (outcome.agreed, given_up) {
            (true, _) => "conforms",
            (false, true) => "undecided",
            (false, false) => "refused",
        };
        println!(
            "{number}: {data:?}, inter_op {inter_op}, seed {seed}: {end}, {} of {} events",
            outcome.matched, outcome.total
        );
        assert!(outcome.agreed || number >= FIRST, "{outcome}");
        *ends.entry(end).or_default() += 1;
    }
    println!("{ends:?}");
}
