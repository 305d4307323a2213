//! How the clients ended, and what stays behind.

use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::Process;

impl TensorFlow {
    /// Tells how the clients ended, and the updates that were applied.
    pub(in crate::models) fn how_it_ended(&self, system: &[&Process]) -> String {
        let ends = system.iter().filter_map(|process| {
            let master = process.master.as_ref()?;
            let succeeded = master.outcome == Some(true);
            let how = if succeeded { "succeeded" } else { "failed" };
            Some(format!("{} {how}", self.step_name(master.step)))
        });
        let ends: Vec<String> = ends.collect();
        let mut updates = Vec::new();
        for (id, process) in system.iter().enumerate() {
            let names = self.variables(ProcessId::new(id));
            for (name, &count) in names.iter().zip(&process.variables).filter(|(_, count)| **count > 0) {
                let times = Some(count).filter(|count| *count > 1);
                let times = times.map(|count| format!(" x{count}")).unwrap_or_default();
                updates.push(format!("{}/{name}{times}", self.processes()[id].name));
            }
        }
        if updates.is_empty() {
            updates.push("nothing".to_owned());
        }
        format!("{}: {}", ends.join(", "), updates.join(", "))
    }

    pub(in crate::models) fn left_behind(&self, system: &[&Process]) -> Vec<String> {
        let mut lines = Vec::new();
        for (info, process) in self.processes().iter().zip(system) {
            let mut rendezvous = process.rendezvous.iter();
            let deferred = rendezvous.clone().any(|rendezvous| !rendezvous.deferred.is_empty());
            let waited = rendezvous.any(|rendezvous| !rendezvous.waiters.is_empty());
            let left = [
                (!process.executions.is_empty(), "a partition still runs"),
                (deferred, "a deferred receive is never answered"),
                (waited, "a receive waits for a value that is never sent"),
                (!process.table.is_empty(), "a rendezvous stays in the table"),
            ];
            let left = left.into_iter().filter(|(is, _)| *is);
            lines.extend(left.map(|(_, what)| format!("{}: {what}", info.role)));
        }
        lines.sort();
        lines.dedup();
        lines
    }
}
