//! What a change does to hangs: the same scenarios on two variants, or by two programs.

use serde::{Deserialize, Serialize};

use crate::explore::Verdict;
use crate::scenario::ExpectedAnswer;

/// What one side says about a scenario. Read from the JSON of `check`, too, so unknown fields of another version are no error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Side {
    /// The answer.
    pub verdict: ExpectedAnswer,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// Distinct states.
    pub states: u64,
    /// Every way to hang that was found.
    pub signatures: Vec<Way>,
}

/// One way to hang.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Way {
    /// The signature's name.
    pub id: String,
    /// Who waits for ever.
    pub client: String,
    /// Labels on the shortest schedule.
    pub length: usize,
    /// Where that was written.
    pub schedule: Option<String>,
}

/// One scenario on both sides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// Before the change.
    pub base: Side,
    /// After it.
    pub changed: Side,
    /// Ways to hang that only the change has.
    pub appear: Vec<Way>,
    /// Ways to hang that the change does not have.
    pub vanish: Vec<Way>,
}

impl Side {
    /// What a search says; `schedules` are where its hangs' schedules were written, in their order.
    pub fn of(verdict: &Verdict, schedules: &[Option<String>]) -> Self {
        let schedules = schedules.iter().cloned().chain(std::iter::repeat(None));
        let ways = verdict.hangs.iter().zip(schedules).map(|(hang, schedule)| Way {
            id: hang.signature.id(),
            client: hang.client.clone(),
            length: hang.length,
            schedule,
        });
        Self {
            verdict: ExpectedAnswer::from(verdict.answer),
            complete: verdict.complete,
            states: verdict.states,
            signatures: ways.collect(),
        }
    }

    fn without(&self, other: &Self) -> Vec<Way> {
        let has = |way: &&Way| other.signatures.iter().any(|known| known.id == way.id);
        self.signatures.iter().filter(|way| !has(way)).cloned().collect()
    }
}

impl Difference {
    /// Compares two sides.
    pub fn of(scenario: String, base: Side, changed: Side) -> Self {
        Self {
            scenario,
            appear: changed.without(&base),
            vanish: base.without(&changed),
            base,
            changed,
        }
    }

    /// Whether the change makes a difference to who can hang, and how.
    pub fn differs(&self) -> bool {
        self.base.verdict != self.changed.verdict || !self.appear.is_empty() || !self.vanish.is_empty()
    }

    /// Whether a bound left open what one side would have found.
    pub fn is_open(&self) -> bool {
        !self.base.complete || !self.changed.complete
    }
}
