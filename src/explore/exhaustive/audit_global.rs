//! The audit whether a model keeps the promises that speak of several processes at once: who may still send what, who is sure to return,
//! and what forgetting leaves as it is.
//!
//! These are checked on every transition of a search, and what is said about the end of every execution on the whole graph:
//! backwards from the states at rest.

mod ends;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use rustc_hash::{FxHashMap, FxHashSet};

use super::audit::{allowed, deliveries_to, footprint};
use super::local_graphs::{Deliveries, LocalGraphs};
use super::search::Search;
use super::{Options, Reductions};
use crate::machine::{GuaranteeSet, Pending, ProcessId, Reducible};

/// An audit ends when it has this much to say.
const MOST_COMPLAINTS: usize = 32;

/// The result of an audit of transitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GlobalAudit {
    /// Global states that were looked at.
    pub states: u64,
    /// Transitions between them.
    pub transitions: u64,
    /// Whether these are all: only then was anything said about how executions end.
    pub complete: bool,
    /// Promises that the model does not keep, one line each, sorted; at most a few dozen.
    pub complaints: Vec<String>,
}

/// Searches `model` with `options` and checks on every transition what the reductions rely on beyond one process: frames that
/// may still come, what their arrival causes, promises, sure returns, and forgetting.
///
/// `broken` says which guarantees ([`crate::machine::Guarantees`]) a state breaks, and is told whether the state is at rest. The options
/// should leave out nothing but what is forgotten.
pub fn audit_transitions<M: Reducible>(
    model: &M,
    options: &Options,
    interrupt: &AtomicBool,
    broken: &dyn Fn(&[&M::Process], bool) -> GuaranteeSet,
) -> GlobalAudit {
    let search = Search::unwatched(model, options, interrupt);
    let mut auditor = Auditor {
        model,
        search: &search,
        judge: LocalGraphs::new(
            model,
            Reductions {
                leaks: false,
                ..Reductions::ALL
            },
        ),
        ids: vec![FxHashMap::default(); model.process_count()],
        cache: Deliveries::default(),
        moves: FxHashSet::default(),
        complaints: BTreeSet::new(),
        transitions: 0,
    };
    let ids: Vec<u32> = search.store.ids().collect();
    let mut deliveries = Deliveries::default();
    for &id in &ids {
        auditor.transitions_of(&mut deliveries, search.store.get(id).tuple);
        if auditor.complaints.len() >= MOST_COMPLAINTS {
            break;
        }
    }
    auditor.forgetting();
    let complete = search.stopped_by.is_none();
    if complete {
        auditor.ends(&ids, broken);
    }
    GlobalAudit {
        states: search.store.len(),
        transitions: auditor.transitions,
        complete,
        complaints: auditor.complaints.into_iter().take(MOST_COMPLAINTS).collect(),
    }
}

/// A process before and after a transition, with the frames that may still come to it: checked once.
type Move = (usize, Option<usize>, u32, u32, u32, u32);

struct Auditor<'a, 'm, M: Reducible> {
    model: &'m M,
    search: &'a Search<'m, M>,
    /// Knows what a reduced search would know of a state; its ids are its own.
    judge: LocalGraphs<'m, M>,
    /// Maps per process, from our ids to those of `judge`.
    ids: Vec<FxHashMap<u32, u32>>,
    cache: Deliveries,
    moves: FxHashSet<Move>,
    complaints: BTreeSet<String>,
    transitions: u64,
}

impl<M: Reducible> Auditor<'_, '_, M> {
    fn complain(&mut self, process: usize, text: &str) {
        let name = self.model.process_name(ProcessId::new(process));
        self.complaints.insert(format!("{name}: {text}"));
    }

    fn judged(&mut self, tuple: &[u32]) -> Vec<u32> {
        let (locals, judge) = (&self.search.graphs.locals, &self.judge);
        let id = |((process, id), ids): ((usize, &u32), &mut FxHashMap<u32, u32>)| {
            *ids.entry(*id)
                .or_insert_with(|| judge.locals[process].intern(locals[process].get(*id).value.clone()).0)
        };
        tuple.iter().enumerate().zip(&mut self.ids).map(id).collect()
    }

    fn value(&self, process: usize, id: u32) -> &M::Process {
        &self.search.graphs.locals[process].get(id).value
    }

