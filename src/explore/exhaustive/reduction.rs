//! The next steps of one process, and the part of them that is enough to look at.
//!
//! # Why a free operation may go first
//! In a global state, let thread `t` of process `p` be enabled with an operation on object `o`, and let nothing that any
//! other live thread of `p` ([`Independence::footprint`]) or a frame still to come ([`Independence::delivery_footprint`]) may do to `o` conflict with
//! it. Take any execution that starts here and does not run `t`. None of its labels in `p` conflicts with `t`'s: each is run
//! by another thread that lives now, by a thread that exists because of one, or because of a frame. Labels of other processes
//! touch `p` only by delivering frames. So `t` stays enabled (a guard depends only on the operation's own object and the
//! thread's own position) and commutes with every label of the execution: running `t` alone is a *persistent set*. The same
//! holds for all the outcomes of one operation together. Exploring only a persistent set in each state keeps every terminal
//! state, and since it only reorders labels, also the least number of labels that leads there (Godefroid 1996, theorem 4.3).
//! If the reduced graph has no cycle then the full graph has none either: an infinite execution could be reordered, label by
//! label, into an infinite one of the reduced graph.
//!
//! A label that sends a frame changes its receiver too. That commutes because of what [`Model::deliver`] promises: a frame
//! is appended to the connection on which the receiver hears from this sender, which leaves every operation that was enabled
//! at the receiver enabled and with the same effect, and frames from different senders commute. Nobody can ask whether a
//! connection is empty, only wait until it is not.
//!
//! # Why a closure may go first
//! Taking one of a bounded number of servers conflicts with everybody else who takes one. But suppose that, from here, the
//! thread takes it and runs to its end, and all these labels are free: then nobody can tell when it ran, except by finding no
//! server idle. If whoever holds a server always gives it back ([`Independence::permits_come_back`]), the others are only delayed by
//! that, and the thread gets its turn in every execution that ends: the whole run is one persistent transition. Without that
//! promise this is wrong: where all servers can be blocked for good, there is an execution in which the closure never starts
//! and whatever it would have sent is missing.
//!
//! # Together with forgetting
//! [`Independence::eliminate_dead`] replaces a state by one with the same outcomes: who returns, and with which signatures. A persistent
//! set of the smaller state keeps the outcomes that the smaller state has in the model as it is, and so those of the larger one;
//! by induction over an acyclic graph, forgetting after every label and delivery keeps them all. Labels that only the larger
//! state could run are missing from a schedule, so one that was found with forgetting on is completed when it is rebuilt.
//!
//! # Path compression
//! After any transition, free operations with one outcome have only one continuation that is explored, so they are
//! followed at once and the states between are not stored. A path ends where a state repeats. In a graph with cycles a free
//! thread could run for ever while another one is ignored; the search is then repeated without this reduction.

mod environment;

use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use self::environment::Environment;
use super::Reductions;
use crate::explore::{FindingKind, panic_text};
use crate::machine::{Event, FrameSet, Pending, ProcessId, Reducible, panics, run_label};

/// A path up to this length is not asked whether it goes round in circles.
const LONGEST_ACYCLIC: usize = 64;
/// A closure that ran this many labels without an end is no short closure.
const LONGEST_RUN: usize = 1_000;

/// A transition of one process: one label, or several that are explored as one.
pub(super) struct RawStep<M: Reducible> {
    pub(super) state: M::Process,
    /// Threads that ran, with their outcomes, label by label.
    pub(super) path: Vec<(M::Thread, u32)>,
    /// Frames that it sent to other processes, in order.
    pub(super) sent: Vec<(ProcessId, M::Frame)>,
}

impl<M: Reducible> RawStep<M> {
    /// No label yet.
    fn at(state: &M::Process) -> Self {
        Self {
            state: state.clone(),
            path: Vec::new(),
            sent: Vec::new(),
        }
    }
}

/// Something that went wrong while the model ran.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Broken {
    pub(super) kind: FindingKind,
    pub(super) message: String,
    /// The label that failed, where it was one.
    pub(super) event: Option<Event>,
}

impl Broken {
    /// Returns a failure that belongs to no label.
    pub(super) fn new(kind: FindingKind, message: String) -> Self {
        let event = None;
        Self { kind, message, event }
    }
}

/// The possible next steps of one process.
pub(super) struct RawExpansion<M: Reducible> {
    pub(super) steps: Vec<RawStep<M>>,
    /// True if these steps alone are enough in every global state with this local state.
    pub(super) ample: bool,
    pub(super) broken: Vec<Broken>,
}

