//! When a step is sure not to wait for its pipeline any more: its part of [`crate::models::tensorflow::analysis::inevitability`].

use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::iterator;
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::process::{At, NodeId, Process, StepId, Thread, ThreadId};

impl TensorFlow {
    /// Whether nothing that a step has to do in a process still waits for a pipeline. Without a pipeline an iterator always answers.
    pub(in crate::models) fn has_read(&self, id: ProcessId, process: &Process, step: StepId) -> bool {
        if !self.data(step).is_piped() {
            return true;
        }
        let nodes = &self.graph(step).partitions[self.partition(step, id)].nodes;
        let reads = |kind| matches!(kind, NodeKind::GetNext | NodeKind::MakeIterator);
        let ended = process.started & (1 << step) != 0 && process.execution(step).is_none();
        ended
            || (0..)
                .zip(nodes)
                .all(|(node, content)| !reads(content.kind) || node_has_read(process, step, node))
    }
}

/// Whether a node has been started and nobody has it any more, or only its answer.
fn node_has_read(process: &Process, step: StepId, node: NodeId) -> bool {
    let starts = |at: &At| matches!(at, At::Worker(worker::At::Root(of, ..)) if *of == step);
    let ready = process
        .execution(step)
        .is_some_and(|execution| execution.pending[usize::from(node)] == 0);
    let has = |thread: &Thread| {
        let own = matches!(thread.id, ThreadId::Node(of, _) | ThreadId::GetNext(of, _) if of == step);
        let waits = thread.id == ThreadId::Node(step, node) && thread.at() == At::PoolTake;
        let reads = |at: &At| match at {
            At::Iterator(iterator::At::Schedule(of, other)) => (*of, *other) == (step, node),
            At::Dataset(_) => own,
            _ => false,
        };
        let listed = own && (thread.inline.contains(&node) || thread.dispatch.contains(&node));
        waits || listed || thread.stack.iter().any(|at| reads(at) || starts(at))
    };
    ready && !process.threads.iter().any(has)
}
