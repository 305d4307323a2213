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

/// Returns the `_Send` and the `_Recv` node of every edge.
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

#[cfg(test)]
mod tests {
    use super::super::{Graph, Node};
    use super::*;

    fn partition(job: &str, nodes: &[(NodeKind, &[u16])]) -> Partition {
        let nodes = nodes.iter().map(|(kind, inputs)| Node {
            name: "n".to_owned(),
            op: "Op".to_owned(),
            kind: *kind,
            expensive: true,
            inputs: inputs.to_vec(),
        });
        Partition {
            device: format!("/job:{job}/task:0"),
            job: job.to_owned(),
            task: 0,
            nodes: nodes.collect(),
            variables: Vec::new(),
        }
    }

    fn edge(from: u8, to: u8) -> Edge {
        Edge {
            tensor: "t".to_owned(),
            from,
            to,
            batch_dependent: true,
        }
    }

    fn refused(partitions: Vec<Partition>, edges: Vec<Edge>) -> String {
        Graph::new(partitions, edges).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_graph_is_refused() {
        let worker = |nodes: &[(NodeKind, &[u16])]| partition("worker", nodes);
        let (send, receive) = (NodeKind::Send { edge: 0 }, NodeKind::Recv { edge: 0 });
        let messages = [
            refused(vec![], vec![]),
            refused(vec![worker(&[(NodeKind::Other, &[1])])], vec![]),
            refused(
                vec![worker(&[(NodeKind::Other, &[]), (NodeKind::Other, &[0, 0])])],
                vec![],
            ),
            refused(vec![worker(&[(NodeKind::Update { variable: 0 }, &[])])], vec![]),
            refused(vec![worker(&[(send, &[])])], vec![]),
            refused(vec![worker(&[(send, &[])]), partition("ps", &[])], vec![edge(0, 1)]),
            refused(
                vec![worker(&[(send, &[])]), partition("ps", &[(receive, &[])])],
                vec![edge(1, 0)],
            ),
            refused(vec![worker(&[]), worker(&[])], vec![]),
            refused(vec![worker(&[]); 256], vec![]),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r"
        the graph has no partitions
        node n on /job:worker/task:0: an input is the index of no node
        node n on /job:worker/task:0: its inputs are not sorted and distinct
        node n on /job:worker/task:0: it updates the index of no variable
        node n on /job:worker/task:0: its edge is the index of no edge
        tensor t: expected one _Send and one _Recv, found 1 and 0
        node n on /job:worker/task:0: its edge begins or ends on another partition
        expected exactly one partition that is not on a parameter server (/job:ps), the one of the worker that runs the step; found worker0, worker0
        partitions: 256, at most 255 can be handled
        ");
    }

    #[test]
    fn batch_dependence_follows_from_the_nodes_whatever_is_claimed() {
        let (send, receive) = (NodeKind::Send { edge: 0 }, NodeKind::Recv { edge: 0 });
        let graph = |first| {
            let worker = partition("worker", &[(first, &[]), (send, &[0])]);
            Graph::new(vec![worker, partition("ps", &[(receive, &[])])], vec![edge(0, 1)]).unwrap()
        };
        assert!(!graph(NodeKind::Feed).edges[0].batch_dependent);
        assert!(graph(NodeKind::Dequeue).edges[0].batch_dependent);
    }
}
