//! One axis for the clocks of several machines, by the messages between their tasks.
//!
//! A server begins to handle a request after its client issued it and before the client learns of the answer. So each request bounds the
//! difference of the two clocks from both sides, and all of them together bound it well. Tasks of one machine have one clock: where no
//! difference at all is possible, none is assumed.

use std::collections::HashMap;

use lastbatch_probe_format::ring::{Function, Ring};

use super::RecordingError;
use super::attribution::{Attributed, ENTER};

/// The offset of each task's clock: what is added to its times.
pub(super) struct Clocks {
    offsets: Vec<i128>,
}

/// A request: its step, and the tensor's key, or the number of the server's task for `RunGraph`.
type Request = (u64, String);

/// Bounds of what is added to a server's times to make them a client's.
#[derive(Clone, Copy)]
struct Bounds {
    least: i128,
    most: i128,
}

impl Clocks {
    /// Finds the offsets, beginning from the first worker's clock.
    pub(super) fn of(rings: &[Ring], events: &[Vec<Attributed>]) -> Result<Self, RecordingError> {
        let bounds = bounds(rings, events);
        let first = rings
            .iter()
            .position(|ring| ring.task.starts_with("worker"))
            .unwrap_or(0);
        let mut offsets: Vec<Option<i128>> = vec![None; rings.len()];
        offsets[first] = Some(0);
        let mut reached = vec![first];
        while let Some(from) = reached.pop() {
            let base = offsets[from].unwrap_or(0);
            for (to, offset) in offsets.iter_mut().enumerate().filter(|(_, offset)| offset.is_none()) {
                let Some(bounds) = between(&bounds, from, to) else {
                    continue;
                };
                let apart = bounds.least.saturating_sub(bounds.most) / 1000;
                if apart > 0 {
                    let [one, other] = [from, to].map(|task| rings[task].task.clone());
                    return Err(RecordingError::Clocks(one, other, apart));
                }
                *offset = Some(base + bounds.middle());
                reached.push(to);
            }
        }
        // Who has no message has the wall clock only.
        let wall = |task: usize| rings[task].wall_ahead - rings[first].wall_ahead;
        let offsets = offsets
            .into_iter()
            .enumerate()
            .map(|(task, offset)| offset.unwrap_or_else(|| wall(task)));
        Ok(Self {
            offsets: offsets.collect(),
        })
    }

    /// Returns a time of a task on the common axis.
    pub(super) fn place(&self, task: usize, time: u64) -> i128 {
        i128::from(time) + self.offsets[task]
    }
}

impl Bounds {
    const NONE: Self = Self {
        least: i128::MIN,
        most: i128::MAX,
    };

    fn middle(self) -> i128 {
        match (self.least, self.most) {
            (least, most) if least <= 0 && most >= 0 => 0,
            (i128::MIN, most) => most,
            (least, i128::MAX) => least,
            (least, most) => least + (most - least) / 2,
        }
    }
}

/// Returns the bounds of what is added to the times of `to` to make them those of `from`, whichever of them served.
fn between(bounds: &HashMap<(usize, usize), Bounds>, from: usize, to: usize) -> Option<Bounds> {
    let served = bounds.get(&(from, to));
    let asked = bounds.get(&(to, from));
    if served.is_none() && asked.is_none() {
        return None;
    }
    let served = served.copied().unwrap_or(Bounds::NONE);
    let asked = asked.copied().unwrap_or(Bounds::NONE);
    let negative = |bound: i128| bound.checked_neg();
    Some(Bounds {
        least: served.least.max(negative(asked.most).unwrap_or(i128::MIN)),
        most: served.most.min(negative(asked.least).unwrap_or(i128::MAX)),
    })
}

/// Collects the bounds of every client and server that talked.
fn bounds(rings: &[Ring], events: &[Vec<Attributed>]) -> HashMap<(usize, usize), Bounds> {
    let mut handled: HashMap<Request, Vec<(usize, i128)>> = HashMap::new();
    for (task, ring) in rings.iter().enumerate() {
        for event in events[task].iter().filter(|event| event.record.mark == ENTER) {
            if event.function == Function::ReceiveHandler {
                let request = (event.step, ring.text(&event.record));
                handled
                    .entry(request)
                    .or_default()
                    .push((task, i128::from(event.record.time)));
            }
        }
    }
    let mut bounds: HashMap<(usize, usize), Bounds> = HashMap::new();
    for (client, ring) in rings.iter().enumerate() {
        for (index, event) in events[client].iter().enumerate() {
            if event.function != Function::ReceiveCall || event.record.mark != ENTER {
                continue;
            }
            let Some(at) = handled.get(&(event.step, ring.text(&event.record))) else {
                continue;
            };
            let issued = i128::from(event.record.time);
            let answered = answered(&events[client][index + 1..], event);
            for (server, time) in at {
                let pair = bounds.entry((client, *server)).or_insert(Bounds::NONE);
                pair.least = pair.least.max(issued - time);
                if let Some(answered) = answered {
                    pair.most = pair.most.min(answered - time);
                }
            }
        }
    }
    bounds
}

/// Returns when the client learned of the answer: the cancel function of the options was cleared. A call that was cancelled ends before its
/// server has answered, or even begun.
fn answered(later: &[Attributed], issued: &Attributed) -> Option<i128> {
    use Function::{ClearCancel, Mended, StartCancel};
    let own = later.iter().filter(|event| event.record.one == issued.record.one);
    let mut ends = own.filter(|event| matches!(event.function, ClearCancel | Mended | StartCancel));
    let end = ends.next().filter(|event| event.function == ClearCancel)?;
    Some(i128::from(end.record.time))
}
