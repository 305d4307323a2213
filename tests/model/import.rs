//! Real partition graphs are imported as they are, and whatever is not one is refused with a line that says why.

use std::path::{Path, PathBuf};

use lastbatch::models::tensorflow::import::proto::{AttrValue, GraphDef, NodeDef, RunMetadata};
use lastbatch::models::tensorflow::import::{self, slice};
use lastbatch::models::tensorflow::job::graph::{Graph, NodeKind};
use prost::Message;

use crate::support::scenario::shipped;

const WORKER: &str = "/job:worker/replica:0/task:0/device:CPU:0";
const PS0: &str = "/job:ps/replica:0/task:0/device:CPU:0";

fn graph_file(name: &str) -> PathBuf {
    shipped("graphs").join(name)
}

fn real(name: &str) -> Graph {
    import::read(&graph_file(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn count(graph: &Graph, partition: usize, wanted: fn(NodeKind) -> bool) -> usize {
    let nodes = graph.partitions[partition].nodes.iter();
    nodes.filter(|node| wanted(node.kind)).count()
}

/// A line a partition: its name and what it has.
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

/// A line an edge, sorted, as `worker0->ps0 tensor`.
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

// What is not a graph.

fn text(value: &str) -> AttrValue {
    AttrValue {
        s: Some(value.as_bytes().to_vec()),
        b: None,
    }
}

fn node(name: &str, op: &str, device: &str, inputs: &[&str]) -> NodeDef {
    NodeDef {
        name: name.to_owned(),
        op: op.to_owned(),
        device: device.to_owned(),
        input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        ..NodeDef::default()
    }
}

fn transfer(name: &str, op: &str, device: &str, inputs: &[&str], key: [&str; 3]) -> NodeDef {
    let attributes = ["tensor_name", "send_device", "recv_device"].into_iter().zip(key);
    NodeDef {
        attr: attributes
            .map(|(attribute, value)| (attribute.to_owned(), text(value)))
            .collect(),
        ..node(name, op, device, inputs)
    }
}

fn encoded(partitions: Vec<Vec<NodeDef>>) -> Vec<u8> {
    let partition_graphs = partitions.into_iter().map(|node| GraphDef { node }).collect();
    RunMetadata { partition_graphs }.encode_to_vec()
}

/// The message for the bytes, which is one line that begins with the name of the file.
fn refused(bytes: &[u8]) -> String {
    let message = import::run_metadata(bytes, "step.pb").unwrap_err().to_string();
    assert!(!message.contains('\n') && message.starts_with("step.pb: "), "{message}");
    message
}

#[test]
fn a_file_that_is_missing_or_a_directory_is_refused() {
    let missing = import::read(Path::new("no/such.pb")).unwrap_err();
    insta::assert_snapshot!(missing.to_string(), @"no/such.pb: no such file (expected a serialized tensorflow.RunMetadata)");
    let directory = import::read(&graph_file("")).unwrap_err().to_string();
    assert!(
        directory.ends_with("is a directory (expected a serialized tensorflow.RunMetadata)"),
        "{directory}"
    );
}

#[test]
fn bytes_that_are_no_run_metadata_are_refused() {
    insta::assert_snapshot!(refused(b""), @"step.pb: the file is empty, expected a serialized tensorflow.RunMetadata");
    insta::assert_snapshot!(refused(b"node { name: \"x\" }"), @"step.pb: truncated, or not a serialized tensorflow.RunMetadata (failed to decode Protobuf message: invalid wire type value: 6)");
    let whole = std::fs::read(graph_file("ps2-coupled.pb")).unwrap();
    insta::assert_snapshot!(refused(&whole[..whole.len() / 2]), @"step.pb: truncated, or not a serialized tensorflow.RunMetadata (failed to decode Protobuf message: RunMetadata.partition_graphs: buffer underflow)");
}

#[test]
fn every_truncation_of_a_real_file_is_refused() {
    let whole = std::fs::read(graph_file("ps2-decoupled-train.pb")).unwrap();
    for length in (0..whole.len()).step_by(97) {
        refused(&whole[..length]);
    }
}

#[test]
fn a_run_metadata_without_graphs_is_refused_with_how_to_export_them() {
    // A field that we do not read: step_stats, empty.
    insta::assert_snapshot!(refused(&[0x0a, 0x00]), @"step.pb: no partition graphs in this RunMetadata; export them with m = tf.RunMetadata(); sess.run(op, options=tf.RunOptions(output_partition_graphs=True), run_metadata=m), then write m.SerializeToString()");
}

#[test]
fn a_send_or_recv_without_its_partner_is_refused() {
    let key = ["edge_1_x", PS0, WORKER];
    let worker = || vec![transfer("x_R", "_Recv", WORKER, &[], key)];
    let server = || vec![node("x", "Const", PS0, &[]), transfer("x_S", "_Send", PS0, &["x"], key)];
    assert!(import::run_metadata(&encoded(vec![worker(), server()]), "step.pb").is_ok());

    let messages = [
        refused(&encoded(vec![worker()])),
        refused(&encoded(vec![vec![node("y", "NoOp", WORKER, &[])], server()])),
        refused(&encoded(vec![
            [worker(), vec![transfer("x_R2", "_Recv", WORKER, &[], key)]].concat(),
            server(),
        ])),
        refused(&encoded(vec![
            worker(),
            [server(), vec![transfer("x_S2", "_Send", PS0, &["x"], key)]].concat(),
        ])),
        refused(&encoded(vec![
            vec![transfer("x_R", "_Recv", WORKER, &[], ["edge_1_x", PS0, PS0])],
            server(),
        ])),
        refused(&encoded(vec![vec![node("x_R", "_Recv", WORKER, &[])], server()])),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r"
    step.pb: tensor edge_1_x from /job:ps/replica:0/task:0/device:CPU:0 to /job:worker/replica:0/task:0/device:CPU:0: a _Recv without its _Send; is a partition missing from the file?
    step.pb: tensor edge_1_x from /job:ps/replica:0/task:0/device:CPU:0 to /job:worker/replica:0/task:0/device:CPU:0: a _Send without its _Recv; is a partition missing from the file?
    step.pb: tensor edge_1_x from /job:ps/replica:0/task:0/device:CPU:0 to /job:worker/replica:0/task:0/device:CPU:0: two _Recv nodes, expected one
    step.pb: tensor edge_1_x from /job:ps/replica:0/task:0/device:CPU:0 to /job:worker/replica:0/task:0/device:CPU:0: two _Send nodes, expected one
    step.pb: node x_R on /job:worker/replica:0/task:0/device:CPU:0: expected its own device as recv_device, found /job:ps/replica:0/task:0/device:CPU:0
    step.pb: node x_R on /job:worker/replica:0/task:0/device:CPU:0: expected a string attribute tensor_name on a _Recv
    ");
}

#[test]
fn nodes_that_make_no_partition_are_refused() {
    let messages = [
        refused(&encoded(vec![vec![node("x", "Identity", WORKER, &["y:1"])]])),
        refused(&encoded(vec![vec![
            node("x", "NoOp", WORKER, &[]),
            node("x", "NoOp", WORKER, &[]),
        ]])),
        refused(&encoded(vec![vec![
            node("x", "NoOp", WORKER, &[]),
            node("y", "NoOp", PS0, &[]),
        ]])),
        refused(&encoded(vec![
            vec![node("x", "NoOp", WORKER, &[])],
            vec![node("y", "NoOp", WORKER, &[])],
        ])),
        refused(&encoded(vec![vec![node("x", "NoOp", WORKER, &[])], vec![]])),
        refused(&encoded(vec![vec![node("x", "NoOp", "/cpu:0", &[])]])),
        refused(&encoded(vec![vec![node("x", "NoOp", PS0, &[])]])),
        refused(&encoded(vec![vec![node("x\ny", "NoOp", WORKER, &[])]])),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    step.pb: node x on /job:worker/replica:0/task:0/device:CPU:0: its input "y:1" names no node of the partition
    step.pb: node x on /job:worker/replica:0/task:0/device:CPU:0: a second node of that name, expected unique names
    step.pb: partition graph 0: expected all nodes on one device, found /job:worker/replica:0/task:0/device:CPU:0 (x) and /job:ps/replica:0/task:0/device:CPU:0 (y)
    step.pb: partition graph 1: expected one partition a process, found a second one on /job:worker/task:0
    step.pb: partition graph 1: it has no nodes
    step.pb: partition graph 0: expected a device as in /job:ps/replica:0/task:1/device:CPU:0, found "/cpu:0" (node x)
    step.pb: expected exactly one partition that is not on a parameter server (/job:ps), the one of the worker that runs the step; found none
    step.pb: partition graph 0: expected names of printable ASCII characters without spaces, found "x\ny"
    "#);
}

#[test]
fn a_cycle_is_refused_even_across_partitions() {
    let (there, back) = (["there", WORKER, PS0], ["back", PS0, WORKER]);
    let cyclic = encoded(vec![
        vec![
            transfer("back_R", "_Recv", WORKER, &[], back),
            transfer("there_S", "_Send", WORKER, &["back_R"], there),
        ],
        vec![
            transfer("there_R", "_Recv", PS0, &[], there),
            transfer("back_S", "_Send", PS0, &["^there_R"], back),
        ],
    ]);
    let messages = [
        refused(&cyclic),
        refused(&encoded(vec![vec![
            node("x", "Identity", WORKER, &["y"]),
            node("y", "Identity", WORKER, &["x"]),
        ]])),
        refused(&encoded(vec![vec![node("x", "Assign", WORKER, &["x"])]])),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r"
    step.pb: the graph has a cycle: worker0:back_R -> worker0:there_S -> ps0:there_R -> ps0:back_S -> worker0:back_R (a step's graph must be acyclic; while loops are not supported)
    step.pb: the graph has a cycle: worker0:x -> worker0:y -> worker0:x (a step's graph must be acyclic; while loops are not supported)
    step.pb: the graph has a cycle: worker0:x -> worker0:x (a step's graph must be acyclic; while loops are not supported)
    ");
}
