//! The checks of [`Graph::new`](super::Graph::new) that need nothing but the indices.

use super::{Edge, GraphError, NodeId, NodeKind, Partition};

pub(super) fn sizes(partitions: &[Partition], edges: &[Edge]) -> Result<(), GraphError> {
    let limited = |what: String, count: usize, limit: usize| {
        if count > limit {
            Err(GraphError::TooLarge { what, count, limit })
        } else {
            Ok(())
        }
    };
    if partitions.is_empty() {
        return Err(GraphError::Empty);
    }
    limited("partitions".to_owned(), partitions.len(), usize::from(u8::MAX))?;
    limited(
        "edges between partitions".to_owned(),
        edges.len(),
        usize::from(u16::MAX),
    )?;
    for partition in partitions {
        limited(
            format!("nodes on {}", partition.device),
            partition.nodes.len(),
            usize::from(u16::MAX),
        )?;
    }
    Ok(())
}

/// The `_Send` and the `_Recv` node of every edge.
pub(super) fn ends(partitions: &[Partition], edges: &[Edge]) -> Result<Vec<(NodeId, NodeId)>, GraphError> {
    let mut found = vec![(Vec::new(), Vec::new()); edges.len()];
    for (index, partition) in (0u8..).zip(partitions) {
        for (number, node) in (0u16..).zip(&partition.nodes) {
            let id = NodeId {
                partition: index,
                node: number,
            };
            let wrong = |problem: &str| GraphError::Inconsistent {
                node: node.name.clone(),
                device: partition.device.clone(),
                problem: problem.to_owned(),
            };
            if node
                .inputs
                .iter()
                .any(|&input| usize::from(input) >= partition.nodes.len())
            {
                return Err(wrong("an input is the index of no node"));
            }
            if !node.inputs.is_sorted_by(|a, b| a < b) {
                return Err(wrong("its inputs are not sorted and distinct"));
            }
            let (edge, sends) = match node.kind {
                NodeKind::Send { edge } => (usize::from(edge), true),
                NodeKind::Recv { edge } => (usize::from(edge), false),
                NodeKind::Update { variable } if usize::from(variable) >= partition.variables.len() => {
                    return Err(wrong("it updates the index of no variable"));
                }
                _ => continue,
            };
            let Some(content) = edges.get(edge) else {
                return Err(wrong("its edge is the index of no edge"));
            };
            if index != (if sends { content.from } else { content.to }) {
                return Err(wrong("its edge begins or ends on another partition"));
            }
            if sends {
                found[edge].0.push(id)
            } else {
                found[edge].1.push(id)
            }
        }
    }
    let paired = edges
        .iter()
        .zip(&found)
        .map(|(edge, (sends, receives))| match (&sends[..], &receives[..]) {
            (&[send], &[receive]) => Ok((send, receive)),
            _ => Err(GraphError::Unpaired {
                tensor: edge.tensor.clone(),
                sends: sends.len(),
                receives: receives.len(),
            }),
        });
    paired.collect()
}
