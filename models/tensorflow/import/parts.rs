//! Parts: the small jobs that a large one contains.
//!
//! A hang of this kind needs few processes and few edges: somebody whose receive loses its cancel, somebody who never starts, somebody
//! whose failure makes the master cancel. A part is the client's worker, some of the servers and one edge for each of some pairs of these
//! processes, cut out of the slice of pairs ([`super::slice`]). Everything else of the job is left out: partitions, edges, nodes.
//!
//! # What follows from a part
//! *A hang of a part* is told for the whole job ([`super::concretization`]) and replayed there. If it ends there in the same signature,
//! it is a hang of the whole job, whatever is argued here.
//!
//! *No hang in any part* is no proof for the whole. The argument is that of a cutoff: in a wait-for chain of a step, one process waits for
//! one answer of one other process, and what made that answer impossible is an event of a third. Each of them takes part with one edge.
//! What the other servers do, they do beside it: their failures cancel what is cancelled already. So a hang has a part of at most three
//! servers that hangs in the same way. It is compared with complete searches of random jobs (`tests/model/parts.rs`), not proved.
//!
//! # Equal parts
//! Two parts are equal if one becomes the other by giving its servers other names. Then their searches are the same search, and one of
//! them is enough. They are equal if the order of the partitions, the edges, and what each `_Send` waits for are the same.

use std::collections::{BTreeMap, BTreeSet};

use super::slice::above;
use crate::models::tensorflow::job::graph::{Edge, Graph, Node, NodeId, NodeKind, Partition};

/// A part of a graph, by the task names that it leaves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Part {
    /// Its servers, in the order of their partitions.
    pub servers: Vec<String>,
    /// Its edges as pairs of tasks: who sends, who receives.
    pub edges: BTreeSet<(String, String)>,
    /// Number of parts that are equal to it, itself among them.
    pub stands_for: usize,
}

/// One edge of a slice of pairs, with what decides when it can be sent.
struct Link {
    from: u8,
    to: u8,
    batch_dependent: bool,
    /// Whether its `_Send` waits for what takes the batch.
    reads: bool,
    /// Links whose receive its `_Send` waits for.
    needs: Vec<usize>,
}

/// The edges of a slice of pairs.
pub struct Parts {
    graph: Graph,
    links: Vec<Link>,
}

impl Parts {
    /// Prepares the parts of a graph of which [`super::slice`] has left one edge for each pair of processes.
    pub fn of(graph: &Graph) -> Self {
        let links = (0..).zip(&graph.edges).map(|(edge, content)| {
            let sender = graph.sender(edge);
            let (mut reads, mut needs) = (false, Vec::new());
            above(graph, sender, |node| {
                match graph.node(NodeId { node, ..sender }).kind {
                    NodeKind::Recv { edge } => needs.push(usize::from(edge)),
                    kind => reads |= kind.reads(),
                }
                true
            });
            Link {
                from: content.from,
                to: content.to,
                batch_dependent: content.batch_dependent,
                reads,
                needs,
            }
        });
        Self {
            links: links.collect(),
            graph: graph.clone(),
        }
    }

    /// Number of servers of the whole.
    pub fn servers(&self) -> usize {
        self.graph.partitions.len() - 1
    }

    /// Lists the parts with exactly these numbers of servers and of edges, one of those that are equal, in the order of the graph.
    pub fn with(&self, servers: usize, edges: usize) -> Vec<Part> {
        let own = self.graph.worker_partition();
        let all: Vec<u8> = (0..self.graph.partitions.len())
            .filter(|&partition| partition != own)
            .map(|partition| partition as u8)
            .collect();
        let mut found: BTreeMap<Vec<Shape>, Part> = BTreeMap::new();
        let mut order = Vec::new();
        each_subset(&all, servers, &mut |chosen| {
            let within = |partition: u8| usize::from(partition) == own || chosen.contains(&partition);
            let links: Vec<usize> = (0..self.links.len())
                .filter(|&link| within(self.links[link].from) && within(self.links[link].to))
                .collect();
            each_subset(&links, edges, &mut |links| {
                let Some(shape) = self.shape(chosen, links) else { return };
                let part = found.entry(shape.clone()).or_insert_with(|| {
                    order.push(shape);
                    self.part(chosen, links)
                });
                part.stands_for += 1;
            });
        });
        order.iter().filter_map(|shape| found.remove(shape)).collect()
    }

    fn task(&self, partition: u8) -> String {
        self.graph.partitions[usize::from(partition)].task_name()
    }

    fn part(&self, servers: &[u8], links: &[usize]) -> Part {
        let links = links.iter().map(|&link| &self.links[link]);
        Part {
            servers: servers.iter().map(|&server| self.task(server)).collect(),
            edges: links.map(|link| (self.task(link.from), self.task(link.to))).collect(),
            stands_for: 0,
        }
    }

