//! The import: from the partition graphs of a `RunMetadata` protobuf to a [`Graph`].

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use prost::Message;

use super::proto::{GraphDef, NodeDef, RunMetadata};
use crate::file::FileError;
use crate::models::tensorflow::job::graph::{Edge, Graph, GraphError, Node, NodeKind, Partition, is_server_job};
use crate::models::tensorflow::kernels;

/// The expected content of a file, for messages.
const EXPECTED: &str = "a serialized tensorflow.RunMetadata";
/// The problem of a `RunMetadata` that was not asked for its graphs.
const NO_GRAPHS: &str = "no partition graphs in this RunMetadata; export them with m = tf.RunMetadata(); sess.run(op, \
    options=tf.RunOptions(output_partition_graphs=True), run_metadata=m), then write m.SerializeToString()";

/// Reads a file with a serialized `tensorflow.RunMetadata`.
///
/// # Errors
/// When the file can't be read or is not the graph of a step.
pub fn read(path: &Path) -> Result<Graph, FileError> {
    let bytes = std::fs::read(path).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::IsADirectory => "is a directory".to_owned(),
            _ => error.to_string(),
        };
        FileError::new(path, format!("{reason} (expected {EXPECTED})"))
    })?;
    run_metadata(&bytes, &path.display().to_string())
}

/// Reads a serialized `tensorflow.RunMetadata`; `source` names it in errors.
///
/// # Errors
/// When the bytes are not the graph of a step.
pub fn run_metadata(bytes: &[u8], source: &str) -> Result<Graph, FileError> {
    if bytes.is_empty() {
        return Err(FileError::new(
            source,
            format!("the file is empty, expected {EXPECTED}"),
        ));
    }
    let message = RunMetadata::decode(bytes)
        .map_err(|error| FileError::new(source, format!("truncated, or not {EXPECTED} ({error})")))?;
    if message.partition_graphs.iter().all(|graph| graph.node.is_empty()) {
        return Err(FileError::new(source, NO_GRAPHS));
    }
    let mut import = Import {
        file: source,
        keys: BTreeMap::new(),
        edges: Vec::new(),
    };
    let devices = import.devices(&message.partition_graphs)?;
    import.pair(&message.partition_graphs)?;
    let graphs = message.partition_graphs.iter().zip(&devices);
    let partitions = graphs
        .map(|(graph, device)| import.partition(graph, device))
        .collect::<Result<_, _>>()?;
    Graph::new(partitions, import.edges).map_err(|error| FileError::new(source, error))
}

/// The name of a tensor on its way: `tensor_name`, `send_device`, `recv_device` (`framework/rendezvous.cc:52-66`; the
/// incarnation is the sender's own business).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    tensor: String,
    send_device: String,
    recv_device: String,
}

/// A device that is the only one of its process.
struct Device {
    name: String,
    job: String,
    task: u32,
}

/// The effect of a `_Send` or `_Recv`.
enum Transfer {
    Send(Key),
    Recv(Key),
    Feed,
    Fetch,
}

struct Import<'a> {
    file: &'a str,
    keys: BTreeMap<Key, u16>,
    edges: Vec<Edge>,
}

