//! Limited-discrepancy search for a schedule of the model that does what a trace shows.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::policy::Policy;
use super::position::{Context, Position, Refusal};
use crate::machine::{Event, Model, ProcessId};

/// The searches, one after the other: the discrepancies that each may make, none under the rules, and the steps that it may take.
///
/// Most traces conform under the rules at once; where the rules mislead, a few discrepancies help more than many orders.
const SEARCHES: [(Option<u32>, usize); 7] = [
    (None, 1_000),
    (Some(0), 2_000),
    (Some(1), 2_000),
    (Some(2), 2_000),
    (Some(3), 2_000),
    (Some(4), 2_000),
    (None, 10_000),
];

/// Number of steps after which a trace stays undecided. A step is an event of the trace, or a label that runs against a rule.
pub(super) const BUDGET: usize = {
    let (mut steps, mut index) = (0, 0);
    while index < SEARCHES.len() {
        steps += SEARCHES[index].1;
        index += 1;
    }
    steps
};

/// The best that a search found.
pub(super) struct Found {
    pub(super) position: Position,
    pub(super) events: Vec<Event>,
    /// Whether every event was done.
    pub(super) complete: bool,
    /// Whether the search tried all that it may before its steps were used up.
    pub(super) ended: bool,
    /// The trace threads that can't go on, by line, and why.
    pub(super) refusals: Vec<(usize, usize, Refusal)>,
}

struct Search<'a, 'b> {
    context: &'a Context<'b>,
    events: Vec<Event>,
    /// Places that lead nowhere, with the discrepancies that were left there.
    failed: FxHashMap<u128, u32>,
    best: Option<(usize, Found)>,
    left: usize,
    /// Whether the rules are only preferences: then going against one is a discrepancy.
    free: bool,
}

/// Searches from the initial state: under the rules for what the trace does not show, and with more and more discrepancies, since a rule can
/// bar a valid run.
pub(super) fn search(context: &Context<'_>) -> Found {
    let mut under_rules = furthest(context);
    if under_rules.complete {
        return under_rules;
    }
    for bound in &SEARCHES[1..] {
        if bound.0.is_none() && under_rules.ended {
            break;
        }
        let found = search_within(context, *bound);
        if found.complete {
            return found;
        }
        if bound.0.is_none() {
            under_rules = found;
        }
    }
    under_rules
}

/// Searches once, under the rules: how far a trace comes that no schedule does.
pub(super) fn furthest(context: &Context<'_>) -> Found {
    search_within(context, SEARCHES[0])
}

fn search_within(context: &Context<'_>, (limit, steps): (Option<u32>, usize)) -> Found {
    let mut search = Search {
        context,
        events: Vec::new(),
        failed: FxHashMap::default(),
        best: None,
        left: steps,
        free: limit.is_some(),
    };
    let complete = search.descend(context.start(), limit.unwrap_or_default());
    let (_, mut found) = search.best.expect("the first place is one");
    (found.complete, found.ended) = (complete, search.left > 0);
    found
}

impl Search<'_, '_> {
    fn descend(&mut self, mut at: Position, limit: u32) -> bool {
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
        if self.failed.get(&fingerprint).is_some_and(|&tried| tried >= limit) {
            return false;
        }
        let length = self.events.len();
        if !self.free
            && let Some(then) = self.early(&at, next.values().copied())
        {
            let agreed = self.descend(then, limit);
            if !agreed {
                self.events.truncate(length);
                self.failed.insert(fingerprint, limit);
            }
            return agreed;
        }
        if self.in_turn(&at, limit, next) || self.go_on(&at, limit) || self.free && self.deviate(&at, limit) {
            return true;
        }
        self.failed.insert(fingerprint, limit);
        false
    }

    /// Does the next event of some thread, the first line first; any other is a discrepancy.
    fn in_turn(&mut self, at: &Position, limit: u32, next: BTreeMap<usize, usize>) -> bool {
        let context = self.context;
        let length = self.events.len();
        let mut refusals = Vec::new();
        let mut first = true;
        for (line, thread) in next {
            if self.left == 0 {
                break;
            }
            for pick in context.picks(at, thread) {
                let Some(rest) = self.rest(limit, first) else { continue };
                let mut then = at.clone();
                match context.achieve(&mut then, thread, pick, &mut self.events) {
                    Ok(()) => {
                        first = false;
                        self.left = self.left.saturating_sub(1);
                        if self.descend(then, rest) {
                            return true;
                        }
                    }
                    Err(reason) => refusals.push((line, thread, reason)),
                }
                self.events.truncate(length);
            }
        }
        self.note(at, refusals);
        false
    }

    /// Lets a thread go on inside the function in which the trace leaves it.
    fn go_on(&mut self, at: &Position, limit: u32) -> bool {
        let context = self.context;
        let length = self.events.len();
        for thread in 0..context.plan.threads.len() {
            let Some(rest) = self.rest(limit, false) else { break };
            let mut then = at.clone();
            if context.go_on(&mut then, thread, &mut self.events).is_ok() {
                self.left = self.left.saturating_sub(1);
                if self.descend(then, rest) {
                    return true;
                }
            }
            self.events.truncate(length);
        }
        false
    }

    /// Returns the discrepancies that are left after an alternative; `None` if there were none left for it.
    fn rest(&self, limit: u32, first: bool) -> Option<u32> {
        if first || !self.free {
            return Some(limit);
        }
        limit.checked_sub(1)
    }

    /// Runs a label that the trace does not show though the rules hold it back.
    fn deviate(&mut self, at: &Position, limit: u32) -> bool {
        let context = self.context;
        let Some(rest) = self.rest(limit, false) else {
            return false;
        };
        let length = self.events.len();
        for (id, pending) in at.system.enabled(context.model) {
            if context.policy(at, id, &pending) == Policy::Shown {
                continue;
            }
            for choice in 0..pending.operation.choices {
                if self.left == 0 {
                    return false;
                }
                self.left -= 1;
                let mut then = at.clone();
                if context.run(&mut then, id, &pending, choice, &mut self.events).is_ok() && self.descend(then, rest) {
                    return true;
                }
                self.events.truncate(length);
            }
        }
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

    /// Remembers the place if it is the furthest.
    fn note(&mut self, at: &Position, refusals: Vec<(usize, usize, Refusal)>) {
        let depth = at.done.iter().sum();
        if self.best.as_ref().is_none_or(|(best, _)| depth > *best) {
            let found = Found {
                position: at.clone(),
                events: self.events.clone(),
                complete: false,
                ended: false,
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
