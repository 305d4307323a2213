//! Hold rules from schedules: what is held at the hooks of the real runtime, whatever the job.

use lastbatch::diagnose::ExplainOptions;
use lastbatch::models::tensorflow::evidence::forcing::{Forcing, ForcingError};
use lastbatch::scenario::Experiment;

use crate::support::scenario::shipped;
use crate::support::shipped_schedules::load;

fn forcing(name: &str) -> Result<Forcing, ForcingError> {
    let (schedule, experiment) = load(&shipped(name));
    let explanation = experiment.explain(&schedule, &ExplainOptions::default());
    let explanation = explanation.unwrap_or_else(|error| panic!("{name}: {error}"));
    let whole = Experiment::new(experiment.scenario().clone().with_every_node());
    let whole = whole.unwrap_or_else(|error| panic!("{name}: {error}"));
    Forcing::of(experiment.model(), &explanation, whole.model())
}

/// The holds of a schedule, one per line, and what has no hook.
fn told(name: &str) -> String {
    let forcing = forcing(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let rules = forcing.holds.rules.iter().map(|rule| format!("{rule}\n"));
    let others = forcing.without_hook.iter().map(|event| format!("no hook: {event}\n"));
    rules.chain(others).collect()
}

#[test]
fn the_four_ways_to_hang_of_the_real_graph_can_be_forced() {
    insta::assert_snapshot!(told("final_batch/ps2_coupled.7a624761.schedule"), @r"
    hold worker0 abort worker0 until worker0 validate embedding_lookup_1
    hold worker0 cancel-run-graph ps1 until worker0 install-run-graph ps1
    hold worker0 start-run-graph ps1 until worker0 cancel-run-graph ps1
    hold worker0 register embedding_lookup_1 until worker0 abort worker0
    ");
    insta::assert_snapshot!(told("final_batch/ps2_coupled.72eaa422.schedule"), @r"
    hold worker0 abort worker0 until worker0 validate embedding_lookup_1
    hold worker0 cancel-run-graph ps1 until worker0 start-run-graph ps1
    hold worker0 register embedding_lookup_1 until worker0 abort worker0
    hold ps1 read-run-graph ps1 until worker0 cancel-run-graph ps1
    ");
    insta::assert_snapshot!(told("final_batch/ps2_coupled.7de6dade.schedule"), @r"
    hold worker0 install-run-graph ps0 until worker0 cancel-run-graph ps0
    hold worker0 cancel-run-graph ps1 until worker0 install-run-graph ps1
    hold ps0 abort ps0 until ps0 validate beta1_power/read
    hold worker0 start-run-graph ps1 until worker0 cancel-run-graph ps1
    hold ps0 register beta1_power/read until ps0 abort ps0
    no hook: worker0 Pool.take pool
    ");
    insta::assert_snapshot!(told("final_batch/ps2_coupled.c33d79b5.schedule"), @r"
    hold worker0 install-run-graph ps0 until worker0 cancel-run-graph ps0
    hold worker0 cancel-run-graph ps1 until worker0 start-run-graph ps1
    hold ps0 abort ps0 until ps0 validate beta1_power/read
    hold ps0 register beta1_power/read until ps0 abort ps0
    hold ps1 read-run-graph ps1 until worker0 cancel-run-graph ps1
    no hook: worker0 Pool.take pool
    ");
}

#[test]
fn rules_are_of_the_schedule_and_not_of_the_job() {
    insta::assert_snapshot!(told("tiny/two_servers.7a624761.schedule"), @r"
    hold worker0 abort worker0 until worker0 validate ps1_worker
    hold worker0 cancel-run-graph ps1 until worker0 install-run-graph ps1
    hold worker0 start-run-graph ps1 until worker0 cancel-run-graph ps1
    hold worker0 register ps1_worker until worker0 abort worker0
    ");
}

#[test]
fn steps_with_a_batch_are_told_by_the_tensors_that_depend_on_it() {
    let forcing = forcing("final_batch/ps2_coupled.7a624761.schedule").expect("rules");
    let of_worker = forcing.holds.batches.iter().filter(|batch| batch.process == "worker0");
    let tensors: Vec<&str> = of_worker.map(|batch| batch.tensor.as_str()).collect();
    assert!(
        tensors.contains(&"Reshape") && tensors.contains(&"Reshape_1"),
        "{tensors:?}"
    );
}

#[test]
fn a_schedule_without_hooks_is_refused_with_what_lacks_one() {
    let refused = forcing("queue/two_dequeues.070c5fe5.schedule").expect_err("no hook");
    insta::assert_snapshot!(refused.to_string(), @"no label of its decisive races has a hook: worker0 Executor.start_cancel cancellation:step0, worker0 Pool.take pool, worker0 Queue.flush fifo_queue, worker0 Queue.register_cancel cancellation:step0");
}
