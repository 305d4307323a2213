//! The graph of one step as the processes of a job execute it: one partition a process, and the tensors between them.
//!
//! Plain data. [`Graph::new`] checks it and computes what follows from it: which nodes run after which, which tensors
//! depend on the batch, and each node's rank.

mod check;
mod display;
mod error;
mod unmodelled;

pub use error::GraphError;

/// The partitions of one step and the edges between them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Graph {
    /// One per process, in the order in which the master starts them (`distributed_runtime/master_session.cc:657-664`).
    pub partitions: Vec<Partition>,
    /// One per tensor that is sent from a partition to another, in the order of their `_Send` nodes.
    pub edges: Vec<Edge>,
    /// Facts that follow from the above, one entry per partition.
    derived: Vec<Derived>,
    /// The `_Send` and the `_Recv` of every edge.
    ends: Vec<(NodeId, NodeId)>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Derived {
    roots: Vec<u16>,
    successors: Vec<Vec<u16>>,
    ranks: Vec<u32>,
}

/// The part of a step that one process runs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Partition {
    /// The device, as in `/job:ps/replica:0/task:1/device:CPU:0`.
    pub device: String,
    /// Name of the job that the process belongs to, as in `worker` or `ps`.
    pub job: String,
    /// The process's number within its job.
    pub task: u32,
    /// The nodes, in the order of the `GraphDef`.
    pub nodes: Vec<Node>,
    /// Names of the variables that live here, in the order of their nodes.
    pub variables: Vec<String>,
}

/// One operation of a partition.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    /// Unique within the partition.
    pub name: String,
    /// TensorFlow's name of the operation, as in `MatMul`.
    pub op: String,
    /// Kind of the node.
    pub kind: NodeKind,
    /// Whether the executor counts its kernel as expensive ([`crate::models::tensorflow::kernels::is_expensive`]).
    pub expensive: bool,
    /// The nodes of this partition that must finish first, data and control inputs together: distinct, sorted.
    pub inputs: Vec<u16>,
}

/// The kind of a node, as the step sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NodeKind {
    /// Receives a tensor from another partition.
    Recv {
        /// Index into [`Graph::edges`].
        edge: u16,
    },
    /// Sends a tensor to another partition.
    Send {
        /// Index into [`Graph::edges`].
        edge: u16,
    },
    /// Takes the client's value of a fed tensor: a `_Recv` with `client_terminated`.
    Feed,
    /// Gives a fetched tensor to the client: a `_Send` with `client_terminated`.
    Fetch,
    /// `IteratorGetNext`: takes the next batch from a dataset iterator.
    GetNext,
    /// `MakeIterator`: puts a new iterator into the resource from which [`NodeKind::GetNext`] reads.
    MakeIterator,
    /// Takes the next batch from a queue.
    Dequeue,
    /// Adds a batch to a queue.
    Enqueue,
    /// Closes a queue.
    CloseQueue,
    /// Changes a variable.
    Update {
        /// Index into [`Partition::variables`].
        variable: u16,
    },
    /// Fails once it has its inputs, whatever they are.
    Fails,
    /// Anything else: takes its inputs and succeeds.
    Other,
}

/// A tensor that one partition sends to another.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Edge {
    /// The `tensor_name` of its `_Send` and `_Recv`.
    pub tensor: String,
    /// Index of the partition that sends it.
    pub from: u8,
    /// Index of the partition that receives it.
    pub to: u8,
    /// Whether the tensor depends on the next batch, through any number of nodes and edges: it is never sent when the
    /// data has ended. Computed by [`Graph::new`], whatever was given.
    pub batch_dependent: bool,
}

/// A node of a graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId {
    /// Index of the partition.
    pub partition: u8,
    /// Index of the node within it.
    pub node: u16,
}

/// Returns true if the processes of a job of this name are parameter servers.
pub fn is_server_job(name: &str) -> bool {
    name == "ps"
}

impl Partition {
    /// Returns true if it is the part of a parameter server.
    pub fn is_server(&self) -> bool {
        is_server_job(&self.job)
    }

    /// Returns the process's task name, as in `ps0`.
    pub fn task_name(&self) -> String {
        format!("{}{}", self.job, self.task)
    }
}

