//! Serialized graphs of a step, as a real job exports them, made of nodes in a few words.

use lastbatch::models::tensorflow::import::proto::{AttrValue, GraphDef, NodeDef, RunMetadata};
use prost::Message;

fn text(value: &str) -> AttrValue {
    AttrValue {
        s: Some(value.as_bytes().to_vec()),
        ..AttrValue::default()
    }
}

/// Returns a node.
pub(crate) fn node(name: &str, op: &str, device: &str, inputs: &[&str]) -> NodeDef {
    NodeDef {
        name: name.to_owned(),
        op: op.to_owned(),
        device: device.to_owned(),
        input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        ..NodeDef::default()
    }
}

/// Returns a `_Send` or a `_Recv`; `key` is the tensor, the device that sends and the one that receives.
pub(crate) fn transfer(name: &str, op: &str, device: &str, inputs: &[&str], key: [&str; 3]) -> NodeDef {
    let attributes = ["tensor_name", "send_device", "recv_device"].into_iter().zip(key);
    NodeDef {
        attr: attributes
            .map(|(attribute, value)| (attribute.to_owned(), text(value)))
            .collect(),
        ..node(name, op, device, inputs)
    }
}

/// Returns the bytes of the `RunMetadata` of a step with these partitions.
pub(crate) fn encoded(partitions: Vec<Vec<NodeDef>>) -> Vec<u8> {
    let partition_graphs = partitions.into_iter().map(|node| GraphDef { node }).collect();
    RunMetadata { partition_graphs }.encode_to_vec()
}
