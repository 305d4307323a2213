//! A schedule run again with everything written down.

use std::collections::BTreeMap;

use super::{Fate, HeldLock, RecordedEvent, RecordedFrame, RecordedObject, RecordedThread, Recording};
use crate::machine::{Describe, Event, Label, Model, ObjectId, Operation, Pending, ProcessId, System, run_label};
use crate::schedule::{Found, Impossible, select};

/// Runs events from the initial state and writes down what happens.
///
/// # Errors
/// When an event can't be done; a replay says why at more length.
pub fn record<M: Describe>(model: &M, events: &[Event]) -> Result<Recording, Impossible> {
    let mut recorder = Recorder::new(model);
    for (index, event) in events.iter().enumerate() {
        let impossible = |found| Impossible {
            number: index + 1,
            found,
        };
        recorder.run(event).map_err(impossible)?;
    }
    Ok(recorder.recording)
}

/// The one who will act on a frame.
enum Awaited {
    Thread(usize),
    Object(usize),
}

type Live<M> = BTreeMap<(ProcessId, <M as Model>::Thread), (usize, Option<Operation>)>;

struct Recorder<'a, M: Describe> {
    model: &'a M,
    system: System<M::Process>,
    recording: Recording,
    /// Live threads: their index, and what they can do next.
    live: Live<M>,
    objects: BTreeMap<(ProcessId, ObjectId), usize>,
    /// The state of each object that has one.
    states: BTreeMap<usize, String>,
    /// Frames that nobody has acted on.
    waiting: Vec<(usize, Awaited)>,
}

impl<'a, M: Describe> Recorder<'a, M> {
    fn new(model: &'a M) -> Self {
        let processes = ProcessId::all(model.process_count()).map(|id| model.process_name(id));
        let mut recorder = Self {
            model,
            system: System::initial(model),
            recording: Recording {
                processes: processes.collect(),
                ..Recording::default()
            },
            live: BTreeMap::new(),
            objects: BTreeMap::new(),
            states: BTreeMap::new(),
            waiting: Vec::new(),
        };
        for id in recorder.ids() {
            recorder.update_threads(id, 0);
            recorder.update_objects(id);
            recorder.update_locks(id, 0);
        }
        let ready = recorder.live.values().filter(|(_, next)| next.is_some());
        recorder.recording.ready = ready.map(|(thread, _)| *thread).collect();
        recorder.recording.initial = std::mem::take(&mut recorder.states).into_iter().collect();
        recorder.states = recorder.recording.initial.iter().cloned().collect();
        recorder
    }

    fn ids(&self) -> impl Iterator<Item = ProcessId> + use<M> {
        ProcessId::all(self.model.process_count())
    }

    fn run(&mut self, event: &Event) -> Result<(), Found> {
        let model = self.model;
        let number = self.recording.events.len() + 1;
        let threads = self.system.threads(model);
        let (id, pending, choice) = select(model, &self.system, &threads, event)?;
        let (thread, _) = self.live[&(id, pending.thread)];
        let object = self.object(id, pending.operation.object);
        self.source(pending.operation.label);
        self.acted(number, thread, object);
        let recorded = self.before(id, pending, choice, thread, object);
        let sent = run_label(model, id, &mut self.system.processes[id.index()], pending, choice);
        let sent = sent.map_err(Found::Contract)?;
        let mut wakes = self.update_threads(id, number);
        wakes.retain(|&woken| woken != thread);
        let mut changes = self.update_objects(id);
        self.update_locks(id, number);
        for (to, frame) in sent {
            let (woken, changed) = self.deliver(number, id, to, frame);
            wakes.extend(woken);
            changes.extend(changed);
            self.update_locks(to, number);
        }
        self.recording.events.push(RecordedEvent {
            wakes,
            changes,
            ..recorded
        });
        Ok(())
    }

    /// Notes where the source of a label can be read.
    fn source(&mut self, label: &'static Label) {
        let sources = &mut self.recording.sources;
        if !sources.contains_key(label.name)
            && let Some(address) = self.model.source(label)
        {
            sources.insert(label.name, address);
        }
    }

    /// Writes down what there is to say of an event before it runs.
    fn before(
        &self,
        id: ProcessId,
        pending: &Pending<M::Thread>,
        choice: u32,
        thread: usize,
        object: usize,
    ) -> RecordedEvent {
        let others = self
            .live
            .values()
            .filter(|(other, next)| *other != thread && next.is_some());
        RecordedEvent {
            thread,
            label: pending.operation.label,
            object,
            operation: pending.operation.clone(),
            choice: (pending.operation.choices > 1).then_some(choice),
            others: others.map(|(other, _)| *other).collect(),
            emphasis: self.model.emphasis(pending.operation.label),
            words: self
                .model
                .words(id, &self.system.processes[id.index()], pending, choice),
            changes: Vec::new(),
            wakes: Vec::new(),
        }
    }

