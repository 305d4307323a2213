//! The graph as text.

use std::fmt;

use super::{Edge, Graph, Node, NodeKind};

impl fmt::Display for Graph {
    /// Writes a line for each partition and node, for people and for tests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, partition) in self.partitions.iter().enumerate() {
            writeln!(
                f,
                "{} ({}, {} nodes)",
                partition.task_name(),
                partition.device,
                partition.nodes.len()
            )?;
            for (number, node) in partition.nodes.iter().enumerate() {
                write!(f, "  {number:>3} ")?;
                self.fmt_node(f, index, node)?;
                if !node.inputs.is_empty() {
                    let inputs: Vec<String> = node.inputs.iter().map(u16::to_string).collect();
                    write!(f, "  after {}", inputs.join(" "))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

impl Graph {
    fn fmt_node(&self, f: &mut fmt::Formatter<'_>, partition: usize, node: &Node) -> fmt::Result {
        let task = |index: u8| self.partitions[usize::from(index)].task_name();
        let batch = |edge: &Edge| if edge.batch_dependent { "  [batch]" } else { "" };
        match node.kind {
            NodeKind::Recv { edge } => {
                let edge = &self.edges[usize::from(edge)];
                write!(f, "recv {} <- {}{}", edge.tensor, task(edge.from), batch(edge))
            }
            NodeKind::Send { edge } => {
                let edge = &self.edges[usize::from(edge)];
                write!(f, "send {} -> {}{}", edge.tensor, task(edge.to), batch(edge))
            }
            NodeKind::Feed => write!(f, "feed {}", node.name),
            NodeKind::Fetch => write!(f, "fetch {}", node.name),
            NodeKind::GetNext => write!(f, "get_next {}", node.name),
            NodeKind::MakeIterator => write!(f, "make_iterator {}", node.name),
            NodeKind::Dequeue => write!(f, "dequeue {}", node.name),
            NodeKind::Update { variable } => {
                let variable = &self.partitions[partition].variables[usize::from(variable)];
                write!(f, "update {variable} by {} {}", node.op, node.name)
            }
            NodeKind::Enqueue => write!(f, "enqueue {}", node.name),
            NodeKind::CloseQueue => write!(f, "close {}", node.name),
            NodeKind::Fails => write!(f, "{} {} fails", node.op, node.name),
            NodeKind::Other => write!(f, "{} {}", node.op, node.name),
        }
    }
}
