//! The thread of the model that a slot of the trace means, and why none does.

use super::drive::Goal;
use super::plan::{Action, Slot, Subject, calls};
use super::position::{Context, Position, Refusal};
use crate::machine::{Model, Pending, ProcessId};
use crate::models::tensorflow::cluster::{CallInfo, CallKind};
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::{master, pool, rendezvous, worker};
use crate::models::tensorflow::process::{CallId, NodeId, Thread, ThreadId};

impl Context<'_> {
    /// Returns true if the next label of a thread is what a slot means.
    pub(super) fn means(&self, slot: &Slot, id: ProcessId, pending: &Pending<ThreadId>, state: &Thread) -> bool {
        let Action::Run {
            label,
            subject,
            timer,
            failed,
        } = slot.action
        else {
            return false;
        };
        label == pending.operation.label
            && (subject == Subject::Any || subject == self.subject(id, state))
            && timer.is_none_or(|timer| timer == matches!(state.id, ThreadId::Timer(..)))
            && !(failed && master::reports_success(state.at()))
    }

    /// Tells whose label a thread would run.
    pub(super) fn subject(&self, id: ProcessId, thread: &Thread) -> Subject {
        let (pc, label) = (thread.at(), thread.at().label());
        let call = match (pc.subject().call, thread.id) {
            (Some(call), _) => Some(call),
            (None, _) if label == &rendezvous::REGISTER => pc.subject().node.and_then(|node| self.receive_of(id, node)),
            (None, ThreadId::Handler(call) | ThreadId::Cancelled(call) | ThreadId::Completion(call)) => {
                self.caller(thread, call).filter(|_| !worker::LABELS.contains(&label))
            }
            _ => None,
        };
        call.map_or(Subject::Own, Subject::Call)
    }

    /// Returns the call that a thread works for; a completion may also cancel the worker's own partition.
    pub(super) fn caller(&self, thread: &Thread, call: CallId) -> Option<CallId> {
        let cancels_own = matches!(thread.id, ThreadId::Completion(_)) && thread.is_at(&rendezvous::FIND);
        (!cancels_own).then_some(call)
    }

    pub(super) fn receive_of(&self, id: ProcessId, node: NodeId) -> Option<CallId> {
        match self.model.node(self.plan.step, id, node).kind {
            NodeKind::Recv { edge } => self.receive_call(edge),
            _ => None,
        }
    }

    /// Returns the receive whose node a closure is on, or is of if it has not begun.
    pub(super) fn receives(&self, id: ProcessId, thread: &Thread) -> Option<CallId> {
        let own = match thread.id {
            ThreadId::Node(_, node) => node,
            _ => return None,
        };
        let node = thread
            .at()
            .subject()
            .node
            .or_else(|| thread.is_at(&pool::TAKE).then_some(own));
        node.and_then(|node| self.receive_of(id, node))
    }

    pub(super) fn receive_call(&self, edge: u16) -> Option<CallId> {
        let mut calls = calls(self.model, self.plan.step);
        let found = calls.find(|(_, info)| info.kind == CallKind::RecvTensor { edge });
        found.map(|(id, _)| id)
    }

    /// Returns the model threads that a trace thread may stand for in its next slot; `None`: the one that it stands for already, or nobody
    /// is in sight.
    pub(super) fn picks(&self, at: &Position, thread: usize) -> Vec<Option<ThreadId>> {
        let id = self.plan.threads[thread].process;
        let (None, Some(slot)) = (at.runs[thread], self.next(at, thread)) else {
            return vec![None];
        };
        let process = &at.system.processes[id.index()];
        let threads = self.model.threads(id, process).into_iter().zip(&process.threads);
        let mut picks: Vec<ThreadId> = threads
            .filter(|(pending, state)| self.means(slot, id, pending, state))
            .map(|(pending, _)| pending.thread)
            .filter(|&candidate| self.may_be(at, Some(thread), candidate))
            .collect();
        if slot.action.is(&rendezvous::ABORT_LOCAL) {
            let mut then = at.clone();
            for candidate in self.hopeful(at, id, Goal::Slot(slot)) {
                if !picks.contains(&candidate)
                    && self.may_be(at, Some(thread), candidate)
                    && !self.runs_elsewhere(at, id, candidate, Some(thread))
                    && self.would_reach(&mut then, id, candidate, Goal::Slot(slot), Some(thread))
                {
                    picks.push(candidate);
                }
            }
        }
        // The delayed aborts of a step are alike.
        if picks.iter().all(|pick| matches!(pick, ThreadId::Timer(..))) {
            picks.truncate(1);
        }
        if picks.is_empty() {
            return vec![None];
        }
        picks.into_iter().map(Some).collect()
    }

    /// Tells why no thread is on its way to the slot's label.
    pub(super) fn why_absent(&self, at: &Position, id: ProcessId, slot: &Slot) -> Refusal {
        let process = &at.system.processes[id.index()];
        let Action::Run { label, subject, .. } = slot.action else {
            return String::new();
        };
        let call = match subject {
            Subject::Call(call) => Some(call),
            Subject::Any if label == &rendezvous::INITIALIZE => self.run_graph_at(id),
            _ => None,
        };
        let Some(call) = call else {
            return format!("no thread comes to {label}");
        };
        let about = self.model.call_name(call);
        let mut places = Vec::new();
        for (index, state) in at.system.processes.iter().enumerate() {
            let owner = ProcessId::new(index);
            for (pending, thread) in self.model.threads(owner, state).iter().zip(&state.threads) {
                if self.works_for(owner, thread, call) {
                    let task = self.model.process_name(owner);
                    let name = self.model.thread_name(owner, state, thread.id);
                    places.push(format!("{task} {name} is at {}", pending.operation.label));
                }
            }
        }
        let record = process
            .client_call(call)
            .map(|call| format!("it is {:?} here", call.rpc));
        places.extend(record);
        for (info, state) in self.model.processes().iter().zip(&at.system.processes) {
            let task = &info.name;
            let mut rendezvous = state.rendezvous.iter();
            if rendezvous.clone().any(|rendezvous| rendezvous.deferred.contains(&call)) {
                places.push(format!("it is parked in {task}'s deferred_calls_"));
            }
            if rendezvous.any(|rendezvous| rendezvous.waiters.contains(&call)) {
                places.push(format!("it waits in {task}'s local table"));
            }
        }
        if places.is_empty() {
            format!("nothing is left to do for {about}")
        } else {
            format!("no thread comes to {label} of {about}: {}", places.join(", "))
        }
    }

    /// Returns the `RunGraph` that a process serves for the step.
    fn run_graph_at(&self, id: ProcessId) -> Option<CallId> {
        let runs = |info: &CallInfo| info.server == id && matches!(info.kind, CallKind::RunGraph { .. });
        let found = calls(self.model, self.plan.step).find(|(_, info)| runs(info));
        found.map(|(call, _)| call)
    }

    pub(super) fn works_for(&self, owner: ProcessId, thread: &Thread, call: CallId) -> bool {
        match thread.id {
            ThreadId::Handler(other)
            | ThreadId::Arrival(other)
            | ThreadId::Cancelled(other)
            | ThreadId::Completion(other) => other == call,
            ThreadId::Node(..) => self.receives(owner, thread) == Some(call),
            _ => self.subject(owner, thread) == Subject::Call(call),
        }
    }
}
