//! Reduces the graph of a step to one that an exhaustive search can finish.
//!
//! # What is merged
//! Edges are of one *class* when they have the same sender, the same receiver and the same answer to *does it depend on
//! the batch*. Of each class the `keep` edges of the lowest rank stay, under their own names; a dropped edge is
//! *represented* by the lowest-ranked one that stays. Of the nodes stay: the `_Send` and `_Recv` of the edges that
//! stay, what takes the batch (`IteratorGetNext`, a queue's dequeue; the operation that makes its handle goes into it),
//! up to `keep` feeds and fetches a partition, and on request each node with an update. Every node that stays
//! waits for the nodes that stay among those that it waited for before, through any number of dropped ones, and for the
//! representatives of dropped receives and feeds. A partition of which nothing would stay keeps its first root, because
//! a process that runs nothing would not run the executor's end.
//!
//! # Why that does not change whether the step ends
//! *Dropped nodes.* They hold a pool thread for a while, never wait, never fail (where the whole graph has kernels that may
//! wait, [`Graph::unmodelled`] says so, and nothing is proved), and touch nothing that outlives them but the executor's counters, which reach zero in the same cases without them. (A node that fails keeps only its own
//! successors from running; others go on, errors or not.) So whatever a pool with any order of closures can do without
//! them it can do with them, by running each just before the node that waits for it, and the reverse.
//!
//! *An ordinary step.* Nobody fails, so nobody cancels. Every `_Recv` is issued, every node that has its inputs runs,
//! and none of them holds a thread while it waits: a step whose graph has no cycle ends, and the slice has none.
//!
//! *The last batch: tensors that depend on it.* What takes the batch fails, so no such tensor is ever sent; of its edge
//! only the `_Recv` acts. Every `_Recv` of an exported graph is a root, so what its `_Send` would have waited for is of
//! no consequence: that is why the replacement of receives, which forgets part of that, is harmless there.
//!
//! *The last batch: tensors that do not depend on it.* Their `_Send` runs when what it waits for has succeeded. In the
//! graphs that variable placement on servers makes, that is constants and variables of the same process, so a dropped
//! `_Send` can run as the next closure on the thread that ran its representative, with the same outcome; its value is
//! for dropped receives only. A `_Send` that waits for a *dropped* receive is the exception: its order is loosened, and
//! the slice may then show an order that the graph forbids. [`Slice::loosened`] counts these; it is part of the
//! description. (A fed step has such sends: no tensor of it depends on a batch that the step itself takes. But then the
//! step has nothing that can fail at the end of the data, and is an ordinary one.)
//!
//! *No hang is made up: dropped receives can come last.* Take a schedule of the slice that ends in a hang, and leave
//! the closures of the dropped receives in the pools until everything else is at rest; no thread has to be held for
//! them. In a process whose rendezvous carries an error by then, such as the worker's, they fail before they send
//! anything. In another they are issued and find the peer at rest, as the representative, which waits, found it or left
//! it: not started, so they are parked like it; running, so they wait in its table like it, or take their value. Had
//! the peer's table been aborted, the representative would have failed and with it the process. A peer that has
//! forgotten the step is not possible, because that comes after every partition's answer. So none of them fails where
//! its representative did not, none lets the client return, and the hang is the same hang.
//!
//! *No hang is lost: multiplicity.* Towards its peer, a receive can create the rendezvous unless it is there; be
//! parked, or wait in the table; be answered; be cancelled, which aborts the step there unless it is aborted. Towards
//! its own process it can become active, be cancelled with all active ones, finish with a value or an error. All of
//! these but the waiting leave the same behind whether they are done once or more often. So one receive of a class can
//! be needed for the waiting, another for what is done to the peer meanwhile, as one that is cancelled and so aborts a
//! server where the other is then parked; a third of the class adds nothing that one of the two has not done. That is
//! why two stay by default. It rests on this list being complete, and on no hang needing two such effects of one class
//! at different times; so it must be compared with `keep` 1 and 3, and with the whole graph where that can be searched.
//!
//! # One edge for each pair of processes
//! With `pairs`, edges between the same two processes are of one class, and those that depend on the batch stay first. That is
//! for the last batch only. A receive that does not depend on the batch can do one thing more than one that does: end with a value
//! while its peer is not aborted yet. Then it has ended well, and leaves nothing behind that a hang could wait for: the schedule
//! without it hangs as well. In every other schedule it does what one does that depends on the batch, in the same places, so that
//! the one that stays can take its part. With one of each pair left, what a second one of the pair could do meanwhile is lost (see
//! multiplicity above); the searches of `docs/limits.md` with a second edge for one pair at a time end with the same signatures.
//!
//! # What it does not keep
//! The order in which a pool of *one* thread runs the closures: that order is fixed by the whole list of nodes, and a
//! `_Send` whose constants were dropped becomes a root in its own place. Slice order among the nodes that stay is the
//! file's. A verdict for one thread therefore holds for the slice's order only, until its schedule has been replayed on
//! the whole graph.

