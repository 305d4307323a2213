//! Schedules: the choices that an engine made, as a text file that replays anywhere.
//!
//! A file is a header of `key: value` lines, a blank line, then one event per line in aligned columns: process, thread, label,
//! object and, where the label has several outcomes, the chosen one. `docs/schedules.md` tells the format in full.

mod causes;
mod end;
mod format;
mod found;
mod guide;
mod length;
mod lift;
mod minimise;
mod parse;
mod prefix;
mod replay;

use std::fmt;

use crate::machine::{Event, Signature};

pub(crate) use causes::Causes;
pub use end::{ClientEnd, End};
pub(crate) use found::panic_text;
pub use found::{Difference, Found, Impossible, Mismatch};
pub(crate) use guide::{Move, Walk, events_of, moves_of};
pub use length::length;
pub use lift::{Lifted, lift};
pub use minimise::{MinimiseError, Minimised, Size, minimise};
pub use parse::event;
pub use prefix::{PrefixOutcome, replay_prefix};
#[cfg(feature = "tensorflow")]
pub(crate) use replay::run_event;
pub(crate) use replay::select;
pub use replay::{ReplayOutcome, Step, replay};

/// The newest format version, and the one that is written.
pub const FORMAT_VERSION: u32 = 1;

/// A schedule with its header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Subject of the schedule.
    pub header: Header,
    /// The labels that ran, first to last.
    pub events: Vec<Event>,
    /// The line of each event in its file.
    lines: Vec<usize>,
    /// Other threads that could have run at each event: a comment in the file, not read again.
    others: Vec<Vec<String>>,
}

/// The order of the roots in schedules that say nothing of it.
pub const ANY_ROOT_ORDER: &str = "all";

/// The subject of a schedule, and where it leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The model or the scenario that ran.
    pub subject: Subject,
    /// State that the last event leads to.
    pub ending: Ending,
}

/// The model or the scenario that ran.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A model of one's own, by its name. The program that has it replays its schedules.
    Model(String),
    /// A scenario.
    Scenario(ScenarioHeader),
}

/// The scenario of a schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScenarioHeader {
    /// File name of the scenario; it is looked for beside the schedule.
    pub scenario: String,
    /// Hash of the scenario's job and runtime.
    pub scenario_hash: Hash,
    /// Hash of the graph files' contents.
    pub graph_hash: Hash,
    /// Nodes of the graph that ran, as in `merged keep=2` or `full`.
    pub slice: String,
    /// The runtime's variant.
    pub variant: String,
    /// Order in which the master starts partitions.
    pub partition_order: String,
    /// Order in which roots are handed on; a file that does not say so is of [`ANY_ROOT_ORDER`].
    pub root_order: String,
}

impl Header {
    /// Returns the name of what ran: the file name of the scenario, or the name of the model.
    pub fn name(&self) -> &str {
        match &self.subject {
            Subject::Model(name) => name,
            Subject::Scenario(header) => &header.scenario,
        }
    }

    /// Returns the scenario, if it is a schedule of one.
    pub fn scenario(&self) -> Option<&ScenarioHeader> {
        match &self.subject {
            Subject::Model(_) => None,
            Subject::Scenario(header) => Some(header),
        }
    }
}

/// The state that a schedule leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// A client waits for ever.
    Hang {
        /// The client.
        client: String,
        /// Short name of the signature.
        signature: String,
        /// The signature in full.
        waits: String,
    },
    /// The label of the last event panics.
    Panic {
        /// Message of the panic.
        message: String,
    },
    /// Nothing in particular: a part of a run.
    Open,
}

impl Ending {
    /// Returns the hang of a client.
    pub fn hang(client: &str, signature: &Signature) -> Self {
        Self::Hang {
            client: client.to_owned(),
            signature: signature.id(),
            waits: signature.key(),
        }
    }
}

/// A 64-bit content hash (xxh3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Hash(pub u64);

impl Hash {
    /// Returns the hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "xxh3:{:016x}", self.0)
    }
}

impl Schedule {
    /// Returns a schedule of events that an engine recorded.
    pub fn record(header: Header, events: Vec<Event>) -> Self {
        let first = format::first_event_line(&header);
        let lines = (first..first + events.len()).collect();
        Self {
            header,
            events,
            lines,
            others: Vec::new(),
        }
    }

    /// Notes beside each event which other threads could have run, for people who read the file. `others` has one entry an
    /// event, as a replay tells them ([`Step::others`]); events beyond its end get no note.
    pub fn note_others(&mut self, others: Vec<Vec<String>>) {
        self.others = others;
    }

    /// Returns the line of an event (counted from 0) in the schedule's file, from 1.
    pub fn line(&self, event: usize) -> usize {
        self.lines[event]
    }
}

#[cfg(test)]
mod tests;
