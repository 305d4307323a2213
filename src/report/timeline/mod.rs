//! The layout: where everything of a recording stands in a drawing: time runs downwards, one row per event; each thread has a lane, and
//! the lanes of a process stand together. Threads that do not live at the same time share a lane, so that a job with hundreds of closures
//! stays narrow. A thread that takes a message has its lane from the moment when that was sent.

mod draw;

pub(crate) use draw::{drawing, hue};

use std::collections::BTreeSet;

use crate::diagnose::{Fate, Recording};

/// Height of an event's row.
pub(crate) const ROW: usize = 24;
/// Between two lanes.
const LANE: usize = 14;
/// Around the lanes of a process.
const INSET: usize = 12;
/// Between the lanes of two processes.
const GAP: usize = 8;
/// The name of a process needs as much room.
const GROUP_MIN: usize = 56;
/// Rows between two threads that share a lane.
const APART: usize = 1;

/// The lanes of one process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Group {
    /// The place where it begins.
    pub(crate) left: usize,
    /// Its width.
    pub(crate) width: usize,
    /// Number of its lanes.
    pub(crate) columns: usize,
}

/// The lane of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lane {
    /// Index of its process.
    pub(crate) process: usize,
    /// Its place among the lanes of its process.
    pub(crate) column: usize,
    /// Number of the event after which it is there; 0: from the beginning.
    pub(crate) from: usize,
    /// Number of the event with which it ends, or of the last of all.
    pub(crate) to: usize,
}

/// A part of a thread's life during which it could run all the time, or waited all the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Life {
    pub(crate) thread: usize,
    /// Number of the event after which it begins.
    pub(crate) from: usize,
    /// Number of the event with which it ends.
    pub(crate) to: usize,
    /// Whether the thread could run.
    pub(crate) ready: bool,
}

/// The place where a message leaves and arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    /// Index into the recording's frames.
    pub(crate) frame: usize,
    /// The sender's lane.
    pub(crate) from: usize,
    /// The lane of whoever takes it; the edge of the receiving process, where nobody does.
    pub(crate) to: usize,
    /// Number of the event that sent it.
    pub(crate) sent: usize,
    /// Number of the event up to which it is under way: the one that takes it, the one that sent it if nobody waits for it, one after
    /// the last if it is never taken.
    pub(crate) until: usize,
}

/// A recording with the place of everything in it.
#[derive(Debug)]
pub(crate) struct Timeline<'a> {
    pub(crate) recording: &'a Recording,
    /// One per process.
    pub(crate) groups: Vec<Group>,
    /// One per thread.
    pub(crate) lanes: Vec<Lane>,
    pub(crate) lives: Vec<Life>,
    pub(crate) messages: Vec<Message>,
    /// Numbers of the events that are to stand out: those of races.
    pub(crate) marked: BTreeSet<usize>,
    /// Width of all lanes.
    pub(crate) width: usize,
}

impl<'a> Timeline<'a> {
    /// Gives everything its place.
    pub(crate) fn of(recording: &'a Recording, marked: BTreeSet<usize>) -> Self {
        let mut lanes = lanes(recording);
        let columns = share(&mut lanes, recording.processes.len());
        let mut groups = Vec::new();
        let mut left = 0;
        for columns in columns {
            let width = (2 * INSET + columns.saturating_sub(1) * LANE).max(GROUP_MIN);
            groups.push(Group { left, width, columns });
            left += width + GAP;
        }
        let mut timeline = Self {
            recording,
            groups,
            lives: lives(recording, &lanes),
            lanes,
            messages: Vec::new(),
            marked,
            width: left,
        };
        timeline.messages = (0..recording.frames.len())
            .map(|frame| timeline.message(frame))
            .collect();
        timeline
    }

    /// Tells where the lane of a thread stands.
    pub(crate) fn x(&self, thread: usize) -> usize {
        let lane = self.lanes[thread];
        self.groups[lane.process].left + INSET + lane.column * LANE
    }

    fn message(&self, frame: usize) -> Message {
        let recording = self.recording;
        let info = &recording.frames[frame];
        let edge = self.groups[info.to].left + INSET / 2;
        let (to, until) = match info.fate {
            Fate::Taken(number) => (self.x(recording.events[number - 1].thread), number),
            Fate::Waiting => (edge, recording.events.len() + 1),
            Fate::Ignored => (edge, info.sent),
        };
        Message {
            frame,
            from: self.x(recording.events[info.sent - 1].thread),
            to,
            sent: info.sent,
            until,
        }
    }
}

/// Tells from when to when each thread needs its lane.
fn lanes(recording: &Recording) -> Vec<Lane> {
    let last = recording.events.len();
    let threads = recording.threads.iter();
    let mut lanes: Vec<Lane> = threads
        .map(|thread| Lane {
            process: thread.process,
            column: 0,
            from: thread.from,
            to: thread.to.unwrap_or(last),
        })
        .collect();
    for frame in &recording.frames {
        if let Fate::Taken(number) = frame.fate {
            let lane = &mut lanes[recording.events[number - 1].thread];
            lane.from = lane.from.min(frame.sent);
        }
    }
    lanes
}

/// Returns the lives of all threads, cut where they begin or cease to wait, in the order of their ends.
fn lives(recording: &Recording, lanes: &[Lane]) -> Vec<Life> {
    let mut lives = Vec::new();
    // Since when each thread is as it is.
    let mut since: Vec<Option<(usize, bool)>> = vec![None; lanes.len()];
    for (index, event) in recording.events.iter().enumerate() {
        let mut can_run: Vec<bool> = vec![false; lanes.len()];
        for &thread in event.others.iter().chain([&event.thread]) {
            can_run[thread] = true;
        }
        for (thread, lane) in recording.threads.iter().enumerate() {
            let there = lane.from <= index && lane.to.is_none_or(|to| index < to);
            let now = there.then_some(can_run[thread]);
            if since[thread].map(|(_, ready)| ready) != now {
                if let Some((from, ready)) = since[thread] {
                    lives.push(Life {
                        thread,
                        from,
                        to: index,
                        ready,
                    });
                }
                since[thread] = now.map(|ready| (index, ready));
            }
        }
    }
    for (thread, since) in since.into_iter().enumerate() {
        if let Some((from, ready)) = since {
            let to = recording.threads[thread].to.unwrap_or(recording.events.len() + 1);
            lives.push(Life {
                thread,
                from,
                to,
                ready,
            });
        }
    }
    lives
}

/// Gives each thread the first lane of its process that is free; returns how many lanes each process has.
fn share(lanes: &mut [Lane], processes: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    order.sort_by_key(|&thread| (lanes[thread].from, thread));
    let mut free: Vec<Vec<usize>> = vec![Vec::new(); processes];
    for thread in order {
        let Lane { process, from, to, .. } = lanes[thread];
        let columns = &mut free[process];
        let column = match columns.iter().position(|&end| end + APART <= from) {
            Some(column) => column,
            None => {
                columns.push(0);
                columns.len() - 1
            }
        };
        columns[column] = to;
        lanes[thread].column = column;
    }
    free.iter().map(Vec::len).collect()
}

#[cfg(test)]
mod tests;
