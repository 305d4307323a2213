//! The treatment of labels that the trace does not show.
//!
//! The trace leaves open when they run. Most rules are what the trace shows, read backwards: who latches the error first is who aborts,
//! what `StartAbort` cancels is what is active, a receive that is answered before its handler returns found a value or an error. Agreement
//! is proof: the schedule replays. Where the rules lead nowhere, that alone refuses nothing: they can bar a valid run. So the search goes
//! on with them as preferences.

use std::collections::BTreeSet;

use super::mapping;
use super::plan::Slot;
use super::position::{Context, Position, Refusal};
use crate::machine::{Pending, ProcessId};
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::Data;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::rpc::Rpc;
use crate::models::tensorflow::mechanisms::{executor, iterator, master, pool, rendezvous, rpc};
use crate::models::tensorflow::process::{CallId, NodeId, Process, StepId, Thread, ThreadId};

/// The treatment of a label that the trace does not show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Policy {
    /// Run it at once, with this outcome: nothing that the trace shows gets harder by it.
    Now(u32),
    /// Run it when the next event of the trace needs it.
    Demand(u32),
    /// Run it if its thread comes to its end alone, or when the next event of the trace needs it.
    Whole,
    /// Not before something else has happened.
    Hold(String),
    /// Not before a thread of the process has done this.
    Wants(Want, String),
    /// The trace shows it: it runs where the trace has it.
    Shown,
}

