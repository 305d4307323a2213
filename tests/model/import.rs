//! Real partition graphs are imported as they are.

use std::path::PathBuf;

use lastbatch::models::tensorflow::import::proto::AttrValue;
use lastbatch::models::tensorflow::import::{self, slice};
use lastbatch::models::tensorflow::job::graph::{Graph, NodeKind};

use crate::support::run_metadata::{encoded, node};
use crate::support::scenario::shipped;

pub(super) const WORKER: &str = "/job:worker/replica:0/task:0/device:CPU:0";
pub(super) const PS0: &str = "/job:ps/replica:0/task:0/device:CPU:0";

pub(super) fn graph_file(name: &str) -> PathBuf {
    shipped("graphs").join(name)
}

fn real(name: &str) -> Graph {
    import::read(&graph_file(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn count(graph: &Graph, partition: usize, wanted: fn(NodeKind) -> bool) -> usize {
    let nodes = graph.partitions[partition].nodes.iter();
    nodes.filter(|node| wanted(node.kind)).count()
}

/// Writes one line per partition: its name and what it has.
fn shape(graph: &Graph) -> String {
    let partitions = graph.partitions.iter().enumerate();
    let lines = partitions.map(|(index, partition)| {
        format!(
            "{}: {} nodes, {} roots, {} receives, {} sends, {} feeds, {} fetches, {} updates of {} variables\n",
            partition.task_name(),
            partition.nodes.len(),
            graph.roots(index).len(),
            count(graph, index, |kind| matches!(kind, NodeKind::Recv { .. })),
            count(graph, index, |kind| matches!(kind, NodeKind::Send { .. })),
            count(graph, index, |kind| kind == NodeKind::Feed),
            count(graph, index, |kind| kind == NodeKind::Fetch),
            count(graph, index, |kind| matches!(kind, NodeKind::Update { .. })),
            partition.variables.len(),
        )
    });
    lines.collect()
}

/// Writes one line per edge, sorted, as `worker0->ps0 tensor`.
fn edges(graph: &Graph, batch_dependent: bool) -> String {
    let task = |index: u8| graph.partitions[usize::from(index)].task_name();
    let chosen = graph
        .edges
        .iter()
        .filter(|edge| edge.batch_dependent == batch_dependent);
    let mut lines: Vec<String> = chosen
        .map(|edge| format!("{}->{} {}\n", task(edge.from), task(edge.to), edge.tensor))
        .collect();
    lines.sort();
    lines.concat()
}

#[test]
fn the_two_server_graph_has_the_partitions_edges_and_batch_dependence_of_the_file() {
    let graph = real("ps2-coupled.pb");
    insta::assert_snapshot!(shape(&graph), @r"
    worker0: 94 nodes, 17 roots, 5 receives, 16 sends, 0 feeds, 0 fetches, 0 updates of 0 variables
    ps0: 56 nodes, 22 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 6 updates of 6 variables
    ps1: 66 nodes, 23 roots, 9 receives, 5 sends, 0 feeds, 0 fetches, 8 updates of 8 variables
    ");
    assert_eq!(graph.edges.len(), 24);
    insta::assert_snapshot!(edges(&graph, false), @r"
    ps0->worker0 edge_69_w/read
    ps1->ps0 edge_24_beta1_power/read
    ps1->ps0 edge_28_beta2_power/read
    ps1->worker0 edge_76_b/read
    worker0->ps0 edge_18_Adam/beta1
    worker0->ps0 edge_20_Adam/beta2
    worker0->ps0 edge_213_Adam/epsilon
    worker0->ps0 edge_54_Adam/learning_rate
    worker0->ps1 edge_14_Adam/beta1
    worker0->ps1 edge_16_Adam/beta2
    worker0->ps1 edge_195_Adam/epsilon
    worker0->ps1 edge_52_Adam/learning_rate
    ");
    insta::assert_snapshot!(edges(&graph, true), @r"
    ps0->ps1 edge_250_Adam/NoOp
    ps0->worker0 edge_58_embedding_lookup
    ps1->worker0 edge_262_Adam/NoOp_1
    ps1->worker0 edge_61_embedding_lookup_1
    worker0->ps0 edge_202_gradients/MatMul_grad/tuple/control_dependency
    worker0->ps0 edge_214_gradients/MatMul_grad/tuple/control_dependency_1
    worker0->ps0 edge_46_Reshape
    worker0->ps0 edge_73_gradients/embedding_lookup_grad/Reshape_1
    worker0->ps1 edge_154_gradients/mul_grad/tuple/control_dependency_1
    worker0->ps1 edge_196_gradients/add_grad/tuple/control_dependency_1
    worker0->ps1 edge_50_Reshape_1
    worker0->ps1 edge_77_gradients/embedding_lookup_1_grad/Reshape_1
    ");
    assert_eq!(graph.worker_partition(), 0);
}

#[test]
fn the_partitions_keep_the_order_of_the_file() {
    let graph = real("ps12-coupled.pb");
    insta::assert_snapshot!(shape(&graph), @r"
    ps6: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps1: 142 nodes, 41 roots, 20 receives, 26 sends, 0 feeds, 0 fetches, 13 updates of 11 variables
    ps4: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps0: 92 nodes, 30 roots, 11 receives, 4 sends, 0 feeds, 0 fetches, 11 updates of 9 variables
    worker0: 257 nodes, 40 roots, 27 receives, 98 sends, 0 feeds, 0 fetches, 0 updates of 0 variables
    ps7: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps11: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps9: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps5: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps8: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps10: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps2: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ps3: 85 nodes, 26 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 10 updates of 6 variables
    ");
    assert_eq!(graph.worker_partition(), 4);
}

#[test]
fn the_one_server_and_the_queue_graph_are_imported() {
    insta::assert_snapshot!(shape(&real("ps1-coupled.pb")), @r"
    worker0: 87 nodes, 16 roots, 4 receives, 12 sends, 0 feeds, 0 fetches, 0 updates of 0 variables
    ps0: 105 nodes, 36 roots, 12 receives, 4 sends, 0 feeds, 0 fetches, 14 updates of 14 variables
    ");
    let queue = real("ps2-queue.pb");
    insta::assert_snapshot!(shape(&queue), @r"
    worker0: 55 nodes, 15 roots, 5 receives, 14 sends, 0 feeds, 0 fetches, 0 updates of 0 variables
    ps0: 55 nodes, 21 roots, 9 receives, 3 sends, 0 feeds, 0 fetches, 6 updates of 6 variables
    ps1: 65 nodes, 22 roots, 8 receives, 5 sends, 0 feeds, 0 fetches, 8 updates of 8 variables
    ");
    assert_eq!(count(&queue, 0, |kind| kind == NodeKind::Dequeue), 1);
    assert!(queue.edges.iter().any(|edge| edge.batch_dependent));
}

#[test]
fn fed_and_fetched_tensors_are_no_edges_and_a_fed_step_depends_on_no_batch() {
    let read = real("ps2-decoupled-read.pb");
    insta::assert_snapshot!(read.to_string(), @r"
    worker0 (/job:worker/replica:0/task:0/device:CPU:0, 5 nodes)
        0 IteratorV2 input/IteratorV2
        1 get_next IteratorGetNext  after 0
        2 fetch _send_IteratorGetNext_0  after 1
        3 fetch _send_IteratorGetNext_1  after 1
        4 fetch _send_IteratorGetNext_2  after 1
    ");
    assert!(read.edges.is_empty());
    let train = real("ps2-decoupled-train.pb");
    insta::assert_snapshot!(shape(&train), @r"
    worker0: 95 nodes, 19 roots, 5 receives, 16 sends, 3 feeds, 0 fetches, 0 updates of 0 variables
    ps0: 56 nodes, 22 roots, 10 receives, 3 sends, 0 feeds, 0 fetches, 6 updates of 6 variables
    ps1: 66 nodes, 23 roots, 9 receives, 5 sends, 0 feeds, 0 fetches, 8 updates of 8 variables
    ");
    assert!(train.edges.iter().all(|edge| !edge.batch_dependent));
}

#[test]
fn an_update_names_the_variable_behind_its_reference() {
    let graph = real("ps2-coupled.pb");
    let ps0 = &graph.partitions[1];
    let updates = ps0.nodes.iter().filter_map(|node| match node.kind {
        NodeKind::Update { variable } => Some(format!("{} of {}\n", node.op, ps0.variables[usize::from(variable)])),
        _ => None,
    });
    insta::assert_snapshot!(updates.collect::<String>(), @r"
    Assign of ue/Adam
    Assign of ue/Adam_1
    ApplyAdam of w
    ScatterAdd of ue/Adam
    ScatterAdd of ue/Adam_1
    AssignSub of ue
    ");
}

#[test]
fn every_node_ranks_above_what_it_waits_for() {
    let graph = real("ps12-coupled.pb");
    for id in graph.node_ids() {
        let partition = usize::from(id.partition);
        for &input in &graph.node(id).inputs {
            assert!(graph.rank(partition, input) < graph.rank(partition, id.node));
            assert!(graph.successors(partition, input).contains(&id.node));
        }
        if let NodeKind::Recv { edge } = graph.node(id).kind {
            let sender = graph.sender(edge);
            assert!(graph.rank(usize::from(sender.partition), sender.node) < graph.rank(partition, id.node));
            assert_eq!(graph.receiver(edge), id);
        }
    }
}

#[test]
fn a_slice_keeps_the_lowest_ranked_edges_of_each_class() {
    let graph = real("ps2-coupled.pb");
    for (keep, keep_updates) in [(1, false), (2, false), (1, true)] {
        let sliced = slice::slice(
            &graph,
            &slice::SliceOptions {
                keep,
                keep_updates,
                pairs: false,
            },
        );
        assert_eq!(sliced.loosened, 0);
        let name = format!("ps2_coupled_keep_{keep}{}", if keep_updates { "_updates" } else { "" });
        insta::assert_snapshot!(name, format!("{sliced}\n{}", sliced.graph));
    }
}

#[test]
fn only_the_fed_step_which_cannot_fail_has_sends_that_a_slice_loosens() {
    let names = [
        "ps1-coupled.pb",
        "ps2-coupled.pb",
        "ps12-coupled.pb",
        "ps2-queue.pb",
        "ps2-decoupled-read.pb",
        "ps2-decoupled-train.pb",
    ];
    let lines = names.map(|name| slice::slice(&real(name), &slice::SliceOptions::default()).to_string());
    insta::assert_snapshot!(lines.join("\n"), @r"
    slice: 16 edges -> 8, 192 nodes -> 17, keep 2 per class
    slice: 24 edges -> 16, 216 nodes -> 33, keep 2 per class
    slice: 158 edges -> 107, 1341 nodes -> 215, keep 2 per class
    slice: 22 edges -> 16, 175 nodes -> 33, keep 2 per class
    slice: 0 edges -> 0, 5 nodes -> 3, keep 2 per class
    slice: 24 edges -> 11, 217 nodes -> 24, keep 2 per class, 3 sends loosened
    ");
}

#[test]
fn a_serialize_sparse_is_expensive_but_for_one_to_variants() {
    let serialize = |name: &str, data_type: i32| {
        let mut node = node(name, "SerializeSparse", WORKER, &[]);
        let out_type = AttrValue {
            r#type: Some(data_type),
            ..AttrValue::default()
        };
        node.attr.insert("out_type".to_owned(), out_type);
        node
    };
    let (string, variant) = (7, 21);
    let bytes = encoded(vec![vec![
        serialize("to_string", string),
        serialize("to_variant", variant),
    ]]);
    let graph = import::run_metadata(&bytes, "step.pb").expect("a graph");
    let expensive = graph.partitions[0].nodes.iter().map(|node| node.expensive);
    assert_eq!(expensive.collect::<Vec<_>>(), [true, false]);
}
