//! The comparison whether the model can do what a trace of the real runtime shows.
//!
//! [`conform`] looks for a schedule of the model that agrees with every thread of every process of a [`Trace`]. `mapping` is the table
//! from events to labels, `plan` says whose objects the ids are and what order the times force, `search` tries.

mod alignment;
mod calling;
mod cancels;
mod drive;
mod early;
mod ended;
mod identity;
mod keep;
mod mapping;
mod matching;
mod orders;
mod outcome;
mod plan;
mod policy;
mod position;
mod queueing;
mod resolve;
mod search;
mod trace;

pub use alignment::Aligned;
pub use outcome::{FirstDisagreement, Outcome};
pub use trace::{Function, Ids, Mark, Trace, TraceEvent};

use plan::{Action, Plan, Slot};
use position::{Context, Position};

use crate::machine::Model;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::StepId;

/// Decides whether the model's first step can do what the trace shows.
///
/// The model should be the whole graph and unreduced: [`TensorFlow::set_cancels_in_order`] off, [`TensorFlow::set_cleans_up`] on.
///
/// Where the model may call the partitions of a step in any order, each that the trace may show is tried.
pub fn conform(model: &TensorFlow, trace: &Trace) -> Outcome {
    let step = plan::shown_step(model, trace);
    let mut outcomes = calling::candidates(model, trace, step)
        .into_iter()
        .map(|order| conform_to(model, trace, step, order));
    let first = outcomes.next().expect("there is an order");
    if first.agreed {
        return first;
    }
    outcomes.find(|outcome| outcome.agreed).unwrap_or(first)
}

/// Returns true if a trace shows the partitions of a step called in another order than the model's one.
pub fn calls_in_another_order(model: &TensorFlow, trace: &Trace) -> bool {
    calling::differs(model, trace, plan::shown_step(model, trace))
}

fn conform_to(model: &TensorFlow, trace: &Trace, step: StepId, order: Vec<u16>) -> Outcome {
    let plan = match plan::plan(model, trace, step, order) {
        Ok(plan) => plan,
        Err(index) => return Outcome::foreign(model, trace, index),
    };
    let context = Context { model, plan: &plan };
    let contradiction = orders::contradiction(model, &plan);
    let mut found = match contradiction {
        None => search::search(&context),
        Some(_) => search::furthest(&context),
    };
    let mut outcome = Outcome {
        file: trace.file.clone(),
        agreed: found.complete,
        matched: matched(&plan, &found.position),
        aligned: alignment::align(trace, &plan, &found.position),
        total: trace.events.len() - plan.dropped.len(),
        dropped: plan.dropped.clone(),
        ..Outcome::default()
    };
    if let Some(contradiction) = contradiction {
        outcome.agreed = false;
        outcome.stuck = Some(refused(&context, trace, &found, &contradiction));
    } else if found.complete {
        match search::finish(&context, &mut found.position, &mut found.events) {
            Ok(shown) => outcome.after_end = shown,
            Err(reason) => outcome.break_model(reason),
        }
        if let Some((id, client)) = search::stuck_client(&context, &found.position) {
            let system: Vec<_> = found.position.system.processes.iter().collect();
            let wait_for = model.wait_for(&system, id, client);
            outcome.signature = Some(wait_for.signature());
            outcome.wait_for = Some(wait_for);
        }
    } else {
        outcome.stuck = disagreement(&context, trace, &found);
    }
    outcome.events = found.events;
    outcome
}

/// Returns how many events are behind their threads.
fn matched(plan: &Plan, at: &Position) -> usize {
    let behind = plan.threads.iter().zip(&at.done).map(|(thread, &done)| {
        let next = thread.slots.get(done);
        let place = next.and_then(|slot| thread.events.iter().position(|&event| event == slot.event));
        place.unwrap_or(thread.events.len())
    });
    behind.sum()
}

/// Returns the first event that the model can't do in a trace of which no run has all: where the search ends, if that is before the contradiction.
fn refused(
    context: &Context<'_>,
    trace: &Trace,
    found: &search::Found,
    contradiction: &orders::Contradiction<'_>,
) -> FirstDisagreement {
    let orders::Contradiction { slot, reason } = contradiction;
    let event = trace.events[slot.event].to_string();
    let sure = Some(format!("line {}, {event}: {reason}", slot.line));
    let stuck = disagreement(context, trace, found).filter(|stuck| stuck.line < slot.line);
    let stuck = stuck.unwrap_or(FirstDisagreement {
        line: slot.line,
        event,
        needed: needed(slot),
        reason: reason.clone(),
        given_up: None,
        sure: None,
    });
    FirstDisagreement {
        given_up: None,
        sure,
        ..stuck
    }
}

/// Returns the first line that the model can't do from the furthest place; `None` if all are done.
fn disagreement(context: &Context<'_>, trace: &Trace, found: &search::Found) -> Option<FirstDisagreement> {
    let tried_all = found.ended && context.plan.has_numbered_orders();
    let next = |thread| context.next(&found.position, thread);
    let refused = found.refusals.first();
    let refused = refused.and_then(|(_, thread, reason)| Some((next(*thread)?, reason.clone())));
    let (slot, reason) = refused.or_else(|| {
        let first = *context.to_do(&found.position).values().next()?;
        Some((next(first)?, "the search was cut off there".to_owned()))
    })?;
    Some(FirstDisagreement {
        line: slot.line,
        event: trace.events[slot.event].to_string(),
        needed: needed(slot),
        reason,
        given_up: (!tried_all).then_some(search::BUDGET),
        sure: None,
    })
}

fn needed(slot: &Slot) -> String {
    match &slot.action {
        Action::Run { label, .. } => label.name.to_owned(),
        Action::Past(labels) => {
            let names: Vec<&str> = labels.iter().map(|label| label.name).collect();
            format!("to have done {}", names.join(", "))
        }
        Action::Impossible(_) => "nothing that the table maps".to_owned(),
    }
}
