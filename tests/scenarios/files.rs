//! The gate in small: a test for every shipped scenario and one for every recorded schedule, named after their files, so that
//! `cargo test final_batch::ps2` runs some of them. What is small is searched to its end; a larger scenario that must hang has to
//! show its hang, and of one that must not a part is searched. The complete searches are `lastbatch gate`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Shard;
use lastbatch::gate::{
    Baseline, Budgets, Plan, Problem, ProblemKind, ReplayEnd, Settings, judge_scenario, replay_recorded, search_task,
};
use lastbatch::scenario::BASELINE_NAME;
use libtest_mimic::{Failed, Trial};

use crate::support::program::PROGRAM;
use crate::support::scenario::repository;

const BUDGETS: Budgets = Budgets {
    whole: Some(150_000),
    canary: Some(1_300_000),
    partial: Some(150_000),
    second: Some(2_000),
    brief: 5,
};

/// The plan and the baseline, which the tests share.
struct Shared {
    plan: Plan,
    baseline: Baseline,
}

/// Returns a test per scenario and per recorded schedule.
pub(crate) fn trials() -> Vec<Trial> {
    let root = repository("scenarios");
    let baseline = Baseline::load(&root.join(BASELINE_NAME)).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(&root, Shard::ALL, &baseline).unwrap_or_else(|error| panic!("{error}"));
    let shared = Arc::new(Shared { plan, baseline });
    let mut trials = vec![baseline_and_scenarios(&shared)];
    for (index, task) in shared.plan.tasks.iter().enumerate() {
        let own = Arc::clone(&shared);
        trials.push(Trial::test(named(&task.name), move || scenario(&own, index)));
        for (number, recorded) in task.schedules.iter().enumerate() {
            let own = Arc::clone(&shared);
            let name = format!("replay::{}", named(&recorded.name));
            trials.push(Trial::test(name, move || replays(&own, index, number)));
        }
    }
    trials
}

/// Returns the name of a file's test: its path with `::`, without its extension.
fn named(file: &str) -> String {
    let name = Path::new(file).with_extension("");
    let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("::")
}

/// Checks that the baseline has the scenarios that there are, and no schedule stands alone.
fn baseline_and_scenarios(shared: &Arc<Shared>) -> Trial {
    let own = Arc::clone(shared);
    Trial::test("baseline::has_every_scenario_and_no_other", move || {
        let known: Vec<&String> = own.baseline.scenarios.keys().collect();
        let there: Vec<&String> = own.plan.names.iter().collect();
        let missing: Vec<_> = there.iter().filter(|name| !known.contains(name)).collect();
        let vanished: Vec<_> = known.iter().filter(|name| !there.contains(name)).collect();
        if let Some(first) = own.plan.unreachable.first() {
            return Err(Failed::from(format!("{}: {}", first.name, first.because)));
        }
        if missing.is_empty() && vanished.is_empty() && own.plan.orphans.is_empty() {
            return Ok(());
        }
        let orphans = &own.plan.orphans;
        Err(Failed::from(format!(
            "run `lastbatch gate --update-baseline`: not in the baseline {missing:?}, no longer there {vanished:?}, schedules without \
             a scenario {orphans:?}"
        )))
    })
}

/// Checks that a scenario turns the gate red for no reason. That the baseline may not know it yet is the promise of another test.
fn scenario(shared: &Shared, index: usize) -> Result<(), Failed> {
    let settings = Settings {
        budgets: BUDGETS,
        max_states: None,
        total_states: None,
        threads: 1,
        artifacts: None,
        checkpoints: None,
        program: PathBuf::from(PROGRAM),
    };
    let task = &shared.plan.tasks[index];
    let result = search_task(
        task,
        &settings,
        &shared.baseline,
        &Arc::new(AtomicBool::new(false)),
        &mut |_| {},
    )?;
    let problems = judge_scenario(&result, &shared.baseline);
    let problems: Vec<String> = problems
        .iter()
        .filter(|problem| !is_missing(problem))
        .map(told)
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failed::from(problems.join("\n")))
    }
}

fn is_missing(problem: &Problem) -> bool {
    problem.kind == ProblemKind::NotInBaseline
}

fn told(problem: &Problem) -> String {
    format!("{}: {}: {}", problem.kind, problem.subject, problem.message)
}

/// Checks that a recorded schedule still ends as it promises, the second time as the first.
fn replays(shared: &Shared, index: usize, number: usize) -> Result<(), Failed> {
    let task = &shared.plan.tasks[index];
    let recorded = &task.schedules[number];
    let replayed = replay_recorded(task, recorded);
    if replayed != replay_recorded(task, recorded) {
        return Err(Failed::from("two replays differ"));
    }
    match replayed.end {
        ReplayEnd::Kept => Ok(()),
        ReplayEnd::EndsOtherwise(why) | ReplayEnd::Differs(why) | ReplayEnd::Foreign(why) => Err(Failed::from(why)),
    }
}
