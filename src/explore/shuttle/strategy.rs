//! The choice of the next thread.

use std::fmt;
use std::str::FromStr;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use shuttle::scheduler::PctScheduler;
use shuttle_engine::scheduler::{Scheduler, Task, TaskId};
use smallvec::SmallVec;
use thiserror::Error;

use super::dfs::DepthFirst;
use super::walk::UniformWalk;

/// The way in which schedules are chosen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Strategy {
    /// Each thread that can run is as likely as any other.
    Random,
    /// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010) of this depth, at least 1: threads have random priorities,
    /// of which `depth - 1` change on the way.
    Pct(u8),
    /// A uniform random walk: threads with much to do are more likely.
    Urw,
    /// Every schedule, depth first.
    Dfs,
    /// Several, one execution each in turn.
    Portfolio(Vec<Strategy>),
}

/// Not a strategy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "strategy \"{0}\", expected random, pct:DEPTH, urw, dfs, portfolio, or several random ones joined by +, as in random+pct:3"
)]
pub struct ParseStrategyError(String);

impl Strategy {
    /// Returns the best mix when nothing is known of the bug: strategies that are blind to different things.
    pub fn portfolio() -> Self {
        Self::Portfolio(vec![Self::Random, Self::Pct(2), Self::Pct(3), Self::Pct(5), Self::Urw])
    }

    /// Returns true if it depends on a seed.
    pub fn is_random(&self) -> bool {
        *self != Self::Dfs
    }

    pub(super) fn chooser(&self, seed: u64) -> Chooser {
        let several = |strategies: &[Strategy]| {
            let numbered = (0_u64..).zip(strategies);
            // Each has a seed of its own, so that they don't make the same choices.
            let seeded = numbered.map(|(number, strategy)| strategy.own_chooser(seed.wrapping_add(number << 32)));
            seeded.collect()
        };
        Chooser {
            strategies: match self {
                Self::Portfolio(strategies) => several(strategies),
                one => several(std::slice::from_ref(one)),
            },
            turn: 0,
            outcomes: Xoshiro256PlusPlus::seed_from_u64(!seed),
        }
    }

    fn own_chooser(&self, seed: u64) -> Own {
        match self {
            Self::Random => Own::Random(Xoshiro256PlusPlus::seed_from_u64(seed)),
            Self::Pct(depth) => {
                let depth = usize::from(*depth);
                Own::Pct(PctScheduler::new_from_seed(seed, depth, usize::MAX), false)
            }
            Self::Urw => Own::Walk(UniformWalk::new(seed)),
            Self::Dfs => Own::Dfs(DepthFirst::default()),
            Self::Portfolio(_) => unreachable!("a portfolio holds none"),
        }
    }
}

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

impl Chooser {
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

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random"),
            Self::Pct(depth) => write!(f, "pct:{depth}"),
            Self::Urw => f.write_str("urw"),
            Self::Dfs => f.write_str("dfs"),
            Self::Portfolio(strategies) => {
                let names: Vec<String> = strategies.iter().map(Self::to_string).collect();
                f.write_str(&names.join("+"))
            }
        }
    }
}

impl FromStr for Strategy {
    type Err = ParseStrategyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseStrategyError(text.to_owned());
        let one = |name: &str| match name {
            "random" => Some(Self::Random),
            "urw" => Some(Self::Urw),
            _ => {
                let depth = name.strip_prefix("pct:")?.parse().ok()?;
                (depth > 0).then_some(Self::Pct(depth))
            }
        };
        match text {
            "dfs" => Ok(Self::Dfs),
            "portfolio" => Ok(Self::portfolio()),
            _ if text.contains('+') => {
                let several: Option<Vec<Self>> = text.split('+').map(one).collect();
                several.map(Self::Portfolio).ok_or_else(wrong)
            }
            name => one(name).ok_or_else(wrong),
        }
    }
}

impl TryFrom<String> for Strategy {
    type Error = ParseStrategyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Strategy> for String {
    fn from(strategy: Strategy) -> Self {
        strategy.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_is_read_as_it_is_written() {
        for text in [
            "random",
            "pct:3",
            "urw",
            "dfs",
            "random+pct:2+pct:3+pct:5+urw",
            "pct:1+urw",
        ] {
            assert_eq!(text.parse::<Strategy>().unwrap().to_string(), text);
        }
        assert_eq!("portfolio".parse(), Ok(Strategy::portfolio()));
    }

    #[test]
    fn what_is_no_strategy_is_refused() {
        for text in [
            "",
            "pct",
            "pct:0",
            "pct:x",
            "pct:300",
            "dfs+random",
            "random+",
            "Random",
        ] {
            let error = text.parse::<Strategy>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("strategy \"{text}\", expected random")),
                "{error}"
            );
        }
    }
}
