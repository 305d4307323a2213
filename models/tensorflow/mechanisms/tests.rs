use proptest::prelude::*;

use super::bench::{Transition, models, picks, run_at_random};
use super::*;
use crate::models::tensorflow::process::{ANY_RENDEZVOUS, StepId};

/// The facts of a process of a job of one step, as truths that must stay.
fn truths(model: &TensorFlow, id: ProcessId, process: &Process) -> Vec<bool> {
    let facts = Facts::of(model, id, process);
    let of_step = |step| {
        let state = facts.rendezvous.state(step, ANY_RENDEZVOUS);
        let failed = facts.master.failed(step);
        [state.local_aborted, state.aborted, state.initialized, failed]
    };
    let steps = 0..model.steps().len() as StepId;
    steps.flat_map(of_step).chain([facts.crash.restarted()]).collect()
}

/// Returns true if the process has died: everything that was said of it is gone.
fn died(transition: &Transition<'_>) -> bool {
    transition.after.processes[transition.process.index()].connections.down
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_fact_that_is_true_stays_true_for_as_long_as_the_process_lives(model in models(), picks in picks()) {
        run_at_random(&model, &picks, |transition| {
            let states = transition.before.processes.iter().zip(&transition.after.processes);
            for (id, (before, after)) in model.process_ids().zip(states) {
                if id == transition.process && died(transition) {
                    continue;
                }
                let facts = truths(&model, id, before).into_iter().zip(truths(&model, id, after));
                for (number, (was, is)) in facts.enumerate() {
                    assert!(is || !was, "fact {number} of {id:?} is gone after {:?} ran", transition.thread);
                }
            }
        });
    }
}

#[test]
fn every_object_is_of_one_kind_and_every_kind_has_a_name_of_its_own() {
    let kinds: Vec<&str> = Object::KINDS.iter().copied().flatten().map(|(name, _)| *name).collect();
    let names: std::collections::BTreeSet<&&str> = kinds.iter().collect();
    assert_eq!(names.len(), kinds.len());
    for kind in 0..kinds.len() {
        assert_eq!(Object::of(kind, 0).place(), (kind, 0));
    }
}
