//! The recorder: events into a ring in a mapped file. Nothing is ever flushed: the file is written as the events are.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use lastbatch_probe_format::ring::{
    AT_EVENTS, AT_MAGIC, AT_MONOTONIC, AT_PID, AT_PLACES, AT_TASK, AT_TEXTS, AT_VERSION, AT_WALL, HEAD, MAGIC, RECORD,
    Record, TASK, TEXTS, VERSION,
};

use crate::memory::{Mapped, monotonic, thread, wall};

/// The longest text that is kept.
const LONGEST: usize = 300;
/// Place of the first text: 0 is no text.
const FIRST: usize = 2;

/// A ring that is being written.
pub(crate) struct Recorder {
    file: Mapped,
    places: u64,
    texts: Mutex<Texts>,
}

/// Texts that the file has, with their places.
struct Texts {
    known: HashMap<Box<[u8]>, u32>,
    used: usize,
}

thread_local! {
    static THREAD: u32 = thread();
}

impl Recorder {
    /// Makes the ring of a task.
    pub(crate) fn create(path: &Path, task: &str, places: usize) -> io::Result<Self> {
        let file = Mapped::open(path, HEAD + TEXTS + places * RECORD)?;
        let name = task.as_bytes();
        file.write(AT_TASK, &name[..name.len().min(TASK - 1)]);
        let set = |at: usize, number: u64| file.number(at).store(number, Ordering::Relaxed);
        set(AT_VERSION, VERSION);
        set(AT_PLACES, places as u64);
        set(AT_PID, u64::from(std::process::id()));
        set(AT_MONOTONIC, monotonic());
        set(AT_WALL, wall());
        file.number(AT_MAGIC).store(MAGIC, Ordering::Release);
        let texts = Mutex::new(Texts {
            known: HashMap::new(),
            used: FIRST,
        });
        Ok(Self {
            file,
            places: places as u64,
            texts,
        })
    }

    /// Writes an event; its time and thread are filled in.
    pub(crate) fn record(&self, event: Record) {
        let record = Record {
            time: monotonic(),
            thread: THREAD.with(|thread| *thread),
            ..event
        };
        let number = self.file.number(AT_EVENTS).fetch_add(1, Ordering::Relaxed);
        let at = HEAD + TEXTS + (number % self.places) as usize * RECORD;
        let first = self.file.number(at);
        first.store(0, Ordering::Release);
        self.file.write(at + 8, &record.encode());
        first.store(number + 1, Ordering::Release);
    }

    /// Returns the place of a text, which is written if it is new. 0: there is no room for it.
    pub(crate) fn text(&self, text: &[u8]) -> u32 {
        let text = &text[..text.len().min(LONGEST)];
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = texts.known.get(text) {
            return *place;
        }
        let place = texts.used;
        let end = place + 2 + text.len();
        if end > TEXTS {
            return 0;
        }
        self.file.write(HEAD + place, &(text.len() as u16).to_le_bytes());
        self.file.write(HEAD + place + 2, text);
        texts.used = end;
        self.file.number(AT_TEXTS).store(end as u64, Ordering::Release);
        texts.known.insert(text.into(), place as u32);
        place as u32
    }
}
