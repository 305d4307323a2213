//! The nodes that bring the batch into a step, as the scenario says and the graph has them.

use std::collections::BTreeMap;

use super::ExperimentProblem;
use crate::models::tensorflow::job::graph::{Graph, NodeId, NodeKind};
use crate::scenario::{Input, JobSection};

/// Queues that are modelled: elements come out in the order in which they went in.
const QUEUES: [&str; 4] = ["FIFOQueue", "FIFOQueueV2", "PaddingFIFOQueue", "PaddingFIFOQueueV2"];
/// Ops that give the handle of an iterator.
const ITERATORS: [&str; 4] = ["Iterator", "IteratorV2", "OneShotIterator", "IteratorFromStringHandle"];
/// Dequeues of one element.
const DEQUEUES: [&str; 2] = ["QueueDequeue", "QueueDequeueV2"];

/// The nodes that must bring the batch into a step.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    /// The end of an iterator.
    GetNext,
    /// A queue's dequeue.
    Dequeue,
    /// One of the two.
    Either,
    /// None: it is fed.
    Fed,
}

impl Reads {
    /// Returns those of the step that trains.
    pub(super) fn of(input: Input) -> Self {
        match input {
            Input::Coupled | Input::Read => Self::GetNext,
            Input::Queue => Self::Dequeue,
            Input::Decoupled => Self::Fed,
        }
    }

    /// Returns the graph with these nodes as its only source of batches.
    pub(super) fn choose(self, graph: &Graph, section: &JobSection) -> Result<Graph, ExperimentProblem> {
        let has = |kind: NodeKind| graph.reads().any(|id| graph.node(id).kind == kind);
        let (iterator, queue) = (has(NodeKind::GetNext), has(NodeKind::Dequeue));
        let problem = match self {
            Self::GetNext if !iterator => "the graph has no IteratorGetNext on its worker",
            Self::Dequeue if !queue => "the graph has no dequeue on its worker",
            Self::Either if !iterator && !queue => {
                "the graph of job.read_graph has no IteratorGetNext and no dequeue on its worker"
            }
            Self::Fed if iterator || queue => {
                "the graph of job.graph reads a batch of its own, expected one that is fed"
            }
            _ => {
                let input = match self {
                    Self::Fed => None,
                    Self::Dequeue => Some(NodeKind::Dequeue),
                    Self::Either if !iterator => Some(NodeKind::Dequeue),
                    Self::GetNext | Self::Either => Some(NodeKind::GetNext),
                };
                let graph = graph.reading(input);
                check(&graph, section)?;
                return Ok(graph);
            }
        };
        let input = section.input;
        Err(ExperimentProblem::Input { input, problem })
    }
}

/// Refuses reads that the job's pipeline or its queue does not model.
fn check(graph: &Graph, section: &JobSection) -> Result<(), ExperimentProblem> {
    let reads: Vec<NodeId> = graph.reads().collect();
    let wrong = |key, problem| Err(ExperimentProblem::Reads { key, problem });
    if section.pipeline.is_some() {
        let iterators = handles(graph, &reads, |op| ITERATORS.contains(&op));
        let problem = format!("the reads take from {} iterators, expected one", iterators.len());
        return if iterators.len() > 1 {
            wrong("pipeline", problem)
        } else {
            Ok(())
        };
    }
    if section.queue.is_none() {
        return Ok(());
    }
    for id in &reads {
        let node = graph.node(*id);
        if !DEQUEUES.contains(&node.op.as_str()) {
            let problem = format!(
                "{} is a {}, expected dequeues of one element each",
                graph.place(*id),
                node.op
            );
            return wrong("queue", problem);
        }
    }
    let queues = handles(graph, &reads, is_queue);
    for (queue, reader) in &queues {
        let op = &graph.node(*queue).op;
        if !QUEUES.contains(&op.as_str()) {
            let place = graph.place(*reader);
            let problem = format!("{place} takes from a {op}, expected a FIFOQueue or a PaddingFIFOQueue");
            return wrong("queue", problem);
        }
    }
    if queues.len() > 1 {
        let problem = format!("the dequeues take from {} queues, expected one", queues.len());
        return wrong("queue", problem);
    }
    Ok(())
}

/// Returns the nodes of this kind that reads take their handle from, each with a read that does.
fn handles(graph: &Graph, reads: &[NodeId], makes: impl Fn(&str) -> bool) -> BTreeMap<NodeId, NodeId> {
    let handles = reads.iter().flat_map(|&reader| {
        let inputs = graph.node(reader).inputs.iter();
        inputs.map(move |&node| (NodeId { node, ..reader }, reader))
    });
    handles.filter(|(handle, _)| makes(&graph.node(*handle).op)).collect()
}

/// Returns true if an op makes a queue.
fn is_queue(op: &str) -> bool {
    op.strip_suffix("V2").unwrap_or(op).ends_with("Queue")
}