    /// Returns what makes parts equal; none if this is no part: a server does nothing, or an edge that depends on the batch in the whole
    /// would no longer do so.
    fn shape(&self, servers: &[u8], chosen: &[usize]) -> Option<Vec<Shape>> {
        let touches = |server: &u8| {
            let mut links = chosen.iter().map(|&link| &self.links[link]);
            links.any(|link| link.from == *server || link.to == *server)
        };
        let depends = |link: &Link| {
            let mut needs = link.needs.iter().filter(|need| chosen.contains(need));
            link.reads || needs.any(|&need| self.links[need].batch_dependent)
        };
        let kept = |&link: &usize| depends(&self.links[link]) == self.links[link].batch_dependent;
        if !servers.iter().all(touches) || !chosen.iter().all(kept) {
            return None;
        }
        let own = self.graph.worker_partition();
        let mut partitions: Vec<usize> = servers.iter().map(|&server| usize::from(server)).collect();
        partitions.push(own);
        partitions.sort_unstable();
        let place = |partition: u8| partitions.iter().position(|other| *other == usize::from(partition));
        let shape = |&link: &usize| {
            let link = &self.links[link];
            let needs = link
                .needs
                .iter()
                .filter_map(|need| chosen.iter().position(|other| other == need));
            let mut needs: Vec<(Option<usize>, Option<usize>)> = needs
                .map(|need| (place(self.links[chosen[need]].from), place(self.links[chosen[need]].to)))
                .collect();
            needs.sort_unstable();
            Shape {
                worker: partitions.binary_search(&own).unwrap_or(0),
                from: place(link.from),
                to: place(link.to),
                batch_dependent: link.batch_dependent,
                reads: link.reads,
                needs,
            }
        };
        let mut shapes: Vec<Shape> = chosen.iter().map(shape).collect();
        shapes.sort_unstable();
        Some(shapes)
    }
}

/// An edge of a part without names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Shape {
    worker: usize,
    from: Option<usize>,
    to: Option<usize>,
    batch_dependent: bool,
    reads: bool,
    needs: Vec<(Option<usize>, Option<usize>)>,
}

/// Calls `each` with every subset of this size, in lexicographic order.
fn each_subset<T: Copy>(all: &[T], size: usize, each: &mut impl FnMut(&[T])) {
    fn extend<T: Copy>(rest: &[T], size: usize, chosen: &mut Vec<T>, each: &mut impl FnMut(&[T])) {
        if size == 0 {
            return each(chosen);
        }
        for (index, &one) in rest.iter().enumerate() {
            if rest.len() - index < size {
                break;
            }
            chosen.push(one);
            extend(&rest[index + 1..], size - 1, chosen, each);
            chosen.pop();
        }
    }
    extend(all, size, &mut Vec::new(), each);
}

impl Part {
    /// Leaves of a graph what the part has. Graphs of other steps of the job, of which it may have nothing but the worker, too.
    pub fn of(&self, graph: &Graph) -> Graph {
        let own = graph.worker_partition();
        let stays =
            |partition: usize| partition == own || self.servers.contains(&graph.partitions[partition].task_name());
        let partitions: Vec<usize> = (0..graph.partitions.len())
            .filter(|&partition| stays(partition))
            .collect();
        let task = |partition: u8| graph.partitions[usize::from(partition)].task_name();
        let kept = |edge: &Edge| self.edges.contains(&(task(edge.from), task(edge.to)));
        let edges: Vec<u16> = (0..graph.edges.len() as u16)
            .filter(|&edge| kept(&graph.edges[usize::from(edge)]))
            .collect();
        let place = |partition: u8| {
            let place = partitions.binary_search(&usize::from(partition));
            place.expect("both ends of an edge of the part are in it") as u8
        };
        let content = partitions
            .iter()
            .map(|&partition| cut(graph, partition, &edges))
            .collect();
        let edges = edges.iter().map(|&edge| {
            let edge = &graph.edges[usize::from(edge)];
            Edge {
                from: place(edge.from),
                to: place(edge.to),
                ..edge.clone()
            }
        });
        // No cycle: whoever waits for a node that stays waited for it before.
        Graph::new(content, edges.collect()).expect("a part of a graph is a graph")
    }
}

/// Leaves of a partition what does not send or receive another edge than these. A node waits for what it waited for, through those that
/// are left out.
fn cut(graph: &Graph, partition: usize, edges: &[u16]) -> Partition {
    let content = &graph.partitions[partition];
    let number = |edge: u16| edges.binary_search(&edge).map(|place| place as u16);
    let stays = |kind: NodeKind| match kind {
        NodeKind::Send { edge } | NodeKind::Recv { edge } => number(edge).is_ok(),
        _ => true,
    };
    let kept: Vec<u16> = (0..content.nodes.len() as u16)
        .filter(|&node| stays(content.nodes[usize::from(node)].kind))
        .collect();
    let nodes = kept.iter().map(|&node| {
        let own = &content.nodes[usize::from(node)];
        let id = NodeId {
            partition: partition as u8,
            node,
        };
        let mut inputs = Vec::new();
        above(graph, id, |input| {
            let place = kept.binary_search(&input);
            inputs.extend(place.map(|place| place as u16));
            place.is_err()
        });
        inputs.sort_unstable();
        let kind = match own.kind {
            NodeKind::Send { edge } => number(edge).map_or(own.kind, |edge| NodeKind::Send { edge }),
            NodeKind::Recv { edge } => number(edge).map_or(own.kind, |edge| NodeKind::Recv { edge }),
            other => other,
        };
        Node {
            kind,
            inputs,
            ..own.clone()
        }
    });
    let mut nodes: Vec<Node> = nodes.collect();
    if nodes.is_empty() {
        // A process that runs nothing would not run the executor's end.
        nodes.push(Node {
            name: content.nodes[0].name.clone(),
            op: "NoOp".to_owned(),
            kind: NodeKind::Other,
            expensive: false,
            inputs: Vec::new(),
        });
    }
    Partition {
        nodes,
        ..content.clone()
    }
}
