//! The demands of a trace on the model: per trace thread, in order, the labels that ran there, whose they are, and when.
//!
//! # Identities
//! Ids are read in the order of the lines: an id of `CallOptions` or of a call stands for what it was last begun for, until it is
//! begun again (call objects are reused). `register` is for the tensor that the thread's next `recvtensor-issue<` names. The n-th
//! `rungraph-issue<` is for the n-th remote partition, because the master's loop has that order.
//!
//! # What is dropped
//! A trace of one step holds remains of the steps before. An event is dropped if, and only if, it names `CallOptions`, a call or a
//! rendezvous that no event of its process begins: no `recvtensor-issue<`, `recvtensor-handler<`, `rungraph-issue<`,
//! `rungraph-handler<` or client `setcancel<` for the options, no `register` for the call, no `findorcreate` for the rendezvous.
//!
//! # Order
//! A label lies where [`super::mapping::Place`] says, between two times of its own thread: the events of a thread are in the order
//! of their lines, so a label comes after all labels of its thread before it. Within one process, labels of two threads are ordered: one is *before*
//! another only if the end of its interval is before the beginning of the other's. Times of different processes are not compared:
//! there, only messages order. A thread that is in a function when the trace ends may go on there unseen.

use std::collections::BTreeSet;

use super::identity::Reader;
use super::mapping::Place;
use super::trace::{Function, Trace, TraceEvent};
use crate::machine::{Label, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallInfo;
use crate::models::tensorflow::mechanisms::{rendezvous, rpc};
use crate::models::tensorflow::process::{CallId, StepId};

/// Returns the calls of a step.
pub(super) fn calls(model: &TensorFlow, step: StepId) -> impl Iterator<Item = (CallId, &CallInfo)> {
    (0..).zip(model.calls()).filter(move |(_, info)| info.step == step)
}

/// Returns the step that a trace shows: the first one of the worker that calls `RunGraph` in it.
pub(super) fn shown_step(model: &TensorFlow, trace: &Trace) -> StepId {
    let issues = |event: &&TraceEvent| event.function == Function::RunGraphIssue;
    let worker = trace.events.iter().find(issues).map(|event| &event.process);
    let name = |worker: ProcessId| &model.processes()[worker.index()].name;
    let mut steps = model.steps().iter();
    let found = steps.position(|step| Some(name(step.worker)) == worker);
    found.unwrap_or_default() as StepId
}

/// The subject whose run of a label is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Subject {
    /// Anybody's.
    Any,
    /// The call of the worker's own partition.
    Own,
    /// A call, on the side that the process is on.
    Call(CallId),
}

/// An action that must happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// One run of a label.
    Run {
        label: &'static Label,
        subject: Subject,
        /// Whether it must run on a timer's thread, where the event tells.
        timer: Option<bool>,
        /// The event carries an error.
        failed: bool,
    },
    /// The thread has left these labels behind.
    Past(&'static [&'static Label]),
    /// No model could do it; the reason.
    Impossible(String),
}

impl Action {
    /// Returns true if it is a run of this label, whatever it is about.
    pub(super) fn is(&self, wanted: &'static Label) -> bool {
        matches!(self, Self::Run { label, .. } if *label == wanted)
    }

    /// Returns the label and the call, if it is a run of a label about a call.
    pub(super) fn of_call(&self) -> Option<(&'static Label, CallId)> {
        match *self {
            Self::Run {
                label,
                subject: Subject::Call(call),
                ..
            } => Some((label, call)),
            _ => None,
        }
    }
}

/// One thing that must happen on a trace thread.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Slot {
    pub(super) event: usize,
    pub(super) line: usize,
    pub(super) us: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) place: Place,
    /// Whether the thread is inside a function in which it has done something already: it is still the same thread.
    pub(super) inside: bool,
    pub(super) action: Action,
}

/// A thread of the trace.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TraceThread {
    pub(super) process: ProcessId,
    pub(super) name: String,
    pub(super) slots: Vec<Slot>,
    /// Indices of its events that were kept.
    pub(super) events: Vec<usize>,
    /// Whether the trace ends while the thread is in a function: what it still does there is not shown.
    pub(super) ends_inside: bool,
}

