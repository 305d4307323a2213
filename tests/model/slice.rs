//! A slice of any graph is a graph that stands for all of it.

use std::collections::{BTreeMap, BTreeSet};

use lastbatch::models::tensorflow::import::slice::{Slice, SliceOptions, slice};
use lastbatch::models::tensorflow::job::graph::{Edge, Graph, Node, NodeId, NodeKind, Partition};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::RngSeed;

/// One more node, or an edge with its two nodes. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Piece {
    Node { partition: u8, kind: u8, inputs: Vec<u16> },
    Edge { from: u8, to: u8, inputs: Vec<u16> },
}

fn piece() -> impl Strategy<Value = Piece> {
    let inputs = || prop::collection::vec(any::<u16>(), 0..3);
    let node = (any::<u8>(), 0..8u8, inputs());
    let edge = (any::<u8>(), any::<u8>(), inputs());
    proptest::prop_oneof![
        node.prop_map(|(partition, kind, inputs)| Piece::Node {
            partition,
            kind,
            inputs
        }),
        edge.prop_map(|(from, to, inputs)| Piece::Edge { from, to, inputs }),
    ]
}

fn node_kind(number: u8) -> NodeKind {
    match number {
        0 => NodeKind::GetNext,
        1 => NodeKind::Feed,
        2 => NodeKind::Fetch,
        3 | 4 => NodeKind::Update { variable: 0 },
        _ => NodeKind::Other,
    }
}

fn push(partition: &mut Partition, kind: NodeKind, inputs: &[u16]) {
    let existing = partition.nodes.len();
    let root = matches!(kind, NodeKind::Recv { .. } | NodeKind::Feed);
    let inputs: BTreeSet<u16> = match existing {
        _ if root => BTreeSet::new(),
        0 => BTreeSet::new(),
        _ => inputs.iter().map(|input| input % existing as u16).collect(),
    };
    partition.nodes.push(Node {
        name: format!("node_{existing}"),
        op: "Op".to_owned(),
        kind,
        expensive: true,
        inputs: inputs.into_iter().collect(),
    });
}

/// Builds the graph. Each piece depends only on earlier ones, so there is no cycle.
fn build(count: u8, pieces: Vec<Piece>) -> Graph {
    let partition = |index: u8| Partition {
        device: format!("device{index}"),
        job: if index == 0 { "worker" } else { "ps" }.to_owned(),
        task: u32::from(index.saturating_sub(1)),
        nodes: Vec::new(),
        variables: vec!["v".to_owned()],
    };
    let mut partitions: Vec<Partition> = (0..count).map(partition).collect();
    let mut edges = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Node {
                partition,
                kind,
                inputs,
            } => {
                push(
                    &mut partitions[usize::from(partition % count)],
                    node_kind(kind),
                    &inputs,
                );
            }
            Piece::Edge { from, to, inputs } if from % count != to % count => {
                let (from, to, edge) = (from % count, to % count, edges.len() as u16);
                push(&mut partitions[usize::from(from)], NodeKind::Send { edge }, &inputs);
                push(&mut partitions[usize::from(to)], NodeKind::Recv { edge }, &[]);
                edges.push(Edge {
                    tensor: format!("tensor_{edge}"),
                    from,
                    to,
                    batch_dependent: false,
                });
            }
            Piece::Edge { .. } => {}
        }
    }
    Graph::new(partitions, edges).unwrap()
}

fn graph() -> impl Strategy<Value = Graph> {
    (1..5u8, prop::collection::vec(piece(), 0..60)).prop_map(|(count, pieces)| build(count, pieces))
}

fn options() -> impl Strategy<Value = SliceOptions> {
    (1..4usize, any::<bool>()).prop_map(|(keep, keep_updates)| SliceOptions {
        keep,
        keep_updates,
        pairs: false,
    })
}

fn classes(graph: &Graph) -> BTreeMap<(u8, u8, bool), usize> {
    let mut found = BTreeMap::new();
    for edge in &graph.edges {
        *found.entry((edge.from, edge.to, edge.batch_dependent)).or_insert(0) += 1;
    }
    found
}

