//! What the nodes of a graph can do that the model does not: kernels that wait where the model has kernels that succeed.

use std::collections::BTreeMap;

use super::{Graph, NodeId, NodeKind};
use crate::machine::Unmodelled;
use crate::models::tensorflow::kernels;

impl Graph {
    /// Takes only what reads like `input` for the source of the batch. Other reads become nodes like any other: their kernels wait, and
    /// are not modelled.
    #[must_use]
    pub fn reading(&self, input: Option<NodeKind>) -> Self {
        let mut partitions = self.partitions.clone();
        for node in partitions.iter_mut().flat_map(|partition| &mut partition.nodes) {
            if node.kind.reads() && Some(node.kind) != input {
                node.kind = NodeKind::Other;
            }
        }
        Self::new(partitions, self.edges.clone()).expect("a graph stays one whatever its nodes read")
    }

    /// Returns the nodes that bring the batch, in order.
    pub fn reads(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.node_ids().filter(|id| self.node(*id).kind.reads())
    }

    /// Returns true if a step takes more than one batch.
    pub fn reads_several_times(&self) -> bool {
        self.reads().nth(1).is_some()
    }

    /// Returns a node's name with that of its task, as in `worker0:next`.
    pub fn place(&self, id: NodeId) -> String {
        let task = self.partitions[usize::from(id.partition)].task_name();
        format!("{task}:{}", self.node(id).name)
    }

    /// Lists the ops whose kernels can do more than to take their inputs and to succeed or fail, in order of their names, and where the
    /// graph has them. What the model has a kind for is not among them.
    pub fn unmodelled(&self) -> Vec<Unmodelled> {
        let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for id in self.node_ids() {
            let node = self.node(id);
            if matches!(node.kind, NodeKind::Other | NodeKind::Update { .. }) {
                places.entry(&node.op).or_default().push(self.place(id));
            }
        }
        let beyond = places.into_iter().filter_map(|(op, places)| {
            Some(Unmodelled {
                what: op.to_owned(),
                places,
                why: kernels::beyond_plain(op)?,
            })
        });
        beyond.collect()
    }

    /// Tells of processes whose nodes do not run on a CPU, if there are: their kernels and their streams are not modelled.
    pub fn other_devices(&self) -> Option<Unmodelled> {
        let others = self
            .partitions
            .iter()
            .filter(|partition| !runs_on_cpu(&partition.device));
        let places: Vec<String> = others.map(|partition| partition.device.clone()).collect();
        (!places.is_empty()).then(|| Unmodelled {
            what: "a device that is no CPU".to_owned(),
            places,
            why: "its kernels may wait for the device, and are others than those of a CPU".to_owned(),
        })
    }
}

/// Returns true if a device as in `/job:ps/task:1/device:CPU:0` or `/job:ps/task:1/cpu:0` is a CPU, or says nothing of its type.
fn runs_on_cpu(device: &str) -> bool {
    let kinds = device.split('/').filter_map(|part| {
        let part = part.strip_prefix("device:").unwrap_or(part);
        part.split_once(':').map(|(kind, _)| kind)
    });
    let known = ["job", "replica", "task", "cpu", "CPU"];
    kinds.into_iter().all(|kind| known.contains(&kind))
}

impl NodeKind {
    /// Returns true if such a node can bring the batch.
    pub fn reads(self) -> bool {
        matches!(self, Self::GetNext | Self::Dequeue)
    }
}

#[cfg(test)]
mod tests;
