//! The roots of a partition, which `_SOURCE` hands on in an order that is not known.

use super::Pc;
use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::context::View;
use crate::models::tensorflow::mechanisms::pool::ComputePool;
use crate::models::tensorflow::process::{NodeId, SOURCE, StepId, Thread, ThreadId};

/// Returns the number of roots with which a list of nodes of a step begins, where its `_SOURCE` may go on with any of them.
pub(super) fn open_roots(model: &TensorFlow, id: ProcessId, step: StepId, thread: &Thread, nodes: &[NodeId]) -> usize {
    if thread.id != ThreadId::Node(step, SOURCE) || !model.hands_roots_on_in_any_order() {
        return 1;
    }
    nodes.iter().take_while(|&&node| model.is_root(step, id, node)).count()
}

/// Returns the place at which `_SOURCE` chooses this node among others, if it may.
pub(in crate::models::tensorflow::mechanisms) fn next_root(
    model: &TensorFlow,
    id: ProcessId,
    step: StepId,
    node: NodeId,
) -> Option<super::super::Pc> {
    let open = model.hands_roots_on_in_any_order() && model.is_root(step, id, node);
    open.then(|| Pc::NextRoot(step).into())
}

/// Returns the number of ready nodes of which `_SOURCE` may keep any for itself: of several roots, if all are expensive, the last.
pub(super) fn kept_roots(view: &View<'_>, step: StepId) -> usize {
    let ready = &view.thread.dispatch;
    let open = open_roots(view.model, view.id, step, view.thread, ready);
    let expensive = |&node: &NodeId| view.model.node(step, view.id, node).expensive;
    if open > 1 && ready.iter().all(expensive) {
        open
    } else {
        1
    }
}

impl TensorFlow {
    /// Returns true if a closure is a root that comes to the pool after another one of its partition, in whichever order.
    pub(in crate::models::tensorflow::mechanisms) fn joins_front(
        &self,
        id: ProcessId,
        pool: &ComputePool,
        name: ThreadId,
    ) -> bool {
        let is_open = |step, node| self.hands_roots_on_in_any_order() && self.is_root(step, id, node);
        match (name, pool.front().first()) {
            (ThreadId::Node(step, node), Some(ThreadId::Node(of, other))) => {
                step == *of && is_open(step, node) && is_open(step, *other)
            }
            _ => false,
        }
    }
}
