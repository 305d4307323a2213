//! Small jobs described in a few words instead of an exported graph: one worker, some servers, and the tensors between
//! them, each as `FROM->TO [batch] [xN]`. What goes to `client` is a value that the client fetches.
//!
//! The worker takes the next batch: from an iterator, from a queue, or because it is fed. A `batch` tensor from the worker depends on it;
//! one from a server depends on every `batch` tensor that this server gets from the worker, or else on those that it gets from servers
//! listed before. All other tensors depend on nothing.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

use crate::models::tensorflow::job::graph::{Edge, Graph, GraphError, Node, NodeKind, Partition};
use crate::models::tensorflow::kernels;

/// The tensors of a built-in job.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Edges(pub Vec<EdgeGroup>);

/// Equal tensors between two tasks: `FROM->TO [batch] [xN]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EdgeGroup {
    /// The task that sends them.
    pub from: Task,
    /// The task that receives them.
    pub to: Task,
    /// Whether they depend on the batch.
    pub batch: bool,
    /// Number of them, at least 1.
    pub count: u8,
}

/// The place where the worker has its batch from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BatchSource {
    /// `IteratorGetNext`.
    Iterator,
    /// A queue's dequeue.
    Queue,
    /// The client feeds it.
    Fed,
}

impl BatchSource {
    /// Returns name, operation and kind of the node.
    fn node(self) -> (&'static str, &'static str, NodeKind) {
        match self {
            Self::Iterator => ("IteratorGetNext", "IteratorGetNext", NodeKind::GetNext),
            Self::Queue => ("fifo_queue_Dequeue", "QueueDequeueV2", NodeKind::Dequeue),
            Self::Fed => ("_recv_batch_0", "_Recv", NodeKind::Feed),
        }
    }
}

/// A task of a built-in job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Task {
    /// The worker.
    Worker,
    /// A parameter server, numbered from 0.
    Server(u8),
    /// The client, which fetches what is sent to it.
    Client,
}

/// The reason why a description is not a job.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BuiltinError {
    /// Not of the form that is expected.
    #[error("edge {text:?}: {problem}; expected FROM->TO [batch] [xN], as in \"ps0->worker batch x2\"")]
    Syntax {
        /// The description.
        text: String,
        /// The problem.
        problem: String,
    },
    /// An update that is not of the form that is expected.
    #[error("update {text:?}: {problem}; expected TASK VARIABLE [after TASK...], as in \"ps1 beta_power after ps0\"")]
    Update {
        /// The description.
        text: String,
        /// The problem.
        problem: String,
    },
    /// It speaks of a server that the job does not have.
    #[error("edge \"{edge}\": the job has {servers} servers, numbered from ps0")]
    NoSuchServer {
        /// The description.
        edge: EdgeGroup,
        /// Number of servers.
        servers: u8,
    },
    /// It is said to depend on the batch and can't.
    #[error(
        "edge \"{edge}\": nothing that depends on the batch reaches {}; expected a batch edge to it in front of this one",
        .edge.from
    )]
    NoBatch {
        /// The description.
        edge: EdgeGroup,
    },
    /// The job is too large.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker => f.write_str("worker"),
            Self::Server(number) => write!(f, "ps{number}"),
            Self::Client => f.write_str("client"),
        }
    }
}

impl fmt::Display for EdgeGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", self.from, self.to)?;
        if self.batch {
            f.write_str(" batch")?;
        }
        if self.count > 1 {
            write!(f, " x{}", self.count)?;
        }
        Ok(())
    }
}

impl FromStr for EdgeGroup {
    type Err = BuiltinError;

    fn from_str(text: &str) -> Result<Self, BuiltinError> {
        let wrong = |problem: String| BuiltinError::Syntax {
            text: text.to_owned(),
            problem,
        };
        let (from, rest) = text.split_once("->").ok_or_else(|| wrong("no ->".to_owned()))?;
        let mut words = rest.split_whitespace();
        let task = |name: &str| parse_task(name).ok_or_else(|| wrong(format!("{name:?} is neither worker nor psN")));
        let mut group = Self {
            from: task(from.trim())?,
            to: match words.next().unwrap_or("") {
                "client" => Task::Client,
                name => task(name)?,
            },
            batch: false,
            count: 1,
        };
        if group.from == group.to {
            return Err(wrong(format!("{} sends to itself", group.from)));
        }
        let mut counted = false;
        for word in words {
            match (word, word.strip_prefix('x')) {
                ("batch", _) if !group.batch && !counted => group.batch = true,
                (_, Some(count)) if !counted => {
                    let count = count.parse().ok().filter(|&count| count > 0);
                    group.count = count.ok_or_else(|| wrong(format!("{word:?} is no count from x1 to x255")))?;
                    counted = true;
                }
                _ => return Err(wrong(format!("{word:?} is not expected here"))),
            }
        }
        Ok(group)
    }
}

