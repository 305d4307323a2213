//! Running a schedule again, one event at a time, and saying where it stops to agree.

use super::{Difference, End, Ending, Found, Mismatch, Schedule};
use crate::machine::{Event, Label, Model, Pending, ProcessId, System, panics};

/// A completion that has not ended by then will not: no model of ours runs as many labels.
const COMPLETION_MAX: usize = 100_000;
/// A large cluster, in which the steps of other workers are still to run, needs more to come to rest.
const REST_MAX: usize = 2_000_000;

/// One event that ran.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Event that ran.
    pub event: &'a Event,
    /// The label that it belongs to.
    pub label: &'static Label,
    /// Other threads that could have run instead, as `process/thread`, in canonical order.
    pub others: &'a [String],
}

/// The outcome of a replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayOutcome {
    /// Number of events ran.
    pub followed: usize,
    /// The first event that did not, if one did not.
    pub mismatch: Option<Mismatch>,
    /// The state after the last event that ran.
    pub end: End,
    /// Clients that wait in that state, but return if the threads that can still run do so: they do not hang.
    pub returning: Vec<String>,
}

impl ReplayOutcome {
    /// Returns the part of the schedule's promise that did not come true; `None` if all of it did.
    pub fn broken_promise(&self, schedule: &Schedule) -> Option<String> {
        let promised_failure = matches!(schedule.header.ending, Ending::Panic { .. });
        if let Some(mismatch) = &self.mismatch {
            let failed = matches!(mismatch.found, Found::Panic { .. } | Found::Contract(_));
            let kept = promised_failure && failed && mismatch.number == schedule.events.len();
            return (!kept).then(|| mismatch.to_string());
        }
        if promised_failure {
            return Some("the schedule promises that its last label fails, but it does not".to_owned());
        }
        let Ending::Hang { client, signature, .. } = &schedule.header.ending else {
            return None;
        };
        match self.end.hang_of(client) {
            None => Some(format!(
                "the schedule promises that {client} waits for ever, but it has its answer"
            )),
            Some(_) if self.returning.contains(client) => Some(format!(
                "the schedule promises that {client} waits for ever, but it returns when the other threads run on"
            )),
            Some((found, _)) if found.id() != *signature => Some(format!(
                "the schedule promises signature {signature}, but {client} waits with signature {}: {found}",
                found.id()
            )),
            Some(_) => None,
        }
    }
}

