//! Runs of any model by one engine.

use std::sync::Arc;

use lastbatch::explore::driver::Limits;
use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::{Strategy, Verdict, sample, shuttle, threads};
use lastbatch::machine::Reducible;

pub(crate) fn shuttle_options(strategy: Strategy, max_executions: Option<u64>) -> shuttle::Options {
    shuttle::Options {
        strategy,
        seed: 7,
        max_executions,
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
    }
}

pub(crate) fn by_shuttle<M: Reducible + 'static>(model: M, strategy: Strategy, max_executions: Option<u64>) -> Verdict {
    let options = shuttle_options(strategy, max_executions);
    shuttle::explore(&Arc::new(model), &options, &Arc::default(), |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn sample_options(strategy: Strategy, max_executions: u64) -> sample::Options {
    sample::Options {
        strategy,
        seed: 7,
        max_executions: Some(max_executions),
        max_time: None,
        stop_at_first_hang: false,
        threads: 2,
        limits: Limits::default(),
    }
}

pub(crate) fn by_sample<M: Reducible + 'static>(model: M, options: &sample::Options) -> Verdict {
    let explored = sample::explore(&Arc::new(model), options, &Arc::default(), &mut |_| {});
    explored.unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn by_threads<M: Reducible + 'static>(model: M, max_executions: u64) -> Verdict {
    let options = threads::Options {
        seed: 7,
        max_executions: Some(max_executions),
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
        watchdog: threads::Options::WATCHDOG,
    };
    threads::explore(&Arc::new(model), &options, &Arc::default(), &mut |_| {})
}

pub(crate) fn by_states<M: Reducible>(model: &M) -> Verdict {
    let options = exhaustive::Options {
        reductions: Reductions {
            leaks: true,
            ..Reductions::NONE
        },
        threads: 1,
        ..exhaustive::Options::default()
    };
    exhaustive::search(model, &options, &Arc::default(), &mut |_| {})
}