use std::collections::BTreeMap;
use std::fmt;

use crate::models::tensorflow::job::graph::{Edge, Graph, Node, NodeId, NodeKind, Partition};

/// The part of a graph that stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceOptions {
    /// Number of edges of each class that stay, and of feeds and fetches of each partition. 0 means 1.
    pub keep: usize,
    /// Whether the nodes that change variables stay.
    pub keep_updates: bool,
    /// Whether edges between the same two processes are of one class even where only some of them depend on the batch. The
    /// ones that do then stay first.
    pub pairs: bool,
}

impl Default for SliceOptions {
    fn default() -> Self {
        Self {
            keep: 2,
            keep_updates: false,
            pairs: false,
        }
    }
}

/// A reduced graph and what it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice {
    /// The reduced graph. Nodes and tensors have the names that they have in the whole graph.
    pub graph: Graph,
    /// Edges per edge of [`Slice::graph`]: those of the whole graph that it stands for, itself among them, in order.
    pub stands_for: Vec<Vec<u16>>,
    /// Number of `_Send`s of tensors that do not depend on the batch waited for a dropped receive and now wait for
    /// another one: where this is not 0, the slice allows orders that the graph may forbid.
    pub loosened: usize,
    /// Options that it was made with.
    pub options: SliceOptions,
    /// Number of edges of the whole graph.
    pub full_edges: usize,
    /// Number of nodes of the whole graph.
    pub full_nodes: usize,
}

impl fmt::Display for Slice {
    /// Writes one line for the head of a verdict.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.graph.node_ids().count();
        write!(
            f,
            "slice: {} edges -> {}, {} nodes -> {nodes}, keep {} per {}",
            self.full_edges,
            self.graph.edges.len(),
            self.full_nodes,
            self.options.keep.max(1),
            match self.options.pairs {
                true => "pair of processes",
                false => "class",
            },
        )?;
        if self.options.keep_updates {
            f.write_str(", updates kept")?;
        }
        if self.loosened > 0 {
            write!(f, ", {} sends loosened", self.loosened)?;
        }
        Ok(())
    }
}

