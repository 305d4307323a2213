//! The iterator resource (`tf-data.md` section 1; `kernels/data/iterator_ops.cc`): `IteratorGetNext` reads from the iterator that it
//! holds, `MakeIterator` puts a new one into it and destroys the old one.
//!
//! A session runs one step at a time here, and a step ends after its `IteratorGetNext`. So nobody reads while `MakeIterator` runs: the
//! resource has the only reference to the old iterator, which is destroyed on the pool thread that runs `MakeIterator`.

use super::delivery::Outcome;
use super::{At as Stage, IteratorId, Object, Tree, parallel_map};
use crate::machine::{Access, Label};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::objects::Object as Any;
use crate::models::tensorflow::process::{NodeId, StepId};
use serde::{Deserialize, Serialize};

static MAKE_ITERATOR: Label = Label {
    name: "MakeIterator.set_iterator",
    function: "MakeIteratorOp::Compute (IteratorResource::set_iterator)",
    site: "iterator_ops.cc:576",
};

/// Positions at the iterator resource.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The kernel makes an iterator and replaces the one that is there.
    MakeIterator(StepId, NodeId),
}

impl View<'_> {
    pub(super) fn declare_resource(&self, at: At) -> Declared {
        let At::MakeIterator(..) = at;
        Declared::new(&MAKE_ITERATOR, Any::Dataset(Object::Resource), Access::Write)
    }
}

impl Run<'_> {
    pub(super) fn apply_resource(&mut self, at: At) {
        let At::MakeIterator(step, node) = at;
        let pipeline = self.model.the_pipeline();
        let datasets = self.datasets();
        let old = datasets.current;
        datasets.current += 1;
        let new = Tree::new(datasets.current, pipeline);
        datasets.trees.push(new);
        // The kernel is synchronous: it is done when the old iterator is gone.
        self.node_done(step, node, true, true);
        self.goes_to(Stage::Map(parallel_map::At::Destroy(old)));
    }

    /// `IteratorResource::GetNext`, on the thread that runs it.
    pub(in crate::models) fn read_iterator(&mut self) {
        let id = self.datasets().current;
        self.goes_to(Stage::Map(parallel_map::At::GetNext(id)));
    }

    /// What [`Run::read_iterator`] came to: whether there is a batch.
    ///
    /// # Panics
    /// If no epoch of the pipeline may deliver that: the pipeline has lost, doubled or reordered records.
    pub(in crate::models) fn tell_answer(&mut self) -> bool {
        let pipeline = self.model.the_pipeline();
        let id = self.datasets().current;
        let tree = self.tree(id);
        let outcome = tree.answer.take().expect("the iterator has answered");
        if let Err(wrong) = tree.delivery.note(pipeline, &outcome) {
            panic!("iterator {id}: {wrong}");
        }
        matches!(outcome, Outcome::Batch(_))
    }

    /// The last part of an iterator is gone.
    pub(super) fn iterator_is_destroyed(&mut self, id: IteratorId) {
        self.datasets().trees.retain(|tree| tree.id != id);
    }
}
