//! A place in the search: a state of the model, how far each trace thread is, and what its threads stand for.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::drive::Goal;
use super::plan::{Action, Plan, Slot};
use super::policy::Policy;
use crate::machine::{Event, Label, Model, Pending, ProcessId, System};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::{rendezvous, rpc, worker};
use crate::models::tensorflow::process::{Process, RunsOn, ThreadId};

/// The runtime thread that a trace thread stands for: the pool or queue that it runs on, and of threads of their own, which.
type Kind = (RunsOn, Option<std::mem::Discriminant<ThreadId>>);

fn kind(id: ThreadId) -> Kind {
    let runs_on = id.role().runs_on;
    (
        runs_on,
        (runs_on == RunsOn::Itself).then(|| std::mem::discriminant(&id)),
    )
}

/// The fixed part of a search.
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
    /// The schedule's event that each event of the trace was found to be.
    pub(super) matched: Vec<(usize, usize)>,
}

/// The reason why the next event of a trace thread can't be done here.
pub(super) type Refusal = String;

impl Context<'_> {
    pub(super) fn start(&self) -> Position {
        let threads = self.plan.threads.len();
        Position {
            system: System::initial(self.model),
            done: vec![0; threads],
            runs: vec![None; threads],
            kinds: vec![None; threads],
            matched: Vec::new(),
        }
    }

    /// Returns the next slot of a trace thread.
    pub(super) fn next(&self, at: &Position, thread: usize) -> Option<&Slot> {
        self.plan.threads[thread].slots.get(at.done[thread])
    }

    /// Runs one label.
    pub(super) fn run(
        &self,
        at: &mut Position,
        id: ProcessId,
        pending: &Pending<ThreadId>,
        choice: u32,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.accept_first(at, id, pending, events)?;
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
                let id = ProcessId::new(index);
                while let Some((pending, choice)) = self.at_once(at, id) {
                    self.run(at, id, &pending, choice, events)?;
                    ran = true;
                }
                for thread in self.whole(at, id) {
                    ran |= self.run_whole(at, id, thread, events)?;
                }
            }
            if !ran {
                return Ok(());
            }
        }
    }

    fn at_once(&self, at: &Position, id: ProcessId) -> Option<(Pending<ThreadId>, u32)> {
        let threads = self.model.threads(id, &at.system.processes[id.index()]);
        threads
            .into_iter()
            .filter(|pending| pending.enabled)
            .find_map(|pending| match self.policy(at, id, &pending) {
                Policy::Now(choice) => Some((pending, choice)),
                _ => None,
            })
    }

    /// Lists the threads that may be run whole.
    fn whole(&self, at: &Position, id: ProcessId) -> Vec<ThreadId> {
        let threads = self.model.threads(id, &at.system.processes[id.index()]);
        let whole = |pending: &Pending<ThreadId>| pending.enabled && self.policy(at, id, pending) == Policy::Whole;
        threads
            .into_iter()
            .filter(whole)
            .map(|pending| pending.thread)
            .collect()
    }

    /// Returns true if a slot's time has come: no other slot of its process has to be before it.
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

    /// Goes on with a trace thread that was in a function when the trace ended: one label, shown or not.
    pub(super) fn go_on(&self, at: &mut Position, thread: usize, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let info = &self.plan.threads[thread];
        let (None, true, Some(runs)) = (self.next(at, thread), info.ends_inside, at.runs[thread]) else {
            return Err(String::new());
        };
        match self.pending(at, info.process, runs) {
            Some(pending) if pending.enabled => self.run(at, info.process, &pending, 0, events),
            _ => Err(String::new()),
        }
    }

    /// Runs one round towards having some labels behind the thread; whether it has.
    fn past(
        &self,
        at: &mut Position,
        thread: usize,
        labels: &[&'static Label],
        events: &mut Vec<Event>,
    ) -> Result<bool, Refusal> {
        let id = self.plan.threads[thread].process;
        let Some(runs) = at.runs[thread] else { return Ok(true) };
        let pending = self
            .pending(at, id, runs)
            .expect("a thread that a trace thread runs lives");
        if !labels.contains(&pending.operation.label) {
            return Ok(true);
        }
        self.advance(at, id, &pending, events)?;
        Ok(false)
    }

    /// Runs one round towards the slot's label; whether it ran.
    fn run_slot(
        &self,
        at: &mut Position,
        thread: usize,
        pick: Option<ThreadId>,
        slot: &Slot,
        events: &mut Vec<Event>,
    ) -> Result<bool, Refusal> {
        let id = self.plan.threads[thread].process;
        if slot.inside && at.runs[thread].is_none() {
            return Err("the function that the trace's thread is in has ended".to_owned());
        }
        self.uncover(at, id, slot, events)?;
        let ready = self.ready(at, thread, pick, slot);
        if let (Err(reason), Some(_)) = (&ready, at.runs[thread]) {
            return Err(reason.clone());
        }
        if let Ok(Some(pending)) = ready {
            self.check_shown(at, id, slot)?;
            let choice = self.order(at, thread, &pending);
            at.runs[thread] = Some(pending.thread);
            at.kinds[thread] = Some(kind(pending.thread));
            at.matched.push((events.len(), slot.event));
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
        if let Some(arrival) = self.arrival(at, id, slot) {
            self.run_out(at, id, arrival, events)?;
            return Ok(false);
        }
        self.free_queue(at, id, slot, events)?;
        if self.attain(at, id, Goal::Slot(slot), (Some(thread), pick), events) {
            return Ok(false);
        }
        Err(ready.err().unwrap_or_else(|| self.why_absent(at, id, slot)))
    }

    /// Returns the request that a slot is about, if it has arrived and is not handled yet.
    fn arrival(&self, at: &Position, id: ProcessId, slot: &Slot) -> Option<ThreadId> {
        let cleans = slot.action.is(&rendezvous::CLEANUP);
        let mut threads = at.system.processes[id.index()].threads.iter().map(|thread| thread.id);
        threads.find(|thread| match (thread, slot.action.of_call()) {
            (ThreadId::Arrival(call), Some((label, wanted))) => {
                *call == wanted && (label == &worker::INSTALL || label == &rpc::REQUEST_CANCELLED)
            }
            (ThreadId::Arrival(call), None) => cleans && self.model.call(*call).kind == CallKind::CleanupGraph,
            _ => false,
        })
    }

    /// Returns the thread that would run the slot's label next, if one would.
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
            } else if self.runs_elsewhere(at, id, pending.thread, Some(thread)) {
                refusal = refusal.or(Some(format!("{name} is there, but it is another thread of the trace")));
            } else if at.kinds[thread].is_some_and(|known| known != kind(pending.thread)) {
                refusal = refusal.or(Some(format!(
                    "{name} is there, but the trace's thread is none of that kind"
                )));
            } else if !pending.enabled {
                let object = self.model.object_name(id, process, pending.operation.object);
                let reason = format!("{name} is at {} and waits for {object}", pending.operation.label);
                if at.runs[thread].is_some() {
                    return Err(reason);
                }
                refusal = refusal.or(Some(reason));
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

    /// Returns true if a thread of the trace may be a thread of the model: it was one of that kind, if it was any.
    pub(super) fn may_be(&self, at: &Position, of: Option<usize>, candidate: ThreadId) -> bool {
        let known = of.and_then(|of| at.kinds[of]);
        known.is_none_or(|known| known == kind(candidate))
    }

    /// Lists what the trace shows still to come in a process, thread after thread.
    pub(super) fn slots_left<'s>(&'s self, at: &'s Position, id: ProcessId) -> impl Iterator<Item = &'s Slot> {
        let threads = self.plan.threads.iter().zip(&at.done);
        let here = threads.filter(move |(thread, _)| thread.process == id);
        here.flat_map(|(thread, &done)| &thread.slots[done..])
    }

    /// Returns true if another thread of the trace than `of` runs a thread.
    pub(super) fn runs_elsewhere(&self, at: &Position, id: ProcessId, candidate: ThreadId, of: Option<usize>) -> bool {
        let threads = self.plan.threads.iter().enumerate();
        threads
            .filter(|(index, info)| Some(*index) != of && info.process == id)
            .any(|(index, _)| at.runs[index] == Some(candidate))
    }

    /// Runs the next label of a thread if the trace does not show it and nothing speaks against it.
    pub(super) fn advance(
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
            Policy::Wants(want, reason) => match self.satisfy(at, id, want, events) {
                true => Ok(()),
                false => Err(format!("{name} is at {label}: {reason}")),
            },
            _ if !pending.enabled => {
                let object = self.model.object_name(id, process, pending.operation.object);
                Err(format!("{name} is at {label} and waits for {object}"))
            }
            Policy::Now(choice) | Policy::Demand(choice) => self.run(at, id, pending, choice, events),
            Policy::Whole => self.run(at, id, pending, 0, events),
        }
    }

    /// Returns the place as a number, for the memory of places that lead nowhere.
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

    /// Returns the next line of each trace thread that is not done yet, with the thread.
    pub(super) fn to_do(&self, at: &Position) -> BTreeMap<usize, usize> {
        let mut next = BTreeMap::new();
        for (thread, _) in self.plan.threads.iter().enumerate() {
            if let Some(slot) = self.next(at, thread) {
                next.insert(slot.line, thread);
            }
        }
        next
    }
}
