//! The reason why a scenario is no experiment.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::file::FileError;
use crate::models::tensorflow::job::JobError;
use crate::models::tensorflow::job::builtin::BuiltinError;
use crate::models::tensorflow::job::graph::GraphError;
use crate::scenario::Input;

/// A scenario that cannot run.
#[derive(Debug, Error)]
#[error("{scenario}: {problem}")]
pub struct ExperimentError {
    /// The scenario.
    pub scenario: String,
    /// The problem.
    pub problem: ExperimentProblem,
}

/// Reasons why a scenario cannot run.
#[derive(Debug, Error)]
pub enum ExperimentProblem {
    /// Its graph is no graph.
    #[error(transparent)]
    Import(#[from] FileError),
    /// A graph file cannot be read.
    #[error("graph file {}: {error}", path.display())]
    Graph {
        /// The graph file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The description of its built-in graph is wrong.
    #[error("job.edges: {0}")]
    BuiltIn(#[from] BuiltinError),
    /// The batch does not get into the step as the scenario says.
    #[error("job.input: \"{input}\", but {problem}")]
    Input {
        /// The scenario's value.
        input: Input,
        /// The graph's defect.
        problem: &'static str,
    },
    /// A step reads from the pipeline or the queue in a way that is not modelled.
    #[error("job.{key}: {problem}")]
    Reads {
        /// The scenario's key.
        key: &'static str,
        /// The problem, and what was expected.
        problem: String,
    },
    /// Something is taken for granted of an op that does not need it.
    #[error("job.assume_never_waits: \"{name}\": {problem}")]
    Assumption {
        /// The op.
        name: String,
        /// The problem.
        problem: &'static str,
    },
    /// A task is to die that is no server.
    #[error(
        "job.ends.server_dies: \"{task}\" is no server of this graph; workers that die or exit are not modelled, expected one of: \
         {servers}"
    )]
    Dies {
        /// The task.
        task: String,
        /// The servers that the graph has.
        servers: String,
    },
    /// A step is to end on a task that it does not run on.
    #[error("job.ends.{key}: {error}")]
    Ends {
        /// The scenario's key.
        key: &'static str,
        /// The problem.
        error: GraphError,
    },
    /// The job has no such kernel.
    #[error("kernel.{0}")]
    Kernel(String),
    /// The model cannot get to where the kernel begins: the scenario is wrong, or the model changed under it.
    #[error("kernel.begin: {0}")]
    Begin(String),
    /// The model has no such job.
    #[error(transparent)]
    Job(#[from] JobError),
}
