//! The treatment of labels that the trace does not show.
//!
//! The trace leaves open when they run. Most rules are what the trace shows, read backwards: who latches the error first is who aborts,
//! what `StartAbort` cancels is what is active, a receive that is answered before its handler returns found a value or an error. The
//! search branches over the events of the trace only, so agreement is proof (the schedule replays), but disagreement holds under these
//! rules. Known gap: a `_Send` whose receive is shown waiting is held back, and if it runs inline in another closure it holds a pool
//! thread meanwhile, which can starve small pools; `tests/model/conform_random.rs` has traces of the model itself that are refused for it.

use super::mapping;
use super::plan::{Action, STEP, Slot, Subject};
use super::position::{Context, Position};
use crate::machine::{Pending, ProcessId};
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::{executor, iterator, master, pool, rendezvous, rpc};
use crate::models::tensorflow::process::{CallId, NodeId, Process, StepId, Thread, ThreadId};

/// The treatment of a label that the trace does not show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Policy {
    /// Run it at once, with this outcome: nothing that the trace shows gets harder by it.
    Now(u32),
    /// Run it when the next event of the trace needs it.
    Demand(u32),
    /// Not before something else has happened.
    Hold(String),
    /// The trace shows it: it runs where the trace has it.
    Shown,
}

impl Context<'_> {
    /// Returns the slot of the trace thread that runs a model thread: what the trace says of a call's rest.
    pub(super) fn slot_of(&self, at: &Position, id: ProcessId, thread: ThreadId) -> Option<(usize, Option<&Slot>)> {
        let mut threads = self.plan.threads.iter().enumerate();
        let found = threads.find(|(index, info)| info.process == id && at.runs[*index] == Some(thread));
        found.map(|(index, _)| (index, self.next(at, index)))
    }

    /// Returns the calls that the trace thread cancels before it leaves `StartAbort`, and whether the trace has all of them.
    pub(super) fn cancels_next(&self, at: &Position, thread: usize) -> (Vec<CallId>, bool) {
        let slots = self.plan.threads[thread].slots[at.done[thread]..].iter();
        let mut calls = Vec::new();
        let mut ended = false;
        for slot in slots {
            match slot.action {
                Action::Run {
                    label,
                    subject: Subject::Call(call),
                    ..
                } if label == &rpc::CANCEL => calls.push(call),
                Action::Run { label, .. } if label == &rpc::SERVE_CLEAR => {}
                _ => {
                    ended = true;
                    break;
                }
            }
        }
        (calls, ended)
    }

    /// Returns the outcome of a label that answers several receives: the order in which the trace thread answers them.
    pub(super) fn order(&self, at: &Position, thread: usize, pending: &Pending<ThreadId>) -> u32 {
        let info = &self.plan.threads[thread];
        let process = &at.system.processes[info.process.index()];
        let place = process.thread(pending.thread).expect("a pending thread lives").at();
        let Some(rendezvous) = place.subject().rendezvous.filter(|_| pending.operation.choices > 1) else {
            return 0;
        };
        let rendezvous = &process.rendezvous[usize::from(rendezvous)];
        let calls = if place.label() == &rendezvous::INITIALIZE {
            &rendezvous.deferred
        } else {
            &rendezvous.waiters
        };
        let answers = |slot: &Slot| match slot.action {
            Action::Run {
                label,
                subject: Subject::Call(call),
                ..
            } if label == &rpc::SERVE_CLEAR => calls.iter().position(|&other| other == call),
            _ => None,
        };
        let shown = info.slots[at.done[thread]..].iter().filter_map(answers);
        let mut order: Vec<u16> = shown.map(|index| index as u16).collect();
        let rest: Vec<u16> = (0..calls.len() as u16).filter(|index| !order.contains(index)).collect();
        order.extend(rest);
        master::number_of(&order) as u32
    }

    /// Decides what to do with a thread's next label.
    pub(super) fn policy(&self, at: &Position, id: ProcessId, pending: &Pending<ThreadId>) -> Policy {
        let process = &at.system.processes[id.index()];
        let thread = process.thread(pending.thread).expect("a pending thread lives");
        let label = pending.operation.label;
        if mapping::is_shown(label) && !self.is_silent(process, thread) {
            return Policy::Shown;
        }
        let subject = thread.at().subject();
        if label == &pool::TAKE {
            self.take_policy(process, id, thread.id)
        } else if let (true, Some(step)) = (label == &executor::LATCH, subject.step) {
            self.latch_policy(at, id, process, thread.id, step)
        } else if rendezvous::LABELS.contains(&label) {
            self.rendezvous_policy(at, id, process, thread)
        } else if label == &rpc::QUEUE_TAKE || label == &iterator::GET_NEXT {
            Policy::Demand(0)
        } else if let (true, Some(call)) = (label == &rpc::READ, subject.call) {
            self.read_policy(call, pending.operation.choices)
        } else if let (true, Some(call)) = (label == &rpc::REQUEST_CANCELLED, subject.call) {
            if process.server_call(call).is_some() && self.plan.cancelled.contains(&call) {
                Policy::Hold("the trace shows its cancel function running".to_owned())
            } else {
                Policy::Now(0)
            }
        } else {
            Policy::Now(0)
        }
    }

    /// Labels of the table that leave no line: a cancellation that finds no callback.
    pub(super) fn is_silent(&self, process: &Process, thread: &Thread) -> bool {
        let call = thread.at().subject().call;
        let call = call.filter(|_| thread.is_at(&rpc::REQUEST_CANCELLED));
        call.is_some_and(|call| !process.server_call(call).is_some_and(|call| call.callback))
    }

    pub(super) fn take_policy(&self, process: &Process, id: ProcessId, thread: ThreadId) -> Policy {
        match thread {
            ThreadId::Node(_, node) => match self.receive_of(id, node) {
                Some(call) if self.plan.registered.contains(&call) => self.early_policy(process),
                // A receive that the trace does not show comes too late.
                Some(_) if !self.is_aborted(process) => Policy::Hold("the trace does not show it".to_owned()),
                _ => self.send_policy(process, id, node),
            },
            _ => Policy::Demand(0),
        }
    }

    /// Applies the rule: a receive that the trace shows being registered, be it after an abort, was validated before it.
    pub(super) fn early_policy(&self, process: &Process) -> Policy {
        let aborts = |thread: &Thread| thread.is_at(&rendezvous::ABORT_REMOTE);
        if process.threads.iter().any(aborts) && !self.is_aborted(process) {
            Policy::Now(0)
        } else {
            Policy::Demand(0)
        }
    }

    /// Returns a receive that the trace shows being registered and that is not validated yet.
    pub(super) fn unvalidated(&self, id: ProcessId, process: &Process) -> Option<CallId> {
        let begins = |thread: &&Thread| thread.is_at(&pool::TAKE) || thread.is_at(&rendezvous::VALIDATE);
        let waiting = process.threads.iter().filter(begins);
        let mut calls = waiting.filter_map(|thread| self.receives(id, thread));
        calls.find(|call| self.plan.registered.contains(call))
    }

    pub(super) fn is_aborted(&self, process: &Process) -> bool {
        process.execution(STEP).is_some_and(|execution| {
            let rendezvous = &process.rendezvous[usize::from(execution.rendezvous)];
            rendezvous.aborted
        })
    }

    /// Applies the rule: a value is sent early, unless the trace shows its receive waiting for it.
    pub(super) fn send_policy(&self, process: &Process, id: ProcessId, node: NodeId) -> Policy {
        let NodeKind::Send { edge } = self.model.node(STEP, id, node).kind else {
            return Policy::Now(0);
        };
        let Some(call) = self.receive_call(edge) else {
            return Policy::Now(0);
        };
        let waits = self.plan.handled.contains(&call) && !self.plan.inline.contains(&call);
        let mut rendezvous = process.rendezvous.iter();
        let waiting = rendezvous.any(|rendezvous| rendezvous.waiters.contains(&call));
        if waits && !waiting && !self.is_aborted(process) {
            Policy::Hold("the trace shows its receive waiting for the value".to_owned())
        } else {
            Policy::Now(0)
        }
    }

    /// Applies the rule: the first to latch the error is the one that the trace shows aborting the rendezvous.
    pub(super) fn latch_policy(
        &self,
        at: &Position,
        id: ProcessId,
        process: &Process,
        thread: ThreadId,
        step: StepId,
    ) -> Policy {
        if process.execution(step).is_some_and(|execution| execution.failed) {
            return Policy::Now(0);
        }
        let aborts =
            |slot: &Slot| matches!(slot.action, Action::Run { label, .. } if label == &rendezvous::ABORT_LOCAL);
        match self.slot_of(at, id, thread) {
            Some((_, slot)) if slot.is_some_and(aborts) => Policy::Now(0),
            Some(_) => Policy::Hold("the trace does not show it aborting the rendezvous".to_owned()),
            None => Policy::Demand(0),
        }
    }

    pub(super) fn rendezvous_policy(&self, at: &Position, id: ProcessId, process: &Process, thread: &Thread) -> Policy {
        let (label, subject) = (thread.at().label(), thread.at().subject());
        let of = || &process.rendezvous[usize::from(subject.rendezvous.expect("an abort is of a rendezvous"))];
        match (subject.node, subject.call) {
            (Some(node), _) if label == &rendezvous::VALIDATE => match self.receive_of(id, node) {
                Some(call) if self.plan.registered.contains(&call) => self.early_policy(process),
                Some(_) if !self.is_aborted(process) => Policy::Hold("the trace does not show it".to_owned()),
                _ => Policy::Now(0),
            },
            (Some(node), _) if label == &rendezvous::SEND_CHECK || label == &rendezvous::SEND_LOCAL => {
                self.send_policy(process, id, node)
            }
            _ if label == &rendezvous::ABORT_REMOTE => self.abort_policy(at, id, process, thread.id, of()),
            _ if label == &rendezvous::ABORT_NEXT => {
                let shown = self
                    .slot_of(at, id, thread.id)
                    .map(|(index, _)| self.cancels_next(at, index));
                let next = shown.and_then(|(calls, _)| calls.first().copied());
                let place = next.and_then(|next| thread.calls.iter().position(|&call| call == next));
                match place {
                    Some(place) => Policy::Now(place as u32),
                    None => Policy::Hold("the trace shows no further call cancelled".to_owned()),
                }
            }
            (_, Some(call)) if self.plan.inline.contains(&call) => {
                let answers = if label == &rendezvous::RECV_LOCAL {
                    of().initialized
                } else if label == &rendezvous::LOCAL_RECV {
                    of().local_aborted || of().values.contains(&call)
                } else {
                    true
                };
                match answers {
                    true => Policy::Now(0),
                    false => Policy::Hold("the trace shows it answered at once".to_owned()),
                }
            }
            _ => Policy::Now(0),
        }
    }

    /// Applies the rule: an abort goes on once what it would cancel is what the trace shows it cancel.
    fn abort_policy(
        &self,
        at: &Position,
        id: ProcessId,
        process: &Process,
        thread: ThreadId,
        rendezvous: &Rendezvous,
    ) -> Policy {
        let (mut shown, ended) = self
            .slot_of(at, id, thread)
            .map(|(index, _)| self.cancels_next(at, index))
            .unwrap_or_default();
        shown.sort_unstable();
        let active: &[CallId] = if rendezvous.aborted { &[] } else { &rendezvous.active };
        if active == shown || !ended && shown.iter().all(|call| active.contains(call)) {
            return match self.unvalidated(id, process).filter(|_| !rendezvous.aborted) {
                Some(call) => {
                    let call = self.model.call_name(call);
                    Policy::Hold(format!("the receive of {call} is validated before, says the trace"))
                }
                None => Policy::Now(0),
            };
        }
        let names = |calls: &[CallId]| {
            let names: Vec<String> = calls.iter().map(|&call| self.model.call_name(call)).collect();
            names.join(", ")
        };
        Policy::Hold(format!(
            "active are [{}], the trace shows it cancel [{}]",
            names(active),
            names(&shown)
        ))
    }

    /// Applies the rule: a request that the trace does not show being handled is read together with its reset, if one came.
    pub(super) fn read_policy(&self, call: CallId, choices: u32) -> Policy {
        match self.model.call(call).kind {
            CallKind::CleanupGraph | CallKind::DeleteSession | CallKind::CancelStep => Policy::Now(0),
            _ if self.plan.handled.contains(&call) => Policy::Demand(0),
            _ if choices > 1 => Policy::Now(1),
            _ => Policy::Hold("the trace does not show it handled".to_owned()),
        }
    }
}
