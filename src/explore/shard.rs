//! Work that several machines share, and what they found of it together.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Answer, HangRecord, PartsSearched, Verdict};

/// One of several runs that share their work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Number of the shard, from 1.
    pub number: usize,
    /// Number of shards.
    pub of: usize,
}

impl Shard {
    /// All of the work.
    pub const ALL: Self = Self { number: 1, of: 1 };

    /// Returns true if a piece of the work, numbered from 0, is the shard's.
    pub fn has(self, index: usize) -> bool {
        index % self.of == self.number - 1
    }

    /// Returns the seed from which the shard draws, where a run that is not shared draws from `seed`: each shard has its own.
    pub fn seed(self, seed: u64) -> u64 {
        match self.number {
            1 => seed,
            number => xxhash_rust::xxh3::xxh3_64_with_seed(&number.to_le_bytes(), seed),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `2/5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if 1 <= number && number <= of => Ok(Self { number, of }),
            _ => Err(format!("\"{text}\", expected NUMBER/COUNT as in 2/5")),
        }
    }
}

/// The reason why the results of shards do not go together.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MergeError {
    /// None was given.
    #[error("no report to merge")]
    Nothing,
    /// They come from different programs, budgets or scenarios.
    #[error("shard {0} is of another model, other budgets or other scenarios than shard {1}")]
    Different(Shard, Shard),
    /// A shard was not given.
    #[error("shard {0} is missing")]
    Missing(Shard),
    /// A shard was given twice.
    #[error("shard {0} was given twice")]
    Twice(Shard),
}

impl MergeError {
    /// Checks that these are all shards of one run, each once.
    ///
    /// # Errors
    /// When they are not.
    pub fn unless_whole(shards: &[Shard]) -> Result<(), Self> {
        let first = *shards.first().ok_or(Self::Nothing)?;
        let mut seen = BTreeSet::new();
        for &shard in shards {
            if shard.of != first.of {
                return Err(Self::Different(shard, first));
            }
            if !seen.insert(shard.number) {
                return Err(Self::Twice(shard));
            }
        }
        let missing = (1..=first.of).find(|number| !seen.contains(number));
        missing.map_or(Ok(()), |number| Err(Self::Missing(Shard { number, of: first.of })))
    }
}

impl Verdict<HangRecord> {
    /// Adds what another shard found: a hang of one is a hang of all, and no part hangs where none does in any. A proof of one is a proof.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.answer = match (self.answer, other.answer) {
            (Answer::Hang, _) | (_, Answer::Hang) => Answer::Hang,
            (Answer::NoHang, _) | (_, Answer::NoHang) => Answer::NoHang,
            (one, other) if one == other => one,
            _ => Answer::Undecided,
        };
        if !self.engine.split(", ").any(|engine| engine == other.engine) {
            self.engine = format!("{}, {}", self.engine, other.engine);
        }
        self.complete |= other.complete;
        self.states += other.states;
        self.transitions += other.transitions;
        self.depth = self.depth.max(other.depth);
        self.seconds += other.seconds;
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
        self.stopped_by = self.stopped_by.or(other.stopped_by);
        self.executions = match (self.executions, other.executions) {
            (Some(mut one), Some(other)) => {
                one.count += other.count;
                one.labels += other.labels;
                one.cut += other.cut;
                // What two shards saw may be the same, and the first hang of both has no number.
                one.outcomes = one.outcomes.max(other.outcomes);
                one.new_outcomes = one.new_outcomes.max(other.new_outcomes);
                (one.seed, one.first_hang) = (None, None);
                Some(one)
            }
            (one, other) => one.or(other),
        };
        self.parts = match (self.parts, other.parts) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        for hang in other.hangs {
            match self.hangs.iter_mut().find(|known| known.id == hang.id) {
                Some(known) if known.length <= hang.length => {}
                Some(known) => *known = hang,
                None => self.hangs.push(hang),
            }
        }
        self.hangs
            .sort_by(|one, other| (one.length, &one.id).cmp(&(other.length, &other.id)));
        self.findings.extend(other.findings);
        self
    }
}

impl PartsSearched {
    /// Adds the parts of another shard. What one shard has not come to was not searched.
    fn and(mut self, other: Self) -> Self {
        self.proved += other.proved;
        self.hung += other.hung;
        self.undecided += other.undecided;
        self.stand_for += other.stand_for;
        self.states += other.states;
        self.sampled += other.sampled;
        self.stopped_at_hang |= other.stopped_at_hang;
        self.not_lifted.extend(other.not_lifted);
        (self.servers, self.edges) = (self.servers, self.edges).min((other.servers, other.edges));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_a_number_of_a_count() {
        assert_eq!("2/5".parse(), Ok(Shard { number: 2, of: 5 }));
        for wrong in ["0/5", "6/5", "2", "2/", "/5", "a/b", "2/5/7", "-1/2"] {
            let error = wrong.parse::<Shard>().unwrap_err();
            assert_eq!(error, format!("\"{wrong}\", expected NUMBER/COUNT as in 2/5"));
        }
    }

    #[test]
    fn every_piece_is_of_exactly_one_shard_and_each_draws_from_a_seed_of_its_own() {
        let shards = [1, 2, 3].map(|number| Shard { number, of: 3 });
        for piece in 0..20 {
            assert_eq!(shards.iter().filter(|shard| shard.has(piece)).count(), 1, "{piece}");
        }
        let seeds: BTreeSet<u64> = shards.iter().map(|shard| shard.seed(7)).collect();
        assert_eq!((seeds.len(), Shard::ALL.seed(7)), (3, 7));
    }

    fn found(answer: Answer, hangs: &[(&str, usize)], proved: u64) -> Verdict<HangRecord> {
        let hang = |&(id, length): &(&str, usize)| HangRecord {
            id: id.to_owned(),
            length,
            ..HangRecord::default()
        };
        Verdict {
            answer,
            hangs: hangs.iter().map(hang).collect(),
            parts: Some(PartsSearched {
                proved,
                servers: 3,
                edges: proved as usize,
                ..PartsSearched::default()
            }),
            ..Verdict::default()
        }
    }

    #[test]
    fn a_hang_of_one_shard_is_one_of_all_and_no_part_hangs_only_where_every_shard_says_so() {
        use Answer::{Hang, NoHang, NoHangInParts, Undecided};
        for (one, other, both) in [
            (Hang, Undecided, Hang),
            (NoHangInParts, Hang, Hang),
            (NoHangInParts, NoHangInParts, NoHangInParts),
            (NoHangInParts, Undecided, Undecided),
            (NoHang, NoHangInParts, NoHang),
        ] {
            let joined = found(one, &[], 2).and(found(other, &[], 5));
            assert_eq!(joined.answer, both, "{one}, {other}");
            let parts = joined.parts.expect("of both");
            assert_eq!((parts.proved, parts.servers, parts.edges), (7, 3, 2));
        }
        let joined = found(Hang, &[("a", 9), ("b", 4)], 1).and(found(Hang, &[("a", 7), ("c", 5)], 1));
        let hangs: Vec<(&str, usize)> = joined
            .hangs
            .iter()
            .map(|hang| (hang.id.as_str(), hang.length))
            .collect();
        assert_eq!(hangs, [("b", 4), ("c", 5), ("a", 7)]);
    }
}
