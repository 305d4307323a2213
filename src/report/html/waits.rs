//! The graph of who waits for whom, and who could have ended it.

use maud::{Markup, html};

use super::graph::{Edge, Graph, Node};
use crate::diagnose::{Explanation, WaitGraph, Waiting};
use crate::report::timeline::hue;

/// The greatest width of a graph that still stands beside other text.
const BESIDE_MAX: f64 = 480.0;

/// Returns the section, and whether it is wide.
pub(super) fn waits(explanation: &Explanation) -> (Markup, bool) {
    let (nodes, edges) = nodes(&explanation.waits, &explanation.recording.processes);
    let graph = Graph::of(&nodes, &edges);
    let wide = graph.width > BESIDE_MAX;
    let section = html! {
        section #waits {
            h2 { "Who waits for whom" }
            @if wide {
                p.lead {
                    "From the client down to what will never happen. Dashed: what could have ended a wait, and why it can't any more."
                }
            }
            div.graph.card { (graph.svg("Who waits for whom", &nodes, &edges)) }
        }
    };
    (section, wide)
}

/// Returns the waiting places, then those who could have woken them.
fn nodes(waits: &WaitGraph, processes: &[String]) -> (Vec<Node>, Vec<Edge>) {
    let mut nodes: Vec<Node> = waits
        .nodes
        .iter()
        .enumerate()
        .map(|(index, waiting)| place(waiting, index == 0, processes))
        .collect();
    let mut edges: Vec<Edge> = waits
        .edges
        .iter()
        .map(|&(from, to)| Edge { from, to, class: "" })
        .collect();
    for (index, waiting) in waits.nodes.iter().enumerate() {
        for resolver in &waiting.resolvers {
            edges.push(Edge {
                from: index,
                to: nodes.len(),
                class: "dead",
            });
            nodes.push(Node {
                class: "dead".to_owned(),
                lines: vec![("dim", resolver.who.clone()), ("why", resolver.reason())],
            });
        }
    }
    (nodes, edges)
}

fn place(waiting: &Waiting, client: bool, processes: &[String]) -> Node {
    // The detail begins with the name of the task.
    let process = processes
        .iter()
        .position(|name| waiting.detail.starts_with(&format!("{name}: ")));
    let hue = process.map(hue).unwrap_or_default();
    let class = if client { format!("{hue} client") } else { hue };
    let detail = waiting
        .detail
        .split_once(": ")
        .map_or(waiting.detail.as_str(), |(_, detail)| detail);
    let task = process.map_or(waiting.role.as_str(), |process| processes[process].as_str());
    let mut lines = vec![
        ("title", format!("{task}: {}", waiting.function)),
        ("", format!("waits for {}", waiting.object)),
        ("dim", detail.to_owned()),
    ];
    if let Some(cause) = &waiting.cause {
        lines.push(("why", cause.clone()));
    }
    Node { class, lines }
}
