//! A place in the search: a state of the model, how far each trace thread is, and what its threads stand for.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::mapping;
use super::plan::{Action, Plan, STEP, Slot, Subject};
use crate::machine::{Event, Model, Pending, ProcessId, System};
use crate::models::TensorFlow;
use crate::models::cluster::CallKind;
use crate::models::graph::NodeKind;
use crate::models::process::{At, CallId, NodeId, Process, Thread, ThreadId};
use crate::models::{executor, rendezvous, rpc, worker};

/// What a trace thread stands for in the runtime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    Pool,
    ClientQueue,
    ServerQueue,
    Own(u8),
}

fn kind(id: ThreadId) -> Kind {
    match id {
        ThreadId::Node(..) | ThreadId::Done(_) | ThreadId::Handler(_) => Kind::Pool,
        ThreadId::Completion(_) => Kind::ClientQueue,
        ThreadId::Arrival(_) | ThreadId::Cancelled(_) => Kind::ServerQueue,
        ThreadId::Client => Kind::Own(0),
        ThreadId::Step(_) => Kind::Own(1),
        ThreadId::GetNext(..) => Kind::Own(2),
        ThreadId::Timer(..) => Kind::Own(3),
    }
}

/// What to do with a label that the trace does not show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Policy {
    /// Run it at once, with this outcome: nothing that the trace shows gets harder by it.
    Now(u8),
    /// Run it when the next event of the trace needs it.
    Demand(u8),
    /// Not before something else has happened.
    Hold(String),
    /// The trace shows it: it runs where the trace has it.
    Shown,
}

/// What a search has fixed.
pub(super) struct Context<'a> {
    pub(super) model: &'a TensorFlow,
    pub(super) plan: &'a Plan,
}

/// A place in the search.
#[derive(Clone)]
pub(super) struct Position {
    pub(super) system: System<Process>,
    /// Slots done of each trace thread.
    pub(super) done: Vec<usize>,
    /// The model thread that each trace thread runs now.
    pub(super) runs: Vec<Option<ThreadId>>,
    pub(super) kinds: Vec<Option<Kind>>,
}

/// Why the next event of a trace thread can't be done here.
pub(super) type Refusal = String;

