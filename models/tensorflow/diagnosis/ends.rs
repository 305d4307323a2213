//! How the clients ended, and what stays behind.

use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::Process;

impl TensorFlow {
    /// Tells how the clients ended, and the updates that were applied.
    pub(in crate::models) fn how_it_ended(&self, system: &[&Process]) -> String {
        let ends = system.iter().filter_map(|process| {
            let master = process.master.as_ref()?;
            let how = if master.outcome == Some(true) {
                "succeeded"
            } else {
                "failed"
            };
            Some(format!("{} {how}", self.step_name(master.step)))
        });
        let ends: Vec<String> = ends.collect();
        let mut updates = Vec::new();
        for (id, process) in system.iter().enumerate() {
            let names = self.variables(ProcessId::new(id));
            for (name, &count) in names.iter().zip(&process.variables).filter(|(_, count)| **count > 0) {
                let times = if count == 1 {
                    String::new()
                } else {
                    format!(" x{count}")
                };
                updates.push(format!("{}/{name}{times}", self.processes()[id].name));
            }
        }
        let updates = if updates.is_empty() {
            "nothing".to_owned()
        } else {
            updates.join(", ")
        };
        format!("{}: {updates}", ends.join(", "))
    }

    pub(in crate::models) fn left_behind(&self, system: &[&Process]) -> Vec<String> {
        let mut lines = Vec::new();
        for (info, process) in self.processes().iter().zip(system) {
            if !process.executions.is_empty() {
                lines.push(format!("{}: a partition still runs", info.role));
            }
            if process
                .rendezvous
                .iter()
                .any(|rendezvous| !rendezvous.deferred.is_empty())
            {
                lines.push(format!("{}: a deferred receive is never answered", info.role));
            }
            if process
                .rendezvous
                .iter()
                .any(|rendezvous| !rendezvous.waiters.is_empty())
            {
                lines.push(format!("{}: a receive waits for a value that is never sent", info.role));
            }
            if !process.table.is_empty() {
                lines.push(format!("{}: a rendezvous stays in the table", info.role));
            }
        }
        lines.sort();
        lines.dedup();
        lines
    }
}