/// The deed of a thread that another one waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Want {
    /// It has looked whether the rendezvous is aborted before it receives.
    Validated(CallId),
    /// It has sent the value that is received.
    Sent(CallId),
    /// It has latched the first error of the partition.
    Latched,
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
            match slot.action.of_call() {
                Some((label, call)) if label == &rpc::CANCEL => calls.push(call),
                _ if slot.action.is(&rpc::SERVE_CLEAR) => {}
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
        let answers = |slot: &Slot| match slot.action.of_call() {
            Some((label, call)) if label == &rpc::SERVE_CLEAR => calls.iter().position(|&other| other == call),
            _ => None,
        };
        let shown = info.slots[at.done[thread]..].iter().filter_map(answers);
        let mut order: Vec<u16> = shown.map(|index| index as u16).collect();
        let rest: Vec<u16> = (0..calls.len() as u16).filter(|index| !order.contains(index)).collect();
        order.extend(rest);
        master::number_of(&order) as u32
    }

    /// Says why the trace has a label elsewhere: what comes of it would be another trace.
    pub(super) fn check_shown(&self, at: &Position, id: ProcessId, slot: &Slot) -> Result<(), Refusal> {
        let Some((label, call)) = slot.action.of_call() else {
            return Ok(());
        };
        let record = at.system.processes[id.index()].client_call(call);
        let marks = label == &rpc::CANCEL && record.is_some_and(|record| record.installed && record.rpc == Rpc::Fresh);
        if marks && self.plan.handled.contains(&call) {
            let name = self.model.call_name(call);
            return Err(format!("{name} would never be sent, and the trace shows it handled"));
        }
        Ok(())
    }

    /// Decides what to do with a thread's next label.
    pub(super) fn policy(&self, at: &Position, id: ProcessId, pending: &Pending<ThreadId>) -> Policy {
        let process = &at.system.processes[id.index()];
        let thread = process.thread(pending.thread).expect("a pending thread lives");
        let label = pending.operation.label;
        if self.is_of_another_step(thread) {
            return match label == &master::RUN {
                true => Policy::Hold("the trace does not show this step".to_owned()),
                false => Policy::Now(0),
            };
        }
        if label == &master::ORDER && pending.operation.choices > 1 {
            return Policy::Now(master::number_of(&self.plan.order) as u32);
        }
        if label == &master::OPTIONS && !self.plan.client {
            return Policy::Now(0);
        }
        if mapping::is_shown(label) && !self.is_silent(process, thread) {
            return Policy::Shown;
        }
        let subject = thread.at().subject();
        if label == &pool::TAKE {
            Policy::Whole
        } else if label == &executor::NEXT_ROOT || label == &executor::OUTSTANDING {
            self.root_policy(at, id, process, pending)
        } else if let (true, Some(step)) = (label == &executor::LATCH, subject.step) {
            self.latch_policy(at, id, process, thread.id, step)
        } else if rendezvous::LABELS.contains(&label) {
            self.rendezvous_policy(at, id, process, thread)
        } else if label == &iterator::GET_NEXT && self.model.data(self.plan.step) == Data::End {
            match process.execution(self.plan.step) {
                Some(execution) if execution.failed => Policy::Now(0),
                _ => Policy::Demand(0),
            }
        } else if label == &rpc::QUEUE_TAKE || self.pushes_late(at, id, thread) {
            Policy::Demand(0)
        } else if let (true, Some(call)) = (label == &rpc::READ, subject.call) {
            self.read_policy(at, id, call, pending.operation.choices)
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

    /// Returns true if a thread works for another step than the trace shows.
    fn is_of_another_step(&self, thread: &Thread) -> bool {
        let (about, subject) = (thread.id.role().about, thread.at().subject());
        let call = about.call.or(subject.call);
        let step = about.step.or(subject.step);
        let step = step.or_else(|| call.map(|call| self.model.call(call).step));
        step.is_some_and(|step| step != self.plan.step)
    }

    /// Labels of the table that leave no line: a cancellation that finds no callback.
    pub(super) fn is_silent(&self, process: &Process, thread: &Thread) -> bool {
        let call = thread.at().subject().call;
        let call = call.filter(|_| thread.is_at(&rpc::REQUEST_CANCELLED));
        call.is_some_and(|call| !process.server_call(call).is_some_and(|call| call.callback))
    }

    /// Returns a receive that the trace shows being registered later and that is not validated yet.
    pub(super) fn unvalidated(&self, at: &Position, id: ProcessId, process: &Process) -> Option<CallId> {
        let about = self.slots_left(at, id).filter_map(|slot| slot.action.of_call());
        let mut calls = about.filter_map(|(label, call)| (label == &rendezvous::REGISTER).then_some(call));
        let validated = |call: &CallId| {
            let mut places = process
                .threads
                .iter()
                .filter(|thread| thread.is_at(&rendezvous::REGISTER));
            places.any(|thread| self.receives(id, thread) == Some(*call))
        };
        calls.find(|call| !validated(call))
    }

    pub(super) fn is_aborted(&self, process: &Process) -> bool {
        process.execution(self.plan.step).is_some_and(|execution| {
            let rendezvous = &process.rendezvous[usize::from(execution.rendezvous)];
            rendezvous.aborted
        })
    }

    /// Applies the rule: a value is sent early, unless the trace shows its receive waiting for it.
    pub(super) fn send_policy(
        &self,
        at: &Position,
        process: &Process,
        id: ProcessId,
        thread: ThreadId,
        node: NodeId,
    ) -> Policy {
        let NodeKind::Send { edge } = self.model.node(self.plan.step, id, node).kind else {
            return Policy::Now(0);
        };
        let Some(call) = self.receive_call(edge) else {
            return Policy::Now(0);
        };
        let is_of = |calls: &BTreeSet<CallId>| calls.contains(&call);
        let waits = is_of(&self.plan.handled) && !is_of(&self.plan.inline) && !is_of(&self.plan.late);
        let mut rendezvous = process.rendezvous.iter();
        let waiting = rendezvous.any(|rendezvous| rendezvous.waiters.contains(&call));
        let answers = |slot: &Slot| slot.action.of_call() == Some((&rpc::SERVE_CLEAR, call));
        if waiting && is_of(&self.plan.failing) {
            return Policy::Hold("the trace shows its receive failing".to_owned());
        }
        let shown = self.slot_of(at, id, thread);
        if waiting && shown.is_some_and(|(_, slot)| !slot.is_some_and(answers)) {
            return Policy::Hold("the trace does not show it answering the receive that waits".to_owned());
        }
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
        let aborts = |slot: &Slot| slot.action.is(&rendezvous::ABORT_LOCAL);
        match self.slot_of(at, id, thread) {
            Some((_, slot)) if slot.is_some_and(aborts) => Policy::Now(0),
            Some(_) => {
                let reason = "the trace does not show it aborting the rendezvous".to_owned();
                Policy::Wants(Want::Latched, reason)
            }
            None => Policy::Demand(0),
        }
    }

    pub(super) fn rendezvous_policy(&self, at: &Position, id: ProcessId, process: &Process, thread: &Thread) -> Policy {
        let (label, subject) = (thread.at().label(), thread.at().subject());
        let of = || &process.rendezvous[usize::from(subject.rendezvous.expect("an abort is of a rendezvous"))];
        match (subject.node, subject.call) {
            (Some(node), _) if label == &rendezvous::VALIDATE => match self.receive_of(id, node) {
                Some(call) if !self.plan.registered.contains(&call) && !self.is_aborted(process) => {
                    Policy::Hold("the trace does not show it".to_owned())
                }
                _ => Policy::Now(0),
            },
            (Some(node), _) if label == &rendezvous::SEND_CHECK || label == &rendezvous::SEND_LOCAL => {
                self.send_policy(at, process, id, thread.id, node)
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
            (_, Some(call))
                if label == &rendezvous::LOCAL_RECV
                    && self.plan.failing.contains(&call)
                    && !of().local_aborted
                    && of().values.contains(&call) =>
            {
                Policy::Hold("the trace shows it failing".to_owned())
            }
            (_, Some(call)) if self.plan.inline.contains(&call) => {
                let reason = || "the trace shows it answered at once".to_owned();
                if label == &rendezvous::RECV_LOCAL && !of().initialized {
                    Policy::Hold(reason())
                } else if label == &rendezvous::LOCAL_RECV && !of().local_aborted && !of().values.contains(&call) {
                    Policy::Wants(Want::Sent(call), reason())
                } else {
                    Policy::Now(0)
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
            let executing = process.execution(self.plan.step);
            let receives =
                executing.is_some_and(|own| std::ptr::eq(rendezvous, &process.rendezvous[usize::from(own.rendezvous)]));
            let unvalidated = || self.unvalidated(at, id, process);
            return match (receives && !rendezvous.aborted).then(unvalidated).flatten() {
                Some(call) => {
                    let name = self.model.call_name(call);
                    let reason = format!("the receive of {name} is validated before, says the trace");
                    Policy::Wants(Want::Validated(call), reason)
                }
                None if rendezvous.aborted => Policy::Now(0),
                None => Policy::Demand(0),
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

    /// Applies the rule: a request that the trace does not show being handled is read together with its reset, if one came. A pool of one
    /// thread runs requests in the order in which they are read, so one that cleans up is read when the trace shows that.
    fn read_policy(&self, at: &Position, id: ProcessId, call: CallId, choices: u32) -> Policy {
        let cleans_later = || self.slots_left(at, id).any(|slot| slot.action.is(&rendezvous::CLEANUP));
        match self.model.call(call).kind {
            CallKind::CleanupGraph if self.model.pool_size() == 1 && cleans_later() => Policy::Demand(0),
            CallKind::CleanupGraph | CallKind::DeleteSession | CallKind::CancelStep => Policy::Now(0),
            _ if self.plan.handled.contains(&call) => Policy::Demand(0),
            _ if choices > 1 => Policy::Now(1),
            _ => Policy::Hold("the trace does not show it handled".to_owned()),
        }
    }
}
