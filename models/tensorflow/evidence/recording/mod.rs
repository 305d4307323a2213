//! Recordings: what the probe wrote in the tasks of a job, as one trace per step ([`super::conform`] reads them).
//!
//! `attribution` finds the step of every event, `clocks` puts the clocks of several machines on one axis, `writing` makes the lines.

mod attribution;
mod clocks;
mod writing;

use std::collections::BTreeMap;

use lastbatch_probe_format::ring::{Function, Ring};
use serde::Serialize;
use thiserror::Error;

use attribution::Attributed;
use clocks::Clocks;

/// The version of the format of traces and of the index beside them.
pub const FORMAT: u32 = 1;
/// Time after which an event belongs to no step any more, in nanoseconds: sessions that are closed abort old steps.
const LATEST: i128 = 4_000_000_000;
/// `OutOfRange`, as in `tensorflow::error::Code`.
const OUT_OF_RANGE: i32 = 11;

/// The recording of a job: a ring per task.
#[derive(Debug)]
pub struct Recording {
    tasks: Vec<Ring>,
}

/// The reason why no traces can be made.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RecordingError {
    /// Nobody recorded.
    #[error("no task recorded anything, expected one ring of events per task")]
    Empty,
    /// Two rings of one task.
    #[error("two recordings of {0}, expected one per task")]
    Twice(String),
    /// No offset fits all messages.
    #[error("the clocks of {0} and {1} can't be put on one axis: their messages contradict each other by {2} us")]
    Clocks(String, String, i128),
}

/// The way in which a step ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It got a batch, and `sess.run` returned.
    Ordinary,
    /// The data had ended, and `sess.run` returned.
    End,
    /// Another error, and `sess.run` returned.
    Error,
    /// `sess.run` had not returned.
    Hang,
}

/// A step of a recording.
#[derive(Clone, PartialEq, Debug)]
pub struct StepTrace {
    /// The step's id.
    pub step: u64,
    /// How it ended.
    pub kind: Kind,
    /// Number of its events.
    pub events: usize,
    /// Its trace: JSON lines.
    pub text: String,
}

/// An event of a step, on the axis of all clocks.
struct Placed<'a> {
    time: i128,
    ring: &'a Ring,
    event: &'a Attributed,
}

impl Recording {
    /// Takes the rings of a job's tasks.
    ///
    /// # Errors
    /// When there is none, or two of one task.
    pub fn new(mut tasks: Vec<Ring>) -> Result<Self, RecordingError> {
        tasks.sort_by(|one, other| one.task.cmp(&other.task));
        if let Some(pair) = tasks.windows(2).find(|pair| pair[0].task == pair[1].task) {
            return Err(RecordingError::Twice(pair[0].task.clone()));
        }
        if tasks.iter().all(|ring| ring.records.is_empty()) {
            return Err(RecordingError::Empty);
        }
        Ok(Self { tasks })
    }

    /// Returns the number of events that are there, and of those that are lost.
    pub fn events(&self) -> (usize, u64) {
        let there = self.tasks.iter().map(|ring| ring.records.len()).sum();
        (there, self.tasks.iter().map(|ring| ring.lost).sum())
    }

    /// Returns the traces of the last steps in which a tensor went from task to task, the first of them first.
    ///
    /// A step that began before the oldest event of a task is not whole, and is left out.
    ///
    /// # Errors
    /// When the clocks contradict each other.
    pub fn traces(&self, last: usize) -> Result<Vec<StepTrace>, RecordingError> {
        let attributed: Vec<Vec<Attributed>> = self.tasks.iter().map(attribution::attribute).collect();
        let clocks = Clocks::of(&self.tasks, &attributed)?;
        let mut steps: BTreeMap<u64, Vec<Placed<'_>>> = BTreeMap::new();
        for (task, events) in attributed.iter().enumerate() {
            for event in events.iter().filter(|event| event.step != 0) {
                let placed = Placed {
                    time: clocks.place(task, event.record.time),
                    ring: &self.tasks[task],
                    event,
                };
                steps.entry(event.step).or_default().push(placed);
            }
        }
        let whole_from = self.whole_from(&clocks);
        let mut steps: Vec<(u64, Vec<Placed<'_>>)> = steps.into_iter().collect();
        for (_, events) in &mut steps {
            events.sort_by_key(|placed| placed.time);
            let latest = events[0].time + LATEST;
            events.retain(|placed| placed.time < latest);
        }
        steps.retain(|(_, events)| events[0].time > whole_from && events.iter().any(is_receive));
        steps.sort_by_key(|(_, events)| events[0].time);
        let first = steps.len().saturating_sub(last);
        let traces = steps[first..].iter().map(|(step, events)| StepTrace {
            step: *step,
            kind: kind(events),
            events: events.len(),
            text: writing::lines(events),
        });
        Ok(traces.collect())
    }

    /// Returns the time after which every task has all of its events: the step of a task's oldest event may have lost older ones.
    fn whole_from(&self, clocks: &Clocks) -> i128 {
        let tasks = self.tasks.iter().enumerate().filter(|(_, ring)| ring.lost > 0);
        let oldest = tasks.filter_map(|(task, ring)| Some(clocks.place(task, ring.records.first()?.time)));
        oldest.max().unwrap_or(i128::MIN)
    }
}

/// Returns true if a receive is issued.
fn is_receive(placed: &Placed<'_>) -> bool {
    placed.event.function == Function::ReceiveCall
}

fn kind(events: &[Placed<'_>]) -> Kind {
    let of = |function: Function| events.iter().filter(move |placed| placed.event.function == function);
    let begun = of(Function::RunGraphCall).next().is_some();
    let returned = of(Function::Run).next();
    let codes = || of(Function::StartAbort).map(|placed| placed.event.record.code);
    match returned {
        None if begun => Kind::Hang,
        _ if codes().any(|code| code == OUT_OF_RANGE) => Kind::End,
        Some(run) if run.event.record.code != 0 => Kind::Error,
        _ => Kind::Ordinary,
    }
}
