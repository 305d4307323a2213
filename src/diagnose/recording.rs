//! The recording of a run: who lived when, what each object was, where each frame went.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::machine::{Emphasis, Event, FrameKind, Label, Operation};

/// A run of a schedule. Processes, threads and objects are named once; everything else refers to them by index. Events are numbered
/// from 1; number 0 is the time before the first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recording {
    /// Task names, by [`crate::machine::ProcessId`].
    pub processes: Vec<String>,
    /// Every thread that lived, in the order of birth. A name that lived twice is two threads.
    pub threads: Vec<RecordedThread>,
    /// Every object that was touched or has a state to show.
    pub objects: Vec<RecordedObject>,
    /// The state of objects before the first event.
    pub initial: Vec<(usize, String)>,
    /// The threads that can run before the first event.
    pub ready: Vec<usize>,
    /// Events that ran, first to last.
    pub events: Vec<RecordedEvent>,
    /// Every frame, in the order of sending.
    pub frames: Vec<RecordedFrame>,
    /// Every time that a lock was held across labels, in the order of taking.
    pub locks: Vec<HeldLock>,
    /// Addresses where the source of a label can be read, by the label's name.
    pub sources: BTreeMap<&'static str, String>,
}

/// A thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedThread {
    /// Index of its process.
    pub process: usize,
    /// Its name in schedules.
    pub name: String,
    /// Name in plain words.
    pub words: String,
    /// The number of the event after which it lives; 0: from the beginning.
    pub from: usize,
    /// The number of the event with which it ended, if it did.
    pub to: Option<usize>,
}

/// An object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedObject {
    /// Index of its process.
    pub process: usize,
    /// Its name in schedules.
    pub name: String,
}

/// One label that ran.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedEvent {
    /// Index of the thread that ran it.
    pub thread: usize,
    /// The label.
    pub label: &'static Label,
    /// Index of the object that it touched.
    pub object: usize,
    /// Operation that the label declared.
    pub operation: Operation,
    /// The chosen outcome, where there were several.
    pub choice: Option<u32>,
    /// The other threads that could have run, in canonical order.
    pub others: Vec<usize>,
    /// Emphasis, where the eye should stop.
    pub emphasis: Option<Emphasis>,
    /// Effect of the event, in plain words that follow the thread's name.
    pub words: String,
    /// Objects whose state it changed, in its process and where its frames arrived, and their new state; `None`: gone.
    pub changes: Vec<(usize, Option<String>)>,
    /// Threads that it made able to run, or changed in what they do next; its own not.
    pub wakes: Vec<usize>,
}

/// A frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedFrame {
    /// Name of the frame.
    pub name: String,
    /// Purpose of the frame.
    pub kind: FrameKind,
    /// Index of the process that sent it.
    pub from: usize,
    /// The number of the event that sent it.
    pub sent: usize,
    /// Index of the process that it went to.
    pub to: usize,
    /// Fate of the frame.
    pub fate: Fate,
}

/// The fate of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The event with this number acted on it first.
    Taken(usize),
    /// It arrived and nobody has acted on it.
    Waiting,
    /// It arrived and changed nothing: nobody waited for it any more.
    Ignored,
}

/// A lock that was held across labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct HeldLock {
    /// Index of the object that it belongs to.
    pub object: usize,
    /// Index of the thread that held it.
    pub thread: usize,
    /// The number of the event that took it; 0: held from the beginning.
    pub from: usize,
    /// The number of the event that released it, if one did.
    pub to: Option<usize>,
}

impl Recording {
    /// Returns the process of an event's thread.
    pub fn process_of(&self, event: &RecordedEvent) -> usize {
        self.threads[event.thread].process
    }

    /// Returns an event as schedules write it.
    pub fn event(&self, event: &RecordedEvent) -> Event {
        let thread = &self.threads[event.thread];
        Event {
            process: self.processes[thread.process].clone(),
            thread: thread.name.clone(),
            label: event.label.name.to_owned(),
            object: self.objects[event.object].name.clone(),
            choice: event.choice,
        }
    }

    /// Returns all events as schedules write them.
    pub fn schedule(&self) -> Vec<Event> {
        self.events.iter().map(|event| self.event(event)).collect()
    }
}