impl Node {
    /// Returns `_SOURCE`, which the runtime adds to every partition: a `NoOp`, whose kernel is cheap (`kernels/no_op.h:27`).
    pub(in crate::models) fn source() -> Self {
        Self {
            name: "_SOURCE".to_owned(),
            op: "NoOp".to_owned(),
            kind: NodeKind::Other,
            expensive: false,
            inputs: Vec::new(),
        }
    }
}

impl Graph {
    /// Checks partitions and edges and computes what follows from them.
    ///
    /// # Errors
    /// When there is nothing to run or too much, an index leads nowhere, an edge does not have exactly one `_Send` and
    /// one `_Recv`, the worker's partition can't be told, or the nodes have a cycle.
    pub fn new(partitions: Vec<Partition>, edges: Vec<Edge>) -> Result<Self, GraphError> {
        check::sizes(&partitions, &edges)?;
        let ends = check::ends(&partitions, &edges)?;
        let derived = partitions.iter().map(Derived::of).collect();
        let mut graph = Self {
            partitions,
            edges,
            derived,
            ends,
        };
        graph.check_worker()?;
        let order = graph.topological_order()?;
        graph.compute_ranks(&order);
        graph.compute_batch_dependence(&order);
        Ok(graph)
    }

    /// Adds a node that fails to the partition of a task: one without inputs, that nothing waits for.
    ///
    /// # Errors
    /// When no partition is of that task, or the graph gets too large.
    pub fn with_failing_node(&self, task: &str) -> Result<Self, GraphError> {
        self.with_node(task, "CheckNumerics", NodeKind::Fails)
    }

    /// Adds a node without inputs, that nothing waits for, to the partition of a task.
    ///
    /// # Errors
    /// When no partition is of that task, or the graph gets too large.
    pub fn with_node(&self, task: &str, op: &str, kind: NodeKind) -> Result<Self, GraphError> {
        let mut partitions = self.partitions.clone();
        let Some(partition) = partitions.iter_mut().find(|partition| partition.task_name() == task) else {
            return Err(GraphError::NoSuchTask { task: task.to_owned() });
        };
        partition.nodes.push(Node {
            name: format!("added_{op}"),
            op: op.to_owned(),
            kind,
            expensive: true,
            inputs: Vec::new(),
        });
        Self::new(partitions, self.edges.clone())
    }

    /// Returns the nodes of a partition that wait for no other node of it, in order: those that `_SOURCE` hands on.
    pub fn roots(&self, partition: usize) -> &[u16] {
        &self.derived[partition].roots
    }

    /// Returns the nodes of the same partition that wait for this one, in order.
    pub fn successors(&self, partition: usize, node: u16) -> &[u16] {
        &self.derived[partition].successors[usize::from(node)]
    }

    /// Returns the length of the longest chain of nodes that must finish before this one can start, within its partition and across
    /// edges: every node ranks higher than all that it depends on.
    pub fn rank(&self, partition: usize, node: u16) -> u32 {
        self.derived[partition].ranks[usize::from(node)]
    }

    /// Returns the partition of the process whose client runs the step; it hosts the step's master.
    pub fn worker_partition(&self) -> usize {
        self.worker_candidates()[0]
    }

    /// Returns the `_Send` node of an edge.
    pub fn sender(&self, edge: u16) -> NodeId {
        self.ends[usize::from(edge)].0
    }

    /// Returns the `_Recv` node of an edge.
    pub fn receiver(&self, edge: u16) -> NodeId {
        self.ends[usize::from(edge)].1
    }

