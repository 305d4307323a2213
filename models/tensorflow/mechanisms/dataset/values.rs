//! The values of a pipeline's objects, for the machine's check of labels.

use std::collections::BTreeSet;
use std::hash::Hash;

use super::parallel_interleave::Worker;
use super::{Datasets, Object, Tree};
use crate::models::tensorflow::cluster::hash;

/// Each object with its value. What a thread has on its own stack belongs to none.
pub(in crate::models) fn values(datasets: &Datasets) -> Vec<(Object, u64)> {
    let mut values = vec![
        (Object::Resource, hash(&datasets.current)),
        (Object::Sessions, hash(&datasets.sessions)),
    ];
    for tree in &datasets.trees {
        let id = tree.id;
        values.push((Object::Map(id), hash(&map(tree))));
        values.push((Object::Results(id), hash(&results(tree))));
        // What is destroyed is reset by whoever has joined its threads.
        if tree.has_input {
            values.push((Object::Prefetch(id), hash(&tree.prefetch)));
            values.push((Object::Interleave(id), hash(&interleave(tree))));
            values.push((Object::Opened(id), hash(&opened(tree))));
        }
    }
    values
}

fn map(tree: &Tree) -> impl Hash + use<'_> {
    let map = &tree.map;
    let numbers: Vec<u16> = map.results.iter().map(|result| result.number).collect();
    (map.started, map.cancelled, map.calls, numbers, map.next, &map.condvar)
}

fn results(tree: &Tree) -> impl Hash + use<> {
    let known = tree.map.results.iter().chain(&tree.map.taken);
    let notified = known.filter(|result| result.notified);
    notified.map(|result| result.number).collect::<BTreeSet<u16>>()
}

/// The workers whose notification has come.
fn opened(tree: &Tree) -> Vec<usize> {
    let workers = tree.interleave.workers.iter().enumerate();
    workers
        .filter(|(_, worker)| worker.opened)
        .map(|(number, _)| number)
        .collect()
}

fn interleave(tree: &Tree) -> impl Hash + use<'_> {
    fn shared(worker: &Worker) -> impl Hash + use<'_> {
        (worker.input, &worker.outputs, worker.producing, &worker.condvar)
    }
    let interleave = &tree.interleave;
    let workers: Vec<_> = interleave.workers.iter().map(shared).collect();
    let list = (
        interleave.next_file,
        interleave.input_ended,
        interleave.next,
        interleave.cancelled,
    );
    (
        list,
        workers,
        &interleave.slots,
        &interleave.staging,
        &interleave.sloppy,
    )
}
