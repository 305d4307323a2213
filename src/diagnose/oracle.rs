//! Can the client still return? A run that shows it, or a search that proves the contrary.

use std::sync::atomic::AtomicBool;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::Searches;
use crate::explore::StartFrom;
use crate::explore::exhaustive::{Options, Returns, returns};
use crate::machine::{ProcessId, Reducible, System};
use crate::schedule::{Move, Walk, moves_of};

/// Random runs that are tried before a search: where a client can return, most runs let it.
const RUNS: u64 = 64;
/// Labels of one such run.
const LONGEST_RUN: usize = 100_000;

/// The client's prospect of a return.
pub(super) enum Prospect<T> {
    /// These moves let it.
    Can(Vec<Move<T>>),
    /// No continuation does.
    Cannot,
    /// A bound ended the search first.
    Undecided,
}

/// Answers for one client of one model.
pub(super) struct Oracle<'a, M: Reducible> {
    pub(super) model: &'a M,
    /// The process of the client, and its number there.
    pub(super) client: (ProcessId, usize),
    pub(super) searches: Searches,
}

impl<M: Reducible> Oracle<'_, M> {
    pub(super) fn ask(&mut self, system: &System<M::Process>) -> Prospect<M::Thread> {
        let answer = match self.run_that_returns(system) {
            Some(moves) => Prospect::Can(moves),
            None => self.search(system),
        };
        *match answer {
            Prospect::Can(_) => &mut self.searches.shown,
            Prospect::Cannot => &mut self.searches.proved,
            Prospect::Undecided => &mut self.searches.undecided,
        } += 1;
        answer
    }

    /// Returns a run from here that lets the client return: one by the fixed policy, or one of some random ones.
    fn run_that_returns(&self, system: &System<M::Process>) -> Option<Vec<Move<M::Thread>>> {
        let mut steady = Walk::from(self.model, system.clone());
        if self.returns_on(&mut steady, Walk::go_on) {
            return Some(steady.moves().to_vec());
        }
        (0..RUNS).find_map(|seed| {
            let mut draw = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut walk = Walk::from(self.model, system.clone());
            let found = self.returns_on(&mut walk, |walk| {
                let enabled = walk.enabled().count();
                if enabled == 0 {
                    return false;
                }
                let (id, pending) = walk.enabled().nth(draw.random_range(0..enabled)).expect("one of those");
                let choice = draw.random_range(0..pending.operation.choices);
                let pending = pending.clone();
                walk.step(id, &pending, choice);
                true
            });
            found.then(|| walk.moves().to_vec())
        })
    }

    /// Goes on by `step` until the client has its answer; false if no thread can run before that.
    fn returns_on<'m>(&self, walk: &mut Walk<'m, M>, mut step: impl FnMut(&mut Walk<'m, M>) -> bool) -> bool {
        for _ in 0..LONGEST_RUN {
            if walk.has_returned(self.client) {
                return true;
            }
            if !step(walk) {
                return false;
            }
        }
        false
    }

    fn search(&self, system: &System<M::Process>) -> Prospect<M::Thread> {
        let start_from = StartFrom {
            model: self.model,
            start: system,
            client: self.client,
        };
        let options = Options {
            max_states: Some(self.searches.max_states),
            ..Options::default()
        };
        match returns(&start_from, &options, &AtomicBool::new(false)) {
            Returns::Cannot => Prospect::Cannot,
            Returns::Undecided(_) => Prospect::Undecided,
            Returns::Can(events) => {
                let Ok(moves) = moves_of(self.model, system.clone(), &events) else {
                    return Prospect::Undecided;
                };
                let mut walk = Walk::from(self.model, system.clone());
                walk.follow(&moves);
                if self.returns_on(&mut walk, Walk::go_on) {
                    Prospect::Can(walk.moves().to_vec())
                } else {
                    Prospect::Undecided
                }
            }
        }
    }
}