    fn transitions_of(&mut self, deliveries: &mut Deliveries, tuple: &[u32]) {
        let graphs = &self.search.graphs;
        let before = self.judged(tuple);
        let frames: Vec<u32> = (0..tuple.len())
            .map(|process| self.judge.frames_that_may_arrive(&mut self.cache, process, &before))
            .collect();
        let sure = self.judge.guaranteed(&mut self.cache, &before).1;
        for process in 0..tuple.len() {
            let (_, expansion) = graphs.next(deliveries, process, tuple);
            for step in &expansion.steps {
                self.transitions += 1;
                let mut after = tuple.to_vec();
                after[process] = step.to;
                for sent in &step.sent {
                    let to = sent.to.index();
                    let Ok((arrived, _)) = graphs.deliver(deliveries, sent.to, after[to], sent.frame) else {
                        continue;
                    };
                    let set = self.model.frame_set(&graphs.frames.get(sent.frame).value.1);
                    if to != process && arrived != after[to] {
                        let sender = graphs.model.process_name(ProcessId::new(process));
                        let what = format!("{:?} from {sender}", graphs.frames.get(sent.frame).value.1);
                        if !self.judge.frame_sets.get(frames[to]).includes(&set) {
                            self.complain(to, &format!("{what} arrives, but was not among what may be sent"));
                        }
                    }
                    after[to] = arrived;
                }
                self.transition(process, (tuple, &frames), &after, sure);
            }
        }
    }

    fn transition(&mut self, mover: usize, (tuple, frames): (&[u32], &[u32]), after: &[u32], sure: bool) {
        let later = self.judged(after);
        if sure && !self.judge.guaranteed(&mut self.cache, &later).1 {
            let moved = self.what_moved(mover, tuple, after);
            self.complain(mover, &format!("a sure return is no longer sure: {moved}"));
        }
        for process in 0..tuple.len() {
            let now = self.judge.frames_that_may_arrive(&mut self.cache, process, &later);
            let sets = &self.judge.frame_sets;
            if process != mover && !sets.get(frames[process]).includes(sets.get(now)) {
                let moved = self.what_moved(mover, tuple, after);
                self.complain(process, &format!("more may be sent to it than before: {moved}"));
            }
            let moved = (
                process,
                (process == mover).then_some(mover),
                tuple[process],
                frames[process],
                after[process],
                now,
            );
            if (moved.2, moved.3) != (moved.4, moved.5) && self.moves.insert(moved) {
                self.arrivals(moved, mover);
            }
        }
    }

    /// Returns the labels that may have run: those whose threads are no longer where they were.
    fn what_moved(&self, mover: usize, tuple: &[u32], after: &[u32]) -> String {
        let id = ProcessId::new(mover);
        let later = self.model.threads(id, self.value(mover, after[mover]));
        let before = self.model.threads(id, self.value(mover, tuple[mover]));
        let gone = before.iter().filter(|pending| ran(pending, &later));
        let labels: BTreeSet<&str> = gone.map(|pending| pending.operation.label.name).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        format!("{} at {}", labels.join("|"), self.model.process_name(id))
    }

    /// Checks that what a process may suffer from arrivals and from its threads covers what it may suffer after any transition of any
    /// process, a thread of its own and the frames that come because of that included.
    fn arrivals(&mut self, (process, own, from, frames, to, now): Move, mover: usize) {
        let id = ProcessId::new(process);
        let (before, after) = (self.value(process, from), self.value(process, to));
        let (frames, now) = (self.judge.frame_sets.get(frames), self.judge.frame_sets.get(now));
        let pendings = self.model.threads(id, before);
        let laters = self.model.threads(id, after);
        let mut caused = (*deliveries_to(self.model, id, before, frames)).clone();
        if own.is_some() {
            // Where no thread has gone, one runs the same label again.
            let stays = !pendings.iter().any(|pending| ran(pending, &laters));
            for pending in pendings.iter().filter(|pending| stays || ran(pending, &laters)) {
                caused.extend(&footprint(self.model, id, before, pending.thread));
            }
        }
        let mut texts = Vec::new();
        for later in &laters {
            let allowed = allowed(self.model, (id, before), &pendings, later, &caused);
            if !allowed.includes(&footprint(self.model, id, after, later.thread)) {
                let label = later.operation.label;
                texts.push(format!("a thread at {label} may do more than was to be expected"));
            }
        }
        if !caused.includes(&deliveries_to(self.model, id, after, now)) {
            texts.push("arrivals may do more than was to be expected".to_owned());
        }
        for text in texts {
            let ran = pendings.iter().filter(|pending| ran(pending, &laters));
            let mut ran: Vec<&str> = ran.map(|pending| pending.operation.label.name).collect();
            ran.dedup();
            let by = self.model.process_name(ProcessId::new(mover));
            self.complain(process, &format!("{text}, after {by} ran ({ran:?})"));
        }
    }
}

/// Returns true if a thread may have run: it could, and is not where it was.
fn ran<T: Copy + Eq>(pending: &Pending<T>, later: &[Pending<T>]) -> bool {
    let same = |other: &Pending<T>| other.thread == pending.thread && other.operation == pending.operation;
    pending.enabled && !later.iter().any(same)
}
