//! Real partition graphs are imported as they are, and whatever is not one is refused with a line that says why.

use std::path::Path;

use lastbatch::import;
use lastbatch::models::graph::{Graph, NodeKind};

fn real(name: &str) -> Graph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios/graphs")
        .join(name);
    import::read(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// A line a partition: its name, nodes, receives and sends.
fn shape(graph: &Graph) -> Vec<String> {
    let count = |index: usize, wanted: fn(NodeKind) -> bool| {
        graph.partitions[index]
            .nodes
            .iter()
            .filter(|node| wanted(node.kind))
            .count()
    };
    let partitions = graph.partitions.iter().enumerate();
    let lines = partitions.map(|(index, partition)| {
        format!(
            "{} {} nodes, {} receives, {} sends, {} updates of {} variables",
            partition.task_name(),
            partition.nodes.len(),
            count(index, |kind| matches!(kind, NodeKind::Recv { .. })),
            count(index, |kind| matches!(kind, NodeKind::Send { .. })),
            count(index, |kind| matches!(kind, NodeKind::Update { .. })),
            partition.variables.len(),
        )
    });
    lines.collect()
}

#[test]
fn x() {
    for name in [
        "ps1-coupled",
        "ps2-coupled",
        "ps12-coupled",
        "ps2-queue",
        "ps2-decoupled-read",
        "ps2-decoupled-train",
    ] {
        let graph = real(&format!("{name}.pb"));
        println!("{name} {} {:#?}", graph.edges.len(), shape(&graph));
        if graph.edges.len() < 40 {
            println!("{graph}");
        }
    }
}
