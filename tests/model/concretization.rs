//! Findings of a slice hold for the whole graph: their schedules replay there, and it has every kind of hang.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, search};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::import::concretization::{ConcretizeError, concretize, concretize_while};
use lastbatch::models::tensorflow::import::slice::{SliceOptions, slice};
use lastbatch::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use lastbatch::models::tensorflow::job::graph::Graph;
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};
use lastbatch::scenario::SliceKind;
use lastbatch::schedule::{Ending, Header, Schedule, Subject, replay};

use crate::support::scenario;
use crate::support::shipped_schedules::{load, schedules};
use crate::support::state_space::signatures;

/// States of one search: jobs that need more are not compared.
const MOST_STATES: u64 = 400_000;

const PAIRS: SliceOptions = SliceOptions {
    keep: 1,
    keep_updates: false,
    pairs: true,
};
const CLASSES: SliceOptions = SliceOptions { pairs: false, ..PAIRS };

fn graph(servers: u8, edges: &[String]) -> Graph {
    builtin(
        servers,
        &Edges::try_from(edges.to_vec()).unwrap(),
        &[],
        BatchSource::Iterator,
    )
    .unwrap()
}

fn model(graph: Graph, variant: Variant) -> TensorFlow {
    let steps = vec![JobStep {
        graph: Arc::new(graph),
        data: Data::End,
    }];
    TensorFlow::new(Job {
        workers: 1,
        steps,
        inter_op: 2,
        intra_op: 1,
        variant,
        partition_order: Order::Recorded,
        root_order: Order::All,
        pipeline: None,
    })
    .unwrap()
}

