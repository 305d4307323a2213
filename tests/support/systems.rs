//! Small systems at random, cut out of jobs of the TensorFlow model: few enough schedules that every one can be run.

use lastbatch::machine::{Fragment, Group, Model, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::job::{Data, Variant};
use lastbatch::models::tensorflow::process::Process;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

use super::small_jobs::{Input, REFERENCES, SmallJob};
use super::state_space::{StateSpace, state_space};

/// Schedules that a system may have.
const MOST_SCHEDULES: u64 = 200;
/// States that a system may have.
const MOST_STATES: usize = 300;
/// Labels between two beginnings that are tried.
const STRIDE: usize = 2;
/// Labels that a job may run: no small job runs as many.
const MOST_LABELS: usize = 1_000;

/// A job, how it came to where the system begins, and whether the threads of each process are one group.
#[derive(Clone, Debug)]
pub(crate) struct Small {
    pub(crate) job: SmallJob,
    /// The threads that ran, each as an index into those that could.
    walk: Vec<u8>,
    grouped: bool,
}

/// Jobs with two or three processes and every variant, at the end of the data.
pub(crate) fn jobs() -> impl Strategy<Value = SmallJob> {
    let edge = (0_u8..3, 1_u8..3, any::<bool>());
    let variant = 0..Variant::all().count();
    let edges = prop::collection::vec(edge, 1..=3);
    (1_u8..3, edges, 1_u8..4, variant).prop_map(|(servers, edges, pool, variant)| {
        let mut job = SmallJob::plain(servers, &[]);
        (job.edges, job.pool) = (names(servers, &edges), pool);
        job.variant = Variant::all().nth(variant).expect("one of them");
        job.steps = vec![Data::End];
        job.input = Input::Iterator;
        job
    })
}

/// Returns such jobs, and any way into them.
pub(crate) fn systems(grouped: impl Strategy<Value = bool>) -> impl Strategy<Value = Small> {
    let walk = prop::collection::vec(any::<u8>(), 1..60);
    (jobs(), walk, grouped).prop_map(|(job, walk, grouped)| Small { job, walk, grouped })
}

/// Edges as jobs write them. Only what the worker has read, or what depends on that, can carry the batch.
fn names(servers: u8, edges: &[(u8, u8, bool)]) -> Vec<String> {
    let processes = servers + 1;
    let name = |process: u8| match process {
        0 => "worker".to_owned(),
        server => format!("ps{}", server - 1),
    };
    let mut reached = vec![0];
    let mut names = Vec::new();
    for &(from, distance, batch) in edges {
        let from = from % processes;
        let to = (from + 1 + (distance - 1) % servers) % processes;
        let batch = batch && reached.contains(&from);
        if batch && from == 0 {
            reached.push(to);
        }
        names.push(format!(
            "{}->{}{}",
            name(from),
            name(to),
            if batch { " batch" } else { "" }
        ));
    }
    names
}

impl Small {
    /// Returns the last part of a run of the job: as long as it can be with no more schedules than [`MOST_SCHEDULES`].
    pub(crate) fn kernel(&self) -> (Fragment<TensorFlow>, System<Process>, StateSpace) {
        let model = self.job.model(&REFERENCES[0]);
        let mut states = vec![System::initial(&model)];
        for pick in self.walk.iter().cycle().take(MOST_LABELS) {
            let mut next = states[states.len() - 1].clone();
            let enabled = next.enabled(&model);
            if enabled.is_empty() {
                break;
            }
            let (process, pending) = &enabled[usize::from(*pick) % enabled.len()];
            next.step(&model, *process, pending, u32::from(*pick) % pending.operation.choices)
                .expect("the model keeps its contract");
            states.push(next);
        }
        let mut best = None;
        for start in states.into_iter().rev().step_by(STRIDE) {
            let kernel = Fragment::new(model.clone(), start.clone(), self.groups(&model));
            match state_space(&kernel, MOST_STATES).filter(|state_space| state_space.schedules <= MOST_SCHEDULES) {
                Some(state_space) => best = Some((kernel, start, state_space)),
                None => break,
            }
        }
        best.expect("at rest there is one schedule")
    }

    fn groups(&self, model: &TensorFlow) -> Vec<Group> {
        if !self.grouped {
            return Vec::new();
        }
        let processes = (0..model.process_count()).map(|id| model.process_name(ProcessId::new(id)));
        let group = |process: String| Group::new(model, &process, &[format!("{process}/*")]);
        processes
            .map(|process| group(process).expect("a process of the model"))
            .collect()
    }
}

/// Asks for `cases` systems; `LASTBATCH_AGREEMENT_CASES` asks for another number, `LASTBATCH_AGREEMENT_SEED` for other ones.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("LASTBATCH_AGREEMENT_CASES").map_or(cases, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(number("LASTBATCH_AGREEMENT_SEED").unwrap_or(20_181_105_u64)),
        // Kept beside the test, as `agreement.regressions`, and run first ever after.
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}