    /// Frames that waited for this thread, or for whoever looks at this object next, are taken.
    fn acted(&mut self, number: usize, thread: usize, object: usize) {
        let frames = &mut self.recording.frames;
        self.waiting.retain(|(frame, awaited)| {
            let taken = match awaited {
                Awaited::Thread(awaited) => *awaited == thread,
                Awaited::Object(awaited) => *awaited == object,
            };
            if taken {
                frames[*frame].fate = Fate::Taken(number);
            }
            !taken
        });
    }

    fn deliver(
        &mut self,
        number: usize,
        from: ProcessId,
        to: ProcessId,
        frame: M::Frame,
    ) -> (Vec<usize>, Vec<(usize, Option<String>)>) {
        let model = self.model;
        let text = model.describe_frame(&frame);
        let state = &mut self.system.processes[to.index()];
        let (before, values) = (state.clone(), model.object_values(to, state));
        model.deliver(to, state, from, frame);
        let fate = if *state == before { Fate::Ignored } else { Fate::Waiting };
        let after = model.object_values(to, state);
        let born = self.recording.threads.len();
        let woken = self.update_threads(to, number);
        let index = self.recording.frames.len();
        if self.recording.threads.len() > born {
            self.waiting.push((index, Awaited::Thread(born)));
        } else if let Some((object, _)) = after.iter().find(|value| !values.contains(value)) {
            let object = self.object(to, *object);
            self.waiting.push((index, Awaited::Object(object)));
        }
        self.recording.frames.push(RecordedFrame {
            name: text.name,
            kind: text.kind,
            from: from.index(),
            sent: number,
            to: to.index(),
            fate,
        });
        (woken, self.update_objects(to))
    }

    /// Returns the index of an object.
    fn object(&mut self, id: ProcessId, object: ObjectId) -> usize {
        let objects = &mut self.recording.objects;
        *self.objects.entry((id, object)).or_insert_with(|| {
            objects.push(RecordedObject {
                process: id.index(),
                name: self.model.object_name(id, &self.system.processes[id.index()], object),
            });
            objects.len() - 1
        })
    }

    /// Notes births and deaths; returns the threads that can now do something that they could not before.
    fn update_threads(&mut self, id: ProcessId, number: usize) -> Vec<usize> {
        let state = &self.system.processes[id.index()];
        let now = self.model.threads(id, state);
        let ended = |thread: &M::Thread| now.iter().all(|pending| pending.thread != *thread);
        let threads = &mut self.recording.threads;
        self.live.retain(|(process, thread), (index, _)| {
            let over = *process == id && ended(thread);
            if over {
                threads[*index].to = Some(number);
            }
            !over
        });
        let mut woken = Vec::new();
        for pending in now {
            let next = pending.enabled.then_some(pending.operation);
            let (index, before) = self.live.entry((id, pending.thread)).or_insert_with(|| {
                threads.push(RecordedThread {
                    process: id.index(),
                    name: self.model.thread_name(id, state, pending.thread),
                    words: self.model.thread_words(id, state, pending.thread),
                    from: number,
                    to: None,
                });
                (threads.len() - 1, None)
            });
            if next.is_some() && next != *before {
                woken.push(*index);
            }
            *before = next;
        }
        woken
    }

    /// Updates the objects of a process whose state has changed.
    fn update_objects(&mut self, id: ProcessId) -> Vec<(usize, Option<String>)> {
        let described = self.model.describe_objects(id, &self.system.processes[id.index()]);
        let mut now = BTreeMap::new();
        for (object, text) in described {
            now.insert(self.object(id, object), text);
        }
        let mut changes = Vec::new();
        let recorded = &self.recording.objects;
        let gone = |object: &usize| recorded[*object].process == id.index() && !now.contains_key(object);
        let gone: Vec<usize> = self.states.keys().copied().filter(gone).collect();
        for object in gone {
            self.states.remove(&object);
            changes.push((object, None));
        }
        for (object, text) in now {
            if self.states.get(&object) != Some(&text) {
                changes.push((object, Some(text.clone())));
                self.states.insert(object, text);
            }
        }
        changes
    }

    fn update_locks(&mut self, id: ProcessId, number: usize) {
        let held = self.model.locks(id, &self.system.processes[id.index()]);
        let held: Vec<(usize, usize)> = held
            .into_iter()
            .map(|(object, owner)| (self.object(id, object), self.live[&(id, owner)].0))
            .collect();
        let objects = &self.recording.objects;
        let open = |lock: &HeldLock| lock.to.is_none() && objects[lock.object].process == id.index();
        for lock in self.recording.locks.iter_mut().filter(|lock| open(lock)) {
            if !held.contains(&(lock.object, lock.thread)) {
                lock.to = Some(number);
            }
        }
        for (object, thread) in held {
            let known = |lock: &HeldLock| lock.to.is_none() && (lock.object, lock.thread) == (object, thread);
            if !self.recording.locks.iter().any(known) {
                self.recording.locks.push(HeldLock {
                    object,
                    thread,
                    from: number,
                    to: None,
                });
            }
        }
    }
}
