//! The audit whether a model keeps the promises on which the reductions stand.
//!
//! A declared footprint that is too small makes a search miss hangs without a sign. This looks for that directly: on every
//! process state that a search met it compares what labels and deliveries do with what was declared about them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::reduction::{Local, RawStep, guarded};
use super::search::Search;
use super::{Options, Reductions};
use crate::machine::{Access, Footprint, FrameSet, Pending, ProcessId, Reducible};

/// An audit ends when it has this much to say.
const MOST_COMPLAINTS: usize = 32;

/// The result of an audit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audit {
    /// Process states that were looked at.
    pub process_states: u64,
    /// Promises that the model does not keep, one line each, sorted; at most a few dozen.
    pub complaints: Vec<String>,
}

/// Searches `model` with `options` and checks the declarations of every process state on the way: that futures and arrivals
/// cover what happens, that operations commute where their declarations say so, that deliveries commute with whatever is
/// enabled, and that forgetting twice forgets no more than once. A search without reductions meets the most states.
pub fn audit<M: Reducible>(model: &M, options: &Options, interrupt: &AtomicBool) -> Audit {
    let search = Search::unwatched(model, options, interrupt);
    let mut auditor = Auditor {
        model,
        search: &search,
        complaints: BTreeSet::new(),
    };
    let mut process_states = 0;
    for (process, table) in search.graphs.locals.iter().enumerate() {
        for id in 0..table.len() {
            process_states += 1;
            auditor.state(process, &table.get(id).value);
        }
    }
    auditor.deliveries();
    Audit {
        process_states,
        complaints: auditor.complaints.into_iter().take(MOST_COMPLAINTS).collect(),
    }
}

/// Returns what a thread may do from a state on, as the model declares it.
pub(super) fn footprint<M: Reducible>(
    model: &M,
    id: ProcessId,
    state: &M::Process,
    thread: M::Thread,
) -> Arc<Footprint> {
    model.footprint(id, state, &model.facts(id, state), thread)
}

/// Returns what the arrival of these frames may cause from a state on, as the model declares it.
pub(super) fn deliveries_to<M: Reducible>(
    model: &M,
    id: ProcessId,
    state: &M::Process,
    frames: &FrameSet,
) -> Arc<Footprint> {
    model.delivery_footprint(id, state, &model.facts(id, state), frames)
}

/// Returns what `later` was allowed before: `caused`, and what the same thread was, under its old or its new id.
pub(super) fn allowed<M: Reducible>(
    model: &M,
    (id, before): (ProcessId, &M::Process),
    pendings: &[Pending<M::Thread>],
    later: &Pending<M::Thread>,
    caused: &Footprint,
) -> Footprint {
    let mut allowed = caused.clone();
    let same = |pending: &&Pending<M::Thread>| pending.thread == later.thread || pending.operation == later.operation;
    for pending in pendings.iter().filter(same) {
        allowed.extend(&footprint(model, id, before, pending.thread));
    }
    allowed
}

struct Auditor<'a, 'm, M: Reducible> {
    model: &'m M,
    search: &'a Search<'m, M>,
    complaints: BTreeSet<String>,
}

