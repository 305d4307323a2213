//! An imported graph for people.

use std::fmt::Write;

use super::counted;
use super::text::unmodelled_text;
use crate::models::tensorflow::import::slice::Slice;
use crate::models::tensorflow::job::graph::{Graph, NodeKind};

/// Partitions, edges, what depends on the batch, and what a slice leaves.
pub fn import_text(name: &str, graph: &Graph, reduced: &Slice) -> String {
    let slice = &reduced.graph;
    let mut text = format!(
        "{name}: {}, {}\n",
        partitions(graph),
        counted(graph.edges.len(), "edge")
    );
    text.push_str("\npartitions, in the order in which the master starts them:\n");
    for (index, partition) in graph.partitions.iter().enumerate() {
        let count = |wanted: fn(&NodeKind) -> bool| partition.nodes.iter().filter(|node| wanted(&node.kind)).count();
        let receives = count(|kind| matches!(kind, NodeKind::Recv { .. }));
        let sends = count(|kind| matches!(kind, NodeKind::Send { .. }));
        let inputs = count(|kind| matches!(kind, NodeKind::GetNext | NodeKind::Dequeue));
        let batch = if inputs > 0 { ", reads the batch" } else { "" };
        let left = slice.partitions.get(index).map_or(0, |partition| partition.nodes.len());
        let _ = writeln!(
            text,
            "  {:10} {:>5} nodes ({receives} receives, {sends} sends, {}{batch}); {left} in the slice",
            partition.task_name(),
            partition.nodes.len(),
            counted(partition.variables.len(), "variable"),
        );
    }
    text.push_str("\nedges, by sender and receiver:\n");
    for (from, sender) in graph.partitions.iter().enumerate() {
        for (to, receiver) in graph.partitions.iter().enumerate() {
            let count = |graph: &Graph, batch: bool| {
                let edges = graph.edges.iter();
                let between = edges.filter(|edge| (usize::from(edge.from), usize::from(edge.to)) == (from, to));
                between.filter(|edge| edge.batch_dependent == batch).count()
            };
            let (batch, free) = (count(graph, true), count(graph, false));
            if batch + free > 0 {
                let route = format!("{} -> {}", sender.task_name(), receiver.task_name());
                let left = format!("{} + {}", count(slice, true), count(slice, false));
                let _ = writeln!(
                    text,
                    "  {route:20} {batch:>4} depend on the batch, {free:>4} do not; in the slice {left}"
                );
            }
        }
    }
    let _ = writeln!(text, "\n{reduced}");
    let mut unmodelled = graph.unmodelled();
    unmodelled.extend(graph.other_devices());
    text.push_str(&unmodelled_text(&unmodelled));
    text
}

fn partitions(graph: &Graph) -> String {
    let partitions = counted(graph.partitions.len(), "partition");
    format!("{partitions}, {}", counted(graph.node_ids().count(), "node"))
}
