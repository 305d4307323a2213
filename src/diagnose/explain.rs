//! A hang explained: what every part of an explanation is made of.

use thiserror::Error;

use super::oracle::Oracle;
use super::{Explanation, Minimised, PossibleResolver, RecordedEvent, Recording, Searches, WaitGraph};
use super::{no_return, races, record, story};
use crate::machine::{Describe, Event, ObjectId, ProcessId, Reducible, Signature, System};
use crate::schedule::{Impossible, MinimiseError, Walk, minimise, moves_of};

/// Options of an explanation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExplainOptions {
    /// Whether the schedule is minimised first.
    pub minimise: bool,
    /// States that one search may store before it is given up as undecided.
    pub max_states: u64,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            minimise: true,
            max_states: 500_000,
        }
    }
}

/// The reason why a schedule can't be explained.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ExplainError {
    /// It is no schedule of that hang.
    #[error(transparent)]
    Minimise(#[from] MinimiseError),
    /// It can't be followed.
    #[error(transparent)]
    Impossible(#[from] Impossible),
    /// Where it ends the client can still return, or the bound of the search left it open.
    #[error("it is not proved that {0} can't return from where the schedule ends")]
    NotProved(String),
    /// The model has no such client.
    #[error("there is no client {0}")]
    NoClient(String),
}

/// Explains the hang of `client` with `signature` in which a schedule ends.
///
/// # Errors
/// When it does not end so.
pub fn explain<M: Describe + Reducible>(
    model: &M,
    events: &[Event],
    client: &str,
    signature: &Signature,
    options: &ExplainOptions,
) -> Result<Explanation, ExplainError> {
    let smaller = options
        .minimise
        .then(|| minimise(model, events, client, signature))
        .transpose()?;
    let events = smaller.as_ref().map_or(events, |smaller| &smaller.events);
    let recording = record(model, events)?;
    let moves = moves_of(model, System::initial(model), events)?;
    let mut end = Walk::new(model);
    end.follow(&moves);
    // A client is named after the step that it runs: it has this name in the end, not always at the start.
    let found = end.system().client(model, client);
    let number = found.ok_or_else(|| ExplainError::NoClient(client.to_owned()))?;
    let mut oracle = Oracle {
        model,
        client: number,
        searches: Searches {
            max_states: options.max_states,
            ..Searches::default()
        },
    };
    let no_return = no_return::no_return(&mut oracle, &moves);
    let no_return = no_return.ok_or_else(|| ExplainError::NotProved(client.to_owned()))?;
    let until = no_return.known_from();
    let races = races::races(&mut oracle, &moves, until);
    let outcomes = races::outcomes(&mut oracle, &moves, until);
    let mut explanation = Explanation {
        client: client.to_owned(),
        signature: signature.clone(),
        length: events.len(),
        waits: waits(model, end.system(), &recording, number),
        recording,
        no_return,
        races,
        outcomes,
        story: Vec::new(),
        minimised: smaller.map(|smaller| Minimised {
            events_before: smaller.before.events,
            events_after: smaller.after.events,
            switches_before: smaller.before.switches,
            switches_after: smaller.after.switches,
            replays: smaller.runs,
        }),
        searches: oracle.searches,
    };
    explanation.story = story::story(&explanation);
    Ok(explanation)
}

/// Builds the graph of who waits for whom in the end.
fn waits<M: Describe>(
    model: &M,
    end: &System<M::Process>,
    recording: &Recording,
    (process, number): (ProcessId, usize),
) -> WaitGraph {
    let states: Vec<&M::Process> = end.processes.iter().collect();
    let closure = model.wait_for(&states, process, number);
    let resolvers = model.resolvers(&states, process, number);
    WaitGraph::of(closure, |index| {
        let own = resolvers.iter().filter(|resolver| resolver.node == index);
        let possible = own.map(|resolver| PossibleResolver {
            who: resolver.who.clone(),
            why_not: resolver.why_not.clone(),
            settled_by: settled_by(model, &states, recording, &resolver.settled_by),
        });
        possible.collect()
    })
}

/// Returns the last event that is one of those.
fn settled_by<M: Describe>(
    model: &M,
    states: &[&M::Process],
    recording: &Recording,
    by: &[(ProcessId, &'static str, ObjectId)],
) -> Option<usize> {
    let named: Vec<(usize, &str, String)> = by
        .iter()
        .map(|(process, label, object)| {
            let name = model.object_name(*process, states[process.index()], *object);
            (process.index(), *label, name)
        })
        .collect();
    let is_one = |event: &RecordedEvent| {
        let object = &recording.objects[event.object];
        named.iter().any(|(process, label, name)| {
            object.process == *process && event.label.name == *label && object.name == *name
        })
    };
    recording.events.iter().rposition(is_one).map(|index| index + 1)
}