/// Names of the nodes of its partition that a node waits for, through any number of others.
fn above(graph: &Graph, id: NodeId) -> BTreeSet<&str> {
    let nodes = &graph.partitions[usize::from(id.partition)].nodes;
    let mut found = BTreeSet::new();
    let mut open = graph.node(id).inputs.clone();
    while let Some(next) = open.pop() {
        if found.insert(nodes[usize::from(next)].name.as_str()) {
            open.extend(&nodes[usize::from(next)].inputs);
        }
    }
    found
}

fn find(graph: &Graph, partition: u8, name: &str) -> NodeId {
    let nodes = &graph.partitions[usize::from(partition)].nodes;
    let node = nodes.iter().position(|node| node.name == name).unwrap() as u16;
    NodeId { partition, node }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(23_846),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    // That the slice has no cycle is checked by Graph::new, without which there is no slice.
    #[test]
    fn each_class_keeps_what_it_may_and_its_answer_about_the_batch((graph, options) in (graph(), options())) {
        let Slice { graph: small, stands_for, .. } = slice(&graph, &options);
        let expected: BTreeMap<_, _> =
            classes(&graph).into_iter().map(|(class, count)| (class, count.min(options.keep))).collect();
        prop_assert_eq!(classes(&small), expected);
        for (edge, all) in small.edges.iter().zip(&stands_for) {
            for &full in all {
                let full = &graph.edges[usize::from(full)];
                prop_assert_eq!(
                    (full.from, full.to, full.batch_dependent), (edge.from, edge.to, edge.batch_dependent)
                );
            }
            prop_assert!(all.iter().any(|&full| graph.edges[usize::from(full)].tensor == edge.tensor));
        }
    }

    #[test]
    fn every_edge_is_stood_for_exactly_once((graph, options) in (graph(), options())) {
        let mut all = slice(&graph, &options).stands_for.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..graph.edges.len() as u16).collect::<Vec<_>>());
    }

    #[test]
    fn what_stays_still_waits_for_all_that_stays((graph, options) in (graph(), options())) {
        let small = slice(&graph, &options).graph;
        for id in small.node_ids() {
            let name = &small.node(id).name;
            let stays: BTreeSet<&str> =
                small.partitions[usize::from(id.partition)].nodes.iter().map(|node| node.name.as_str()).collect();
            let before = above(&graph, find(&graph, id.partition, name));
            let expected: BTreeSet<&str> = before.intersection(&stays).copied().collect();
            prop_assert!(above(&small, id).is_superset(&expected));
        }
    }

    #[test]
    fn only_a_process_that_would_run_nothing_keeps_another_node((graph, options) in (graph(), options())) {
        let small = slice(&graph, &options).graph;
        for (full, partition) in graph.partitions.iter().zip(&small.partitions) {
            prop_assert_eq!(full.nodes.is_empty(), partition.nodes.is_empty());
            let other = partition.nodes.iter().filter(|node| match node.kind {
                NodeKind::Other => true,
                NodeKind::Update { .. } => !options.keep_updates,
                _ => false,
            });
            prop_assert!(other.count() == 0 || partition.nodes.len() == 1);
        }
    }

    #[test]
    fn slicing_a_slice_changes_nothing((graph, options) in (graph(), options())) {
        let once = slice(&graph, &options);
        prop_assert_eq!(&slice(&once.graph, &options).graph, &once.graph);
    }

    #[test]
    fn a_slice_that_may_keep_every_edge_loosens_nothing(graph in graph()) {
        let all = slice(&graph, &SliceOptions { keep: usize::MAX, keep_updates: true, pairs: false });
        prop_assert_eq!(&all.graph.edges, &graph.edges);
        prop_assert_eq!(all.loosened, 0);
    }

    #[test]
    fn a_slice_by_pairs_keeps_one_edge_of_each_pair_and_one_that_depends_on_the_batch_if_there_is_one(graph in graph()) {
        let sliced = slice(&graph, &SliceOptions { keep: 1, keep_updates: false, pairs: true });
        let pairs = |graph: &Graph| {
            let mut pairs = BTreeMap::new();
            for edge in &graph.edges {
                *pairs.entry((edge.from, edge.to)).or_insert(false) |= edge.batch_dependent;
            }
            pairs
        };
        prop_assert_eq!(pairs(&sliced.graph), pairs(&graph));
        prop_assert_eq!(sliced.graph.edges.len(), pairs(&graph).len());
    }
}
