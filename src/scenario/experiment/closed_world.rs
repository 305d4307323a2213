//! What the graphs of a job have that the model leaves out, and what the scenario takes for granted of it.

use std::collections::{BTreeMap, BTreeSet};

use super::ExperimentProblem;
use crate::machine::Unmodelled;
use crate::models::tensorflow::job::graph::Graph;

/// Contents of the whole graphs of a job, whatever a slice leaves of them.
#[derive(Default)]
pub(super) struct ClosedWorld {
    /// Every op.
    ops: BTreeSet<String>,
    /// The ops whose kernels may wait, by name.
    kernels: BTreeMap<String, Unmodelled>,
    /// Steps that read several times, and devices: nothing that an assumption about kernels could mend.
    others: Vec<Unmodelled>,
}

impl ClosedWorld {
    /// Adds the graph of a step.
    pub(super) fn add(&mut self, graph: &Graph) {
        self.ops.extend(graph.node_ids().map(|id| graph.node(id).op.clone()));
        for found in graph.unmodelled() {
            let known = self.kernels.entry(found.what.clone());
            let places = found.places.clone();
            let known = known.or_insert(Unmodelled {
                places: Vec::new(),
                ..found
            });
            known.places.extend(places);
            known.places.sort();
            known.places.dedup();
        }
        self.others.extend(graph.other_devices());
    }

    /// Returns what is left after the scenario's assumptions, and these.
    pub(super) fn assuming(mut self, names: &[String]) -> Result<(Vec<Unmodelled>, Vec<String>), ExperimentProblem> {
        let mut assumptions = Vec::new();
        for name in names {
            if self.kernels.remove(name).is_none() {
                let problem = if self.ops.contains(name) {
                    "expected an op whose kernel may wait and is not modelled"
                } else {
                    "the graph has no such op"
                };
                let name = name.clone();
                return Err(ExperimentProblem::Assumption { name, problem });
            }
            assumptions.push(format!("{name} never waits"));
        }
        let left = self.others.into_iter().chain(self.kernels.into_values());
        Ok((left.collect(), assumptions))
    }
}
