//! `BatchDataset` (`tf-data.md` section 4; `kernels/data/batch_dataset_op.cc`), on the runner thread of `map`.
//!
//! Its mutex has no second user (`tf-data.md` 10.D.3), so it has no label of its own: between two pulls it only looks at what the
//! runner has gathered. At the end of its input it destroys that, on this thread, before the partial batch is told.

use super::delivery::{Batch, Outcome};
use super::{At, Element, IteratorId, Name, Pulled, prefetch};
use crate::models::tensorflow::cluster::Run;
use crate::models::tensorflow::process::ThreadId;
use serde::{Deserialize, Serialize};

/// What the runner thread has on its stack in `CallFunction` and below.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct RunnerFrame {
    /// The call that gets its input now.
    pub number: u16,
    /// The first call that is not in its list.
    pub end: u16,
    /// The records of the batch so far.
    pub gathered: Batch,
}

impl Run<'_> {
    /// `BatchDataset::Iterator::GetNext` is called for the runner's next call.
    pub(super) fn batch_get_next(&mut self, id: IteratorId) {
        if self.tree(id).has_input {
            self.goes_to(At::Prefetch(prefetch::At::GetNext(id)));
        } else {
            self.map_input(id, Outcome::End);
        }
    }

    /// `prefetch` has answered.
    pub(super) fn batch_receives(&mut self, id: IteratorId, pulled: Pulled) {
        let size = usize::from(self.model.the_pipeline().batch_size);
        let gathered = &mut self.tree(id).runner.gathered;
        match pulled {
            Pulled::Element(Element::Record(record)) => {
                let place = gathered.partition_point(|other| *other < record);
                gathered.insert(place, record);
                if gathered.len() == size {
                    self.batch_is_made(id);
                } else {
                    self.goes_to(At::Prefetch(prefetch::At::GetNext(id)));
                }
            }
            Pulled::Element(Element::Error) => {
                // What was gathered is lost.
                gathered.clear();
                self.map_input(id, Outcome::Error);
            }
            Pulled::End => self.goes_to(At::Prefetch(prefetch::At::Cancel(id))),
        }
    }

    /// `prefetch` and all below are gone: at the end of the data, or because `map` is destroyed.
    pub(super) fn input_is_destroyed(&mut self, id: IteratorId) {
        let destroyed_by_batch = self.thread.id == ThreadId::Dataset(Name::Runner(id));
        let tree = self.tree(id);
        tree.has_input = false;
        tree.prefetch = prefetch::Prefetch::default();
        tree.interleave = Default::default();
        if !destroyed_by_batch {
            return self.iterator_is_destroyed(id);
        }
        let pipeline = self.model.the_pipeline();
        let gathered = self.tree(id).runner.gathered.len();
        if gathered == 0 || pipeline.drop_remainder && gathered < usize::from(pipeline.batch_size) {
            self.tree(id).runner.gathered.clear();
            self.map_input(id, Outcome::End);
        } else {
            self.batch_is_made(id);
        }
    }

    fn batch_is_made(&mut self, id: IteratorId) {
        let records = std::mem::take(&mut self.tree(id).runner.gathered);
        self.map_input(id, Outcome::Batch(records));
    }
}
