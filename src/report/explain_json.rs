//! An explained hang for programs.

use serde::Serialize;

use crate::diagnose::{Explanation, Minimised, NoReturn, Outcome, Race, Recording, Searches, Waiting};
use crate::machine::Event;

/// The version of [`JsonExplanation`]: it grows when a field changes its meaning or goes; new fields do not count.
pub const EXPLANATION_VERSION: u32 = 1;

/// One explained hang. Its fields are a promise: programs read them. Events are numbered from 1.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonExplanation<'a> {
    /// [`EXPLANATION_VERSION`].
    pub version: u32,
    /// The client that never gets its answer.
    pub client: &'a str,
    /// Name of the signature, eight hexadecimal digits.
    pub signature: String,
    /// The signature in full.
    pub waits: String,
    /// The hang in plain words, paragraph by paragraph.
    pub story: &'a [String],
    /// The point of no return.
    pub no_return: JsonNoReturn,
    /// Pairs of events of which the other order lets the client return.
    pub races: &'a [Race],
    /// Labels of which another outcome lets the client return.
    pub outcomes: &'a [Outcome],
    /// The waiting places; the first is the client's.
    pub waiting: Vec<JsonWaiting<'a>>,
    /// The length of the hang; further events only bring the system to rest.
    pub length: usize,
    /// The schedule that all numbers refer to.
    pub events: Vec<JsonEvent<'a>>,
    /// Report of the minimisation; absent if the schedule was explained as it is.
    pub minimised: Option<Minimised>,
    /// Bounds of the searches.
    pub searches: Searches,
}

/// The point of no return.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonNoReturn {
    /// The last event after which it is known that the client can still return; 0: before the first. Absent: it never could.
    pub can_after: Option<usize>,
    /// The first event after which it certainly can't.
    pub cannot_after: usize,
    /// Whether nothing lies between the two, so that `cannot_after` is the point itself.
    pub exact: bool,
}

/// A waiting place.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonWaiting<'a> {
    /// The place itself.
    #[serde(flatten)]
    pub place: &'a Waiting,
    /// Waiting places that it waits for: indices, from 0.
    pub waits_for: Vec<usize>,
}

/// An event of the schedule.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonEvent<'a> {
    /// Event that ran, as schedules write it.
    #[serde(flatten)]
    pub step: Event,
    /// The function of the original.
    pub function: &'static str,
    /// The place where that stands, `file:line`.
    pub site: &'static str,
    /// Effect of the event, in words that follow the thread's name.
    pub words: &'a str,
}

impl<'a> JsonExplanation<'a> {
    /// Returns an explanation.
    pub fn of(explanation: &'a Explanation) -> Self {
        let edges = &explanation.waits.edges;
        let places = explanation.waits.nodes.iter().enumerate();
        let waiting = places.map(|(index, place)| JsonWaiting {
            place,
            waits_for: edges
                .iter()
                .filter(|(from, _)| *from == index)
                .map(|(_, to)| *to)
                .collect(),
        });
        Self {
            version: EXPLANATION_VERSION,
            client: &explanation.client,
            signature: explanation.signature.id(),
            waits: explanation.signature.to_string(),
            story: &explanation.story,
            no_return: no_return(explanation.no_return),
            races: &explanation.races,
            outcomes: &explanation.outcomes,
            waiting: waiting.collect(),
            length: explanation.length,
            events: events(&explanation.recording),
            minimised: explanation.minimised,
            searches: explanation.searches,
        }
    }
}

fn no_return(no_return: NoReturn) -> JsonNoReturn {
    let (can_after, cannot_after) = match no_return {
        NoReturn::Event(number) => (number.checked_sub(1), number),
        NoReturn::Between(can, cannot) => (Some(can), cannot),
    };
    JsonNoReturn {
        can_after,
        cannot_after,
        exact: matches!(no_return, NoReturn::Event(_)),
    }
}

fn events(recording: &Recording) -> Vec<JsonEvent<'_>> {
    let events = recording.events.iter().map(|event| JsonEvent {
        step: recording.event(event),
        function: event.label.function,
        site: event.label.site,
        words: &event.words,
    });
    events.collect()
}
