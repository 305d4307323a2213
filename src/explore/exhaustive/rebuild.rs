//! Schedules: from a stored state back to the labels that lead there.

use super::found::{BrokenAt, HangAt};
use super::local_graphs::LocalGraphs;
use super::search::Search;
use super::store::NO_PARENT;
use super::successors::{Scratch, TrailStep, successors};
use crate::explore::FoundHang;
use crate::machine::{Event, ProcessId, Reducible, Signature, System, run_label};
use crate::schedule::{Lifted, lift};

/// A schedule that has not come to rest after this many more labels never will, as far as we care.
const LONGEST_REST: usize = 1_000_000;

/// Returns the hang at `at` with its schedule, replayed on the model without any reduction.
///
/// # Errors
/// When the schedule does not lead there: a bug in the engine, or a model that does not keep its promises.
pub(super) fn hang<M: Reducible>(
    search: &mut Search<'_, M>,
    signature: &Signature,
    at: &HangAt,
    cyclic: bool,
) -> Result<FoundHang, String> {
    let model = search.graphs.model;
    let trail = trail_to(search, at.state)?;
    let (events, reached) = replay_reduced(&search.graphs, &trail)?;
    let tuple = search.store.get(at.state).tuple;
    let stored = search.graphs.states(tuple);
    if !reached.processes.iter().eq(stored) {
        return Err(format!("the schedule of hang {} ends in another state", signature.id()));
    }
    let lifted = lift(model, &events)?;
    let length = lifted.events.len();
    let (events, plain) = run_to_rest(model, lifted, !cyclic)?;
    let states: Vec<&M::Process> = plain.processes.iter().collect();
    let wait_for = model.wait_for(&states, at.process, at.client);
    if wait_for.signature() != *signature {
        return Err(format!(
            "the schedule of hang {} ends in hang {} on the model without reductions",
            signature.id(),
            wait_for.signature().id()
        ));
    }
    Ok(FoundHang {
        client: at.name.clone(),
        signature: signature.clone(),
        wait_for,
        events,
        length,
    })
}

/// Returns the labels that lead to a stored state, on the model without any reduction.
pub(super) fn events_to<M: Reducible>(search: &Search<'_, M>, state: u32) -> Result<Vec<Event>, String> {
    let trail = trail_to(search, state)?;
    let (events, _) = replay_reduced(&search.graphs, &trail)?;
    Ok(lift(search.graphs.model, &events)?.events)
}

/// Returns the labels before the one that fails.
pub(super) fn events_to_failure<M: Reducible>(search: &mut Search<'_, M>, at: &BrokenAt) -> Result<Vec<Event>, String> {
    if at.state == NO_PARENT {
        return Ok(Vec::new());
    }
    let mut trail = trail_to(search, at.state)?;
    trail.extend(&at.trail);
    Ok(replay_reduced(&search.graphs, &trail)?.0)
}

/// Returns the steps from the initial state to a stored one: of several between the same two states the first.
fn trail_to<M: Reducible>(search: &Search<'_, M>, target: u32) -> Result<Vec<TrailStep>, String> {
    let (graphs, store) = (&search.graphs, &search.store);
    let mut scratch = Scratch::default();
    let mut hops = Vec::new();
    let mut child = target;
    while store.get(child).parent != NO_PARENT {
        let reached = store.get(child);
        let labels = reached.depth - store.get(reached.parent).depth;
        let mut hop: Option<Vec<TrailStep>> = None;
        let emit = |transition: super::successors::Transition<'_>| {
            if hop.is_none() && transition.labels == labels && transition.tuple == reached.tuple {
                hop = Some(transition.trail.to_vec());
            }
        };
        successors(graphs, &mut scratch, store.get(reached.parent).tuple, emit, |_, _| {});
        hops.push(hop.ok_or("a stored state does not follow from its parent")?);
        child = reached.parent;
    }
    hops.reverse();
    Ok(hops.concat())
}

/// Runs the steps label by label, forgetting what the search forgot.
fn replay_reduced<M: Reducible>(
    graphs: &LocalGraphs<'_, M>,
    trail: &[TrailStep],
) -> Result<(Vec<Event>, System<M::Process>), String> {
    let model = graphs.model;
    let mut system = System::initial(model);
    let forget = |process: usize, system: &mut System<M::Process>| {
        if graphs.reductions.forget_dead {
            model.eliminate_dead(ProcessId::new(process), &mut system.processes[process]);
        }
    };
    (0..system.processes.len()).for_each(|process| forget(process, &mut system));
    let mut events = Vec::new();
    for step in trail {
        let (id, process) = (step.process, step.process.index());
        let (from, frames) = graphs.expansions[process].get(step.expansion).value;
        let raw = graphs
            .local(process, frames)
            .expand(&graphs.locals[process].get(from).value);
        let Some(raw) = raw.steps.get(step.step as usize) else {
            return Err("a step can't be computed again: the model is not deterministic".to_owned());
        };
        for (thread, choice) in &raw.path {
            let pendings = model.threads(id, &system.processes[process]);
            let pending = pendings
                .iter()
                .find(|pending| pending.enabled && pending.thread == *thread);
            let pending = pending.ok_or("a thread of the schedule is not enabled in its replay")?;
            events.push(system.event(model, id, pending, *choice));
            let sent = run_label(model, id, &mut system.processes[process], pending, *choice);
            forget(process, &mut system);
            for (to, frame) in sent.map_err(|violation| violation.to_string())? {
                model.deliver(to, &mut system.processes[to.index()], id, frame);
                forget(to.index(), &mut system);
            }
        }
    }
    Ok((events, system))
}

/// Adds what is left to run, if that comes to rest.
fn run_to_rest<M: Reducible>(
    model: &M,
    lifted: Lifted<M::Process>,
    to_rest: bool,
) -> Result<(Vec<Event>, System<M::Process>), String> {
    let (mut events, mut system) = (lifted.events, lifted.end);
    for _ in 0..if to_rest { LONGEST_REST } else { 0 } {
        let enabled = system.enabled(model);
        let Some((id, pending)) = enabled.first() else {
            break;
        };
        events.push(system.event(model, *id, pending, 0));
        let done = system.step(model, *id, pending, 0);
        done.map_err(|violation| violation.to_string())?;
    }
    Ok((events, system))
}
