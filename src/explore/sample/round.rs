//! Executions on several threads, counted in their order.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::Options;
use super::policy::{Shape, generator};
use super::runner::{Ran, Runner, Stop};
use crate::explore::driver::{Bounds, Statistics, StatisticsStatus};
use crate::explore::strategy::Strategy;
use crate::machine::Model;

/// The time that a round should take: short to whoever waits for the progress, long beside the start of its threads.
const ROUND: Duration = Duration::from_millis(60);

/// Runs rounds of executions. The number of executions in a round depends on the clock, and nothing that is found depends on it.
pub(super) struct Sampler<'a, M: Model> {
    strategies: &'a [Strategy],
    seed: u64,
    bounds: Bounds,
    interrupt: &'a AtomicBool,
    runners: Vec<Runner<'a, M>>,
    /// The first execution, by which the others are planned.
    shape: Shape<M::Thread>,
}

impl<'a, M: Model> Sampler<'a, M> {
    pub(super) fn new(
        model: &'a Arc<M>,
        strategies: &'a [Strategy],
        options: &Options,
        bounds: Bounds,
        interrupt: &'a AtomicBool,
    ) -> Self {
        let runners = (0..options.threads.max(1)).map(|_| Runner::new(&**model, options.limits));
        Self {
            strategies,
            seed: options.seed,
            bounds,
            interrupt,
            runners: runners.collect(),
            shape: Shape::default(),
        }
    }

    /// Runs executions until a bound is reached; returns which.
    pub(super) fn run(mut self, statistics: &mut Statistics<M>, progress: &mut dyn FnMut(&StatisticsStatus)) -> String {
        let mut size = 1;
        loop {
            let status = statistics.status();
            progress(&status);
            if let Some(reason) = self.bounds.reached(&status, self.interrupt) {
                return reason;
            }
            let left = self.bounds.executions.map_or(u64::MAX, |most| most - status.executions);
            let begun = Instant::now();
            self.round(statistics, status.executions, size.min(left));
            size = match begun.elapsed() {
                time if time < ROUND / 2 => size * 2,
                time if time > ROUND * 2 => (size / 2).max(1),
                _ => size,
            };
        }
    }

    /// Runs `count` executions from this number on, and counts them.
    fn round(&mut self, statistics: &mut Statistics<M>, first: u64, count: u64) {
        let ran: Vec<OnceLock<Ran<M>>> = (0..count).map(|_| OnceLock::new()).collect();
        let next = AtomicU64::new(0);
        // The first execution after which no other counts.
        let last = AtomicU64::new(u64::MAX);
        let (known, shape, strategies, seed) = (&*statistics, &self.shape, self.strategies, self.seed);
        let stop = Stop {
            interrupt: self.interrupt,
            deadline: self.bounds.deadline,
        };
        let first_hang = self.bounds.first_hang;
        let work = |runner: &mut Runner<'a, M>| {
            loop {
                let index = next.fetch_add(1, Ordering::SeqCst);
                if index >= count || index > last.load(Ordering::SeqCst) || stop.is_set() {
                    return;
                }
                let number = first + index;
                let strategy = &strategies[(number % strategies.len() as u64) as usize];
                let Some(one) = runner.run(strategy, generator(seed, number), shape, stop, known) else {
                    return;
                };
                if matches!(&one, Ran::New(execution, _) if first_hang && runner.hangs(execution)) {
                    last.fetch_min(index, Ordering::SeqCst);
                }
                // Each number is given out once.
                let _ = ran[index as usize].set(one);
            }
        };
        let helpers = (count.min(self.runners.len() as u64) as usize).saturating_sub(1);
        let (own, others) = self.runners.split_first_mut().expect("at least one");
        std::thread::scope(|scope| {
            for runner in &mut others[..helpers] {
                scope.spawn(|| work(runner));
            }
            work(own);
        });
        if first == 0
            && let Some(Ran::New(execution, _)) = ran.first().and_then(OnceLock::get)
        {
            self.shape = Shape::of(execution);
        }
        count_in_order(statistics, ran, self.bounds.first_hang);
    }
}

/// Counts executions in their order, up to the first that was stopped, or that ends the exploration.
fn count_in_order<M: Model>(statistics: &mut Statistics<M>, ran: Vec<OnceLock<Ran<M>>>, first_hang: bool) {
    for one in ran.into_iter().map_while(OnceLock::into_inner) {
        match one {
            Ran::Known(labels) => statistics.add_unseen(labels),
            Ran::New(execution, fingerprint) => statistics.add_known(&execution, fingerprint),
        }
        let status = statistics.status();
        if status.broken || first_hang && status.hangs > 0 {
            return;
        }
    }
}
