//! Small systems of which every schedule can be run.

use std::sync::Arc;

use lastbatch::explore::Answer;
use lastbatch::explore::Verdict;
use lastbatch::explore::{Strategy, shuttle};
use lastbatch::machine::Reducible;
use lastbatch::models::litmus::busy_client::BusyClient;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::lost_wakeup::LostWakeup;
use lastbatch::models::litmus::outstanding_count::OutstandingCount;
use lastbatch::models::litmus::ping::Ping;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::pool_shutdown::PoolShutdown;
use lastbatch::models::litmus::rendezvous::Rendezvous;
use lastbatch::models::litmus::two_calls::TwoCalls;
use lastbatch::scenario::{Budget, EngineName};

use super::runs::{by_sample, by_shuttle, by_states, by_threads, sample_options, shuttle_options};
use crate::support::scenario::{prepared, run as run_by};
use crate::support::state_space::signatures;

/// Checks that depth-first search, which runs every schedule, knows as much as the search of every state.
fn agree<M: Reducible + Clone + 'static>(model: M) {
    let (schedules, states) = (by_shuttle(model.clone(), Strategy::Dfs, None), by_states(&model));
    assert_eq!(schedules.findings, []);
    assert!(schedules.complete && states.complete);
    assert_eq!(schedules.answer, states.answer);
    assert_eq!(signatures(&schedules.hangs), signatures(&states.hangs));
    assert_eq!(schedules.leaks, states.leaks);
    let sampled = by_shuttle(model.clone(), Strategy::Portfolio, Some(500));
    assert_eq!(
        signatures(&sampled.hangs),
        signatures(&states.hangs),
        "the portfolio misses none of so small a system"
    );
    assert!(!sampled.complete);
    let sampled = by_sample(model.clone(), &sample_options(Strategy::Portfolio, 2_000));
    assert_eq!(sampled.findings, []);
    assert_eq!(signatures(&sampled.hangs), signatures(&states.hangs));
    assert_eq!(sampled.leaks, states.leaks);
    assert!(!sampled.complete);
    let real = by_threads(model, 100);
    assert_eq!(real.findings, []);
    let known = signatures(&states.hangs);
    assert!(signatures(&real.hangs).iter().all(|found| known.contains(found)));
}

#[test]
fn every_schedule_of_a_small_system_gives_what_every_state_gives() {
    agree(CrossedLocks { crosswise: true });
    agree(CrossedLocks { crosswise: false });
    for reset_is_answered in [false, true] {
        agree(Ping { reset_is_answered });
    }
    for fixed in [false, true] {
        agree(OutstandingCount {
            nodes: 2,
            atomic: fixed,
        });
        agree(PoolShutdown {
            threads: 1,
            flag_first: fixed,
        });
        agree(TwoCalls { sticky: fixed });
    }
    agree(Pool {
        servers: 1,
        independent: 0,
        consumer: true,
    });
    agree(Pool {
        servers: 2,
        independent: 1,
        consumer: true,
    });
}

#[test]
fn an_execution_that_never_comes_to_rest_is_cut_off_and_nothing_is_called_complete() {
    let mut options = shuttle_options(Strategy::Random, Some(50));
    options.limits.labels = 500;
    let verdict = shuttle::explore(&Arc::new(BusyClient { fair: false }), &options, &Arc::default(), |_| {});
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
    let executions = verdict.executions.as_ref().expect("counted");
    assert!(executions.cut > 0, "{executions:?}");
    assert_eq!(verdict.answer, Answer::Undecided);
}

#[test]
fn the_same_seed_finds_the_same_and_another_one_runs_other_schedules() {
    let run = |seed| {
        let budget = Budget {
            seed,
            executions: Some(60),
            ..Budget::default()
        };
        let prepared = prepared("small/one_server.toml");
        let mut verdict = run_by(&prepared, EngineName::Shuttle, &budget);
        verdict.seconds = 0.0;
        verdict
    };
    assert_eq!(run(1), run(1));
    let labels = |verdict: Verdict| verdict.executions.expect("counted").labels;
    assert_ne!(labels(run(1)), labels(run(2)));
}

#[test]
fn real_threads_find_the_hangs_of_the_litmus_models_and_record_them() {
    // Each needs only that the other of two threads goes first.
    let lost = by_threads(LostWakeup { recheck: false }, 2_000);
    let expected = by_states(&LostWakeup { recheck: false });
    assert_eq!(lost.findings, []);
    for hang in &lost.hangs {
        assert!(signatures(&expected.hangs).contains(&hang.signature.to_string()));
    }
    assert_eq!(by_threads(LostWakeup { recheck: true }, 200).answer, Answer::Undecided);
    assert_eq!(
        by_threads(Rendezvous { failure_is_sent: true }, 200).answer,
        Answer::Undecided
    );
}
