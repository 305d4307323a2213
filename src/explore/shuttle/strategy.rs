//! The choice of the next thread.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use shuttle::scheduler::PctScheduler;
use shuttle_engine::scheduler::{Scheduler, Task, TaskId};
use smallvec::SmallVec;

use super::dfs::DepthFirst;
use super::walk::UniformWalk;
use crate::explore::strategy::{Repertoire, Strategy};

/// The strategies that shuttle runs.
pub(super) const REPERTOIRE: Repertoire = Repertoire {
    engine: "shuttle",
    names: "random, pct:DEPTH, urw, dfs or portfolio",
    has: |strategy| {
        matches!(
            strategy,
            Strategy::Random | Strategy::Pct(_) | Strategy::Urw | Strategy::Dfs
        )
    },
    portfolio: &[
        Strategy::Random,
        Strategy::Pct(2),
        Strategy::Pct(3),
        Strategy::Pct(5),
        Strategy::Urw,
    ],
};

/// The strategies at work.
pub(super) struct Chooser {
    strategies: Vec<Own>,
    /// The thread whose execution it is.
    turn: usize,
    /// Decides the outcomes of labels, but for depth-first search.
    outcomes: Xoshiro256PlusPlus,
}

enum Own {
    /// Not shuttle's own: that prints its seed when a search ends before its time.
    Random(Xoshiro256PlusPlus),
    /// With whether there has been a decision between several threads: PCT refuses to go on without one.
    Pct(PctScheduler, bool),
    Walk(UniformWalk),
    Dfs(DepthFirst),
}

impl Own {
    fn new(strategy: &Strategy, seed: u64) -> Self {
        match strategy {
            Strategy::Random => Self::Random(Xoshiro256PlusPlus::seed_from_u64(seed)),
            Strategy::Pct(depth) => {
                let depth = usize::from(*depth);
                Self::Pct(PctScheduler::new_from_seed(seed, depth, usize::MAX), false)
            }
            Strategy::Urw => Self::Walk(UniformWalk::new(seed)),
            Strategy::Dfs => Self::Dfs(DepthFirst::default()),
            Strategy::Hold(_) | Strategy::Portfolio | Strategy::Several(_) => {
                unreachable!("not among what takes turns under shuttle")
            }
        }
    }
}

impl Chooser {
    /// Returns these strategies, which take turns.
    pub(super) fn new(turns: &[Strategy], seed: u64) -> Self {
        let numbered = (0_u64..).zip(turns);
        // Each has a seed of its own, so that they don't make the same choices.
        let seeded = numbered.map(|(number, strategy)| Own::new(strategy, seed.wrapping_add(number << 32)));
        Self {
            strategies: seeded.collect(),
            turn: 0,
            outcomes: Xoshiro256PlusPlus::seed_from_u64(!seed),
        }
    }

    /// Begins a new execution after `executions`; false if there is none.
    pub(super) fn begin(&mut self, executions: u64) -> bool {
        self.turn = (executions % self.strategies.len() as u64) as usize;
        let again = executions >= self.strategies.len() as u64;
        match &mut self.strategies[self.turn] {
            Own::Random(_) => true,
            Own::Pct(scheduler, decided) => {
                if !again || *decided {
                    return scheduler.new_execution().is_some();
                }
                true
            }
            Own::Walk(walk) => {
                walk.begin();
                true
            }
            Own::Dfs(search) => search.begin(),
        }
    }

    /// Picks which of these threads, given with their identities, runs its label. `last` ran the last one.
    pub(super) fn next(&mut self, threads: &[(&Task, u64)], last: Option<TaskId>) -> TaskId {
        let index = match &mut self.strategies[self.turn] {
            Own::Random(random) => random.random_range(0..threads.len()),
            Own::Pct(scheduler, decided) => {
                *decided |= threads.len() > 1;
                let tasks: SmallVec<[&Task; 32]> = threads.iter().map(|(task, _)| *task).collect();
                let chosen = scheduler.next_task(&tasks, last, false);
                return chosen.expect("it never stops an execution");
            }
            Own::Walk(walk) => walk.next(threads.iter().map(|(_, identity)| *identity)),
            Own::Dfs(search) => search.decide(threads.len()),
        };
        threads[index].0.id()
    }

    /// Returns the outcome of a label.
    pub(super) fn choose(&mut self, outcomes: u32) -> u32 {
        match &mut self.strategies[self.turn] {
            Own::Dfs(search) => search.decide(outcomes as usize) as u32,
            _ => self.outcomes.random_range(0..outcomes),
        }
    }
}
