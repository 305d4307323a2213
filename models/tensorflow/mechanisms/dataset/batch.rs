//! `BatchDataset` (`kernels/data/batch_dataset_op.cc`), on the runner thread of `map`.
//!
//! Its mutex has no second user, so it has no label of its own: between two pulls it only looks at what the runner has gathered. At the
//! end of its input it destroys that, on this thread, before the partial batch is told.

use serde::{Deserialize, Serialize};

use super::delivery::{Batch, Outcome};
use super::parallel_map::{map_input, next_of_map_input};
use super::{Element, IteratorId, Name, Pulled, iterator_is_destroyed, prefetch, tree};
use crate::models::tensorflow::mechanisms::context::{Next, Run};
use crate::models::tensorflow::process::ThreadId;

/// The runner thread's stack in `CallFunction` and below.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct RunnerFrame {
    /// The call that gets its input now.
    pub number: u16,
    /// The first call that is not in its list.
    pub end: u16,
    /// The records of the batch so far.
    pub gathered: Batch,
}

/// Calls `BatchDataset::Iterator::GetNext` for the runner's next call.
pub(super) fn get_next(run: &mut Run<'_>, id: IteratorId) {
    if tree(run, id).has_input {
        run.then([prefetch::get_next(id)]);
    } else {
        map_input(run, id, Outcome::End);
    }
}

/// Lists what [`get_next`] may do.
pub(super) fn next_of_get_next(next: &mut Next<'_>, id: IteratorId) {
    let has_input = next.facts.iterator_resource.tree(id).has_input;
    next.then(has_input.then(|| prefetch::get_next(id)));
    next_of_map_input(next, id, false);
}

/// Takes the answer of `prefetch`.
pub(super) fn receive(run: &mut Run<'_>, id: IteratorId, pulled: Pulled) {
    let size = usize::from(run.model.the_pipeline().batch_size);
    let gathered = &mut tree(run, id).runner.gathered;
    match pulled {
        Pulled::Element(Element::Record(record)) => {
            let place = gathered.partition_point(|other| *other < record);
            gathered.insert(place, record);
            if gathered.len() == size {
                batch_is_made(run, id);
            } else {
                run.then([prefetch::get_next(id)]);
            }
        }
        Pulled::Element(Element::Error) => {
            // What was gathered is lost.
            gathered.clear();
            map_input(run, id, Outcome::Error);
        }
        Pulled::End => run.then([prefetch::cancel(id)]),
    }
}

/// Lists what [`receive`] may do.
pub(super) fn next_of_receive(next: &mut Next<'_>, id: IteratorId) {
    next.then([prefetch::get_next(id), prefetch::cancel(id)]);
    next_of_map_input(next, id, true);
}

/// Goes on once `prefetch` and all below are gone: at the end of the data, or because `map` is destroyed.
pub(super) fn input_is_destroyed(run: &mut Run<'_>, id: IteratorId) {
    let destroyed_by_batch = run.thread.id == ThreadId::Dataset(Name::Runner(id));
    let destroyed = tree(run, id);
    destroyed.has_input = false;
    destroyed.prefetch = prefetch::Prefetch::default();
    destroyed.interleave = Default::default();
    let gathered = destroyed.runner.gathered.len();
    if !destroyed_by_batch {
        return iterator_is_destroyed(run, id);
    }
    let pipeline = run.model.the_pipeline();
    if gathered == 0 || pipeline.drop_remainder && gathered < usize::from(pipeline.batch_size) {
        tree(run, id).runner.gathered.clear();
        map_input(run, id, Outcome::End);
    } else {
        batch_is_made(run, id);
    }
}

fn batch_is_made(run: &mut Run<'_>, id: IteratorId) {
    let records = std::mem::take(&mut tree(run, id).runner.gathered);
    map_input(run, id, Outcome::Batch(records));
}