impl Context<'_> {
    pub(super) fn start(&self) -> Position {
        let threads = self.plan.threads.len();
        Position {
            system: System::initial(self.model),
            done: vec![0; threads],
            runs: vec![None; threads],
            kinds: vec![None; threads],
        }
    }

    /// The next slot of a trace thread.
    pub(super) fn next(&self, at: &Position, thread: usize) -> Option<&Slot> {
        self.plan.threads[thread].slots.get(at.done[thread])
    }

    /// Runs one label.
    pub(super) fn run(
        &self,
        at: &mut Position,
        id: ProcessId,
        pending: &Pending<ThreadId>,
        choice: u8,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        events.push(at.system.event(self.model, id, pending, choice));
        at.system
            .step(self.model, id, pending, choice)
            .map_err(|violation| violation.to_string())?;
        for (thread, runs) in at.runs.iter_mut().enumerate() {
            if self.plan.threads[thread].process == id
                && runs.is_some_and(|runs| at.system.processes[id.index()].thread(runs).is_none())
            {
                *runs = None;
            }
        }
        Ok(())
    }

    /// Runs every label that is to run at once.
    pub(super) fn settle(&self, at: &mut Position, events: &mut Vec<Event>) -> Result<(), Refusal> {
        loop {
            let mut ran = false;
            for index in 0..at.system.processes.len() {
                let id = ProcessId(index as u8);
                while let Some((pending, choice)) = self.at_once(at, id) {
                    self.run(at, id, &pending, choice, events)?;
                    ran = true;
                }
            }
            if !ran {
                return Ok(());
            }
        }
    }

    fn at_once(&self, at: &Position, id: ProcessId) -> Option<(Pending<ThreadId>, u8)> {
        let threads = self.model.threads(id, &at.system.processes[id.index()]);
        threads
            .into_iter()
            .filter(|pending| pending.enabled)
            .find_map(|pending| match self.policy(at, id, &pending) {
                Policy::Now(choice) => Some((pending, choice)),
                _ => None,
            })
    }

    /// Whether a slot's time has come: no other slot of its process has to be before it.
    pub(super) fn in_order(&self, at: &Position, slot: &Slot, process: ProcessId) -> Result<(), Refusal> {
        for (thread, info) in self.plan.threads.iter().enumerate() {
            if info.process == process
                && let Some(other) = self.next(at, thread)
                && other.to < slot.from
            {
                return Err(format!(
                    "line {} of thread {} was over before, and did not happen yet",
                    other.line, info.name
                ));
            }
        }
        Ok(())
    }

    /// The model threads that a trace thread may stand for in its next slot; `None`: the one that it stands for already, or nobody
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
            .collect();
        for candidate in self.candidates(at, id, slot) {
            if !picks.contains(&candidate) {
                picks.push(candidate);
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

    /// Does the next slot of a trace thread, with the labels that it needs; `pick`: by this model thread.
    pub(super) fn achieve(
        &self,
        at: &mut Position,
        thread: usize,
        pick: Option<ThreadId>,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let id = self.plan.threads[thread].process;
        let slot = self.next(at, thread).expect("the thread has a next slot").clone();
        self.in_order(at, &slot, id)?;
        // Each round runs a label of one thread, whose way to its next shown label is short.
        loop {
            self.settle(at, events)?;
            let done = match &slot.action {
                Action::Impossible(reason) => return Err(reason.clone()),
                Action::Past(labels) => self.past(at, thread, labels, events)?,
                Action::Run { .. } => self.run_slot(at, thread, pick, &slot, events)?,
            };
            if done {
                at.done[thread] += 1;
                return Ok(());
            }
        }
    }

    /// One round towards having some labels behind the thread; whether it has.
    fn past(
        &self,
        at: &mut Position,
        thread: usize,
        labels: &[&str],
        events: &mut Vec<Event>,
    ) -> Result<bool, Refusal> {
        let id = self.plan.threads[thread].process;
        let Some(runs) = at.runs[thread] else { return Ok(true) };
        let pending = self
            .pending(at, id, runs)
            .expect("a thread that a trace thread runs lives");
        if !labels.contains(&pending.operation.label.name) {
            return Ok(true);
        }
        self.advance(at, id, &pending, events)?;
        Ok(false)
    }

    /// One round towards the slot's label; whether it ran.
    fn run_slot(
        &self,
        at: &mut Position,
        thread: usize,
        pick: Option<ThreadId>,
        slot: &Slot,
        events: &mut Vec<Event>,
    ) -> Result<bool, Refusal> {
        let id = self.plan.threads[thread].process;
        if let Some(pending) = self.ready(at, thread, pick, slot)? {
            let choice = 0;
            at.runs[thread] = Some(pending.thread);
            at.kinds[thread] = Some(kind(pending.thread));
            self.run(at, id, &pending, choice, events)?;
            return Ok(true);
        }
        if let Some(runs) = at.runs[thread] {
            let pending = self
                .pending(at, id, runs)
                .expect("a thread that a trace thread runs lives");
            self.advance(at, id, &pending, events)?;
            return Ok(false);
        }
        let mut refusal = None;
        for candidate in self.candidates(at, id, slot) {
            // An arrival becomes a handler on the way.
            let other = pick.is_some_and(|pick| pick != candidate && !matches!(pick, ThreadId::Arrival(_)));
            if other || self.runs_elsewhere(at, id, candidate, thread) {
                continue;
            }
            let Some(pending) = self.pending(at, id, candidate) else {
                continue;
            };
            match self.advance(at, id, &pending, events) {
                Ok(()) => return Ok(false),
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        Err(refusal.unwrap_or_else(|| self.why_absent(at, id, slot)))
    }

    /// The thread that would run the slot's label next, if one would.
    fn ready(
        &self,
        at: &Position,
        thread: usize,
        pick: Option<ThreadId>,
        slot: &Slot,
    ) -> Result<Option<Pending<ThreadId>>, Refusal> {
        let id = self.plan.threads[thread].process;
        let process = &at.system.processes[id.index()];
        let mut refusal = None;
        for (pending, state) in self.model.threads(id, process).into_iter().zip(&process.threads) {
            let other = pick.is_some_and(|pick| pick != state.id && !matches!(pick, ThreadId::Arrival(_)));
            if other || !self.means(slot, id, &pending, state) {
                continue;
            }
            let name = self.model.thread_name(id, process, pending.thread);
            if let Some(runs) = at.runs[thread].filter(|&runs| runs != pending.thread) {
                let other = self.model.thread_name(id, process, runs);
                refusal = refusal.or(Some(format!(
                    "{name} is there, but the trace's thread is inside {other}"
                )));
            } else if self.runs_elsewhere(at, id, pending.thread, thread) {
                refusal = refusal.or(Some(format!("{name} is there, but it is another thread of the trace")));
            } else if at.kinds[thread].is_some_and(|known| known != kind(pending.thread)) {
                refusal = refusal.or(Some(format!(
                    "{name} is there, but the trace's thread is none of that kind"
                )));
            } else if !pending.enabled {
                let object = self.model.object_name(id, process, pending.operation.object);
                refusal = refusal.or(Some(format!("{name} is there and waits for {object}")));
            } else {
                return Ok(Some(pending));
            }
        }
        match refusal {
            // The trace's thread may have to go on first.
            Some(reason) if at.runs[thread].is_none() => Err(reason),
            _ => Ok(None),
        }
    }

    fn runs_elsewhere(&self, at: &Position, id: ProcessId, candidate: ThreadId, thread: usize) -> bool {
        let threads = self.plan.threads.iter().enumerate();
        threads
            .filter(|(index, info)| *index != thread && info.process == id)
            .any(|(index, _)| at.runs[index] == Some(candidate))
    }

    /// Runs the next label of a thread if the trace does not show it and nothing speaks against it.
    fn advance(
        &self,
        at: &mut Position,
        id: ProcessId,
        pending: &Pending<ThreadId>,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let process = &at.system.processes[id.index()];
        let name = self.model.thread_name(id, process, pending.thread);
        let label = pending.operation.label;
        match self.policy(at, id, pending) {
            Policy::Shown => Err(format!("{name} is at {label}, which the trace does not have there")),
            Policy::Hold(reason) => Err(format!("{name} is at {label}: {reason}")),
            _ if !pending.enabled => {
                let object = self.model.object_name(id, process, pending.operation.object);
                Err(format!("{name} is at {label} and waits for {object}"))
            }
            Policy::Now(choice) | Policy::Demand(choice) => self.run(at, id, pending, choice, events),
        }
    }

    pub(super) fn pending(&self, at: &Position, id: ProcessId, thread: ThreadId) -> Option<Pending<ThreadId>> {
        let threads = self.model.threads(id, &at.system.processes[id.index()]);
        threads.into_iter().find(|pending| pending.thread == thread)
    }

    /// Whether the next label of a thread is what a slot means.
    fn means(&self, slot: &Slot, id: ProcessId, pending: &Pending<ThreadId>, state: &Thread) -> bool {
        let Action::Run {
            label,
            subject,
            timer,
            failed,
        } = slot.action
        else {
            return false;
        };
        label == pending.operation.label.name
            && (subject == Subject::Any || subject == self.subject(id, state))
            && timer.is_none_or(|timer| timer == matches!(state.id, ThreadId::Timer(..)))
            && !(failed && matches!(state.at(), At::Master(crate::models::master::At::WhenDone(_, true))))
    }

    /// Whose label a thread would run.
    fn subject(&self, id: ProcessId, thread: &Thread) -> Subject {
        use rendezvous::{At as R, Finder};
        let call = match thread.at() {
            At::Rpc(
                rpc::At::Install(call)
                | rpc::At::Start(call)
                | rpc::At::Cancel(call)
                | rpc::At::Clear(call)
                | rpc::At::RequestCancelled(call)
                | rpc::At::ServeClear(call),
            )
            | At::Worker(worker::At::Install(call))
            | At::Rendezvous(R::Deregister(call) | R::Find(_, Finder::Receive(call))) => Some(call),
            At::Rendezvous(R::Register(_, node)) => self.receive_of(id, node),
            _ => match thread.id {
                ThreadId::Handler(call) | ThreadId::Cancelled(call) | ThreadId::Completion(call)
                    if !matches!(thread.at(), At::Worker(_)) =>
                {
                    self.caller(thread, call)
                }
                _ => None,
            },
        };
        call.map_or(Subject::Own, Subject::Call)
    }

    /// The call that a thread works for; a completion may also cancel the worker's own partition.
    fn caller(&self, thread: &Thread, call: CallId) -> Option<CallId> {
        let cancels_own = matches!(
            (thread.id, thread.at()),
            (
                ThreadId::Completion(_),
                At::Rendezvous(rendezvous::At::Find(_, rendezvous::Finder::AbortStep))
            )
        );
        (!cancels_own).then_some(call)
    }

    fn receive_of(&self, id: ProcessId, node: NodeId) -> Option<CallId> {
        let graph = self.model.graph(STEP);
        let partition = self.model.partition(STEP, id);
        match graph.partitions[partition].nodes[usize::from(node)].kind {
            NodeKind::Recv { edge } => self.receive_call(edge),
            _ => None,
        }
    }

    fn receive_call(&self, edge: u16) -> Option<CallId> {
        let calls = (0u16..).zip(self.model.calls());
        calls
            .filter(|(_, info)| info.step == STEP)
            .find(|(_, info)| info.kind == CallKind::RecvTensor { edge })
            .map(|(id, _)| id)
    }

    /// Threads that may come to the slot's label by labels that the trace does not show.
    fn candidates(&self, at: &Position, id: ProcessId, slot: &Slot) -> Vec<ThreadId> {
        let Action::Run {
            label, subject, timer, ..
        } = slot.action
        else {
            return Vec::new();
        };
        let threads = &at.system.processes[id.index()].threads;
        let live = |wanted: &dyn Fn(&Thread) -> bool| -> Vec<ThreadId> {
            let found = threads.iter().filter(|thread| wanted(thread));
            found.map(|thread| thread.id).collect()
        };
        match (label, subject) {
            ("Recv.register", Subject::Call(call)) => live(&|thread| match thread.id {
                ThreadId::Node(_, node) => self.receive_of(id, node) == Some(call),
                _ => false,
            }),
            ("Worker.install_cancel", Subject::Call(call)) => live(
                &|thread| matches!(thread.id, ThreadId::Handler(other) | ThreadId::Arrival(other) if other == call),
            ),
            ("Call.clear_cancel", Subject::Call(call)) => live(&|thread| thread.id == ThreadId::Completion(call)),
            ("Rendezvous.cleanup", _) => live(&|thread| {
                matches!(thread.id, ThreadId::Handler(call) | ThreadId::Arrival(call)
                    if self.model.call(call).kind == CallKind::CleanupGraph)
            }),
            ("StartAbort.local", _) if timer != Some(true) => {
                let mut found = live(&|thread| matches!(thread.at(), At::Executor(executor::At::Latch(_))));
                found.extend(live(&|thread| matches!(thread.id, ThreadId::GetNext(..))));
                found.extend(live(&|thread| matches!(thread.id, ThreadId::Done(_))));
                found
            }
            ("Handler.clear_cancel" | "Worker.clear_cancel_local" | "RunManyGraphs.when_done", _) => {
                live(&|thread| matches!(thread.id, ThreadId::Done(_)))
            }
            _ => Vec::new(),
        }
    }

    /// Why no thread is on its way to the slot's label.
    fn why_absent(&self, at: &Position, id: ProcessId, slot: &Slot) -> Refusal {
        let process = &at.system.processes[id.index()];
        let Action::Run { label, subject, .. } = slot.action else {
            return String::new();
        };
        let Subject::Call(call) = subject else {
            return format!("no thread comes to {label}");
        };
        let about = self.model.call_name(call);
        let mut places = Vec::new();
        for (index, state) in at.system.processes.iter().enumerate() {
            let owner = ProcessId(index as u8);
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
        if places.is_empty() {
            format!("nothing is left to do for {about}")
        } else {
            format!("no thread comes to {label} of {about}: {}", places.join(", "))
        }
    }

    fn works_for(&self, owner: ProcessId, thread: &Thread, call: CallId) -> bool {
        match thread.id {
            ThreadId::Handler(other)
            | ThreadId::Arrival(other)
            | ThreadId::Cancelled(other)
            | ThreadId::Completion(other) => other == call,
            ThreadId::Node(_, node) => self.receive_of(owner, node) == Some(call),
            _ => self.subject(owner, thread) == Subject::Call(call),
        }
    }

    /// What the trace says of a call's rest: the slot of the trace thread that runs a model thread.
    fn slot_of(&self, at: &Position, id: ProcessId, thread: ThreadId) -> Option<(usize, Option<&Slot>)> {
        let found = self
            .plan
            .threads
            .iter()
            .enumerate()
            .find(|(index, info)| info.process == id && at.runs[*index] == Some(thread));
        found.map(|(index, _)| (index, self.next(at, index)))
    }

    /// The calls that the trace thread cancels before it leaves `StartAbort`.
    fn cancels_next(&self, at: &Position, thread: usize) -> Vec<CallId> {
        let slots = self.plan.threads[thread].slots[at.done[thread]..].iter();
        let mut calls = Vec::new();
        for slot in slots {
            match slot.action {
                Action::Run {
                    label: "Call.start_cancel",
                    subject: Subject::Call(call),
                    ..
                } => calls.push(call),
                Action::Run {
                    label: "Handler.clear_cancel",
                    ..
                } => {}
                _ => break,
            }
        }
        calls
    }

    /// What to do with a thread's next label.
    pub(super) fn policy(&self, at: &Position, id: ProcessId, pending: &Pending<ThreadId>) -> Policy {
        let process = &at.system.processes[id.index()];
        let thread = process.thread(pending.thread).expect("a pending thread lives");
        let label = pending.operation.label.name;
        if mapping::is_shown(label) && !self.is_silent(process, thread) {
            return Policy::Shown;
        }
        match thread.at() {
            At::PoolTake => self.take_policy(process, id, thread.id),
            At::Executor(executor::At::Latch(step)) => self.latch_policy(at, id, process, thread.id, step),
            At::Rendezvous(place) => self.rendezvous_policy(at, id, process, thread, place),
            At::Rpc(rpc::At::QueueTake(_)) => Policy::Demand(0),
            At::Rpc(rpc::At::Read(call)) => self.read_policy(call, pending.operation.choices),
            At::Rpc(rpc::At::RequestCancelled(call)) => {
                if process.server_call(call).is_some() && self.plan.cancelled.contains(&call) {
                    Policy::Hold("the trace shows its cancel function running".to_owned())
                } else {
                    Policy::Now(0)
                }
            }
            At::Iterator(crate::models::iterator::At::GetNext(..)) => Policy::Demand(0),
            _ => Policy::Now(0),
        }
    }

    /// Labels of the table that leave no line: a cancellation that finds no callback.
    fn is_silent(&self, process: &Process, thread: &Thread) -> bool {
        match thread.at() {
            At::Rpc(rpc::At::RequestCancelled(call)) => !process.server_call(call).is_some_and(|call| call.callback),
            _ => false,
        }
    }

    fn take_policy(&self, process: &Process, id: ProcessId, thread: ThreadId) -> Policy {
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

    /// A receive that the trace shows being registered, be it after an abort, was validated before it.
    fn early_policy(&self, process: &Process) -> Policy {
        let aborts = |thread: &Thread| matches!(thread.at(), At::Rendezvous(rendezvous::At::AbortRemote(_)));
        if process.threads.iter().any(aborts) && !self.is_aborted(process) {
            Policy::Now(0)
        } else {
            Policy::Demand(0)
        }
    }

    /// A receive that the trace shows being registered and that is not validated yet.
    fn unvalidated(&self, id: ProcessId, process: &Process) -> Option<CallId> {
        let threads = process.threads.iter();
        let waiting =
            threads.filter(|thread| matches!(thread.at(), At::PoolTake | At::Rendezvous(rendezvous::At::Validate(..))));
        let mut calls = waiting.filter_map(|thread| match thread.id {
            ThreadId::Node(_, node) => self.receive_of(id, node),
            _ => None,
        });
        calls.find(|call| self.plan.registered.contains(call))
    }

    fn is_aborted(&self, process: &Process) -> bool {
        process.execution(STEP).is_some_and(|execution| {
            let rendezvous = &process.rendezvous[usize::from(execution.rendezvous)];
            rendezvous.aborted
        })
    }

    /// A value is sent early, unless the trace shows its receive waiting for it.
    fn send_policy(&self, process: &Process, id: ProcessId, node: NodeId) -> Policy {
        let graph = self.model.graph(STEP);
        let partition = self.model.partition(STEP, id);
        let NodeKind::Send { edge } = graph.partitions[partition].nodes[usize::from(node)].kind else {
            return Policy::Now(0);
        };
        let Some(call) = self.receive_call(edge) else {
            return Policy::Now(0);
        };
        let waits = self.plan.handled.contains(&call) && !self.plan.inline.contains(&call);
        let waiting = process
            .rendezvous
            .iter()
            .any(|rendezvous| rendezvous.waiters.contains(&call));
        if waits && !waiting && !self.is_aborted(process) {
            Policy::Hold("the trace shows its receive waiting for the value".to_owned())
        } else {
            Policy::Now(0)
        }
    }

    /// The first to latch the error is the one that the trace shows aborting the rendezvous.
    fn latch_policy(&self, at: &Position, id: ProcessId, process: &Process, thread: ThreadId, step: u8) -> Policy {
        if process.execution(step).is_some_and(|execution| execution.failed) {
            return Policy::Now(0);
        }
        match self.slot_of(at, id, thread) {
            Some((_, Some(slot))) => match slot.action {
                Action::Run {
                    label: "StartAbort.local",
                    ..
                } => Policy::Now(0),
                _ => Policy::Hold("the trace does not show it aborting the rendezvous".to_owned()),
            },
            Some((_, None)) => Policy::Hold("the trace does not show it aborting the rendezvous".to_owned()),
            None => Policy::Demand(0),
        }
    }

    fn rendezvous_policy(
        &self,
        at: &Position,
        id: ProcessId,
        process: &Process,
        thread: &Thread,
        place: rendezvous::At,
    ) -> Policy {
        use rendezvous::At as R;
        match place {
            R::Validate(_, node) => match self.receive_of(id, node) {
                Some(call) if self.plan.registered.contains(&call) => self.early_policy(process),
                _ => Policy::Now(0),
            },
            R::SendCheck(_, node) | R::SendLocal(_, node) => self.send_policy(process, id, node),
            R::AbortRemote(rendezvous) => {
                let rendezvous = &process.rendezvous[usize::from(rendezvous)];
                let mut shown = self
                    .slot_of(at, id, thread.id)
                    .map(|(index, _)| self.cancels_next(at, index))
                    .unwrap_or_default();
                shown.sort_unstable();
                let active: &[CallId] = if rendezvous.aborted { &[] } else { &rendezvous.active };
                if active == shown {
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
            R::AbortNext(_) => {
                let shown = self
                    .slot_of(at, id, thread.id)
                    .map(|(index, _)| self.cancels_next(at, index));
                let next = shown.and_then(|calls| calls.first().copied());
                let place = next.and_then(|next| thread.calls.iter().position(|&call| call == next));
                match place {
                    Some(place) => Policy::Now(place as u8),
                    None => Policy::Hold("the trace shows no further call cancelled".to_owned()),
                }
            }
            R::RecvLocal(call, rendezvous) | R::LocalRecv(call, rendezvous) if self.plan.inline.contains(&call) => {
                let state = &process.rendezvous[usize::from(rendezvous)];
                let answers = match place {
                    R::RecvLocal(..) => state.initialized,
                    _ => state.local_aborted || state.values.contains(&call),
                };
                if answers {
                    Policy::Now(0)
                } else {
                    Policy::Hold("the trace shows it answered at once".to_owned())
                }
            }
            _ => Policy::Now(0),
        }
    }

    /// A request that the trace does not show being handled is read together with its reset, if one came.
    fn read_policy(&self, call: CallId, choices: u8) -> Policy {
        match self.model.call(call).kind {
            CallKind::CleanupGraph | CallKind::CancelStep => Policy::Now(0),
            _ if self.plan.handled.contains(&call) => Policy::Demand(0),
            _ if choices > 1 => Policy::Now(1),
            _ => Policy::Hold("the trace does not show it handled".to_owned()),
        }
    }

    /// The place as a number, for the memory of places that lead nowhere.
    pub(super) fn fingerprint(at: &Position) -> u128 {
        let half = |seed: u64| {
            let mut hasher = rustc_hash::FxHasher::default();
            seed.hash(&mut hasher);
            at.system.hash(&mut hasher);
            at.done.hash(&mut hasher);
            at.runs.hash(&mut hasher);
            at.kinds.hash(&mut hasher);
            hasher.finish()
        };
        u128::from(half(0x9e37_79b9)) << 64 | u128::from(half(0x7f4a_7c15))
    }

    /// How many events each line's thread has behind it, summed; and the first line that is still to come.
    pub(super) fn progress(&self, at: &Position) -> BTreeMap<usize, usize> {
        let mut next = BTreeMap::new();
        for (thread, _) in self.plan.threads.iter().enumerate() {
            if let Some(slot) = self.next(at, thread) {
                next.insert(slot.line, thread);
            }
        }
        next
    }
}