impl Import<'_> {
    /// Returns the device of each partition.
    fn devices(&self, graphs: &[GraphDef]) -> Result<Vec<Device>, FileError> {
        let mut found: Vec<Device> = Vec::new();
        for (partition, graph) in graphs.iter().enumerate() {
            let wrong = |problem: String| FileError::new(self.file, format!("partition graph {partition}: {problem}"));
            let texts = graph.node.iter().flat_map(|node| [&node.name, &node.op, &node.device]);
            if let Some(text) = texts.into_iter().find(|text| !is_plain(text)) {
                return Err(wrong(format!(
                    "expected names of printable ASCII characters without spaces, found {text:?}"
                )));
            }
            let Some(first) = graph.node.first() else {
                return Err(wrong("it has no nodes".to_owned()));
            };
            if let Some(other) = graph.node.iter().find(|node| node.device != first.device) {
                return Err(wrong(format!(
                    "expected all nodes on one device, found {} ({}) and {} ({})",
                    first.device, first.name, other.device, other.name
                )));
            }
            let Some((job, task)) = parse_device(&first.device) else {
                return Err(wrong(format!(
                    "expected a device as in /job:ps/replica:0/task:1/device:CPU:0, found {:?} (node {})",
                    first.device, first.name
                )));
            };
            if let Some(other) = found.iter().find(|other| (&other.job, other.task) == (&job, task)) {
                return Err(wrong(format!(
                    "it is on {}, but its process has a partition on {} already; several devices of a process are not modelled, \
                     expected one partition per process",
                    first.device, other.name
                )));
            }
            found.push(Device {
                name: first.device.clone(),
                job,
                task,
            });
        }
        Ok(found)
    }

    /// Makes an edge of each `_Send` and its `_Recv`.
    fn pair(&mut self, graphs: &[GraphDef]) -> Result<(), FileError> {
        let mut received: BTreeMap<Key, u8> = BTreeMap::new();
        let mut sent: Vec<(Key, u8)> = Vec::new();
        for (partition, graph) in graphs.iter().enumerate() {
            // With more partitions than that, Graph::new says so.
            let partition = u8::try_from(partition).unwrap_or(u8::MAX);
            for node in &graph.node {
                match self.transfer(node)? {
                    Some(Transfer::Send(key)) => {
                        self.check_place(node, "send_device", &key.send_device)?;
                        if sent.iter().any(|(other, _)| *other == key) {
                            return Err(self.tensor(&key, "two _Send nodes, expected one"));
                        }
                        sent.push((key, partition));
                    }
                    Some(Transfer::Recv(key)) => {
                        self.check_place(node, "recv_device", &key.recv_device)?;
                        if received.insert(key.clone(), partition).is_some() {
                            return Err(self.tensor(&key, "two _Recv nodes, expected one"));
                        }
                    }
                    _ => {}
                }
            }
        }
        for (key, from) in sent {
            let Some(to) = received.remove(&key) else {
                return Err(self.tensor(&key, "a _Send without its _Recv; is a partition missing from the file?"));
            };
            let count = self.edges.len();
            let index = self.number(count, || "edges between partitions".to_owned(), count + 1)?;
            self.edges.push(Edge {
                tensor: key.tensor.clone(),
                from,
                to,
                batch_dependent: false,
            });
            self.keys.insert(key, index);
        }
        match received.first_key_value() {
            Some((key, _)) => Err(self.tensor(key, "a _Recv without its _Send; is a partition missing from the file?")),
            None => Ok(()),
        }
    }

    fn partition(&self, graph: &GraphDef, device: &Device) -> Result<Partition, FileError> {
        let mut indices: BTreeMap<&str, u16> = BTreeMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            let index = self.number(index, || format!("nodes on {}", device.name), graph.node.len())?;
            if indices.insert(&node.name, index).is_some() {
                return Err(self.node(node, "a second node of that name, expected unique names".to_owned()));
            }
        }
        let variables = graph.node.iter().filter(|node| kernels::is_variable(&node.op));
        let variables: Vec<String> = variables.map(|node| node.name.clone()).collect();
        let nodes = graph.node.iter().map(|node| {
            let mut inputs = Vec::with_capacity(node.input.len());
            for input in &node.input {
                let Some(&index) = indices.get(input_name(input)) else {
                    return Err(self.node(node, format!("its input {input:?} names no node of the partition")));
                };
                inputs.push(index);
            }
            inputs.sort_unstable();
            inputs.dedup();
            Ok(Node {
                name: node.name.clone(),
                op: node.op.clone(),
                kind: match reads_batch(node) {
                    Some(kind) if !is_server_job(&device.job) => kind,
                    _ => self.kind(node, graph, &indices, &variables)?,
                },
                expensive: kernels::is_expensive(&node.op) && !serializes_to_variant(node),
                inputs,
            })
        });
        let nodes = nodes.collect::<Result<_, _>>()?;
        Ok(Partition {
            device: device.name.clone(),
            job: device.job.clone(),
            task: device.task,
            nodes,
            variables,
        })
    }

    fn kind(
        &self,
        node: &NodeDef,
        graph: &GraphDef,
        indices: &BTreeMap<&str, u16>,
        variables: &[String],
    ) -> Result<NodeKind, FileError> {
        Ok(match self.transfer(node)? {
            Some(Transfer::Send(key)) => NodeKind::Send { edge: self.keys[&key] },
            Some(Transfer::Recv(key)) => NodeKind::Recv { edge: self.keys[&key] },
            Some(Transfer::Feed) => NodeKind::Feed,
            Some(Transfer::Fetch) => NodeKind::Fetch,
            None if kernels::changes_variable(&node.op) => {
                let variable = updated_variable(node, graph, indices);
                let index = variable.and_then(|name| variables.iter().position(|other| other == name));
                match index.and_then(|index| u16::try_from(index).ok()) {
                    Some(variable) => NodeKind::Update { variable },
                    None => NodeKind::Other,
                }
            }
            None => NodeKind::Other,
        })
    }

    /// Returns what the node sends or receives, if it does.
    fn transfer(&self, node: &NodeDef) -> Result<Option<Transfer>, FileError> {
        let sends = match node.op.as_str() {
            "_Send" | "_HostSend" => true,
            "_Recv" | "_HostRecv" => false,
            _ => return Ok(None),
        };
        let key = Key {
            tensor: self.text(node, "tensor_name")?,
            send_device: self.text(node, "send_device")?,
            recv_device: self.text(node, "recv_device")?,
        };
        let client = node
            .attr
            .get("client_terminated")
            .and_then(|value| value.b)
            .unwrap_or(false);
        Ok(Some(match (client, sends) {
            (true, true) => Transfer::Fetch,
            (true, false) => Transfer::Feed,
            (false, true) => Transfer::Send(key),
            (false, false) => Transfer::Recv(key),
        }))
    }

    fn text(&self, node: &NodeDef, attribute: &str) -> Result<String, FileError> {
        let value = node.attr.get(attribute).and_then(|value| value.s.clone());
        let value = value
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|text| is_plain(text));
        value.ok_or_else(|| {
            self.node(
                node,
                format!("expected a string attribute {attribute} on a {}", node.op),
            )
        })
    }

    fn check_place(&self, node: &NodeDef, attribute: &str, device: &str) -> Result<(), FileError> {
        if node.device == device {
            return Ok(());
        }
        Err(self.node(node, format!("expected its own device as {attribute}, found {device}")))
    }

    /// Returns the problem of a node.
    fn node(&self, node: &NodeDef, problem: String) -> FileError {
        FileError::new(self.file, format!("node {} on {}: {problem}", node.name, node.device))
    }

    /// Returns the problem of a `_Send` or `_Recv` without its partner, or with two.
    fn tensor(&self, key: &Key, problem: &str) -> FileError {
        let (tensor, from, to) = (&key.tensor, &key.send_device, &key.recv_device);
        FileError::new(self.file, format!("tensor {tensor} from {from} to {to}: {problem}"))
    }

    /// Numbers the things of one kind, of which there are `count`.
    fn number(&self, index: usize, what: impl Fn() -> String, count: usize) -> Result<u16, FileError> {
        u16::try_from(index).map_err(|_| {
            let limit = usize::from(u16::MAX);
            FileError::new(
                self.file,
                GraphError::TooLarge {
                    what: what(),
                    count,
                    limit,
                },
            )
        })
    }
}