impl<'m, M: Reducible> Auditor<'_, 'm, M> {
    /// Returns a view of the process in which nothing is forgotten: forgetting may remove a thread that no longer matters, and then labels
    /// commute only up to that, which is enough.
    fn local(&self, process: usize) -> Local<'m, M> {
        Local {
            model: self.model,
            process: ProcessId::new(process),
            reductions: Reductions::NONE,
            frames: FrameSet::Any,
        }
    }

    fn complain(&mut self, process: usize, text: &str) {
        if self.complaints.len() < MOST_COMPLAINTS {
            let name = self.model.process_name(ProcessId::new(process));
            self.complaints.insert(format!("{name}: {text}"));
        }
    }

    fn footprint(&self, process: usize, state: &M::Process, thread: M::Thread) -> Arc<Footprint> {
        footprint(self.model, ProcessId::new(process), state, thread)
    }

    fn deliveries_to(&self, process: usize, state: &M::Process) -> Arc<Footprint> {
        deliveries_to(self.model, ProcessId::new(process), state, &FrameSet::Any)
    }

    fn run(&self, process: usize, state: &M::Process, pending: &Pending<M::Thread>, choice: u32) -> Option<RawStep<M>> {
        let mut step = RawStep {
            state: state.clone(),
            path: Vec::new(),
            sent: Vec::new(),
        };
        // What fails is found by the search itself.
        self.local(process).run(&mut step, pending, choice).ok()?;
        Some(step)
    }

    fn state(&mut self, process: usize, state: &M::Process) {
        let id = ProcessId::new(process);
        let Ok(pendings) = guarded(|| self.model.threads(id, state)) else {
            return;
        };
        if self.search.graphs.reductions.forget_dead {
            let mut again = state.clone();
            self.model.eliminate_dead(id, &mut again);
            if again != *state {
                self.complain(process, "forgetting twice forgets more than forgetting once");
            }
        }
        for pending in &pendings {
            let operation = &pending.operation;
            let own = Footprint::new().with(operation.object, operation.access);
            if !self.footprint(process, state, pending.thread).includes(&own) {
                let text = format!("the future of {} lacks its own operation", operation.label);
                self.complain(process, &text);
            }
            if pending.enabled {
                for choice in 0..operation.choices.max(1) {
                    if let Some(step) = self.run(process, state, pending, choice) {
                        self.after_label(process, state, &pendings, pending, &step.state);
                        self.commutes(process, state, &pendings, pending, choice, &step);
                    }
                }
            }
        }
    }

    /// Checks that no thread may do more than before, but for what the label's thread was allowed to cause.
    fn after_label(
        &mut self,
        process: usize,
        state: &M::Process,
        pendings: &[Pending<M::Thread>],
        ran: &Pending<M::Thread>,
        after: &M::Process,
    ) {
        let id = ProcessId::new(process);
        let caused = self.footprint(process, state, ran.thread);
        for later in self.model.threads(id, after) {
            let allowed = allowed(self.model, (id, state), pendings, &later, &caused);
            if self.is_undeclared(process, pendings, &later, &caused) {
                let text = format!(
                    "{} spawns a thread at {}, which was not declared",
                    ran.operation.label, later.operation.label
                );
                self.complain(process, &text);
            }
            if !allowed.includes(&self.footprint(process, after, later.thread)) {
                let text = format!(
                    "after {}, a thread at {} may do more than was declared before",
                    ran.operation.label, later.operation.label
                );
                self.complain(process, &text);
            }
        }
        let mut allowed = (*self.deliveries_to(process, state)).clone();
        allowed.extend(&caused);
        if !allowed.includes(&self.deliveries_to(process, after)) {
            let text = format!(
                "after {}, arrivals may do more than was declared before",
                ran.operation.label
            );
            self.complain(process, &text);
        }
    }

    /// Returns true if `later` has a name that no thread had before, and `caused` does not say that one may get it.
    fn is_undeclared(
        &self,
        process: usize,
        before: &[Pending<M::Thread>],
        later: &Pending<M::Thread>,
        caused: &Footprint,
    ) -> bool {
        let name = |pending: &Pending<M::Thread>| self.model.name(ProcessId::new(process), pending.thread);
        name(later).is_some_and(|new| !caused.spawns(new) && !before.iter().any(|pending| name(pending) == Some(new)))
    }

    /// Checks that two operations commute where declarations say so.
    fn commutes(
        &mut self,
        process: usize,
        state: &M::Process,
        pendings: &[Pending<M::Thread>],
        first: &Pending<M::Thread>,
        choice: u32,
        after_first: &RawStep<M>,
    ) {
        let operation = &first.operation;
        for other in pendings
            .iter()
            .filter(|other| other.enabled && other.thread != first.thread)
        {
            let footprint = self.footprint(process, state, other.thread);
            let servers = operation.takes_permit && other.operation.takes_permit;
            let parts = operation
                .part
                .is_some_and(|part| footprint.conflicts_with(part, Access::Write));
            if servers || parts || footprint.conflicts_with(operation.object, operation.access) {
                continue;
            }
            for other_choice in 0..other.operation.choices.max(1) {
                let here = self.reruns(process, &after_first.state, other, other_choice);
                let there = self.run(process, state, other, other_choice);
                let there = there.map_or(Vec::new(), |step| self.reruns(process, &step.state, first, choice));
                let equal = here.iter().any(|state| there.contains(state));
                if !equal {
                    let text = format!(
                        "{} and {} do not commute, though their declarations say so",
                        operation.label, other.operation.label
                    );
                    self.complain(process, &text);
                }
            }
        }
    }

    /// Tells where the same thread leads from another state. Ids may be given anew, so that it may be one of several threads there.
    fn reruns(&self, process: usize, state: &M::Process, wanted: &Pending<M::Thread>, choice: u32) -> Vec<M::Process> {
        let mut pendings = self.model.threads(ProcessId::new(process), state);
        pendings.retain(|pending| pending.enabled && pending.operation == wanted.operation);
        let run = |pending| Some(self.run(process, state, pending, choice)?.state);
        pendings.iter().filter_map(run).collect()
    }

    /// Checks that a delivery leaves what is enabled enabled, commutes with it, and causes no more than was declared.
    fn deliveries(&mut self) {
        let graphs = &self.search.graphs;
        for (to, before, frame, _) in self.search.deliveries().collect::<BTreeSet<_>>() {
            let (id, process) = (to, to.index());
            let before = &graphs.locals[process].get(before).value;
            let Ok(after) = guarded(|| graphs.arrive(to, before.clone(), frame)) else {
                continue;
            };
            let Ok(pendings) = guarded(|| self.model.threads(id, before)) else {
                continue;
            };
            let arrivals = self.deliveries_to(process, before);
            for later in self.model.threads(id, &after) {
                let allowed = allowed(self.model, (id, before), &pendings, &later, &arrivals);
                if self.is_undeclared(process, &pendings, &later, &arrivals) {
                    let text = format!(
                        "a delivery spawns a thread at {}, which was not declared",
                        later.operation.label
                    );
                    self.complain(process, &text);
                }
                if !allowed.includes(&self.footprint(process, &after, later.thread)) {
                    let text = format!("a delivery causes more at {} than was declared", later.operation.label);
                    self.complain(process, &text);
                }
            }
            if !arrivals.includes(&self.deliveries_to(process, &after)) {
                let text = "after a delivery, arrivals may do more than was declared before";
                self.complain(process, text);
            }
            for pending in pendings.iter().filter(|pending| pending.enabled) {
                for choice in 0..pending.operation.choices.max(1) {
                    let late = self.run(process, before, pending, choice);
                    let late = late.and_then(|step| guarded(|| graphs.arrive(to, step.state, frame)).ok());
                    let early = self.reruns(process, &after, pending, choice);
                    if late.is_some_and(|late| !early.contains(&late)) {
                        let text = format!("{} does not commute with a delivery", pending.operation.label);
                        self.complain(process, &text);
                    }
                }
            }
        }
    }
}
