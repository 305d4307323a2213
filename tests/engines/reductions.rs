//! Reductions of the exhaustive search change neither the verdict nor the set of signatures of the TensorFlow model.
//!
//! Many more jobs than these: `cargo bench --bench reductions -- seconds=600`.

use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit_transitions};
use lastbatch::models::tensorflow::job::faults::{Death, Faults};
use lastbatch::models::tensorflow::job::{Data, Order, Variant};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::small_jobs::{Input, Setting, SmallJob, compare};

/// States of one search: those that need more are not compared.
const MOST_STATES: u64 = 250_000;

/// Compares all settings and returns the signatures.
fn agree(job: &SmallJob) -> usize {
    let comparison = compare(job, MOST_STATES);
    assert_eq!(comparison.differences, Vec::<String>::new(), "{job}");
    let (_, outcome) = comparison.reference.expect("a search of this job ends");
    assert!(comparison.compared > 0, "{job}: nothing was compared");
    outcome.1.len()
}

#[test]
fn on_two_servers_that_hang_every_reduction_keeps_both_signatures() {
    for edges in [["worker->ps0 batch", "ps1->worker"], ["worker->ps0 batch", "ps1->ps0"]] {
        assert_eq!(agree(&SmallJob::plain(2, &edges)), 2, "{edges:?}");
    }
}

#[test]
fn on_three_servers_of_which_two_hang_every_reduction_keeps_both_signatures() {
    assert_eq!(agree(&SmallJob::plain(3, &["worker->ps0 batch", "ps2->ps1"])), 2);
}

#[test]
fn a_handler_whose_call_is_forgotten_loses_no_signature() {
    let mut job = SmallJob::plain(2, &["ps1->ps0", "ps0->worker"]);
    (job.pool, job.variant, job.root_order) = (1, Variant::AbortDeferred, Order::Recorded);
    assert_eq!(agree(&job), 4);
}

#[test]
fn on_one_server_no_reduction_makes_a_hang_or_hides_one() {
    for variant in Variant::of_steps() {
        for pool in [1, 2] {
            let mut job = SmallJob::plain(1, &["worker->ps0 batch"]);
            (job.pool, job.variant) = (pool, variant);
            assert_eq!(agree(&job), 0, "{job}");
        }
    }
}

#[test]
fn on_fed_steps_and_queues_no_reduction_makes_a_hang_or_hides_one() {
    for input in [Input::Queue, Input::Fed] {
        let mut job = SmallJob::plain(1, &["ps0->worker"]);
        (job.pool, job.input) = (1, input);
        assert_eq!(agree(&job), 0, "{job}");
    }
}

fn config(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("LASTBATCH_AGREEMENT_CASES").ok();
    ProptestConfig {
        cases: wanted.and_then(|cases| cases.parse().ok()).unwrap_or(cases),
        rng_seed: RngSeed::Fixed(20_181),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn on_random_jobs_all_searches_that_end_agree(seed in any::<u64>(), servers in 1_u8..3) {
        let job = SmallJob::random(seed, servers, 3);
        let comparison = compare(&job, MOST_STATES / 10);
        prop_assert_eq!(comparison.differences, Vec::<String>::new(), "{}", job);
    }

    #[test]
    fn on_random_jobs_with_two_reads_or_another_end_all_searches_that_end_agree(seed in any::<u64>()) {
        let servers = 1 + u8::from(seed % 3 == 0);
        let job = SmallJob::random(seed, servers, 2).disturbed(seed);
        let comparison = compare(&job, MOST_STATES / 10);
        prop_assert_eq!(comparison.differences, Vec::<String>::new(), "{}", job);
    }

    #[test]
    fn on_random_jobs_of_each_release_all_searches_that_end_agree(
        seed in any::<u64>(),
        servers in 1_u8..3,
        variant in prop::sample::select(vec![Variant::Tf113, Variant::Tf115, Variant::Tf2]),
    ) {
        let mut job = SmallJob::random(seed, servers, 3);
        job.variant = variant;
        let comparison = compare(&job, MOST_STATES / 10);
        prop_assert_eq!(comparison.differences, Vec::<String>::new(), "{}", job);
    }
}

/// Returns small jobs whose step ends otherwise than by itself, and how many signatures each has.
fn other_ends() -> Vec<(SmallJob, usize)> {
    let job = |edges: &[&str], beside: Faults, fails| {
        let mut job = SmallJob::plain(1, edges);
        (job.steps, job.beside, job.fails) = (vec![Data::Batch], beside, fails);
        job
    };
    let none = Faults::default();
    let timeout = Faults {
        timeout: true,
        ..none.clone()
    };
    let close = Faults {
        close: true,
        ..none.clone()
    };
    let dies = |restarts| Faults {
        death: Some(Death {
            task: "ps0".to_owned(),
            restarts,
        }),
        ..none.clone()
    };
    vec![
        (job(&["worker->ps0 batch"], none.clone(), Some("worker0")), 0),
        (job(&["worker->ps0 batch"], none.clone(), Some("ps0")), 0),
        (job(&["ps0->worker"], timeout, None), 1),
        (job(&[], close, None), 0),
        (job(&["worker->ps0 batch"], dies(false), None), 1),
        (job(&["worker->ps0 batch"], dies(true), None), 0),
    ]
}

#[test]
fn where_a_step_ends_otherwise_no_reduction_makes_a_hang_or_hides_one() {
    for (job, signatures) in other_ends() {
        let comparison = compare(&job, MOST_STATES / 5);
        assert_eq!(comparison.differences, Vec::<String>::new(), "{job}");
        let (_, outcome) = comparison.reference.expect("a search of this job ends");
        assert!(comparison.compared > 0, "{job}: nothing was compared");
        assert_eq!(outcome.1.len(), signatures, "{job}");
    }
}

#[test]
fn where_a_step_ends_otherwise_the_model_keeps_what_the_reductions_rely_on() {
    for (job, _) in other_ends() {
        keeps_its_promises_within(&job, MOST_STATES / 30);
    }
}

/// Audits what the reductions rely on, on the first states of a search that forgets what is dead and leaves out nothing else.
fn keeps_its_promises(job: &SmallJob) {
    keeps_its_promises_within(job, MOST_STATES / 6);
}

fn keeps_its_promises_within(job: &SmallJob, max_states: u64) {
    let setting = Setting {
        name: "forget dead",
        reductions: Reductions {
            forget_dead: true,
            ..Reductions::NONE
        },
        in_order: false,
        cleans_up: false,
    };
    let options = Options {
        reductions: setting.reductions,
        max_states: Some(max_states),
        ..Options::default()
    };
    let model = job.model(&setting);
    let broken = |system: &[&_], at_rest| model.broken_guarantees(system, at_rest);
    let audit = audit_transitions(&model, &options, &AtomicBool::new(false), &broken);
    assert_eq!(audit.complaints, Vec::<String>::new(), "{job}");
}

#[test]
fn on_every_transition_the_model_keeps_what_the_reductions_rely_on() {
    for variant in Variant::of_steps() {
        let mut job = SmallJob::plain(1, &["ps0->worker"]);
        (job.pool, job.variant) = (1, variant);
        keeps_its_promises(&job);
        let mut job = SmallJob::plain(2, &["worker->ps0 batch", "ps1->ps0"]);
        job.variant = variant;
        keeps_its_promises(&job);
    }
    let mut job = SmallJob::plain(1, &["worker->ps0 batch"]);
    job.steps = vec![Data::Batch];
    keeps_its_promises(&job);
}
