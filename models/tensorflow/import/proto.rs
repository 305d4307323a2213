//! The fields that we read of TensorFlow's protobuf messages, under the names and numbers of
//! `tensorflow/core/protobuf/config.proto`, `framework/graph.proto`, `framework/node_def.proto` and
//! `framework/attr_value.proto`. All other fields are skipped.

use std::collections::BTreeMap;

/// The message that `sess.run(..., run_metadata=m)` leaves in `m`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RunMetadata {
    /// One per process, as executed; only there with `RunOptions(output_partition_graphs=True)`.
    #[prost(message, repeated, tag = "3")]
    pub partition_graphs: Vec<GraphDef>,
}

/// A graph.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GraphDef {
    /// Its nodes.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeDef>,
}

/// A node of a graph.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeDef {
    /// Unique within the graph.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Name of the operation.
    #[prost(string, tag = "2")]
    pub op: String,
    /// `name` or `name:output` of a data input, `^name` of a control input; data inputs come first.
    #[prost(string, repeated, tag = "3")]
    pub input: Vec<String>,
    /// The place where it runs, as in `/job:ps/replica:0/task:1/device:CPU:0`.
    #[prost(string, tag = "4")]
    pub device: String,
    /// Attributes by name.
    #[prost(btree_map = "string, message", tag = "5")]
    pub attr: BTreeMap<String, AttrValue>,
}

/// The value of an attribute; of the kinds of values only those that we read.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttrValue {
    /// A string.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub s: Option<Vec<u8>>,
    /// A boolean.
    #[prost(bool, optional, tag = "5")]
    pub b: Option<bool>,
    /// A `DataType`, by its number in `framework/types.proto`.
    #[prost(int32, optional, tag = "6")]
    pub r#type: Option<i32>,
}
