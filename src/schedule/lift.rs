//! The way from a schedule of a reduced or sliced search to one of the whole model.
//!
//! A reduction forgets work that can no longer matter, and a slice leaves nodes out. On the whole model that work is there, and it
//! may stand in the way: it holds a pool thread, or a count waits for it. It is run where the schedule can't go on without it.

use std::collections::HashMap;

use crate::machine::{Event, Model, Pending, ProcessId, System};

/// No more labels are put in before one event: a lift that needs more has lost its way.
const INSERTED_MAX: usize = 10_000;

/// A schedule on the whole model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lifted<P> {
    /// The events, those that were put in among them, with the choices that the whole model has.
    pub events: Vec<Event>,
    /// Number of events that were put in.
    pub inserted: usize,
    /// The state that they lead to.
    pub end: System<P>,
}

/// Runs `events` by their names on `model`. Before an event that can't run yet, labels run that the schedule does not have: those of
/// its own thread first, then those of its process, then those of others, in canonical order. A choice that is missing is the first.
///
/// # Errors
/// When an event can't be made to run, or a label breaks its contract; the text says which.
pub fn lift<M: Model>(model: &M, events: &[Event]) -> Result<Lifted<M::Process>, String> {
    let mut system = System::initial(model);
    let mut rest = Remaining::new(events);
    let mut lifted = Vec::new();
    for (index, wanted) in events.iter().enumerate() {
        for inserted in 0.. {
            let enabled = named(model, &system);
            if let Some((id, pending, event)) = enabled.iter().find(|(.., event)| same(event, wanted)) {
                let choice = wanted.choice.unwrap_or(0);
                lifted.push(Event {
                    choice: event.choice.map(|_| choice),
                    ..event.clone()
                });
                step(model, &mut system, *id, pending, choice)?;
                break;
            }
            let candidates = enabled.iter().filter(|(.., event)| !rest.has_next(events, event));
            let next = candidates.min_by_key(|(.., event)| (distance(event, wanted), &event.process));
            let (Some((id, pending, event)), true) = (next, inserted < INSERTED_MAX) else {
                let Event {
                    process, thread, label, ..
                } = wanted;
                let number = index + 1;
                return Err(format!(
                    "event {number} of a schedule ({process} {thread} {label}) can't run on the model without reductions"
                ));
            };
            lifted.push(event.clone());
            step(model, &mut system, *id, pending, 0)?;
        }
        rest.pass(wanted);
    }
    Ok(Lifted {
        inserted: lifted.len() - events.len(),
        events: lifted,
        end: system,
    })
}

/// Tells how far from the wanted event a label runs that is to make it possible.
fn distance(event: &Event, wanted: &Event) -> u8 {
    match (event.process == wanted.process, event.thread == wanted.thread) {
        (true, true) => 0,
        (true, false) => 1,
        _ => 2,
    }
}

/// Returns true if the events are the same but for the choice, of which a reduced model may have fewer.
fn same(one: &Event, other: &Event) -> bool {
    one.process == other.process && one.thread == other.thread && one.label == other.label && one.object == other.object
}

/// The rest of each thread of a schedule.
struct Remaining<'a> {
    /// Positions of each thread's events, last first; looked up by name only.
    of: HashMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Remaining<'a> {
    fn new(events: &'a [Event]) -> Self {
        let mut of: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (index, event) in events.iter().enumerate().rev() {
            of.entry((&event.process, &event.thread)).or_default().push(index);
        }
        Self { of }
    }

    /// Returns true if the schedule has this as the next event of its thread.
    fn has_next(&self, events: &[Event], event: &Event) -> bool {
        let thread = self.of.get(&(event.process.as_str(), event.thread.as_str()));
        let next = thread.and_then(|events| events.last());
        next.is_some_and(|&next| same(&events[next], event))
    }

    fn pass(&mut self, event: &'a Event) {
        if let Some(thread) = self.of.get_mut(&(event.process.as_str(), event.thread.as_str())) {
            thread.pop();
        }
    }
}

type Named<T> = (ProcessId, Pending<T>, Event);

fn named<M: Model>(model: &M, system: &System<M::Process>) -> Vec<Named<M::Thread>> {
    let enabled = system.enabled(model).into_iter();
    enabled
        .map(|(id, pending)| {
            let event = system.event(model, id, &pending, 0);
            (id, pending, event)
        })
        .collect()
}

fn step<M: Model>(
    model: &M,
    system: &mut System<M::Process>,
    id: ProcessId,
    pending: &Pending<M::Thread>,
    choice: u32,
) -> Result<(), String> {
    let done = system.step(model, id, pending, choice);
    done.map_err(|violation| violation.to_string())
}
