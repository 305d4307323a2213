//! Depth-first search for a schedule of the model that does what a trace shows.

use std::collections::BTreeSet;

use super::plan::Action;
use super::policy::Policy;
use super::position::{Context, Position, Refusal};
use crate::machine::{Event, Model, ProcessId};

/// Number of the trace's events that a search may do, over all orders that it tries, before it gives up.
pub(super) const BUDGET: usize = 20_000;

/// The best that a search found.
pub(super) struct Found {
    pub(super) position: Position,
    pub(super) events: Vec<Event>,
    /// Whether every event was done.
    pub(super) complete: bool,
    /// Whether every order was tried.
    pub(super) exhausted: bool,
    /// The trace threads that can't go on, by line, and why.
    pub(super) refusals: Vec<(usize, usize, Refusal)>,
}

struct Search<'a, 'b> {
    context: &'a Context<'b>,
    events: Vec<Event>,
    failed: BTreeSet<u128>,
    best: Option<(usize, Found)>,
    left: usize,
    /// Whether an event was met that no order can do.
    hopeless: bool,
}

/// Searches from the initial state.
pub(super) fn search(context: &Context<'_>) -> Found {
    let mut search = Search {
        context,
        events: Vec::new(),
        failed: BTreeSet::new(),
        best: None,
        left: BUDGET,
        hopeless: false,
    };
    let complete = search.descend(context.start());
    let exhausted = complete || search.left > 0 || search.hopeless;
    let (_, mut found) = search.best.expect("the first place is one");
    found.complete = complete;
    found.exhausted = exhausted;
    found
}

impl Search<'_, '_> {
    fn descend(&mut self, mut at: Position) -> bool {
        let context = self.context;
        let settled = context.settle(&mut at, &mut self.events);
        if let Err(reason) = settled {
            self.note(&at, vec![(0, 0, reason)]);
            return false;
        }
        let next = context.to_do(&at);
        if next.is_empty() {
            self.note(&at, Vec::new());
            return true;
        }
        let fingerprint = Context::fingerprint(&at);
        if self.failed.contains(&fingerprint) {
            return false;
        }
        let length = self.events.len();
        if let Some(then) = self.early(&at, next.values().copied()) {
            let agreed = self.descend(then);
            if !agreed {
                self.events.truncate(length);
                self.failed.insert(fingerprint);
            }
            return agreed;
        }
        let mut refusals = Vec::new();
        for (line, thread) in next {
            if self.left == 0 {
                break;
            }
            for pick in context.picks(&at, thread) {
                let mut then = at.clone();
                match context.achieve(&mut then, thread, pick, &mut self.events) {
                    Ok(()) => {
                        self.left = self.left.saturating_sub(1);
                        if self.descend(then) {
                            return true;
                        }
                    }
                    Err(reason) => refusals.push((line, thread, reason)),
                }
                self.events.truncate(length);
                if self.is_hopeless(&at, thread) {
                    self.hopeless = true;
                    self.left = 0;
                    self.note(&at, refusals.split_off(refusals.len() - 1));
                    return false;
                }
            }
        }
        for thread in 0..context.plan.threads.len() {
            let mut then = at.clone();
            if context.go_on(&mut then, thread, &mut self.events).is_ok() {
                self.left = self.left.saturating_sub(1);
                if self.descend(then) {
                    return true;
                }
            }
            self.events.truncate(length);
        }
        self.failed.insert(fingerprint);
        self.note(&at, refusals);
        false
    }

    /// Does the first event that need not be tried late.
    fn early(&mut self, at: &Position, threads: impl Iterator<Item = usize>) -> Option<Position> {
        let context = self.context;
        let length = self.events.len();
        for thread in threads {
            let slot = context.next(at, thread)?;
            let process = context.plan.threads[thread].process;
            let picks = context.picks(at, thread);
            if picks.len() > 1 || !context.is_early(at, process, slot) {
                continue;
            }
            let mut then = at.clone();
            if context.achieve(&mut then, thread, picks[0], &mut self.events).is_ok() {
                self.left = self.left.saturating_sub(1);
                return Some(then);
            }
            self.events.truncate(length);
        }
        None
    }

    /// Returns true if the next event of a thread is one that no order can do.
    fn is_hopeless(&self, at: &Position, thread: usize) -> bool {
        let next = self.context.next(at, thread);
        next.is_some_and(|slot| matches!(slot.action, Action::Impossible(_)))
    }

    /// Remembers the place if it is the furthest.
    fn note(&mut self, at: &Position, refusals: Vec<(usize, usize, Refusal)>) {
        let depth = at.done.iter().sum();
        if self.best.as_ref().is_none_or(|(best, _)| depth > *best) {
            let found = Found {
                position: at.clone(),
                events: self.events.clone(),
                complete: false,
                exhausted: false,
                refusals,
            };
            self.best = Some((depth, found));
        }
    }
}

/// Lets the model go on to rest after the trace's end. Returns the labels that ran though a trace would have shown them.
pub(super) fn finish(context: &Context<'_>, at: &mut Position, events: &mut Vec<Event>) -> Result<Vec<Event>, Refusal> {
    let mut shown = Vec::new();
    loop {
        context.settle(at, events)?;
        let enabled = at.system.enabled(context.model);
        let policy = |id: ProcessId, pending: &_| context.policy(at, id, pending);
        let quiet = enabled
            .iter()
            .find(|(id, pending)| policy(*id, pending) != Policy::Shown);
        let Some((id, pending)) = quiet.or(enabled.first()) else {
            return Ok(shown);
        };
        let choice = match policy(*id, pending) {
            Policy::Demand(choice) | Policy::Now(choice) => choice,
            Policy::Shown => {
                shown.push(at.system.event(context.model, *id, pending, 0));
                0
            }
            _ => 0,
        };
        let (id, pending) = (*id, pending.clone());
        context.run(at, id, &pending, choice, events)?;
    }
}

/// Returns the client of the step, if it has no answer.
pub(super) fn stuck_client(context: &Context<'_>, at: &Position) -> Option<(ProcessId, usize)> {
    let model = context.model;
    let worker = model.steps()[usize::from(context.plan.step)].worker;
    let clients = model.clients(worker, &at.system.processes[worker.index()]);
    clients
        .iter()
        .position(|client| !client.returned)
        .map(|client| (worker, client))
}
