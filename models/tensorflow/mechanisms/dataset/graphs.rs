//! The steps that run nothing but the input: one partition, one node.

use crate::models::tensorflow::job::graph::{Graph, Node, NodeKind, Partition};
use crate::models::tensorflow::kernels;

/// Builds `sess.run(iterator.get_next())`.
pub fn read() -> Graph {
    one_node("IteratorGetNext", NodeKind::GetNext)
}

/// Builds `sess.run(iterator.initializer)`.
pub fn make_iterator() -> Graph {
    one_node("MakeIterator", NodeKind::MakeIterator)
}

/// Returns true if a step makes an iterator.
pub fn makes_iterator(graph: &Graph) -> bool {
    graph.node_ids().any(|id| graph.node(id).kind == NodeKind::MakeIterator)
}

fn one_node(op: &str, kind: NodeKind) -> Graph {
    let node = Node {
        name: op.to_owned(),
        op: op.to_owned(),
        kind,
        expensive: kernels::is_expensive(op),
        inputs: Vec::new(),
    };
    let worker = Partition {
        device: "/job:worker/replica:0/task:0/device:CPU:0".to_owned(),
        job: "worker".to_owned(),
        task: 0,
        nodes: vec![node],
        variables: Vec::new(),
    };
    Graph::new(vec![worker], Vec::new()).expect("one partition with one node")
}
