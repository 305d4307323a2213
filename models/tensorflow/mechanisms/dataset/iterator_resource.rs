//! The iterator resource (`kernels/data/iterator_ops.cc`): `IteratorGetNext` reads from the iterator that it holds, `MakeIterator` puts a
//! new one into it and destroys the old one.
//!
//! A session runs one step at a time here, and a step ends after its `IteratorGetNext`. So nobody reads while `MakeIterator` runs: the
//! resource has the only reference to the old iterator, which is destroyed on the pool thread that runs `MakeIterator`.

use super::delivery::Outcome;
use super::{Facts, Tree, datasets, parallel_map, tree};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::Pc as AnyPc;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Inventory, Next, Run, View};
use crate::models::tensorflow::mechanisms::executor;
use crate::models::tensorflow::mechanisms::room::Mechanism;
use crate::models::tensorflow::process::{NodeId, Process, StepId};

labels! {
    MAKE_ITERATOR = "MakeIterator.set_iterator", "MakeIteratorOp::Compute (IteratorResource::set_iterator)", "iterator_ops.cc:576";
}

program_counter! { IteratorResource;
    /// The kernel makes an iterator and replaces the one that is there.
    MakeIterator(step, node) => MAKE_ITERATOR,
}

objects! { IteratorResource;
    /// `IteratorResource`: which iterator it holds.
    Resource = "iterator_resource" per Process,
}

/// Begins a `MakeIterator`.
pub(in crate::models::tensorflow::mechanisms) fn make_iterator(step: StepId, node: NodeId) -> AnyPc {
    Pc::MakeIterator(step, node).into()
}

/// Runs `IteratorResource::GetNext`: reads the iterator that the resource holds.
pub(in crate::models::tensorflow::mechanisms) fn read(process: &Process) -> AnyPc {
    let datasets = process.datasets.as_deref().expect("the process has a pipeline");
    parallel_map::get_next(datasets.current)
}

/// Lists what [`read`] may do, now or later.
pub(in crate::models::tensorflow::mechanisms) fn next_of_read(next: &mut Next<'_>) {
    next.then(
        next.facts
            .iterator_resource
            .to_come(next.model)
            .map(parallel_map::get_next),
    );
}

/// Tells the client what [`read`] came to, and returns true if there is a batch.
///
/// # Panics
/// If no epoch of the pipeline may deliver that: the pipeline has lost, doubled or reordered records.
pub(in crate::models::tensorflow::mechanisms) fn tell_answer(run: &mut Run<'_>) -> bool {
    let pipeline = run.model.the_pipeline();
    let id = datasets(run).current;
    let thread = run.thread.id;
    let tree = tree(run, id);
    let place = tree.answers.iter().position(|(reader, _)| *reader == thread);
    let (_, answer) = tree.answers.remove(place.expect("the iterator has answered"));
    let outcome = answer.outcome.expect("a call that was notified has come to something");
    let brings = matches!(outcome, Outcome::Batch(_));
    if let Err(wrong) = tree.delivery.note(pipeline, answer.number, outcome) {
        panic!("iterator {id}: {wrong}");
    }
    brings
}

impl Mechanism for Counter {
    type Facts = Facts;

    fn facts(_model: &TensorFlow, _id: ProcessId, process: &Process) -> Facts {
        Facts::of(process)
    }

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        if let Some(datasets) = &process.datasets {
            inventory.add(Object::Resource, &datasets.current, || {
                format!("holds iterator {}", datasets.current)
            });
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        context.uses(Object::Resource, Access::Write)
    }

    fn next(self, next: &mut Next<'_>) {
        let Pc::MakeIterator(step, node) = self.0;
        next.then(
            next.facts
                .iterator_resource
                .to_come(next.model)
                .map(parallel_map::destroy),
        );
        next.then(executor::node_done(next.model, step, node, true, true));
    }

    fn apply(self, run: &mut Run<'_>) {
        let Pc::MakeIterator(step, node) = self.0;
        let pipeline = run.model.the_pipeline();
        let datasets = datasets(run);
        let old = datasets.current;
        datasets.current += 1;
        let new = Tree::new(datasets.current, pipeline);
        datasets.trees.push(new);
        // The kernel is synchronous: it is done when the old iterator is gone.
        run.then(executor::node_done(run.model, step, node, true, true));
        run.then([parallel_map::destroy(old)]);
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        "puts a new iterator into the resource and destroys the old one".to_owned()
    }
}
