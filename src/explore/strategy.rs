//! Strategies: the ways in which the engines that sample choose schedules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The way in which schedules are chosen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Strategy {
    /// Each thread that can run is as likely as any other.
    Random,
    /// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010) of this depth, at least 1: threads have random priorities,
    /// of which `depth - 1` change on the way.
    Pct(u8),
    /// Random, but a part of the processes, from none to all, and this many threads, at least one, are held until nobody else can run.
    Hold(u8),
    /// A uniform random walk: threads with much to do are more likely.
    Urw,
    /// Every schedule, depth first.
    Dfs,
    /// The best mix that an engine knows when nothing is known of the bug: strategies that are blind to different things.
    Portfolio,
    /// Several, one execution each in turn.
    Several(Vec<Strategy>),
}

/// Not a strategy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "strategy \"{0}\", expected random, pct:DEPTH, hold:COUNT, urw, dfs, portfolio, or several random ones joined by +, as in random+pct:3"
)]
pub struct ParseStrategyError(String);

/// A strategy that an engine does not have.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("strategy \"{strategy}\" does not go with engine {engine}, expected {expected}")]
pub struct UnknownStrategy {
    strategy: String,
    engine: &'static str,
    expected: &'static str,
}

/// The strategies that an engine has.
pub(super) struct Repertoire {
    pub(super) engine: &'static str,
    /// Their names, for people.
    pub(super) names: &'static str,
    /// Says whether a single strategy is one of them.
    pub(super) has: fn(&Strategy) -> bool,
    /// Its [`Strategy::Portfolio`].
    pub(super) portfolio: &'static [Strategy],
}

impl Repertoire {
    /// Returns the single strategies that take turns under this one.
    pub(super) fn turns(&self, strategy: &Strategy) -> Result<Vec<Strategy>, UnknownStrategy> {
        let turns = match strategy {
            Strategy::Portfolio => self.portfolio.to_vec(),
            Strategy::Several(several) => several.clone(),
            one => vec![one.clone()],
        };
        match turns.iter().all(self.has) {
            true => Ok(turns),
            false => Err(UnknownStrategy {
                strategy: strategy.to_string(),
                engine: self.engine,
                expected: self.names,
            }),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random"),
            Self::Pct(depth) => write!(f, "pct:{depth}"),
            Self::Hold(count) => write!(f, "hold:{count}"),
            Self::Urw => f.write_str("urw"),
            Self::Dfs => f.write_str("dfs"),
            Self::Portfolio => f.write_str("portfolio"),
            Self::Several(strategies) => f.write_str(&joined(strategies)),
        }
    }
}

/// Returns the name of strategies that take turns.
pub(super) fn joined(strategies: &[Strategy]) -> String {
    let names: Vec<String> = strategies.iter().map(Strategy::to_string).collect();
    names.join("+")
}

impl FromStr for Strategy {
    type Err = ParseStrategyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseStrategyError(text.to_owned());
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let one = |name: &str| match name.split_once(':') {
            None if name == "random" => Some(Self::Random),
            None if name == "urw" => Some(Self::Urw),
            Some(("pct", depth)) => number(depth).map(Self::Pct),
            Some(("hold", count)) => number(count).map(Self::Hold),
            _ => None,
        };
        match text {
            "dfs" => Ok(Self::Dfs),
            "portfolio" => Ok(Self::Portfolio),
            _ if text.contains('+') => {
                let several: Option<Vec<Self>> = text.split('+').map(one).collect();
                several.map(Self::Several).ok_or_else(wrong)
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
            "hold:2",
            "urw",
            "dfs",
            "portfolio",
            "random+pct:2+pct:3+pct:5+urw",
            "hold:1+urw",
        ] {
            assert_eq!(text.parse::<Strategy>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_strategy_is_refused() {
        for text in [
            "",
            "pct",
            "pct:0",
            "pct:x",
            "pct:300",
            "hold:0",
            "dfs+random",
            "portfolio+random",
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

    #[test]
    fn an_engine_takes_its_own_strategies_alone_or_in_turn_and_refuses_others() {
        let engine = Repertoire {
            engine: "coin",
            names: "random",
            has: |strategy| *strategy == Strategy::Random,
            portfolio: &[Strategy::Random, Strategy::Random],
        };
        assert_eq!(engine.turns(&Strategy::Random), Ok(vec![Strategy::Random]));
        assert_eq!(engine.turns(&Strategy::Portfolio).map(|turns| turns.len()), Ok(2));
        let mixed = "random+urw".parse().unwrap();
        assert_eq!(
            engine.turns(&mixed).unwrap_err().to_string(),
            "strategy \"random+urw\" does not go with engine coin, expected random"
        );
    }
}