/// Reduces a graph; see the module's documentation for what stays and why that is enough.
pub fn slice(graph: &Graph, options: &SliceOptions) -> Slice {
    let choice = Choice::new(graph, options);
    let mut loosened = 0;
    let mut partitions = Vec::with_capacity(graph.partitions.len());
    for (index, content) in (0u8..).zip(&graph.partitions) {
        let kept: Vec<u16> = (0..content.nodes.len() as u16)
            .filter(|&node| choice.keeps(index, node))
            .collect();
        let nodes = kept.iter().map(|&node| {
            let id = NodeId { partition: index, node };
            loosened += usize::from(choice.loosens(graph, id));
            let place = |input: &u16| kept.binary_search(input).expect("waits_for gives kept nodes") as u16;
            Node {
                kind: choice.renumbered(graph.node(id).kind),
                inputs: choice.waits_for(graph, id).iter().map(place).collect(),
                ..graph.node(id).clone()
            }
        });
        let nodes = nodes.collect();
        partitions.push(Partition {
            nodes,
            ..content.clone()
        });
    }
    let edges: Vec<Edge> = choice
        .edges
        .iter()
        .map(|&edge| graph.edges[usize::from(edge)].clone())
        .collect();
    let stands_for = choice.edges.iter().map(|&kept| {
        let all = 0..graph.edges.len() as u16;
        all.filter(|&edge| choice.representative[usize::from(edge)] == kept)
            .collect()
    });
    let stands_for = stands_for.collect();
    Slice {
        // No cycle: each input of a node that stays ranks lower in the whole graph than the node. One that was an
        // input, through dropped nodes, does by the definition of ranks; one that represents a dropped receive or feed
        // does not rank higher than that one, because the lowest of each class stay.
        graph: Graph::new(partitions, edges).expect("a slice of a graph is a graph"),
        stands_for,
        loosened,
        options: *options,
        full_edges: graph.edges.len(),
        full_nodes: graph.node_ids().count(),
    }
}

/// The nodes that stay.
struct Choice {
    /// The edges that stay, in order.
    edges: Vec<u16>,
    /// Edge per edge of the whole graph: the one that stays for it.
    representative: Vec<u16>,
    /// Fates per node of the whole graph: whether it stays, or what stays for it.
    fates: Vec<Vec<Fate>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// Dropped; who waited for it waits for this node, and for what it waited for.
    Represented(u16),
    /// Dropped; who waited for it waits for what it waited for.
    Vanishes,
}

impl Choice {
    fn new(graph: &Graph, options: &SliceOptions) -> Self {
        let keep = options.keep.max(1);
        let mut choice = Self {
            edges: Vec::new(),
            representative: (0..graph.edges.len() as u16).collect(),
            fates: graph
                .partitions
                .iter()
                .map(|partition| vec![Fate::Vanishes; partition.nodes.len()])
                .collect(),
        };
        choice.choose_edges(graph, keep, options.pairs);
        for id in graph.node_ids() {
            let fate = choice.fate(graph, id, options);
            *choice.fate_mut(id) = fate;
        }
        for index in 0..graph.partitions.len() {
            choice.thin_out(graph, index as u8, NodeKind::Feed, keep, Fate::Represented);
            choice.thin_out(graph, index as u8, NodeKind::Fetch, keep, |_| Fate::Vanishes);
            let runs_nothing = !choice.fates[index].contains(&Fate::Stays);
            if let (true, Some(&root)) = (runs_nothing, graph.roots(index).first()) {
                choice.fates[index][usize::from(root)] = Fate::Stays;
            }
        }
        choice
    }

    fn choose_edges(&mut self, graph: &Graph, keep: usize, pairs: bool) {
        let mut classes: BTreeMap<(u8, u8, bool), Vec<u16>> = BTreeMap::new();
        for (index, edge) in (0u16..).zip(&graph.edges) {
            classes
                .entry((edge.from, edge.to, edge.batch_dependent && !pairs))
                .or_default()
                .push(index);
        }
        for members in classes.values_mut() {
            members.sort_by_key(|&edge| {
                let sender = graph.sender(edge);
                let depends = graph.edges[usize::from(edge)].batch_dependent;
                (!depends, graph.rank(usize::from(sender.partition), sender.node), edge)
            });
            for &dropped in members.iter().skip(keep) {
                self.representative[usize::from(dropped)] = members[0];
            }
            self.edges.extend(members.iter().take(keep));
        }
        self.edges.sort_unstable();
    }

