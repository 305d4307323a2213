//! Calls: their names, the receives of a step, what a receive is for.

use super::{CallInfo, CallKind, TensorFlow};
use crate::machine::ProcessId;
use crate::models::tensorflow::process::{CallId, NodeId, StepId};

impl TensorFlow {
    /// Returns the names of calls, or a word for none.
    pub(in crate::models) fn call_names(&self, calls: &[CallId]) -> String {
        let names: Vec<String> = calls.iter().map(|&call| self.call_name(call)).collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    }

    /// Returns a call in plain words.
    pub(in crate::models) fn call_words(&self, call: CallId) -> String {
        let info = self.call(call);
        let server = &self.processes()[info.server.index()].name;
        let what = match info.kind {
            CallKind::RecvTensor { .. } => return format!("the receive of {} from {server}", self.call_name(call)),
            CallKind::RunGraph { .. } => "RunGraph",
            CallKind::CleanupGraph => "CleanupGraph",
            CallKind::DeleteSession => return format!("the DeleteWorkerSession to {server}"),
            CallKind::CancelStep => "report of the cancelled step",
        };
        if self.steps().len() > 1 {
            format!("the {what} of {} to {server}", self.step_name(info.step))
        } else {
            format!("the {what} to {server}")
        }
    }

    /// Returns a call's name, unique: what it is for, of which step where there are several.
    pub fn call_name(&self, id: CallId) -> String {
        let info = self.call(id);
        let name = match info.kind {
            CallKind::RecvTensor { edge } => self.graph(info.step).edges[usize::from(edge)].tensor.clone(),
            CallKind::RunGraph { .. } => format!("RunGraph({})", self.processes[info.server.index()].name),
            CallKind::CleanupGraph => format!("CleanupGraph({})", self.processes[info.server.index()].name),
            CallKind::DeleteSession => {
                let name = format!("DeleteWorkerSession({})", self.processes[info.server.index()].name);
                return if self.tells_workers {
                    format!("{}/{name}", self.processes[info.client.index()].name)
                } else {
                    name
                };
            }
            CallKind::CancelStep => format!("CancelStep({})", self.processes[info.server.index()].name),
        };
        if self.tells_steps {
            format!("{}/{name}", self.step_name(info.step))
        } else {
            name
        }
    }

    /// Returns the receives of a step's partition that runs in a process.
    pub(in crate::models) fn receives_of(&self, client: ProcessId, step: StepId) -> impl Iterator<Item = CallId> {
        let receives = self.receives(step);
        receives
            .filter(move |(_, info)| info.client == client)
            .map(|(call, _)| call)
    }

    /// Returns the receives of a step that a process serves.
    pub(in crate::models) fn receives_at(&self, server: ProcessId, step: StepId) -> impl Iterator<Item = CallId> {
        let receives = self.receives(step);
        receives
            .filter(move |(_, info)| info.server == server)
            .map(|(call, _)| call)
    }

    fn receives(&self, step: StepId) -> impl Iterator<Item = (CallId, &CallInfo)> {
        let of_step = move |info: &CallInfo| info.step == step && matches!(info.kind, CallKind::RecvTensor { .. });
        (0..).zip(&self.calls).filter(move |(_, info)| of_step(info))
    }

    /// Returns the calls of its server whose values the answer to a receive waits for.
    pub(in crate::models) fn needs_of(&self, call: CallId) -> &[CallId] {
        let info = self.call(call);
        match info.kind {
            CallKind::RecvTensor { edge } => &self.steps[usize::from(info.step)].needs[usize::from(edge)],
            _ => &[],
        }
    }

    /// Returns the `_Recv` node of a call.
    pub(in crate::models) fn recv_node(&self, call: CallId) -> (StepId, NodeId) {
        let info = self.call(call);
        match info.kind {
            CallKind::RecvTensor { edge } => (info.step, self.graph(info.step).receiver(edge).node),
            other => panic!("{other:?} is no receive"),
        }
    }
}
