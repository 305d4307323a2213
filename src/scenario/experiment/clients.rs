//! The steps that the clients of a worker run, one after the other: the user's loop, and the queue runner beside it.

use std::sync::Arc;

use crate::models::tensorflow::job::builtin::worker_only;
use crate::models::tensorflow::job::graph::{Graph, NodeKind};
use crate::models::tensorflow::job::{Data, JobStep};
use crate::scenario::{Input, JobSection, Turn};

/// Lists what the queue runner runs: an enqueue for each of its elements, then the close. Unless the scenario says how many elements it
/// has, there is one for each of the `dequeues` of each step that has a batch.
pub(super) fn fills(section: &JobSection, dequeues: usize) -> Vec<JobStep> {
    let enqueue = Arc::new(worker_only("QueueEnqueueV2", NodeKind::Enqueue));
    let close = Arc::new(worker_only("QueueCloseV2", NodeKind::CloseQueue));
    let turns = section.data.lists().iter().flatten();
    let batches = turns.filter(|turn| **turn == Turn::Batch).count();
    let elements = section.queue.and_then(|queue| queue.elements);
    let elements = elements.map_or(batches * dequeues, usize::from);
    let steps = std::iter::repeat_n(enqueue, elements).chain([close]);
    steps.map(|graph| step(&graph, Data::Queued)).collect()
}

/// Returns one `sess.run`.
pub(super) fn step(graph: &Arc<Graph>, data: Data) -> JobStep {
    let graph = Arc::clone(graph);
    JobStep { graph, data }
}

/// Lists what a client with these turns runs. With a decoupled input a turn is a step that reads the batch, then, if there was a batch, a step that
/// is fed with it and so has all that it needs.
pub(super) fn steps(
    section: &JobSection,
    turns: &[Turn],
    reading: Option<&Arc<Graph>>,
    training: &Arc<Graph>,
) -> Vec<JobStep> {
    if let Some(pipeline) = &section.pipeline {
        return super::epochs::steps(pipeline, reading, training);
    }
    let initializing = Arc::new(worker_only("MakeIterator", NodeKind::Other));
    let mut steps = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        // An epoch is over: the user's loop begins the next with the iterator's initializer.
        let fed = section.input == Input::Decoupled && reading.is_none();
        if number > 0 && turns[number - 1] == Turn::End && section.queue.is_none() && !fed {
            steps.push(step(&initializing, Data::Batch));
        }
        let several = reading.unwrap_or(training).reads_several_times();
        let data = match turn {
            _ if section.queue.is_some() => Data::Queued,
            Turn::Batch => Data::Batch,
            Turn::End if several => Data::EndOfSome,
            Turn::End => Data::End,
        };
        match reading {
            // Python reads the batch, and at the end of the data runs no step.
            None if fed && *turn == Turn::End => {}
            None => steps.push(step(training, data)),
            Some(reading) => {
                steps.push(step(reading, data));
                if *turn == Turn::Batch {
                    steps.push(step(training, Data::Batch));
                }
            }
        }
    }
    steps
}