/// Searches as a scenario is searched; nothing where it takes too many states.
fn searched(model: &TensorFlow) -> Option<Verdict> {
    let mut model = model.clone();
    model.set_cancels_in_order(true);
    model.set_cleans_up(false);
    let options = Options {
        max_states: Some(MOST_STATES),
        ..Options::default()
    };
    let verdict = search(&model, &options, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(verdict.findings, []);
    verdict.stopped_by.is_none().then_some(verdict)
}

/// Replays a schedule of the slice on the whole graph, and checks that it ends in the same hang.
fn replays_on_the_whole(slice: &TensorFlow, schedule: &Schedule, full: &TensorFlow) {
    let concretized = concretize(slice, &schedule.events, full).unwrap_or_else(|error| panic!("{error}"));
    assert!(concretized.events.len() > schedule.events.len());
    let schedule = Schedule::record(schedule.header.clone(), concretized.events);
    let outcome = replay(full, &schedule, |_| {});
    assert_eq!(outcome.broken_promise(&schedule), None);
    assert!(outcome.end.at_rest());
}

#[test]
fn every_recorded_hang_of_a_slice_of_the_real_graph_replays_on_all_its_nodes() {
    let mut replayed = 0;
    for path in schedules("final_batch") {
        let (schedule, slice) = load(&path);
        assert_ne!(
            schedule.header.scenario().expect("a scenario").slice,
            "full",
            "{}",
            path.display()
        );
        let full = scenario::changed(path.with_file_name(schedule.header.name()), |document| {
            document.job.slice = SliceKind::Full;
        });
        replays_on_the_whole(slice.model(), &schedule, full.model());
        replayed += 1;
    }
    assert!(replayed >= 4);
}

/// Searches slice and whole graph; returns how many hangs there are, if both searches end.
fn compare(servers: u8, edges: &[String], variant: Variant, options: &SliceOptions) -> Option<usize> {
    let whole = graph(servers, edges);
    let reduced = slice(&whole, options);
    assert!(
        reduced.graph.edges.len() < whole.edges.len(),
        "{edges:?}: nothing is merged"
    );
    let (sliced, full) = (model(reduced.graph, variant), model(whole, variant));
    let (of_slice, of_full) = (searched(&sliced)?, searched(&full)?);
    assert_eq!(
        signatures(&of_slice.hangs),
        signatures(&of_full.hangs),
        "{edges:?} {variant} {options:?}: slice, then whole graph"
    );
    for hang in &of_slice.hangs {
        let header = Header {
            subject: Subject::Model("slice".to_owned()),
            ending: Ending::Hang {
                client: hang.client.clone(),
                signature: hang.signature.id(),
                waits: hang.signature.to_string(),
            },
        };
        replays_on_the_whole(&sliced, &Schedule::record(header, hang.events.clone()), &full);
    }
    Some(of_slice.hangs.len())
}

#[test]
fn two_equal_edges_hang_in_the_ways_in_which_one_does() {
    for edges in [
        ["worker->ps0 batch x2", "ps1->worker"],
        ["worker->ps0 batch", "ps1->worker x2"],
        ["worker->ps0 batch", "ps1->ps0 x2"],
    ] {
        let edges = edges.map(str::to_owned);
        for options in [PAIRS, CLASSES] {
            assert_eq!(compare(2, &edges, Variant::Tf112, &options), Some(2), "{edges:?}");
        }
    }
}

#[test]
fn two_edges_of_a_pair_of_which_one_depends_on_the_batch_hang_in_the_ways_in_which_that_one_does() {
    let edges = ["worker->ps0 batch", "worker->ps0", "ps1->worker"].map(str::to_owned);
    assert_eq!(compare(2, &edges, Variant::Tf112, &PAIRS), Some(2));
}

#[test]
fn on_random_jobs_with_an_edge_twice_the_slice_finds_every_hang_of_the_whole_graph() {
    let mut seed = 7_u64;
    let mut below = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    let variants: Vec<Variant> = Variant::of_steps().collect();
    let cases = std::env::var("LASTBATCH_SLICE_CASES").map_or(8, |cases| cases.parse().expect("a number"));
    let (mut compared, mut hangs) = (0, 0);
    for _ in 0..cases {
        let tasks = ["worker", "ps0", "ps1"];
        let mut edges = vec!["worker->ps0 batch".to_owned()];
        for _ in 0..=below(2) {
            let from = below(3);
            let to = (from + 1 + below(2)) % 3;
            edges.push(format!("{}->{}", tasks[from], tasks[to]));
        }
        let twice = below(edges.len());
        edges[twice].push_str(" x2");
        let variant = if below(2) == 0 {
            Variant::Tf112
        } else {
            variants[below(variants.len())]
        };
        let options = if below(2) == 0 { PAIRS } else { CLASSES };
        if let Some(found) = compare(2, &edges, variant, &options) {
            compared += 1;
            hangs += found;
        }
    }
    assert!(
        compared * 2 >= cases,
        "only {compared} of {cases} jobs were searched to the end"
    );
    assert!(
        hangs > compared / 2,
        "the jobs hardly hang: {hangs} hangs of {compared}"
    );
}

#[test]
fn a_schedule_of_another_job_is_no_schedule_of_the_slice() {
    let full = model(graph(2, &["worker->ps0 batch x2".to_owned()]), Variant::Tf112);
    let other = model(graph(2, &["worker->ps1 batch".to_owned()]), Variant::Tf112);
    let hang = &searched(&model(
        graph(2, &["worker->ps0 batch".to_owned(), "ps1->worker".to_owned()]),
        Variant::Tf112,
    ))
    .unwrap()
    .hangs[0];
    let error = concretize(&other, &hang.events, &full).unwrap_err();
    assert!(matches!(error, ConcretizeError::NotOfSlice { .. }), "{error}");
}

#[test]
fn a_schedule_that_nobody_wants_any_more_is_told_no_further() {
    let edges = ["worker->ps0 batch".to_owned(), "ps1->worker".to_owned()];
    let job = model(graph(2, &edges), Variant::Tf112);
    let hang = &searched(&job).unwrap().hangs[0];
    let left = Cell::new(50_i32);
    let wanted = || {
        left.set(left.get() - 1);
        left.get() > 0
    };
    let ended = concretize_while(&job, &hang.events, &job, &wanted);
    assert_eq!(ended, Err(ConcretizeError::Ended));
    assert!(concretize_while(&job, &hang.events, &job, &|| true).is_ok());
}
