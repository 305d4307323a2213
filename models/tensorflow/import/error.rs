//! Errors of a file that should hold the graph of a step.

use std::io;

use thiserror::Error;

use crate::models::tensorflow::job::graph::GraphError;

/// The reason why a file is not the graph of a step. Each is one line that begins with the file's name.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file can't be read.
    #[error("{file}: {} (expected a serialized tensorflow.RunMetadata)", reason(.error))]
    Read {
        /// Name of the file.
        file: String,
        /// The cause.
        error: io::Error,
    },
    /// The file has no content.
    #[error("{file}: the file is empty, expected a serialized tensorflow.RunMetadata")]
    Empty {
        /// Name of the file.
        file: String,
    },
    /// The content is no protobuf, or only the beginning of one.
    #[error("{file}: truncated, or not a serialized tensorflow.RunMetadata ({error})")]
    Decode {
        /// Name of the file.
        file: String,
        /// The place where decoding stopped.
        error: prost::DecodeError,
    },
    /// A `RunMetadata` that was not asked for its graphs.
    #[error(
        "{file}: no partition graphs in this RunMetadata; export them with m = tf.RunMetadata(); sess.run(op, \
         options=tf.RunOptions(output_partition_graphs=True), run_metadata=m), then write m.SerializeToString()"
    )]
    NoPartitions {
        /// Name of the file.
        file: String,
    },
    /// A partition that can't be told to be one process.
    #[error("{file}: partition graph {partition}: {problem}")]
    Partition {
        /// Name of the file.
        file: String,
        /// Its number in the file, from 0.
        partition: usize,
        /// The problem, and what was expected.
        problem: String,
    },
    /// A node that is not as it must be.
    #[error("{file}: node {node} on {device}: {problem}")]
    Node {
        /// Name of the file.
        file: String,
        /// Name of the node.
        node: String,
        /// The place where it is.
        device: String,
        /// The problem, and what was expected.
        problem: String,
    },
    /// A `_Send` or `_Recv` without its partner, or with two.
    #[error("{file}: tensor {tensor} from {send_device} to {recv_device}: {problem}")]
    Tensor {
        /// Name of the file.
        file: String,
        /// The `tensor_name`.
        tensor: String,
        /// The `send_device`.
        send_device: String,
        /// The `recv_device`.
        recv_device: String,
        /// The problem, and what was expected.
        problem: &'static str,
    },
    /// The nodes are fine, each for itself, and yet no graph of a step.
    #[error("{file}: {error}")]
    Graph {
        /// Name of the file.
        file: String,
        /// The problem.
        error: GraphError,
    },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}