    fn fate(&self, graph: &Graph, id: NodeId, options: &SliceOptions) -> Fate {
        match graph.node(id).kind {
            NodeKind::Send { edge } if self.representative[usize::from(edge)] != edge => Fate::Vanishes,
            NodeKind::Recv { edge } => match self.representative[usize::from(edge)] {
                same if same == edge => Fate::Stays,
                // It may rank below the one that stays for it, and to wait for that one could close a cycle.
                other
                    if graph.edges[usize::from(other)].batch_dependent
                        != graph.edges[usize::from(edge)].batch_dependent =>
                {
                    Fate::Vanishes
                }
                other => Fate::Represented(graph.receiver(other).node),
            },
            NodeKind::Update { .. } if !options.keep_updates => Fate::Vanishes,
            NodeKind::Other => Fate::Vanishes,
            _ => Fate::Stays,
        }
    }

    /// Drops all but the `keep` lowest-ranked nodes of a kind. `fate` gets the lowest one.
    fn thin_out(&mut self, graph: &Graph, partition: u8, kind: NodeKind, keep: usize, fate: fn(u16) -> Fate) {
        let nodes = (0u16..).zip(&graph.partitions[usize::from(partition)].nodes);
        let mut all: Vec<u16> = nodes
            .filter(|(_, node)| node.kind == kind)
            .map(|(index, _)| index)
            .collect();
        all.sort_by_key(|&node| (graph.rank(usize::from(partition), node), node));
        for &node in all.iter().skip(keep) {
            *self.fate_mut(NodeId { partition, node }) = fate(all[0]);
        }
    }

    fn fate_mut(&mut self, id: NodeId) -> &mut Fate {
        &mut self.fates[usize::from(id.partition)][usize::from(id.node)]
    }

    fn keeps(&self, partition: u8, node: u16) -> bool {
        self.fates[usize::from(partition)][usize::from(node)] == Fate::Stays
    }

    fn renumbered(&self, kind: NodeKind) -> NodeKind {
        let place = |edge: u16| {
            self.edges
                .binary_search(&edge)
                .expect("only kept edges have kept nodes") as u16
        };
        match kind {
            NodeKind::Send { edge } => NodeKind::Send { edge: place(edge) },
            NodeKind::Recv { edge } => NodeKind::Recv { edge: place(edge) },
            other => other,
        }
    }

    /// Returns the nodes that stay for what `id` waits for: sorted, distinct.
    fn waits_for(&self, graph: &Graph, id: NodeId) -> Vec<u16> {
        let fates = &self.fates[usize::from(id.partition)];
        let mut found = Vec::new();
        above(graph, id, |node| match fates[usize::from(node)] {
            Fate::Stays => {
                found.push(node);
                false
            }
            // Control inputs of a dropped receive count as well.
            Fate::Represented(other) => {
                found.push(other);
                true
            }
            Fate::Vanishes => true,
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns true if `id` sends a tensor that does not depend on the batch and waited for a receive that is dropped.
    fn loosens(&self, graph: &Graph, id: NodeId) -> bool {
        let content = &graph.partitions[usize::from(id.partition)];
        let mut found = false;
        match graph.node(id).kind {
            NodeKind::Send { edge } if !graph.edges[usize::from(edge)].batch_dependent => above(graph, id, |node| {
                let receives = matches!(content.nodes[usize::from(node)].kind, NodeKind::Recv { .. });
                found |= receives && !self.keeps(id.partition, node);
                true
            }),
            _ => {}
        }
        found
    }
}

/// Visits the nodes of its partition that `id` waits for, each once, and beyond those for which `visit` says so.
pub(super) fn above(graph: &Graph, id: NodeId, mut visit: impl FnMut(u16) -> bool) {
    let content = &graph.partitions[usize::from(id.partition)];
    let mut seen = vec![false; content.nodes.len()];
    let mut open = graph.node(id).inputs.clone();
    while let Some(node) = open.pop() {
        let again = std::mem::replace(&mut seen[usize::from(node)], true);
        if !again && visit(node) {
            open.extend(&content.nodes[usize::from(node)].inputs);
        }
    }
}
