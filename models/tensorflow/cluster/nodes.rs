//! The nodes of a step's partitions, `_SOURCE` among them.

use smallvec::SmallVec;

use super::TensorFlow;
use crate::machine::ProcessId;
use crate::models::tensorflow::job::graph::{Node, NodeKind};
use crate::models::tensorflow::process::{CallId, NodeId, SOURCE, StepId};

impl TensorFlow {
    pub(in crate::models) fn node(&self, step: StepId, process: ProcessId, node: NodeId) -> &Node {
        if node == SOURCE {
            return &self.source;
        }
        &self.graph(step).partitions[self.partition(step, process)].nodes[usize::from(node)]
    }

    /// Returns the nodes that wait for a node: for `_SOURCE`, the roots of the partition (`FixupSourceAndSinkEdges`, `algorithm.cc:219`).
    pub(in crate::models) fn successors(&self, step: StepId, process: ProcessId, node: NodeId) -> &[NodeId] {
        let (graph, partition) = (self.graph(step), self.partition(step, process));
        if node == SOURCE {
            return graph.roots(partition);
        }
        graph.successors(partition, node)
    }

    /// Returns true if the client feeds values to a partition.
    pub(in crate::models) fn is_fed(&self, step: StepId, process: ProcessId) -> bool {
        let nodes = &self.graph(step).partitions[self.partition(step, process)].nodes;
        nodes.iter().any(|node| node.kind == NodeKind::Feed)
    }

    /// Returns true if the client fetches values from a partition.
    pub(in crate::models) fn is_fetched(&self, step: StepId, process: ProcessId) -> bool {
        let nodes = &self.graph(step).partitions[self.partition(step, process)].nodes;
        nodes.iter().any(|node| node.kind == NodeKind::Fetch)
    }

    /// Returns true if a node waits for `_SOURCE` alone.
    pub(in crate::models) fn is_root(&self, step: StepId, process: ProcessId, node: NodeId) -> bool {
        node != SOURCE && self.node(step, process, node).inputs.is_empty()
    }

    /// Inputs that each node waits for before anything ran. A node without any waits for `_SOURCE`.
    pub(in crate::models) fn pending(&self, step: StepId, process: ProcessId) -> SmallVec<[u16; 8]> {
        let nodes = &self.graph(step).partitions[self.partition(step, process)].nodes;
        nodes.iter().map(|node| node.inputs.len().max(1) as u16).collect()
    }

    /// Returns the call of a `_Recv` node.
    pub(in crate::models) fn recv_call(&self, step: StepId, process: ProcessId, node: NodeId) -> CallId {
        match self.node(step, process, node).kind {
            NodeKind::Recv { edge } => self.steps[usize::from(step)].recv[usize::from(edge)],
            other => panic!("{other:?} receives nothing"),
        }
    }

    /// Returns the call that asks for what a `_Send` node sends; `None` for a fetch.
    pub(in crate::models) fn send_call(&self, step: StepId, process: ProcessId, node: NodeId) -> Option<CallId> {
        match self.node(step, process, node).kind {
            NodeKind::Send { edge } => Some(self.steps[usize::from(step)].recv[usize::from(edge)]),
            _ => None,
        }
    }

    /// Tells where a variable of a step's partition is counted.
    pub(in crate::models) fn variable_index(&self, step: StepId, process: ProcessId, variable: u16) -> usize {
        let partition = &self.graph(step).partitions[self.partition(step, process)];
        let name = &partition.variables[usize::from(variable)];
        let known = &self.variables[process.index()];
        known
            .iter()
            .position(|other| other == name)
            .expect("every variable is known")
    }
}
