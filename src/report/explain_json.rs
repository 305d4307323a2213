//! An explained hang for programs.

use serde::Serialize;

use crate::diagnose::{Explanation, NoReturn, Recording, Waiting};
use crate::machine::Event;

/// The version of [`JsonExplanation`]: it grows when a field changes its meaning or goes; new fields do not count.
pub const EXPLANATION_VERSION: u32 = 1;

/// One explained hang. Its fields are a promise: programs read them. Events are numbered from 1.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonExplanation {
    /// [`EXPLANATION_VERSION`].
    pub version: u32,
    /// Who never gets its answer.
    pub client: String,
    /// Name of the signature, eight hexadecimal digits.
    pub signature: String,
    /// The signature in full.
    pub waits: String,
    /// The hang in plain words, paragraph by paragraph.
    pub story: Vec<String>,
    /// The point of no return.
    pub no_return: JsonNoReturn,
    /// Pairs of events of which the other order lets the client return.
    pub races: Vec<JsonRace>,
    /// Labels of which another outcome lets the client return.
    pub outcomes: Vec<JsonOutcome>,
    /// The waiting places; the first is the client's.
    pub waiting: Vec<JsonWaiting>,
    /// The schedule that all numbers refer to.
    pub events: Vec<JsonEvent>,
    /// What minimising did; absent if the schedule was explained as it is.
    pub minimised: Option<JsonMinimised>,
    /// How the searches were bounded.
    pub searches: JsonSearches,
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

/// A decisive race.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonRace {
    /// The number of the event that came first.
    pub first: usize,
    /// The number of the one that came later.
    pub second: usize,
    /// A run with the other order in which the client returns.
    pub otherwise: Vec<JsonStep>,
    /// The number of the second event in that run.
    pub second_there: usize,
    /// The number of the first event in that run; absent if it no longer happens.
    pub first_there: Option<usize>,
}

/// A decisive outcome.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonOutcome {
    /// The number of the event.
    pub event: usize,
    /// The outcome that lets the client return.
    pub instead: u32,
    /// A run with that outcome in which the client returns; the event has the same number there.
    pub otherwise: Vec<JsonStep>,
}

/// A waiting place.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonWaiting {
    /// The role of its process.
    pub role: String,
    /// The function that waits.
    pub function: String,
    /// The kind of object that it waits for.
    pub object: String,
    /// The same for people, with ids.
    pub detail: String,
    /// Why nobody will provide it, at the end of a chain.
    pub cause: Option<String>,
    /// What it waits for: indices of waiting places, from 0.
    pub waits_for: Vec<usize>,
    /// Who could have ended the wait.
    pub wakers: Vec<JsonWaker>,
}

/// Somebody who could have ended a wait.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonWaker {
    /// What would have ended it.
    pub who: String,
    /// Why it can't happen any more.
    pub why_not: String,
    /// The number of the event that settled it, if one did.
    pub settled_by: Option<usize>,
}

/// An event as schedules write it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonStep {
    /// Task name.
    pub process: String,
    /// Thread within it.
    pub thread: String,
    /// Label.
    pub label: String,
    /// Object.
    pub object: String,
    /// Outcome, where there are several.
    pub choice: Option<u32>,
}

/// An event of the schedule.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonEvent {
    /// What ran.
    #[serde(flatten)]
    pub step: JsonStep,
    /// The function of the original.
    pub function: &'static str,
    /// Where that stands, `file:line`.
    pub site: &'static str,
    /// What it did, in words that follow the thread's name.
    pub words: String,
}

/// What minimising did.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonMinimised {
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

/// How the searches were bounded.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonSearches {
    /// Questions that a run answered: the client can return.
    pub shown: usize,
    /// Questions that an exhaustive search answered: it can't.
    pub proved: usize,
    /// Questions that the bound left undecided.
    pub undecided: usize,
    /// The bound, in states.
    pub max_states: u64,
}

impl From<Event> for JsonStep {
    fn from(event: Event) -> Self {
        let Event {
            process,
            thread,
            label,
            object,
            choice,
        } = event;
        Self {
            process,
            thread,
            label,
            object,
            choice,
        }
    }
}

impl JsonExplanation {
    /// An explanation.
    pub fn of(explanation: &Explanation) -> Self {
        let steps = |events: &[Event]| events.iter().cloned().map(JsonStep::from).collect();
        let races = explanation.races.iter().map(|race| JsonRace {
            first: race.first,
            second: race.second,
            otherwise: steps(&race.otherwise),
            second_there: race.second_there,
            first_there: race.first_there,
        });
        let outcomes = explanation.outcomes.iter().map(|outcome| JsonOutcome {
            event: outcome.event,
            instead: outcome.instead,
            otherwise: steps(&outcome.otherwise),
        });
        let nodes = explanation.waits.nodes.iter().enumerate();
        let edges = &explanation.waits.edges;
        let searches = explanation.searches;
        Self {
            version: EXPLANATION_VERSION,
            client: explanation.client.clone(),
            signature: explanation.signature.id(),
            waits: explanation.signature.to_string(),
            story: explanation.story.clone(),
            no_return: no_return(explanation.no_return),
            races: races.collect(),
            outcomes: outcomes.collect(),
            waiting: nodes.map(|(index, node)| waiting(index, node, edges)).collect(),
            events: events(&explanation.recording),
            minimised: explanation.minimised.map(|minimised| JsonMinimised {
                events_before: minimised.events_before,
                events_after: minimised.events_after,
                switches_before: minimised.switches_before,
                switches_after: minimised.switches_after,
                replays: minimised.replays,
            }),
            searches: JsonSearches {
                shown: searches.shown,
                proved: searches.proved,
                undecided: searches.undecided,
                max_states: searches.max_states,
            },
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

fn waiting(index: usize, node: &Waiting, edges: &[(usize, usize)]) -> JsonWaiting {
    let next = edges.iter().filter(|(from, _)| *from == index);
    JsonWaiting {
        role: node.role.clone(),
        function: node.function.clone(),
        object: node.object.clone(),
        detail: node.detail.clone(),
        cause: node.cause.clone(),
        waits_for: next.map(|(_, to)| *to).collect(),
        wakers: node
            .wakers
            .iter()
            .map(|waker| JsonWaker {
                who: waker.who.clone(),
                why_not: waker.why_not.clone(),
                settled_by: waker.settled_by,
            })
            .collect(),
    }
}

fn events(recording: &Recording) -> Vec<JsonEvent> {
    let events = recording.events.iter().map(|event| JsonEvent {
        step: recording.event(event).into(),
        function: event.label.function,
        site: event.label.site,
        words: event.words.clone(),
    });
    events.collect()
}
