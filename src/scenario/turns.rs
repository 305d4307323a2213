//! `data` of a scenario: what the clients' loops find.

use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Turn;

/// The turns of the clients' loops.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Turns {
    /// Every worker has as much data: `["batch", "end"]`.
    Equal(Vec<Turn>),
    /// Each worker has data of its own: `[["batch", "end"], ["end"]]`.
    Own(Vec<Vec<Turn>>),
}

impl Turns {
    /// Returns the turns, one list for every worker or one for each.
    pub fn lists(&self) -> &[Vec<Turn>] {
        match self {
            Self::Equal(turns) => std::slice::from_ref(turns),
            Self::Own(lists) => lists,
        }
    }

    /// Returns true if some worker has a turn of this kind.
    pub fn contains(&self, turn: Turn) -> bool {
        self.lists().iter().any(|turns| turns.contains(&turn))
    }
}

impl<'de> Deserialize<'de> for Turns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<Entry>::deserialize(deserializer)?;
        let mixed =
            || D::Error::custom("turns beside lists of turns, expected one list for all workers, or one list for each");
        let (mut equal, mut own) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Turn(turn) => equal.push(turn),
                Entry::Worker(turns) => own.push(turns),
            }
        }
        match (equal.is_empty(), own.is_empty()) {
            (_, true) => Ok(Self::Equal(equal)),
            (true, false) => Ok(Self::Own(own)),
            (false, false) => Err(mixed()),
        }
    }
}

/// A turn, or the turns of a worker.
enum Entry {
    Turn(Turn),
    Worker(Vec<Turn>),
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Entry;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"batch\", \"end\", or a list of them for a worker")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Entry, E> {
                Turn::deserialize(StrDeserializer::new(text)).map(Entry::Turn)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Entry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Entry::Worker)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
