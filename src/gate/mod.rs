//! The gate: every scenario and every recorded schedule against what they expect and against a committed baseline.
//!
//! Three parts that know nothing of each other's work: a [`Plan`] says what is run and in which shard, [`run`] runs it and writes down
//! what came out ([`GateReport`]), and [`judge`] compares that with the expectations and the [`Baseline`]. So the results of several
//! machines are judged as those of one, and a result that was kept is judged as a fresh one.

mod baseline;
mod budget;
mod diff;
mod judge;
mod plan;
mod problem;
mod report;
mod run;
mod task;
mod upgrade;

pub use baseline::{Baseline, Engine as BaselineEngine, Entry as BaselineEntry};
pub use budget::{Budgets, Scope};
pub use diff::Difference;
pub use judge::{judge, judge_scenario};
pub use plan::{Plan, PlanError, Recorded, Task, Unreachable};
pub use problem::{Problem, ProblemKind};
pub use report::{GateReport, Identity, ReplayEnd, Replayed, ScenarioResult, SearchResult, merge};
pub use run::{Artifacts, Checkpoints, GateError, Observer, Settings, run};
pub use task::{replay_recorded, run_task, search_task};

/// The hash of the code of `models/` and of the machine that this program was built from, without comments and layout.
pub const MODEL_HASH: &str = env!("LASTBATCH_MODEL_HASH");

/// Hash of the code that decides what the exhaustive search may leave out.
const REDUCTIONS_HASH: &str = env!("LASTBATCH_REDUCTIONS_HASH");
