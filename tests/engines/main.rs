//! The engines that run the model on threads of their own: what they find, that their schedules are schedules of the model, and that
//! recorded schedules hang them every time.

mod faults;
mod final_batch;
mod litmus;
mod names;
mod recorded;
#[allow(dead_code, reason = "other tests use the other faults")]
#[path = "../wrapped/mod.rs"]
mod wrapped;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastbatch::explore::driver::Limits;
use lastbatch::explore::exhaustive::{self, Reductions};
use lastbatch::explore::shuttle::{self, Strategy};
use lastbatch::explore::{Verdict, threads};
use lastbatch::machine::Reducible;
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::run::{Prepared, prepare};
use lastbatch::scenario::Scenario;
use lastbatch::schedule::Schedule;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn prepared(name: &str, variant: Option<Variant>) -> Prepared {
    let mut scenario = Scenario::load(&scenarios().join(name)).unwrap_or_else(|error| panic!("{error}"));
    let hash = scenario.hash();
    scenario.document.runtime.variant = variant.unwrap_or(scenario.document.runtime.variant);
    prepare(scenario, hash).unwrap_or_else(|error| panic!("{error}"))
}

fn schedule(name: &str) -> Schedule {
    Schedule::load(&scenarios().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn shuttle_options(strategy: Strategy, max_executions: Option<u64>) -> shuttle::Options {
    shuttle::Options {
        strategy,
        seed: 7,
        max_executions,
        max_time: None,
        stop_at_first_hang: false,
        limits: Limits::default(),
    }
}

fn by_shuttle<M: Reducible + 'static>(model: M, strategy: Strategy, max_executions: Option<u64>) -> Verdict {
    let options = shuttle_options(strategy, max_executions);
    shuttle::explore(&Arc::new(model), &options, &Arc::default(), |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn by_threads<M: Reducible + 'static>(model: M, max_executions: u64) -> Verdict {
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

fn by_states<M: Reducible>(model: &M) -> Verdict {
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

fn signatures(verdict: &Verdict) -> Vec<String> {
    let mut ids: Vec<String> = verdict.hangs.iter().map(|hang| hang.signature.to_string()).collect();
    ids.sort();
    ids
}
