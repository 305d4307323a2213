//! Independent oracles for the exhaustive engine: the crate `stateright` on the same labels, and a naive search.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit, search};
use lastbatch::explore::{Answer, Verdict};
use lastbatch::machine::{Reducible, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::litmus::busy_client::BusyClient;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::lost_wakeup::LostWakeup;
use lastbatch::models::litmus::ping::Ping;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::rendezvous::Rendezvous;
use lastbatch::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use lastbatch::models::tensorflow::job::graph::{Graph, Node, NodeKind};
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stateright::Checker;

use crate::support::random_model;
use crate::support::small_jobs::{REFERENCES, SmallJob};
use crate::support::stateright_adapter::{Adapter, HANG};

use super::exhaustive::{ALL_WITH_LEAKS, essence};

fn run<M: Reducible>(model: &M, reductions: Reductions, threads: usize) -> Verdict {
    let options = Options {
        reductions,
        threads,
        ..Options::default()
    };
    search(model, &options, &AtomicBool::new(false), &mut |_| {})
}

fn agrees_with_stateright<M: Reducible + Clone + 'static>(model: &M, comes_to_rest: bool)
where
    M::Process: Hash + Debug,
{
    let ours = run(model, Reductions::NONE, 1);
    assert!(ours.complete, "{:?}", ours.findings);
    let theirs = stateright::Model::checker(Adapter(model.clone())).spawn_bfs().join();
    assert_eq!(ours.states, theirs.unique_state_count() as u64);
    if comes_to_rest {
        let hang = theirs.discovery(HANG).is_some();
        assert_eq!(ours.answer, if hang { Answer::Hang } else { Answer::NoHang });
    }
}

/// Returns true if some client hangs, by the definition: from some state it can reach no state in which it has returned.
fn naive_answer<M: Reducible>(model: &M) -> (u64, Answer)
where
    M::Process: Hash + Eq,
{
    let mut ids = HashMap::new();
    let mut states = vec![System::initial(model)];
    let mut edges: Vec<Vec<usize>> = Vec::new();
    ids.insert(states[0].clone(), 0);
    while edges.len() < states.len() {
        let state = states[edges.len()].clone();
        let mut targets = Vec::new();
        for (id, pending) in state.enabled(model) {
            for choice in 0..pending.operation.choices {
                let mut next = state.clone();
                next.step(model, id, &pending, choice).unwrap();
                let fresh = states.len();
                let target = *ids.entry(next.clone()).or_insert(fresh);
                if target == fresh {
                    states.push(next);
                }
                targets.push(target);
            }
        }
        edges.push(targets);
    }
    let clients: Vec<_> = states.iter().map(|state| state.clients(model)).collect();
    for client in 0..clients[0].len() {
        let mut can: Vec<bool> = clients.iter().map(|clients| clients[client].2.returned).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for state in (0..states.len()).rev() {
                if !can[state] && edges[state].iter().any(|&to| can[to]) {
                    can[state] = true;
                    changed = true;
                }
            }
        }
        if can.contains(&false) {
            return (states.len() as u64, Answer::Hang);
        }
    }
    (states.len() as u64, Answer::NoHang)
}

#[test]
fn on_every_litmus_model_states_and_verdict_are_those_of_stateright() {
    for variant in [false, true] {
        agrees_with_stateright(&CrossedLocks { crosswise: variant }, true);
        agrees_with_stateright(&LostWakeup { recheck: variant }, true);
        agrees_with_stateright(
            &Rendezvous {
                failure_is_sent: variant,
            },
            true,
        );
        agrees_with_stateright(&BusyClient { fair: variant }, false);
        agrees_with_stateright(
            &Ping {
                reset_is_answered: variant,
            },
            true,
        );
        agrees_with_stateright(
            &Pool {
                servers: 2,
                independent: 3,
                consumer: variant,
            },
            true,
        );
        agrees_with_stateright(
            &Pool {
                servers: 1,
                independent: 2,
                consumer: variant,
            },
            true,
        );
    }
}

