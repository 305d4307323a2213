//! One execution.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rand::RngExt;

use super::board::Board;
use super::policy::{Generator, Policy, Shape};
use crate::explore::driver::{Ended, Execution, Limits, Statistics, Taken};
use crate::explore::{fingerprint, strategy::Strategy};
use crate::machine::{Model, panics};
use crate::schedule::Found;

/// Labels between two looks at the clock.
const LOOK_EVERY: usize = 4_096;

/// The signs on which every execution ends at once.
#[derive(Clone, Copy)]
pub(super) struct Stop<'a> {
    pub(super) interrupt: &'a AtomicBool,
    pub(super) deadline: Option<Instant>,
}

impl Stop<'_> {
    /// Returns true if it is time to end.
    pub(super) fn is_set(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The remains of an execution.
pub(super) enum Ran<M: Model> {
    /// It came to rest after this many labels, as one before it.
    Known(usize),
    /// It brings something new; with the fingerprint of its last state, where it came to rest.
    New(Box<Execution<M>>, u128),
}

/// Runs one execution after the other.
pub(super) struct Runner<'a, M: Model> {
    model: &'a M,
    limits: Limits,
    board: Board<'a, M>,
    policy: Policy<M::Thread>,
    taken: Vec<Taken<M::Thread>>,
}

impl<'a, M: Model> Runner<'a, M> {
    pub(super) fn new(model: &'a M, limits: Limits) -> Self {
        let board = Board::new(model, limits.checked);
        Self {
            model,
            limits,
            policy: Policy::new(board.processes().count()),
            board,
            taken: Vec::new(),
        }
    }

    /// Runs an execution; none if it was stopped.
    pub(super) fn run(
        &mut self,
        strategy: &Strategy,
        generator: Generator,
        shape: &Shape<M::Thread>,
        stop: Stop<'_>,
        known: &Statistics<M>,
    ) -> Option<Ran<M>> {
        self.taken.clear();
        let run = || self.labels(strategy, generator, shape, stop);
        let ended = panics::catch(run).unwrap_or_else(|payload| Some(Ended::Failed(Found::panic(&*payload))))?;
        let at_rest = ended == Ended::AtRest;
        let state = if at_rest { fingerprint(&self.board.system) } else { 0 };
        if at_rest && !known.is_new(state, self.taken.len()) {
            return Some(Ran::Known(self.taken.len()));
        }
        let execution = Execution {
            taken: self.taken.clone(),
            ended,
            system: self.board.system.clone(),
            followed: None,
        };
        Some(Ran::New(Box::new(execution), state))
    }

    /// Runs labels until nobody can run; returns none if it is stopped.
    fn labels(
        &mut self,
        strategy: &Strategy,
        generator: Generator,
        shape: &Shape<M::Thread>,
        stop: Stop<'_>,
    ) -> Option<Ended> {
        self.board.reset();
        self.policy.begin(strategy, generator, shape, &self.board);
        while let Some((process, ready)) = self.policy.next(&self.board, self.taken.len()) {
            if self.taken.len() >= self.limits.labels {
                return Some(Ended::Cut);
            }
            if self.taken.len() % LOOK_EVERY == LOOK_EVERY - 1 && stop.is_set() {
                return None;
            }
            let choice = match ready.outcomes {
                0 | 1 => 0,
                outcomes => self.policy.generator.random_range(0..outcomes),
            };
            self.taken.push(Taken {
                process,
                thread: ready.thread,
                choice,
            });
            match self.board.run(process, ready.thread, choice) {
                Err(violation) => return Some(Ended::Failed(Found::Contract(violation))),
                Ok(other) => {
                    self.policy.look(&self.board, process);
                    other.into_iter().for_each(|other| self.policy.look(&self.board, other));
                }
            }
        }
        Some(Ended::AtRest)
    }

    /// Returns true if a client waits in the state in which an execution ended.
    pub(super) fn hangs(&self, execution: &Execution<M>) -> bool {
        let clients = execution.system.clients(self.model);
        clients.iter().any(|(.., status)| !status.returned)
    }
}
