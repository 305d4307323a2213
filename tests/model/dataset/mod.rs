//! The `tf.data` pipeline: what its scenarios expect, searched to the end; what its declarations promise to the reductions; the step with
//! it and without it; its reads against a sequential reference.

mod composition;
mod reference;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, Reductions, audit, search};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};
use lastbatch::models::tensorflow::mechanisms::dataset::{Pipeline, graphs};

use crate::support::scenario_search::{is_as_recorded, scenarios, siblings_differ};
use crate::support::state_space::signatures;

scenarios! { is_as_recorded, ["dataset"];
    close_session: "dataset" / close_session,
    close_session_alone: "dataset" / close_session_alone,
    close_session_one_thread: "dataset" / close_session_one_thread,
    creation_error: "dataset" / creation_error,
    creation_error_signalled: "dataset" / creation_error_signalled,
    creation_error_strict: "dataset" / creation_error_strict,
    end_after_drained: "dataset" / end_after_drained,
    end_before_drained: "dataset" / end_before_drained,
    one_server: "dataset" / one_server,
    pipeline_alone: "dataset" / pipeline_alone,
    pipeline_alone_one_thread: "dataset" / pipeline_alone_one_thread,
    pipeline_staged: "dataset" / pipeline_staged,
    pipeline_two_epochs: "dataset" / pipeline_two_epochs,
    reinitialize: "dataset" / reinitialize,
    reinitialize_after_end: "dataset" / reinitialize_after_end,
    reinitialize_one_thread: "dataset" / reinitialize_one_thread,
    sync_get_next: "dataset" / sync_get_next,
    sync_get_next_one_thread: "dataset" / sync_get_next_one_thread,
    two_servers: "dataset" / two_servers,
}

#[test]
fn every_scenario_that_must_pass_has_a_sibling_that_must_not() {
    siblings_differ("dataset");
}

/// Returns a client that only reads: `reads` times an epoch.
fn reader(pipeline: &Pipeline, pool: u8, variant: Variant, epochs: usize, reads: usize) -> TensorFlow {
    let mut steps = Vec::new();
    for epoch in 0..epochs {
        let initializer = (epoch > 0).then(graphs::make_iterator);
        let reads = (0..reads).map(|_| graphs::read());
        for graph in initializer.into_iter().chain(reads) {
            steps.push(JobStep {
                graph: Arc::new(graph),
                data: Data::Pipeline { catches: false },
            });
        }
    }
    job(steps, pool, variant, Some(pipeline.clone()))
}

fn job(steps: Vec<JobStep>, pool: u8, variant: Variant, pipeline: Option<Pipeline>) -> TensorFlow {
    let mut model = TensorFlow::new(Job {
        workers: 1,
        steps,
        inter_op: pool,
        intra_op: 1,
        variant,
        partition_order: Order::Recorded,
        root_order: Order::All,
        pipeline,
    })
    .unwrap_or_else(|error| panic!("{error}"));
    model.set_cancels_in_order(true);
    model.set_cleans_up(false);
    model
}

fn searched(model: &TensorFlow, reductions: Reductions) -> Verdict {
    let options = Options {
        reductions,
        ..Options::default()
    };
    let verdict = search(model, &options, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(verdict.findings, []);
    assert!(verdict.complete);
    verdict
}

const UNREDUCED: Reductions = Reductions {
    leaks: false,
    ..Reductions::NONE
};

/// Returns the smallest pipelines, by what they show.
fn smallest() -> Vec<(&'static str, TensorFlow)> {
    let plain = |records: &[u16]| Pipeline::smallest(records, 1);
    let mut fails = plain(&[1]);
    fails.files[0].function_fails = true;
    let strict = Pipeline {
        sloppy: false,
        ..fails.clone()
    };
    let staged = Pipeline {
        prefetch_input_elements: 1,
        ..plain(&[1, 0])
    };
    let two_calls = Pipeline {
        num_parallel_calls: 2,
        ..plain(&[1])
    };
    let closes = Pipeline {
        closes_session: true,
        other_masters: 1,
        ..plain(&[2])
    };
    let model = |pipeline: &Pipeline, pool, variant, epochs, reads| reader(pipeline, pool, variant, epochs, reads);
    vec![
        ("one record", model(&plain(&[1]), 1, Variant::Tf112, 1, 2)),
        (
            "one record, two pool threads",
            model(&plain(&[1]), 2, Variant::Tf112, 1, 2),
        ),
        ("a function that fails", model(&fails, 1, Variant::Tf112, 1, 1)),
        ("a function that fails, strict", model(&strict, 1, Variant::Tf112, 1, 1)),
        ("a file opened ahead", model(&staged, 1, Variant::Tf112, 1, 1)),
        ("two calls", model(&two_calls, 1, Variant::Tf112, 1, 1)),
        ("a synchronous read", model(&plain(&[1]), 1, Variant::SyncGetNext, 1, 1)),
        ("another iterator", model(&plain(&[2]), 1, Variant::Tf112, 2, 1)),
        ("a session that closes", model(&closes, 1, Variant::Tf112, 1, 1)),
    ]
}

#[test]
fn no_reduction_makes_a_hang_of_the_pipeline_or_hides_one() {
    let mut hang = 0;
    for (name, model) in smallest() {
        let reference = searched(&model, UNREDUCED);
        let reduced = searched(&model, Reductions::ALL);
        assert_eq!(signatures(&reduced.hangs), signatures(&reference.hangs), "{name}");
        assert!(reduced.states < reference.states, "{name}");
        hang += usize::from(!reference.hangs.is_empty());
    }
    assert_eq!(hang, 4);
}

#[test]
fn what_the_pipeline_declares_covers_what_it_does() {
    let options = Options {
        reductions: Reductions::NONE,
        max_states: Some(6_000),
        ..Options::default()
    };
    for (name, model) in smallest() {
        let audit = audit(&model, &options, &AtomicBool::new(false));
        assert_eq!(audit.complaints, Vec::<String>::new(), "{name}");
        assert!(audit.process_states > 30, "{name}");
    }
}