#[test]
fn on_the_smallest_steps_of_tensorflow_states_and_verdict_are_those_of_stateright() {
    for variant in [Variant::Tf112, Variant::RememberCancelledSteps] {
        for (pool, data) in [(1, Data::End), (2, Data::End), (2, Data::Batch)] {
            let mut job = SmallJob::plain(1, &[]);
            (job.pool, job.variant, job.steps) = (pool, variant, vec![data]);
            agrees_with_stateright(&job.model(&REFERENCES[0]), true);
        }
    }
}

/// Returns an ordinary step of one server in which worker and server update a variable each.
fn updating_step() -> TensorFlow {
    let graph = builtin(1, &Edges::default(), &[], BatchSource::Iterator).unwrap();
    let mut partitions = graph.partitions.clone();
    for (partition, inputs) in [(0, vec![0]), (1, vec![])] {
        partitions[partition].variables.push("v".to_owned());
        partitions[partition].nodes.push(Node {
            name: "update".to_owned(),
            op: "AssignAdd".to_owned(),
            kind: NodeKind::Update { variable: 0 },
            expensive: true,
            inputs,
        });
    }
    let steps = vec![JobStep {
        graph: Arc::new(Graph::new(partitions, graph.edges.clone()).unwrap()),
        data: Data::Batch,
    }];
    TensorFlow::new(Job {
        workers: 1,
        steps,
        inter_op: 2,
        intra_op: 1,
        variant: Variant::Tf112,
        partition_order: Order::Recorded,
        root_order: Order::All,
        pipeline: None,
    })
    .unwrap()
}

#[test]
fn in_every_state_in_which_the_client_of_an_ordinary_step_has_its_answer_each_variable_is_updated_once() {
    let model = updating_step();
    let (mut seen, mut open) = (HashSet::new(), vec![System::initial(&model)]);
    let mut answers = 0;
    while let Some(state) = open.pop() {
        if state.clients(&model).iter().all(|(.., client)| client.returned) {
            answers += 1;
            let updates = state.processes.iter().flat_map(|process| &process.variables);
            assert_eq!(updates.copied().collect::<Vec<u8>>(), [1, 1]);
        }
        for (id, pending) in state.enabled(&model) {
            for choice in 0..pending.operation.choices {
                let mut next = state.clone();
                next.step(&model, id, &pending, choice).unwrap();
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    assert!(answers > 0);
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_181),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

const SETTINGS: [Reductions; 3] = [
    Reductions {
        forget_dead: true,
        partial_order: false,
        sure_return: false,
        leaks: true,
    },
    Reductions {
        forget_dead: false,
        partial_order: true,
        sure_return: false,
        leaks: true,
    },
    ALL_WITH_LEAKS,
];

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn on_random_models_states_and_verdict_are_those_of_stateright(model in random_model::resting()) {
        agrees_with_stateright(&model, true);
    }
}

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn on_random_models_reductions_keep_every_terminal_hang_its_length_and_the_leaks(model in random_model::resting()) {
        let reference = run(&model, Reductions::NONE, 1);
        prop_assert!(reference.complete, "{:?}", reference.findings);
        for reductions in SETTINGS {
            let reduced = run(&model, reductions, 2);
            prop_assert_eq!(&reduced.findings, &vec![]);
            prop_assert_eq!(essence(&reduced), essence(&reference), "{:?}", reductions);
            prop_assert!(reduced.states <= reference.states);
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn on_random_models_that_may_never_rest_the_verdict_is_the_definition(model in random_model::looping()) {
        let (states, answer) = naive_answer(&model);
        let reference = run(&model, Reductions::NONE, 1);
        prop_assert!(reference.complete, "{:?}", reference.findings);
        prop_assert_eq!((reference.states, reference.answer), (states, answer));
        for reductions in SETTINGS {
            let reduced = run(&model, reductions, 1);
            prop_assert_eq!(&reduced.findings, &vec![]);
            prop_assert_eq!(reduced.answer, answer, "{:?}", reductions);
        }
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn random_models_keep_their_promises_to_the_reductions(model in random_model::resting()) {
        let options = Options { reductions: Reductions::NONE, ..Options::default() };
        let report = audit(&model, &options, &AtomicBool::new(false));
        prop_assert_eq!(report.complaints, Vec::<String>::new());
    }
}