fn parse_task(name: &str) -> Option<Task> {
    if name == "worker" {
        return Some(Task::Worker);
    }
    let digits = name.strip_prefix("ps")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Task::Server)
}

impl TryFrom<Vec<String>> for Edges {
    type Error = BuiltinError;

    fn try_from(lines: Vec<String>) -> Result<Self, BuiltinError> {
        lines
            .iter()
            .map(|line| line.parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Returns the graph of a step of a built-in job: the worker's partition first, then those of the servers.
///
/// An update is `TASK VARIABLE [after TASK...]`: it waits for the batch tensors that its task receives and, by control edges, for the
/// updates of the other tasks that are listed before it.
///
/// # Errors
/// When an edge speaks of a server that is not there, or depends on a batch that does not reach its sender.
pub fn builtin(servers: u8, shape: &Edges, updates: &[String], batch: BatchSource) -> Result<Graph, BuiltinError> {
    let mut job = Job::new(servers, batch);
    for &group in &shape.0 {
        for task in [group.from, group.to] {
            if matches!(task, Task::Server(number) if number >= servers) {
                return Err(BuiltinError::NoSuchServer { edge: group, servers });
            }
        }
    }
    // Servers depend on what the worker sends wherever that is listed, so the worker's edges come first.
    let (own, others): (Vec<EdgeGroup>, Vec<EdgeGroup>) = shape.0.iter().partition(|group| group.from == Task::Worker);
    for group in own.into_iter().chain(others) {
        for _ in 0..group.count {
            job.connect(group)?;
        }
    }
    for update in updates {
        job.update(update, servers)?;
    }
    Ok(Graph::new(job.finish(), job.edges)?)
}

/// Returns the graph of a step of one node on the worker.
pub fn worker_only(op: &str, kind: NodeKind) -> Graph {
    let mut job = Job::bare(0);
    job.push(0, op.to_owned(), op, kind, Vec::new());
    let edges = Vec::new();
    Graph::new(job.finish(), edges).expect("one node on the worker is a graph")
}

struct Job {
    partitions: Vec<Partition>,
    edges: Vec<Edge>,
    /// Nodes per partition: those that `batch` tensors from it depend on.
    batch: Vec<Vec<u16>>,
    /// Whether these came from the worker.
    from_worker: Vec<bool>,
}

impl Job {
    fn new(servers: u8, batch: BatchSource) -> Self {
        let mut job = Self::bare(servers);
        let (name, op, kind) = batch.node();
        let reader = job.push(0, name.to_owned(), op, kind, Vec::new());
        job.batch[0].push(reader);
        job
    }

    /// Partitions without nodes.
    fn bare(servers: u8) -> Self {
        let tasks = std::iter::once(("worker", 0)).chain((0..servers).map(|number| ("ps", number)));
        let partitions = tasks.map(|(job, task)| Partition {
            device: format!("/job:{job}/replica:0/task:{task}/device:CPU:0"),
            job: job.to_owned(),
            task: u32::from(task),
            nodes: Vec::new(),
            variables: Vec::new(),
        });
        Self {
            partitions: partitions.collect(),
            edges: Vec::new(),
            batch: vec![Vec::new(); usize::from(servers) + 1],
            from_worker: vec![false; usize::from(servers) + 1],
        }
    }

    fn push(&mut self, partition: u8, name: String, op: &str, kind: NodeKind, inputs: Vec<u16>) -> u16 {
        let nodes = &mut self.partitions[usize::from(partition)].nodes;
        nodes.push(Node {
            name,
            op: op.to_owned(),
            kind,
            expensive: kernels::is_expensive(op),
            inputs,
        });
        // Graph::new refuses partitions and edge lists for which these indices are too short.
        (nodes.len() - 1) as u16
    }

    fn connect(&mut self, group: EdgeGroup) -> Result<(), BuiltinError> {
        let from = partition_of(group.from);
        let inputs = if group.batch {
            self.batch[usize::from(from)].clone()
        } else {
            Vec::new()
        };
        if group.batch && inputs.is_empty() {
            return Err(BuiltinError::NoBatch { edge: group });
        }
        if group.to == Task::Client {
            let name = format!(
                "_send_{}_{}",
                group.from,
                self.partitions[usize::from(from)].nodes.len()
            );
            self.push(from, name, "_Send", NodeKind::Fetch, inputs);
            return Ok(());
        }
        let to = partition_of(group.to);
        let edge = self.edges.len() as u16;
        let tensor = format!("edge_{}_{}_{}", self.edges.len(), group.from, group.to);
        self.push(from, format!("{tensor}_S"), "_Send", NodeKind::Send { edge }, inputs);
        let receive = self.push(to, format!("{tensor}_R"), "_Recv", NodeKind::Recv { edge }, Vec::new());
        self.edges.push(Edge {
            tensor,
            from,
            to,
            batch_dependent: group.batch,
        });
        let waited_for = usize::from(to);
        let by_worker = group.from == Task::Worker;
        if group.batch && to != 0 && (by_worker || !self.from_worker[waited_for]) {
            self.batch[waited_for].push(receive);
            self.from_worker[waited_for] |= by_worker;
        }
        Ok(())
    }

    /// Adds an update, with the control edges that it waits for.
    fn update(&mut self, text: &str, servers: u8) -> Result<(), BuiltinError> {
        let wrong = |problem: String| BuiltinError::Update {
            text: text.to_owned(),
            problem,
        };
        let task = |name: &str| match parse_task(name) {
            Some(Task::Server(number)) if number >= servers => Err(wrong(format!("the job has {servers} servers"))),
            Some(task) => Ok(partition_of(task)),
            None => Err(wrong(format!("{name:?} is neither worker nor psN"))),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (own, variable, before) = match words.as_slice() {
            [own, variable] => (task(own)?, *variable, &[][..]),
            [own, variable, "after", before @ ..] if !before.is_empty() => (task(own)?, *variable, before),
            _ => return Err(wrong("it has other words".to_owned())),
        };
        let mut inputs = self.batch[usize::from(own)].clone();
        for name in before {
            inputs.extend(self.after_updates(task(name)?, own, variable));
        }
        inputs.sort_unstable();
        inputs.dedup();
        let partition = &mut self.partitions[usize::from(own)];
        partition.variables.push(variable.to_owned());
        let index = (partition.variables.len() - 1) as u16;
        self.push(
            own,
            format!("update_{variable}"),
            "ApplyAdam",
            NodeKind::Update { variable: index },
            inputs,
        );
        Ok(())
    }

    /// Returns what an update waits for so that those of a task come first: these, or a tensor that is sent after them.
    fn after_updates(&mut self, from: u8, to: u8, variable: &str) -> Vec<u16> {
        let nodes = (0_u16..).zip(&self.partitions[usize::from(from)].nodes);
        let updates = nodes.filter(|(_, node)| matches!(node.kind, NodeKind::Update { .. }));
        let updates: Vec<u16> = updates.map(|(index, _)| index).collect();
        if from == to {
            return updates;
        }
        let edge = self.edges.len() as u16;
        let tensor = format!("control_{edge}_{variable}");
        self.push(from, format!("{tensor}_S"), "_Send", NodeKind::Send { edge }, updates);
        let receive = self.push(to, format!("{tensor}_R"), "_Recv", NodeKind::Recv { edge }, Vec::new());
        self.edges.push(Edge {
            tensor,
            from,
            to,
            batch_dependent: true,
        });
        vec![receive]
    }

    /// Returns the partitions; a process that nothing is sent to or from still runs something.
    fn finish(&mut self) -> Vec<Partition> {
        for partition in 0..self.partitions.len() {
            if self.partitions[partition].nodes.is_empty() {
                self.push(partition as u8, "NoOp".to_owned(), "NoOp", NodeKind::Other, Vec::new());
            }
        }
        std::mem::take(&mut self.partitions)
    }
}

fn partition_of(task: Task) -> u8 {
    match task {
        Task::Worker | Task::Client => 0,
        Task::Server(number) => number.saturating_add(1),
    }
}

#[cfg(test)]
mod tests;