/// Runs a schedule and calls `on_event` after each event. Stops before the first that the model cannot do.
pub fn replay<M: Model>(model: &M, schedule: &Schedule, mut on_event: impl FnMut(&Step<'_>)) -> ReplayOutcome {
    let mut system = System::initial(model);
    let (followed, mismatch) = follow(model, &mut system, schedule, &mut on_event);
    let end = End::of(model, &system);
    let mut returning = Vec::new();
    if mismatch.is_none() && !end.at_rest() {
        come_to_rest(model, &mut system);
        returning = end.returning(&End::of(model, &system));
    }
    ReplayOutcome {
        followed,
        mismatch,
        end,
        returning,
    }
}

/// Runs the events of a schedule until one is impossible; returns how many ran and which did not.
pub(super) fn follow<M: Model>(
    model: &M,
    system: &mut System<M::Process>,
    schedule: &Schedule,
    on_event: &mut dyn FnMut(&Step<'_>),
) -> (usize, Option<Mismatch>) {
    let begin = system.clone();
    for (index, expected) in schedule.events.iter().enumerate() {
        let threads = system.threads(model);
        let (process, pending, choice) = match select(model, system, &threads, expected) {
            Ok(selected) => selected,
            Err(found) => return (index, Some(schedule.mismatch(index, found))),
        };
        let others = others(model, system, &threads, (process, pending.thread));
        if let Err(found) = run(model, system, process, pending, choice) {
            // A label that fails leaves nothing that could be looked at.
            *system = begin.clone();
            for event in &schedule.events[..index] {
                run_event(model, system, event).expect("it ran a moment ago");
            }
            return (index, Some(schedule.mismatch(index, found)));
        }
        on_event(&Step {
            number: index + 1,
            event: expected,
            label: pending.operation.label,
            others: &others,
        });
    }
    (schedule.events.len(), None)
}

/// Runs the first enabled thread, with choice 0, until none can run or a label fails; returns how many ran and which failed.
pub(super) fn complete<M: Model>(
    model: &M,
    system: &mut System<M::Process>,
    followed: usize,
    on_event: &mut dyn FnMut(&Step<'_>),
) -> (usize, Option<(Event, Found)>) {
    for completed in 0..COMPLETION_MAX {
        let enabled = system.enabled(model);
        let Some((process, pending)) = enabled.first() else {
            return (completed, None);
        };
        let event = system.event(model, *process, pending, 0);
        let others = others(model, system, &enabled, (*process, pending.thread));
        let mut next = system.clone();
        if let Err(found) = run(model, &mut next, *process, pending, 0) {
            return (completed, Some((event, found)));
        }
        *system = next;
        on_event(&Step {
            number: followed + completed + 1,
            event: &event,
            label: pending.operation.label,
            others: &others,
        });
    }
    (COMPLETION_MAX, None)
}

/// Lets every thread run, process by process, until none can, a label fails, or it does not end.
fn come_to_rest<M: Model>(model: &M, system: &mut System<M::Process>) {
    let mut ran = 0;
    loop {
        let before = ran;
        for index in 0..system.processes.len() {
            let id = ProcessId::new(index);
            while let Some(pending) = enabled_in(model, system, id) {
                let done = panics::catch(|| system.step_unchecked(model, id, &pending, 0));
                ran += 1;
                if done.is_err() || ran > REST_MAX {
                    return;
                }
            }
        }
        if ran == before {
            return;
        }
    }
}

/// Returns the first thread of a process that can run.
fn enabled_in<M: Model>(model: &M, system: &System<M::Process>, id: ProcessId) -> Option<Pending<M::Thread>> {
    let threads = model.threads(id, &system.processes[id.index()]);
    threads.into_iter().find(|pending| pending.enabled)
}

/// Returns the names of the threads that can run, but for one.
fn others<M: Model>(
    model: &M,
    system: &System<M::Process>,
    threads: &[(ProcessId, Pending<M::Thread>)],
    but: (ProcessId, M::Thread),
) -> Vec<String> {
    let enabled = threads.iter().filter(|(_, pending)| pending.enabled);
    let rest = enabled.filter(|(process, pending)| (*process, pending.thread) != but);
    rest.map(|(process, pending)| {
        let thread = model.thread_name(*process, &system.processes[process.index()], pending.thread);
        format!("{}/{thread}", model.process_name(*process))
    })
    .collect()
}

/// Runs one label; a panic of the model is a finding like any other.
fn run<M: Model>(
    model: &M,
    system: &mut System<M::Process>,
    process: ProcessId,
    pending: &Pending<M::Thread>,
    choice: u32,
) -> Result<(), Found> {
    match panics::catch(|| system.step(model, process, pending, choice)) {
        Ok(ran) => ran.map_err(Found::Contract),
        Err(payload) => Err(Found::panic(&*payload)),
    }
}

/// Runs the label that an event names.
pub(crate) fn run_event<M: Model>(model: &M, system: &mut System<M::Process>, event: &Event) -> Result<(), Found> {
    let threads = threads_of(model, system, &event.process);
    let (process, pending, choice) = select(model, system, &threads, event)?;
    run(model, system, process, pending, choice)
}

/// Returns the threads of the process with this name: all that an event of it can be about.
pub(super) fn threads_of<M: Model>(
    model: &M,
    system: &System<M::Process>,
    process: &str,
) -> Vec<(ProcessId, Pending<M::Thread>)> {
    let named = ProcessId::all(model.process_count()).find(|&id| model.process_name(id) == process);
    let threads = named.map(|id| (id, model.threads(id, &system.processes[id.index()])));
    let threads = threads
        .into_iter()
        .flat_map(|(id, threads)| threads.into_iter().map(move |one| (id, one)));
    threads.collect()
}

impl Schedule {
    /// Returns the thread that does an event (counted from 0) in this state, and with which outcome.
    ///
    /// # Errors
    /// When there is none.
    pub fn next<M: Model>(
        &self,
        model: &M,
        system: &System<M::Process>,
        index: usize,
    ) -> Result<(ProcessId, M::Thread, u32), Box<Mismatch>> {
        let threads = system.threads(model);
        match select(model, system, &threads, &self.events[index]) {
            Ok((process, pending, choice)) => Ok((process, pending.thread, choice)),
            Err(found) => Err(Box::new(self.mismatch(index, found))),
        }
    }

    /// Returns an event (counted from 0) that did not run.
    pub(crate) fn mismatch(&self, index: usize, found: Found) -> Mismatch {
        Mismatch {
            number: index + 1,
            line: self.line(index),
            expected: self.events[index].clone(),
            found,
        }
    }
}

pub(crate) type Selected<'a, T> = (ProcessId, &'a Pending<T>, u32);

/// Returns the thread that does an event now, or why there is none.
pub(crate) fn select<'a, M: Model>(
    model: &M,
    system: &System<M::Process>,
    threads: &'a [(ProcessId, Pending<M::Thread>)],
    expected: &Event,
) -> Result<Selected<'a, M::Thread>, Found> {
    let processes: Vec<String> = (0..model.process_count())
        .map(|id| model.process_name(ProcessId::new(id)))
        .collect();
    let Some(process) = processes.iter().position(|name| *name == expected.process) else {
        return Err(Found::NoProcess { processes });
    };
    let process = ProcessId::new(process);
    let state = &system.processes[process.index()];
    let named: Vec<(String, &Pending<M::Thread>)> = threads
        .iter()
        .filter(|(id, _)| *id == process)
        .map(|(_, pending)| (model.thread_name(process, state, pending.thread), pending))
        .collect();
    let Some((_, pending)) = named.iter().find(|(name, _)| *name == expected.thread) else {
        let threads = named.into_iter().map(|(name, _)| name).collect();
        return Err(Found::NotLive { threads });
    };
    let choices = pending.operation.choices;
    let found = system.event(model, process, pending, expected.choice.unwrap_or(0));
    if found.label != expected.label || found.object != expected.object {
        return Err(Found::Other(Difference {
            label: found.label,
            object: found.object,
        }));
    }
    if !pending.enabled {
        let enabled = named.iter().filter(|(_, other)| other.enabled);
        return Err(Found::NotEnabled {
            enabled: enabled.map(|(name, _)| name.clone()).collect(),
        });
    }
    // A search may have taken away all outcomes but the first, and then records none: a choice that is missing is the first.
    let unexpected = expected.choice.is_some() && found.choice.is_none();
    if unexpected || expected.choice.is_some_and(|choice| choice >= choices) {
        return Err(Found::Choice { choices });
    }
    Ok((process, pending, expected.choice.unwrap_or(0)))
}