/// The whole trace, resolved.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The step of the model that the trace shows.
    pub(super) step: StepId,
    /// The order in which the step's partitions are called.
    pub(super) order: Vec<u16>,
    pub(super) threads: Vec<TraceThread>,
    /// Dropped events: line and why.
    pub(super) dropped: Vec<(usize, String)>,
    /// Receives that the trace shows being registered.
    pub(super) registered: BTreeSet<CallId>,
    /// Requests that the trace shows being handled.
    pub(super) handled: BTreeSet<CallId>,
    /// Receives that are answered before their handler returns.
    pub(super) inline: BTreeSet<CallId>,
    /// Receives that are handled after the step was cleaned up: they find another rendezvous, in which nothing is sent.
    pub(super) late: BTreeSet<CallId>,
    /// Receives by whose answer their client fails: it aborts its rendezvous once it has the answer.
    pub(super) failing: BTreeSet<CallId>,
    /// Whether the trace shows the options of the client's call.
    pub(super) client: bool,
    /// Requests whose cancellation the trace shows.
    pub(super) cancelled: BTreeSet<CallId>,
}

/// Resolves a trace whose step calls its partitions in this order. `Err`: the index of an event of a process that the model does not have.
pub(super) fn plan(model: &TensorFlow, trace: &Trace, step: StepId, order: Vec<u16>) -> Result<Plan, usize> {
    let mut reader = Reader::new(model, trace);
    (reader.plan.step, reader.plan.order) = (step, order);
    let kept = reader.keep()?;
    let kept = reader.drop_unnamed(kept);
    for &(index, thread) in &kept {
        reader.read(index, thread);
    }
    reader.plan.failing = reader.plan.failing();
    for (thread, open) in reader.plan.threads.iter_mut().zip(&reader.open) {
        thread.ends_inside = !open.is_empty();
        thread.set_times(&trace.events);
    }
    Ok(reader.plan)
}

impl Plan {
    /// Returns true if the model has a number for each order in which the trace shows an abort answer receives: of up to twelve. Where it
    /// has none, no search under the rules refuses.
    pub(super) fn has_numbered_orders(&self) -> bool {
        const MOST: usize = 12;
        let answers = |slot: &Slot| slot.action.is(&rpc::SERVE_CLEAR);
        let slots = self
            .threads
            .iter()
            .map(|thread| thread.slots.chunk_by(|one, other| answers(one) == answers(other)));
        slots.flatten().all(|run| run.len() <= MOST || !answers(&run[0]))
    }

    /// Returns the receives whose call a thread takes out and then aborts the rendezvous: their answer is an error. Of those that their client
    /// cancels that is not known.
    fn failing(&self) -> BTreeSet<CallId> {
        let calls = |label: &'static Label| {
            let slots = self.threads.iter().flat_map(|thread| &thread.slots);
            slots.filter_map(move |slot| slot.action.of_call().filter(|(of, _)| *of == label))
        };
        let cancelled: BTreeSet<CallId> = calls(&rpc::CANCEL).map(|(_, call)| call).collect();
        let pairs = self.threads.iter().flat_map(|thread| thread.slots.windows(2));
        let aborts = pairs.filter(|pair| pair[1].action.is(&rendezvous::ABORT_LOCAL));
        let over = aborts.filter_map(|pair| pair[0].action.of_call());
        let over = over.filter(|(label, call)| *label == &rendezvous::DEREGISTER && !cancelled.contains(call));
        over.map(|(_, call)| call).collect()
    }
}

impl TraceThread {
    /// Sets the interval of each slot, from the times of the thread's events around it.
    fn set_times(&mut self, events: &[TraceEvent]) {
        let mut latest = f64::NEG_INFINITY;
        let times: Vec<f64> = self
            .events
            .iter()
            .map(|&index| {
                latest = latest.max(events[index].us);
                latest
            })
            .collect();
        for slot in &mut self.slots {
            let place = self.events.iter().position(|&index| index == slot.event);
            let place = place.expect("a slot's event is one of its thread's");
            let before = place.checked_sub(1).map_or(f64::NEG_INFINITY, |index| times[index]);
            let after = times.get(place + 1).copied().unwrap_or(f64::INFINITY);
            slot.us = times[place];
            slot.from = if slot.place == Place::After {
                times[place]
            } else {
                before
            };
            slot.to = if slot.place == Place::Before {
                times[place]
            } else {
                after
            };
        }
    }
}