    /// Returns the node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.partitions[usize::from(id.partition)].nodes[usize::from(id.node)]
    }

    /// Returns every node, partition by partition.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0u8..).zip(&self.partitions).flat_map(|(partition, content)| {
            (0u16..)
                .zip(&content.nodes)
                .map(move |(node, _)| NodeId { partition, node })
        })
    }

    fn worker_candidates(&self) -> Vec<usize> {
        let partitions = self.partitions.iter().enumerate();
        let found = partitions.filter(|(_, partition)| !partition.is_server());
        found.map(|(index, _)| index).collect()
    }

    fn check_worker(&self) -> Result<(), GraphError> {
        let found = self.worker_candidates();
        if found.len() == 1 {
            return Ok(());
        }
        let names: Vec<String> = found.iter().map(|&index| self.partitions[index].task_name()).collect();
        let found = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        Err(GraphError::Worker { found })
    }

    /// Lists the nodes that a node waits for: its inputs and, for a `_Recv`, the `_Send`.
    fn dependencies(&self, id: NodeId) -> Vec<NodeId> {
        let node = self.node(id);
        let mut found: Vec<NodeId> = node
            .inputs
            .iter()
            .map(|&node| NodeId {
                partition: id.partition,
                node,
            })
            .collect();
        if let NodeKind::Recv { edge } = node.kind {
            found.push(self.sender(edge));
        }
        found
    }

    /// Returns all nodes, each after everything that it depends on; otherwise in the order of the file.
    fn topological_order(&self) -> Result<Vec<NodeId>, GraphError> {
        let mut mark: Vec<Vec<Mark>> = self
            .partitions
            .iter()
            .map(|partition| vec![Mark::New; partition.nodes.len()])
            .collect();
        let mut order = Vec::new();
        // An explicit stack: real graphs are deeper than a thread's stack allows.
        let mut path: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
        for start in self.node_ids() {
            if mark[usize::from(start.partition)][usize::from(start.node)] != Mark::New {
                continue;
            }
            path.push((start, self.dependencies(start)));
            mark[usize::from(start.partition)][usize::from(start.node)] = Mark::Open;
            while let Some((id, rest)) = path.last_mut() {
                let id = *id;
                let Some(next) = rest.pop() else {
                    mark[usize::from(id.partition)][usize::from(id.node)] = Mark::Done;
                    order.push(id);
                    path.pop();
                    continue;
                };
                match mark[usize::from(next.partition)][usize::from(next.node)] {
                    Mark::Done => {}
                    Mark::Open => return Err(self.cycle(&path, next)),
                    Mark::New => {
                        mark[usize::from(next.partition)][usize::from(next.node)] = Mark::Open;
                        path.push((next, self.dependencies(next)));
                    }
                }
            }
        }
        Ok(order)
    }

    fn cycle(&self, path: &[(NodeId, Vec<NodeId>)], closing: NodeId) -> GraphError {
        let start = path.iter().position(|(id, _)| *id == closing).unwrap_or(0);
        let name = |id: NodeId| {
            let task = self.partitions[usize::from(id.partition)].task_name();
            format!("{task}:{}", self.node(id).name)
        };
        // The path leads from a node to what it waits for; people read it the other way round.
        let mut nodes = vec![name(closing)];
        nodes.extend(path[start..].iter().rev().map(|(id, _)| name(*id)));
        GraphError::Cycle { nodes }
    }

    fn compute_ranks(&mut self, order: &[NodeId]) {
        for &id in order {
            let below = self.dependencies(id).into_iter();
            let rank = below.map(|on| self.rank(usize::from(on.partition), on.node) + 1).max();
            self.derived[usize::from(id.partition)].ranks[usize::from(id.node)] = rank.unwrap_or(0);
        }
    }

    fn compute_batch_dependence(&mut self, order: &[NodeId]) {
        let mut depends: Vec<Vec<bool>> = self
            .partitions
            .iter()
            .map(|partition| vec![false; partition.nodes.len()])
            .collect();
        for &id in order {
            let own = self.node(id).kind.reads();
            let inherited = || {
                self.dependencies(id)
                    .iter()
                    .any(|on| depends[usize::from(on.partition)][usize::from(on.node)])
            };
            let value = own || inherited();
            depends[usize::from(id.partition)][usize::from(id.node)] = value;
            if let NodeKind::Send { edge } = self.node(id).kind {
                self.edges[usize::from(edge)].batch_dependent = value;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

impl Derived {
    fn of(partition: &Partition) -> Self {
        let mut derived = Self {
            successors: vec![Vec::new(); partition.nodes.len()],
            ranks: vec![0; partition.nodes.len()],
            roots: Vec::new(),
        };
        for (index, node) in (0u16..).zip(&partition.nodes) {
            if node.inputs.is_empty() {
                derived.roots.push(index);
            }
            for &input in &node.inputs {
                derived.successors[usize::from(input)].push(index);
            }
        }
        derived
    }
}
