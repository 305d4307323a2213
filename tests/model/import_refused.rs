//! Files that are no partition graph are refused with a line that says why.

use std::path::Path;

use lastbatch::models::tensorflow::import;

use super::import::{PS0, WORKER, graph_file};
use super::support::run_metadata::{encoded, node, transfer};

/// Returns the message for the bytes, which is one line that begins with the name of the file.
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
    step.pb: partition graph 1: it is on /job:worker/replica:0/task:0/device:CPU:0, but its process has a partition on /job:worker/replica:0/task:0/device:CPU:0 already; several devices of a process are not modelled, expected one partition per process
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
