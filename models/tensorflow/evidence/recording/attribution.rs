//! The step of every event of a task. Events of `CallOptions` tell none: it follows from what their thread is in, and from whose options
//! they were last.

use std::collections::HashMap;

use lastbatch_probe_format::ring::{Function, Record, Ring};

/// Mark of a record: the function is entered.
pub(super) const ENTER: u8 = 0;
/// Mark of a record: the function is left.
pub(super) const LEAVE: u8 = 1;

/// An event with its step; 0: of none that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Attributed {
    pub(super) record: Record,
    pub(super) function: Function,
    pub(super) step: u64,
}

/// The state of a thread while its events are read.
#[derive(Default)]
struct Thread {
    /// Functions that it is in, with their steps.
    inside: Vec<(Function, u64)>,
    /// The step whose options it cleared last.
    cleared: u64,
    /// The step whose calls it cancels: after `whendone`, until it does something else.
    chain: Option<u64>,
}

/// The state of a process while its events are read.
#[derive(Default)]
struct Process {
    /// The step of options, by address.
    steps: HashMap<u64, u64>,
    threads: HashMap<u32, Thread>,
}

/// Returns the events of a task with their steps, in the order of their times.
pub(super) fn attribute(ring: &Ring) -> Vec<Attributed> {
    let mut records: Vec<Record> = ring.records.clone();
    // Threads take their numbers and their times one after the other, so neighbours may stand in the other order.
    records.sort_by_key(|record| record.time);
    let mut process = Process::default();
    let mut events: Vec<Attributed> = Vec::with_capacity(records.len());
    for record in records {
        let Some(function) = Function::numbered(record.function) else {
            continue;
        };
        let event = Attributed {
            record,
            function,
            step: process.step(function, &record),
        };
        if function == Function::ReceiveCall && record.mark == ENTER {
            adopt_cancel(&mut events, &event);
        }
        events.push(event);
    }
    events
}

/// Returns true for the three functions of `CallOptions`.
fn is_of_options(function: Function) -> bool {
    matches!(
        function,
        Function::SetCancel | Function::ClearCancel | Function::StartCancel
    )
}

/// Returns true for functions that take options and tell their step.
fn is_of_call(function: Function) -> bool {
    use Function::{ReceiveCall, ReceiveHandler, RunGraphCall, RunGraphHandler};
    matches!(function, RunGraphCall | RunGraphHandler | ReceiveCall | ReceiveHandler)
}

impl Process {
    /// Returns the step of an event, and learns from it.
    fn step(&mut self, function: Function, record: &Record) -> u64 {
        let thread = self.threads.entry(record.thread).or_default();
        let mut step = record.step;
        let enters = record.mark == ENTER;
        let of_client = function == Function::SetCancel && record.number == 0;
        if enters && (is_of_call(function) || of_client) {
            self.steps.insert(record.one, step);
        }
        if is_of_options(function) && !(of_client && step != 0) {
            let chained = (function == Function::StartCancel).then_some(thread.chain).flatten();
            let inside = thread.inside.last().map(|(_, step)| *step);
            let known = || self.steps.get(&record.one).copied();
            step = inside.or(chained).or_else(known).unwrap_or(0);
        }
        if function == Function::WhenDone {
            step = thread.cleared;
        }
        if record.mark == LEAVE && thread.inside.last().is_some_and(|(open, _)| *open == function) {
            let open = thread.inside.pop();
            if function != Function::Run {
                step = open.map_or(step, |(_, step)| step);
            }
        } else if enters && function != Function::Run {
            thread.inside.push((function, step));
        }
        thread.learn(function, step);
        step
    }
}

impl Thread {
    fn learn(&mut self, function: Function, step: u64) {
        use Function::{AbortStep, ClearCancel, FindOrCreate, StartAbort, StartCancel, WhenDone};
        match function {
            ClearCancel => {
                self.cleared = step;
                if self.inside.is_empty() {
                    self.chain = None;
                }
            }
            WhenDone => self.chain = Some(step),
            StartCancel | AbortStep | FindOrCreate | StartAbort => {}
            _ => self.chain = None,
        }
    }
}

/// Gives the cancel that stands directly before `register` to the receive that is issued then: it was made inside `RegisterCall`, which
/// is told of when it has returned, and its options were those of an older receive until now.
fn adopt_cancel(events: &mut [Attributed], issued: &Attributed) {
    let mine = (0..events.len())
        .rev()
        .take(200)
        .filter(|index| events[*index].record.thread == issued.record.thread);
    let last: Vec<usize> = mine.take(3).collect();
    let functions = [Function::Register, Function::StartCancel, Function::StartCancel];
    if last.len() == 3
        && last
            .iter()
            .zip(functions)
            .all(|(index, function)| events[*index].function == function)
    {
        for index in &last[1..] {
            if events[*index].record.one == issued.record.one {
                events[*index].step = issued.step;
            }
        }
    }
}
