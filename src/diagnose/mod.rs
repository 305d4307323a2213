//! The way from a schedule that hangs to what an engineer needs to understand it.

mod chains;
mod explain;
mod no_return;
mod oracle;
mod races;
mod recorder;
mod recording;
mod shorten;
mod story;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use chains::chains;
pub use explain::{ExplainError, ExplainOptions, explain};
pub use recorder::record;
pub use recording::{Fate, HeldLock, RecordedEvent, RecordedFrame, RecordedObject, RecordedThread, Recording};
pub use shorten::shorten;

use crate::machine::{Signature, WaitFor};

/// A hang, explained. Events are numbered from 1, as in [`Recording`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The client that never gets its answer.
    pub client: String,
    /// The common part of every hang of this kind.
    pub signature: Signature,
    /// The schedule, run again with everything written down: what all numbers of events refer to.
    pub recording: Recording,
    /// The length of the hang: the number of events that matter, where somebody has found it; else all.
    pub length: usize,
    /// Waiting places in the end, and those who could have ended each wait.
    pub waits: WaitGraph,
    /// The first event after which the client can't return.
    pub no_return: NoReturn,
    /// Pairs of events of which the other order avoids the hang.
    pub races: Vec<Race>,
    /// Outcomes of labels of which another one avoids the hang.
    pub outcomes: Vec<Outcome>,
    /// The hang in plain words, paragraph by paragraph.
    pub story: Vec<String>,
    /// Report on what minimising left out of the given schedule; `None` if the schedule was explained as it is.
    pub minimised: Option<Minimised>,
    /// Bounds of the searches, and which of them a bound ended.
    pub searches: Searches,
}

impl Explanation {
    /// Returns the numbers of the events that decide: those of races, and those of outcomes.
    pub fn decisive(&self) -> BTreeSet<usize> {
        let races = self.races.iter().flat_map(|race| [race.first, race.second]);
        races.chain(self.outcomes.iter().map(|outcome| outcome.event)).collect()
    }

    /// Returns the decisive races as chains of events: races that begin where another one ends are joined, and each race is in one chain.
    pub fn chains(&self) -> Vec<Vec<usize>> {
        chains(&self.races)
    }

    /// Returns the other order of each race, then the other outcome of each label.
    pub fn other_runs(&self) -> impl Iterator<Item = &Recording> {
        let races = self.races.iter().map(|race| &race.otherwise);
        races.chain(self.outcomes.iter().map(|outcome| &outcome.otherwise))
    }

    /// Returns the numbers of the events that settled why a wait can't end, first to last.
    pub fn settled(&self) -> BTreeSet<usize> {
        let resolvers = self.waits.nodes.iter().flat_map(|node| &node.resolvers);
        resolvers.filter_map(|resolver| resolver.settled_by).collect()
    }
}

/// The graph of who waits for whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitGraph {
    /// The waiting places; the first is the client's.
    pub nodes: Vec<Waiting>,
    /// Edges from a waiting place to what it waits for, as indices into `nodes`.
    pub edges: Vec<(usize, usize)>,
}

/// A waiting place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Waiting {
    /// The role of its process, as in `ps`.
    pub role: String,
    /// The function that waits.
    pub function: String,
    /// The kind of object that it waits for.
    pub object: String,
    /// Detail for people, with ids.
    pub detail: String,
    /// The reason why nobody will provide it, at the end of a chain.
    pub cause: Option<String>,
    /// Those who could have ended the wait.
    #[serde(rename = "wakers")]
    pub resolvers: Vec<PossibleResolver>,
}

/// Somebody who could have ended a wait.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PossibleResolver {
    /// The event that would have ended the wait, and whose part that was.
    pub who: String,
    /// The reason why it can't happen any more.
    pub why_not: String,
    /// The event that settled it, if it was one.
    pub settled_by: Option<usize>,
}

impl PossibleResolver {
    /// Tells why it can't happen any more, with the event that settled it.
    pub fn reason(&self) -> String {
        match self.settled_by {
            Some(event) => format!("{} (event {event})", self.why_not),
            None => self.why_not.clone(),
        }
    }
}

impl WaitGraph {
    /// Returns a closure in words, with those who could have ended the wait of each node.
    pub fn of(closure: WaitFor, resolvers: impl Fn(usize) -> Vec<PossibleResolver>) -> Self {
        let nodes = closure.nodes.into_iter().enumerate().map(|(index, node)| Waiting {
            role: node.role.to_string(),
            function: node.label.to_string(),
            object: node.object.to_string(),
            detail: node.detail,
            cause: node.cause.map(|cause| cause.to_string()),
            resolvers: resolvers(index),
        });
        Self {
            nodes: nodes.collect(),
            edges: closure.edges,
        }
    }
}

/// The point of no return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoReturn {
    /// After this event no continuation lets the client return; before it, one does. 0: nothing ever did.
    Event(usize),
    /// It lies between these events: after the first the client can still return, after the second it can't. What is
    /// between was not decided within the bound.
    Between(usize, usize),
}

impl NoReturn {
    /// Returns the first event after which it is known that the client can't return.
    pub fn known_from(self) -> usize {
        match self {
            Self::Event(number) | Self::Between(_, number) => number,
        }
    }
}

/// Two events that race: with their order reversed, and all else kept as far as it can be, the client can return.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Race {
    /// The number of the event that came first.
    pub first: usize,
    /// The number of the one that came later.
    pub second: usize,
    /// A run with the other order in which the client returns.
    #[serde(serialize_with = "as_events")]
    pub otherwise: Recording,
    /// The number of the second event in that run.
    pub second_there: usize,
    /// The number of the first event in that run, if it still happens: the thread may do something else instead.
    pub first_there: Option<usize>,
}

/// A label with several outcomes: with another one, and all else kept as far as it can be, the client can return.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outcome {
    /// The number of the event.
    pub event: usize,
    /// The outcome that avoids the hang.
    pub instead: u32,
    /// A run with that outcome in which the client returns; the event has the same number there.
    #[serde(serialize_with = "as_events")]
    pub otherwise: Recording,
}

/// Writes a recorded run as its events.
fn as_events<S: Serializer>(run: &Recording, serializer: S) -> Result<S::Ok, S::Error> {
    run.schedule().serialize(serializer)
}

/// The report of a minimisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Minimised {
    /// Events before, up to rest.
    pub events_before: usize,
    /// Events after, up to rest.
    pub events_after: usize,
    /// Context switches before.
    pub switches_before: usize,
    /// Context switches after.
    pub switches_after: usize,
    /// Runs of the model that it took.
    pub replays: usize,
}

/// Counts of how the questions "can the client still return?" were answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Searches {
    /// Number of times that a run showed that it can.
    pub shown: usize,
    /// Number of times that an exhaustive search proved that it can't.
    pub proved: usize,
    /// Number of times that the bound ended the search first: such a pair is not called decisive.
    pub undecided: usize,
    /// The bound: states of one search.
    pub max_states: u64,
}
