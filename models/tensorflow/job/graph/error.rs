//! Errors of a graph.

use thiserror::Error;

/// The reason why partitions and edges are not a graph.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum GraphError {
    /// Nothing to run.
    #[error("the graph has no partitions")]
    Empty,
    /// More than the indices can tell apart.
    #[error("{what}: {count}, at most {limit} can be handled")]
    TooLarge {
        /// The thing of which there are too many.
        what: String,
        /// Number that was found.
        count: usize,
        /// Greatest number that is allowed.
        limit: usize,
    },
    /// An index that leads nowhere, or an edge without exactly one `_Send` and one `_Recv`.
    #[error("node {node} on {device}: {problem}")]
    Inconsistent {
        /// Name of the node.
        node: String,
        /// Device of its partition.
        device: String,
        /// The problem.
        problem: String,
    },
    /// An edge that does not have exactly one `_Send` and one `_Recv`.
    #[error("tensor {tensor}: expected one _Send and one _Recv, found {sends} and {receives}")]
    Unpaired {
        /// Name of the tensor.
        tensor: String,
        /// Number of nodes that send it.
        sends: usize,
        /// Number of nodes that receive it.
        receives: usize,
    },
    /// A task that runs nothing of the step.
    #[error("{task} has no partition of this graph")]
    NoSuchTask {
        /// The task.
        task: String,
    },
    /// Nodes that wait for each other.
    #[error(
        "the graph has a cycle: {} (a step's graph must be acyclic; while loops are not supported)",
        .nodes.join(" -> ")
    )]
    Cycle {
        /// The nodes of one cycle, the first one again at the end.
        nodes: Vec<String>,
    },
    /// No process, or several, that can be the one whose client runs the step.
    #[error(
        "expected exactly one partition that is not on a parameter server (/job:ps), the one of the worker that runs the \
         step; found {found}"
    )]
    Worker {
        /// The value that was found instead.
        found: String,
    },
}
