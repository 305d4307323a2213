//! The step model is the same with one thread for its input and with the whole pipeline: it hangs in the same ways.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit_transitions};
use lastbatch::machine::{Model, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use lastbatch::models::tensorflow::job::{Data, JobStep, Variant};
use lastbatch::models::tensorflow::mechanisms::dataset::Pipeline;

use crate::support::state_space::signatures;

use crate::support::rng::Numbers;

use super::{job, searched};

/// Returns a step that reads and exchanges tensors with two servers, and so often with a pipeline.
fn step(edges: &[&str], pool: u8, pipeline: Option<Pipeline>, reads: usize) -> TensorFlow {
    let edges: Vec<String> = edges.iter().map(|edge| (*edge).to_owned()).collect();
    let edges = Edges::try_from(edges).expect("edges");
    let graph = builtin(2, &edges, &[], BatchSource::Iterator).expect("a small graph");
    let graph = Arc::new(graph);
    let one = |_| JobStep {
        graph: Arc::clone(&graph),
        data: if pipeline.is_some() {
            Data::Pipeline { catches: false }
        } else {
            Data::End
        },
    };
    let steps = (0..reads).map(one).collect();
    job(steps, pool, Variant::Tf112, pipeline)
}

#[test]
fn the_last_step_hangs_in_the_same_ways_with_one_thread_for_its_input_and_with_the_whole_pipeline() {
    let cases = [
        (["worker->ps0 batch", "ps1->worker"], 2, 2),
        (["worker->ps0 batch", "ps1->ps0"], 1, 2),
        (["worker->ps0 batch", "ps1->ps0"], 2, 2),
    ];
    for (edges, pool, hangs) in cases {
        let alone = signatures(&searched(&step(&edges, pool, None, 1), Reductions::ALL).hangs);
        let pipeline = Pipeline::smallest(&[0], 1);
        let whole = signatures(&searched(&step(&edges, pool, Some(pipeline), 1), Reductions::ALL).hangs);
        assert_eq!(whole, alone, "{edges:?} with {pool} pool threads");
        assert_eq!(alone.len(), hangs, "{edges:?} with {pool} pool threads");
    }
}

#[test]
fn on_every_transition_a_step_with_a_pipeline_keeps_what_the_reductions_rely_on() {
    let model = step(
        &["worker->ps0 batch", "ps1->worker"],
        2,
        Some(Pipeline::smallest(&[0], 1)),
        1,
    );
    let options = Options {
        reductions: Reductions {
            forget_dead: true,
            ..Reductions::NONE
        },
        max_states: Some(20_000),
        ..Options::default()
    };
    let broken = |system: &[&_], at_rest| model.broken_guarantees(system, at_rest);
    let audit = audit_transitions(&model, &options, &AtomicBool::new(false), &broken);
    assert_eq!(audit.complaints, Vec::<String>::new());
}

/// Runs to rest, the next thread chosen by a small generator; returns the signature of the hang, if it ends in one.
fn walk(model: &TensorFlow, seed: u64) -> Option<String> {
    let mut numbers = Numbers(seed);
    let mut system = System::initial(model);
    loop {
        let enabled = system.enabled(model);
        if enabled.is_empty() {
            break;
        }
        let (id, pending) = &enabled[numbers.below(enabled.len())];
        let choice = numbers.below(pending.operation.choices as usize) as u32;
        system
            .step(model, *id, pending, choice)
            .unwrap_or_else(|broken| panic!("{broken}"));
    }
    let states: Vec<_> = system.processes.iter().collect();
    let clients = system.clients(model);
    let stuck = clients.iter().find(|(_, _, status)| !status.returned);
    stuck.map(|(process, client, _)| model.wait_for(&states, *process, *client).signature().to_string())
}

#[test]
fn random_runs_of_a_larger_step_with_a_larger_pipeline_end_in_no_new_hang() {
    let edges = ["worker->ps0 batch", "ps0->worker", "worker->ps1 batch", "ps1->worker"];
    let known: BTreeSet<String> = signatures(&searched(&step(&edges, 2, None, 1), Reductions::ALL).hangs)
        .into_iter()
        .collect();
    let pipeline = Pipeline {
        cycle_length: 2,
        prefetch_input_elements: 1,
        buffer_output_elements: 2,
        prefetch: 2,
        num_parallel_calls: 2,
        ..Pipeline::smallest(&[2, 0, 1], 2)
    };
    let model = step(&edges, 2, Some(pipeline.clone()), pipeline.batches() + 1);
    for seed in 0..300 {
        if let Some(signature) = walk(&model, seed) {
            assert!(known.contains(&signature), "seed {seed}: {signature}");
        }
    }
}