enum Ample<M: Reducible> {
    /// All outcomes of this pending operation.
    Operation(usize),
    /// This run of a whole closure.
    Closure(RawStep<M>),
    /// The next operations of these threads.
    Threads(Vec<usize>),
}

/// Runs something of the model; a panic becomes its message.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    panics::catch(run).map_err(|payload| panic_text(&*payload))
}

/// One process of a model, to be run on its own.
pub(super) struct Local<'m, M> {
    pub(super) model: &'m M,
    pub(super) process: ProcessId,
    pub(super) reductions: Reductions,
    /// The frames that may still arrive while this process does nothing.
    pub(super) frames: FrameSet,
}

impl<M: Reducible> Local<'_, M> {
    /// Everything that is explored from `state`.
    pub(super) fn expand(&self, state: &M::Process) -> RawExpansion<M> {
        match guarded(|| self.expand_unguarded(state)) {
            Ok(expansion) => expansion,
            Err(message) => RawExpansion {
                steps: Vec::new(),
                ample: false,
                broken: vec![Broken::new(FindingKind::Panic, message)],
            },
        }
    }

    fn expand_unguarded(&self, state: &M::Process) -> RawExpansion<M> {
        let pendings = self.model.threads(self.process, state);
        let broken = self.broken_promise(state, &pendings).into_iter().collect();
        let ample = if self.reductions.partial_order {
            self.ample(state, &pendings)
        } else {
            None
        };
        let mut expansion = RawExpansion {
            steps: Vec::new(),
            ample: ample.is_some(),
            broken,
        };
        let explored = match ample {
            Some(Ample::Closure(mut step)) => {
                self.follow(state, &mut step);
                expansion.steps.push(step);
                return expansion;
            }
            Some(Ample::Operation(index)) => vec![&pendings[index]],
            Some(Ample::Threads(indices)) => indices.iter().map(|&index| &pendings[index]).collect(),
            None => pendings.iter().collect(),
        };
        for pending in explored.into_iter().filter(|pending| pending.enabled) {
            for choice in 0..pending.operation.choices.max(1) {
                let mut step = RawStep::at(state);
                match self.run(&mut step, pending, choice) {
                    Ok(()) => {
                        if self.reductions.partial_order {
                            self.follow(state, &mut step);
                        }
                        expansion.steps.push(step);
                    }
                    Err((kind, message)) => expansion.broken.push(Broken {
                        kind,
                        message,
                        event: guarded(|| self.event(state, pending, choice)).ok(),
                    }),
                }
            }
        }
        expansion
    }

    /// A process at rest in which a closure gets no server, though the model promised that servers come back.
    ///
    /// An unreduced search meets every way to break the promise; a reduced one may meet none.
    fn broken_promise(&self, state: &M::Process, pendings: &[Pending<M::Thread>]) -> Option<Broken> {
        if pendings.iter().any(|pending| pending.enabled) {
            return None;
        }
        let stuck = pendings.iter().find(|pending| {
            let operation = &pending.operation;
            operation.takes_permit && self.model.permits_come_back(self.process, operation.object)
        })?;
        let message = format!(
            "{}: {} waits at rest for a server of {}, though its servers were said to come back",
            self.model.process_name(self.process),
            stuck.operation.label,
            self.model.object_name(self.process, state, stuck.operation.object),
        );
        Some(Broken::new(FindingKind::Contract, message))
    }

    fn event(&self, state: &M::Process, pending: &Pending<M::Thread>, choice: u32) -> Event {
        Event {
            process: self.model.process_name(self.process),
            thread: self.model.thread_name(self.process, state, pending.thread),
            label: pending.operation.label.name.to_owned(),
            object: self.model.object_name(self.process, state, pending.operation.object),
            choice: (pending.operation.choices > 1).then_some(choice),
        }
    }

    /// Runs one label at the end of `step`, which is spoilt if that fails.
    pub(super) fn run(
        &self,
        step: &mut RawStep<M>,
        pending: &Pending<M::Thread>,
        choice: u32,
    ) -> Result<(), (FindingKind, String)> {
        let (model, process) = (self.model, self.process);
        let sent = guarded(|| {
            if cfg!(debug_assertions) {
                run_label(model, process, &mut step.state, pending, choice)
            } else {
                let mut sent = Vec::new();
                model.apply(process, &mut step.state, pending.thread, choice, &mut sent);
                Ok(sent)
            }
        });
        let sent = sent
            .map_err(|message| (FindingKind::Panic, message))?
            .map_err(|violation| (FindingKind::Contract, violation.to_string()))?;
        self.forget(&mut step.state)?;
        for (to, frame) in sent {
            if to == process {
                guarded(|| model.deliver(to, &mut step.state, process, frame))
                    .map_err(|message| (FindingKind::Panic, message))?;
                self.forget(&mut step.state)?;
            } else {
                step.sent.push((to, frame));
            }
        }
        step.path.push((pending.thread, choice));
        Ok(())
    }

    fn forget(&self, state: &mut M::Process) -> Result<(), (FindingKind, String)> {
        if self.reductions.forget_dead {
            guarded(|| self.model.eliminate_dead(self.process, state))
                .map_err(|message| (FindingKind::Panic, message))?;
        }
        Ok(())
    }

    /// Follows free operations with one outcome for as long as there are any, from a step that began in `origin`.
    fn follow(&self, origin: &M::Process, step: &mut RawStep<M>) {
        let mut seen = Vec::new();
        // Once a frame was sent, others may send more than was known here: the search goes on from the whole state.
        while step.sent.is_empty() {
            let pendings = self.model.threads(self.process, &step.state);
            match self.ample(&step.state, &pendings) {
                Some(Ample::Operation(index)) if pendings[index].operation.choices <= 1 => {
                    let length = step.path.len();
                    // A label that fails is left to the expansion of the state before it, which reports it.
                    if self.run(step, &pendings[index], 0).is_err() {
                        return self.go_again(origin, step, length);
                    }
                }
                Some(Ample::Closure(run)) => {
                    step.state = run.state;
                    step.path.extend(run.path);
                    step.sent.extend(run.sent);
                }
                _ => return,
            }
            // Two states with one hash only end the path early, which is sound.
            if step.path.len() > LONGEST_ACYCLIC {
                let now = rustc_hash::FxBuildHasher.hash_one(&step.state);
                if seen.contains(&now) {
                    return;
                }
                seen.push(now);
            }
        }
    }

    /// Does the first labels of a step again, which a label that failed has spoilt.
    fn go_again(&self, origin: &M::Process, step: &mut RawStep<M>, length: usize) {
        let spoilt = std::mem::replace(step, RawStep::at(origin));
        for (thread, choice) in &spoilt.path[..length] {
            let pendings = self.model.threads(self.process, &step.state);
            let pending = pendings.iter().find(|pending| pending.thread == *thread);
            let done = self.run(step, pending.expect("it ran before"), *choice);
            debug_assert!(done.is_ok(), "a label that ran before runs again");
        }
    }

    /// The first thread in canonical order whose next operation may go first.
    fn ample(&self, state: &M::Process, pendings: &[Pending<M::Thread>]) -> Option<Ample<M>> {
        if !pendings.iter().any(|pending| pending.enabled) {
            return None;
        }
        let environment = Environment::new(self, state, pendings, &self.frames);
        let enabled = || (0..pendings.len()).filter(|&index| pendings[index].enabled);
        if let Some(index) = enabled().find(|&index| environment.leave_free(index)) {
            return Some(Ample::Operation(index));
        }
        // Whole closures come last, since finding out whether one may go first means running it.
        let closure = |index: usize| {
            let (pending, operation) = (&pendings[index], &pendings[index].operation);
            let comes_back = operation.takes_permit && self.model.permits_come_back(self.process, operation.object);
            let may = comes_back && environment.leave_name(index);
            may.then(|| self.whole_run(state, pending)).flatten()
        };
        if let Some(run) = enabled().find_map(closure) {
            return Some(Ample::Closure(run));
        }
        environment.smallest_component().map(Ample::Threads)
    }

    /// Takes a server, runs to the end and gives it back, if nobody could tell when that happened.
    fn whole_run(&self, state: &M::Process, first: &Pending<M::Thread>) -> Option<RawStep<M>> {
        if first.operation.choices > 1 {
            return None;
        }
        let mut step = RawStep::at(state);
        self.run(&mut step, first, 0).ok()?;
        for _ in 0..LONGEST_RUN {
            let pendings = self.model.threads(self.process, &step.state);
            let Some(index) = pendings.iter().position(|pending| pending.thread == first.thread) else {
                return Some(step);
            };
            let pending = &pendings[index];
            let plain = pending.enabled && pending.operation.choices <= 1 && !pending.operation.takes_permit;
            if !plain {
                return None;
            }
            // Once a frame was sent, others may send more than was known before.
            let frames = if step.sent.is_empty() {
                &self.frames
            } else {
                &FrameSet::Any
            };
            if !Environment::new(self, &step.state, &pendings, frames).leave_free(index) {
                return None;
            }
            self.run(&mut step, pending, 0).ok()?;
        }
        None
    }
}
