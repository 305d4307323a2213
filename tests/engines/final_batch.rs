//! The last batch of the real graphs.

use lastbatch::explore::Answer;
use lastbatch::explore::Strategy;
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::scenario::{Budget, Document, EngineName, Judgement};

use crate::support::scenario::{changed, files, prepared, replayed, run, schedule};

const RECORDED: [&str; 4] = ["72eaa422", "7a624761", "7de6dade", "c33d79b5"];

/// Checks that the engine found an ordinary schedule: the machine replays it to the same hang.
fn hangs_of_two_servers(engine: EngineName, budget: &Budget) {
    let prepared = prepared("final_batch/ps2_coupled.toml");
    let verdict = run(&prepared, engine, budget);
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.answer, Answer::Hang);
    for hang in &verdict.hangs {
        assert!(RECORDED.contains(&hang.signature.id().as_str()), "{}", hang.signature);
    }
    replayed(&prepared, &verdict);
}

#[test]
fn shuttle_finds_the_hang_of_two_servers_and_its_schedule_replays() {
    let budget = Budget {
        executions: Some(20_000),
        stop_at_first_hang: true,
        seed: 1,
        strategy: Strategy::Pct(3),
        ..Budget::default()
    };
    hangs_of_two_servers(EngineName::Shuttle, &budget);
}

/// The place where the portfolio finds the hang soon, and from which seed: there are scenarios in which it takes many more executions.
const FOUND_SOON: [(&str, u64); 6] = [
    ("ps2_abort_deferred", 1),
    ("ps2_coupled", 1),
    ("ps2_no_send_after_abort", 1),
    ("ps2_queue", 2),
    ("ps3_coupled", 1),
    ("ps3_queue", 1),
];

#[test]
fn the_portfolio_finds_the_hang_of_the_last_batch_wherever_two_threads_serve_it() {
    for (name, seed) in FOUND_SOON {
        let prepared = prepared(format!("final_batch/{name}.toml"));
        let budget = Budget {
            seed,
            executions: Some(4_000),
            stop_at_first_hang: true,
            ..Budget::default()
        };
        let verdict = run(&prepared, EngineName::Shuttle, &budget);
        assert_eq!(verdict.answer, Answer::Hang, "{name}");
        let expect = prepared.scenario().document.expect.clone().expect("an expectation");
        let known = expect.signatures.unwrap_or(RECORDED.map(str::to_owned).to_vec());
        for hang in &verdict.hangs {
            assert!(known.contains(&hang.signature.id()), "{name}: {}", hang.signature);
        }
    }
}

#[test]
fn the_portfolio_contradicts_no_expectation_about_the_last_batch() {
    let files = files("final_batch", "toml");
    assert!(files.len() >= 12, "{files:?}");
    let budget = Budget {
        executions: Some(250),
        ..Budget::default()
    };
    for file in files {
        let prepared = prepared(&file);
        let verdict = run(&prepared, EngineName::Shuttle, &budget);
        if let Judgement::Fails(problem) = Judgement::of(prepared.scenario().document.expect.as_ref(), &verdict) {
            panic!("{}: {problem}", file.display());
        }
        assert_eq!(verdict.executions.expect("counted").count, 250);
    }
}

#[test]
fn the_recorded_schedule_hangs_real_threads_a_hundred_times_of_a_hundred() {
    let prepared = prepared("final_batch/ps2_coupled.toml");
    let schedule = schedule("final_batch/ps2_coupled.7a624761.schedule");
    let mut hung = 0;
    let done = prepared.replay_under(EngineName::Threads, &schedule, 100, |outcome| {
        hung += u32::from(outcome.broken_promise(&schedule).is_none());
    });
    done.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(hung, 100);
}

#[test]
fn under_the_same_prefix_a_fixed_variant_returns_on_real_threads_and_on_coroutines() {
    let schedule = schedule("final_batch/ps2_coupled.7a624761.schedule");
    for variant in [
        Variant::StickyCancel,
        Variant::CheckAfterSend,
        Variant::RememberCancelledSteps,
        Variant::Tf115,
    ] {
        let prepared = changed("final_batch/ps2_coupled.toml", |document| {
            document.runtime.variant = variant
        });
        for engine in [EngineName::Exhaustive, EngineName::Shuttle, EngineName::Threads] {
            let done = prepared.prefix_under(engine, &schedule, 20, |outcome| {
                assert!(
                    outcome.impossible.is_some(),
                    "{variant} can't follow the schedule to its end"
                );
                assert_eq!(outcome.failure, None);
                assert!(outcome.end.at_rest());
                assert!(
                    outcome.end.clients.iter().all(|client| client.returned),
                    "{engine} {variant}"
                );
            });
            done.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn every_engine_stops_at_the_same_event_of_a_schedule_that_differs_and_says_the_same() {
    let sticky = |document: &mut Document| document.runtime.variant = Variant::StickyCancel;
    let prepared = changed("final_batch/ps2_coupled.toml", sticky);
    let schedule = schedule("final_batch/ps2_coupled.7de6dade.schedule");
    let mut told = Vec::new();
    for engine in [EngineName::Exhaustive, EngineName::Shuttle, EngineName::Threads] {
        let done = prepared.replay_under(engine, &schedule, 1, |outcome| {
            let mismatch = outcome.mismatch.expect("another variant");
            told.push((outcome.followed, outcome.end, mismatch.to_string()));
        });
        done.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}
