//! The sampler: the same seed finds the same on any number of threads, and what it finds is a schedule.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lastbatch::explore::sample::{Options, explore, explore_outcomes};
use lastbatch::explore::{Answer, Strategy, Verdict};
use lastbatch::models::litmus::busy_client::BusyClient;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::two_calls::TwoCalls;
use lastbatch::scenario::{Budget, EngineName, Experiment};

use super::runs::{by_sample, sample_options};
use crate::support::scenario::{prepared, replayed, run};
use crate::support::state_space::state_space;

/// Every kind of strategy that the sampler has.
const STRATEGIES: [&str; 5] = ["random", "pct:3", "hold:2", "portfolio", "random+hold:1"];

fn strategy(text: &str) -> Strategy {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the verdict on a scenario, without the time that it took.
fn sampled(prepared: &Experiment, budget: &Budget) -> Verdict {
    let mut verdict = run(prepared, EngineName::Sample, budget);
    verdict.seconds = 0.0;
    verdict
}

#[test]
fn one_thread_and_two_find_the_same_under_every_strategy_and_another_seed_runs_other_schedules() {
    let prepared = prepared("small/one_server.toml");
    for text in STRATEGIES {
        let budget = |threads, seed| Budget {
            strategy: strategy(text),
            executions: Some(100),
            threads,
            seed,
            ..Budget::default()
        };
        let one = sampled(&prepared, &budget(1, 1));
        assert_eq!(one, sampled(&prepared, &budget(2, 1)), "{text}");
        let labels = |verdict: &Verdict| verdict.executions.as_ref().expect("counted").labels;
        assert_ne!(labels(&one), labels(&sampled(&prepared, &budget(2, 2))), "{text}");
    }
}

#[test]
fn a_search_that_stops_at_the_first_hang_stops_at_the_same_execution_on_any_number_of_threads() {
    let prepared = prepared("small/two_servers.toml");
    let budget = |threads| Budget {
        executions: Some(2_000),
        stop_at_first_hang: true,
        threads,
        ..Budget::default()
    };
    let one = sampled(&prepared, &budget(1));
    assert_eq!(one.answer, Answer::Hang);
    let executions = one.executions.as_ref().expect("counted");
    assert_eq!(executions.first_hang, Some(executions.count));
    assert!(executions.count > 1, "a later execution than the first: {executions:?}");
    assert_eq!(one, sampled(&prepared, &budget(3)));
}

#[test]
fn the_hangs_of_two_servers_are_found_and_replay_and_none_is_where_cancels_are_remembered() {
    for (name, answer) in [
        ("small/two_servers.toml", Answer::Hang),
        ("small/two_servers_remember_cancelled_steps.toml", Answer::Undecided),
    ] {
        let prepared = prepared(name);
        let budget = Budget {
            executions: Some(150),
            ..Budget::default()
        };
        let verdict = run(&prepared, EngineName::Sample, &budget);
        assert_eq!((verdict.answer, verdict.complete), (answer, false), "{name}");
        assert_eq!(verdict.findings, [], "{name}");
        let expect = prepared.scenario().document.expect.clone().expect("an expectation");
        let known = expect.signatures.unwrap_or_default();
        for hang in &verdict.hangs {
            assert!(known.contains(&hang.signature.id()), "{name}: {}", hang.signature);
        }
        replayed(&prepared, &verdict);
    }
}

#[test]
fn enough_executions_reach_every_outcome_of_a_small_system_and_no_other() {
    for sticky in [false, true] {
        let model = TwoCalls { sticky };
        let expected = state_space(&model, 100_000).expect("it is small").outcomes;
        let options = sample_options(Strategy::Random, 5_000);
        let explored = explore_outcomes(&Arc::new(model), &options, &AtomicBool::new(false), &mut |_| {});
        let (_, outcomes) = explored.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(outcomes.into_iter().collect::<BTreeSet<u128>>(), expected, "{sticky}");
    }
}

#[test]
fn an_execution_that_never_comes_to_rest_is_cut_off_and_counted() {
    let mut options = sample_options(Strategy::Random, 50);
    options.limits.labels = 500;
    let verdict = by_sample(BusyClient { fair: false }, &options);
    let executions = verdict.executions.expect("counted");
    assert!(executions.cut > 0, "{executions:?}");
    assert_eq!((verdict.answer, verdict.complete), (Answer::Undecided, false));
}

#[test]
fn an_interrupt_or_the_time_ends_it_even_within_an_execution_that_never_ends() {
    let endless = BusyClient { fair: false };
    let mut options = Options {
        max_executions: None,
        max_time: Some(Duration::from_millis(20)),
        ..sample_options(Strategy::Random, 1)
    };
    options.limits.labels = usize::MAX;
    let verdict = by_sample(endless, &options);
    assert_eq!(verdict.stopped_by.as_deref(), Some("the limit of time"));
    options.max_time = None;
    let verdict = explore(&Arc::new(endless), &options, &AtomicBool::new(true), &mut |_| {});
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verdict.stopped_by.as_deref(), Some("an interrupt"));
    assert_eq!(verdict.executions.expect("counted").count, 0);
}

#[test]
fn a_strategy_of_another_engine_is_refused() {
    let pool = Pool {
        servers: 1,
        independent: 0,
        consumer: true,
    };
    let options = sample_options(strategy("hold:1+urw"), 1);
    let refused = explore(&Arc::new(pool), &options, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(
        refused.map(|verdict| verdict.answer).unwrap_err().to_string(),
        "strategy \"hold:1+urw\" does not go with engine sample, expected random, pct:DEPTH, hold:COUNT or portfolio"
    );
}
