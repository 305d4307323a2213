//! The bounds of each search.

use serde::{Deserialize, Serialize};

use crate::explore::Answer;

/// Budgets, in states, so that two runs stop at the same place. `None` is no bound but the scenario's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// States that the baseline's search may have taken for this one to be run to its end.
    pub whole: Option<u64>,
    /// States of a larger search that must find a hang; it stops at the first.
    pub canary: Option<u64>,
    /// States of a larger search that must find no hang.
    pub partial: Option<u64>,
    /// States of the second search of a proof, whose end is not known to be within them; `None` is no second search.
    #[serde(default)]
    pub second: Option<u64>,
    /// Executions of the engines that a scenario does not name: a brief second opinion, of which the baseline keeps nothing.
    #[serde(default)]
    pub brief: u64,
}

/// The part of a search that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of it.
    Whole,
    /// Up to the first hang.
    FirstHang,
    /// A part, in which nothing may hang that was not known.
    Part,
    /// A few executions under an engine that the scenario does not name, of which the baseline keeps nothing.
    Brief,
}

/// A search may grow so much over its baseline before the budget for whole searches stops it.
const GROWTH: u64 = 4;

impl Budgets {
    /// Every search to its end.
    pub const FULL: Self = Self {
        whole: None,
        canary: None,
        partial: None,
        second: None,
        brief: 0,
    };
    /// `gate --quick`: what fits into five minutes on two cores.
    pub const QUICK: Self = Self {
        whole: Some(200_000),
        canary: Some(2_000_000),
        partial: Some(50_000),
        second: None,
        brief: 0,
    };

    /// Adds second looks: a second search of each proof, and other engines for each scenario.
    #[must_use]
    pub fn verifying(self) -> Self {
        Self {
            second: Some(1_000_000),
            brief: 500,
            ..self
        }
    }

    /// Tells how much of a search to ask for, and its bound: `known` is what it took for the baseline, `own` the scenario's bound.
    pub fn of(&self, expects: Option<Answer>, known: Option<u64>, own: Option<u64>) -> (Scope, Option<u64>) {
        let Some(whole) = self.whole else {
            return (Scope::Whole, own);
        };
        let (scope, bound) = if known.is_some_and(|states| states <= whole) {
            (Scope::Whole, Some(whole.saturating_mul(GROWTH)))
        } else if expects == Some(Answer::Hang) {
            (Scope::FirstHang, self.canary)
        } else {
            (Scope::Part, self.partial)
        };
        (scope, [bound, own].into_iter().flatten().min())
    }

    /// Tells how much of a proof's second search to ask for: all of it where its end is known to be within the bound.
    pub fn of_second(&self, known: Option<u64>) -> (Scope, Option<u64>) {
        let within = |states: u64| self.second.is_none_or(|bound| states <= bound);
        if known.is_some_and(within) {
            return (Scope::Whole, self.second.map(|bound| bound.saturating_mul(GROWTH)));
        }
        (Scope::Part, self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Budgets = Budgets {
        whole: Some(100),
        canary: Some(500),
        partial: Some(50),
        second: Some(10),
        brief: 5,
    };

    #[test]
    fn the_full_gate_has_no_bound_but_the_scenarios_own() {
        assert_eq!(Budgets::FULL.of(None, None, None), (Scope::Whole, None));
        assert_eq!(Budgets::FULL.of(None, Some(1), Some(7)), (Scope::Whole, Some(7)));
    }

    #[test]
    fn a_second_search_must_end_only_where_it_is_known_to_end_within_its_bound() {
        assert_eq!(SMALL.of_second(Some(10)), (Scope::Whole, Some(40)));
        assert_eq!(SMALL.of_second(Some(11)), (Scope::Part, Some(10)));
        assert_eq!(SMALL.of_second(None), (Scope::Part, Some(10)));
    }

    #[test]
    fn what_was_small_for_the_baseline_is_searched_to_its_end() {
        let hang = Some(Answer::Hang);
        assert_eq!(SMALL.of(hang, Some(100), None), (Scope::Whole, Some(400)));
        assert_eq!(SMALL.of(hang, Some(100), Some(30)), (Scope::Whole, Some(30)));
    }

    #[test]
    fn what_is_larger_or_unknown_stops_at_the_first_hang_or_at_a_part() {
        let (hang, none) = (Some(Answer::Hang), Some(Answer::NoHang));
        assert_eq!(SMALL.of(hang, Some(101), None), (Scope::FirstHang, Some(500)));
        assert_eq!(SMALL.of(hang, None, None), (Scope::FirstHang, Some(500)));
        assert_eq!(SMALL.of(none, Some(101), None), (Scope::Part, Some(50)));
        assert_eq!(SMALL.of(none, None, Some(7)), (Scope::Part, Some(7)));
    }
}