/// Returns the variable that an updating node changes: its first input, followed through whatever hands a reference on. `None`
/// where that leads to no variable of the partition.
fn updated_variable<'a>(node: &'a NodeDef, graph: &'a GraphDef, indices: &BTreeMap<&str, u16>) -> Option<&'a str> {
    let mut at = node;
    // No chain is longer than the graph, unless it is a cycle, which is reported later.
    for _ in 0..=graph.node.len() {
        let first = at.input.first().filter(|input| !input.starts_with('^'))?;
        at = &graph.node[usize::from(*indices.get(input_name(first))?)];
        if kernels::is_variable(&at.op) {
            return Some(&at.name);
        }
        if !kernels::passes_variable_on(&at.op) {
            return None;
        }
    }
    None
}

/// Returns the kind of a node that can bring the batch. On a server none can: a dequeue there is one from a queue of tokens, as a rule.
fn reads_batch(node: &NodeDef) -> Option<NodeKind> {
    match node.op.as_str() {
        "IteratorGetNext" => Some(NodeKind::GetNext),
        op if op.starts_with("QueueDequeue") => Some(NodeKind::Dequeue),
        _ => None,
    }
}

/// Returns true for a `SerializeSparse` to variants, which copies nothing and is cheap (`kernels/serialize_sparse_op.cc:100`).
fn serializes_to_variant(node: &NodeDef) -> bool {
    const DT_VARIANT: i32 = 21;
    let to = || node.attr.get("out_type").and_then(|value| value.r#type);
    node.op == "SerializeSparse" && to() == Some(DT_VARIANT)
}

/// Returns true if a name can stand in a line of a schedule. TensorFlow allows no others (`graph/graph_constructor.cc:56-64`).
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the node that `^name`, `name` or `name:1` means.
fn input_name(input: &str) -> &str {
    let name = input.strip_prefix('^').unwrap_or(input);
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// Returns job and task of `/job:ps/replica:0/task:1/device:CPU:0`.
fn parse_device(device: &str) -> Option<(String, u32)> {
    let mut job = None;
    let mut task = None;
    for part in device.strip_prefix('/')?.split('/') {
        match part.split_once(':')? {
            ("job", value) if !value.is_empty() => job = Some(value.to_owned()),
            ("task", value) => task = Some(value.parse().ok()?),
            _ => {}
        }
    }
    Some((job?, task?))
}
