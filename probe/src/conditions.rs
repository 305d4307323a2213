//! The conditions of steps, in a file that all tasks of a job map.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread, time::Duration};

use lastbatch_probe_format::steps::{
    ABORTED, ARMED, BATCH, BEGAN, BEGUN, BYTES, CODE, ENDED, GATE, HEAD, ID, MARKS, MENDED, REFUSED, SLOT, SLOTS, TASKS,
};

use crate::memory::{Mapped, monotonic};

/// A slot that is being cleared for another step.
const BUSY: u64 = u64::MAX;
/// Slots that are looked at for a step.
const TRIES: usize = 16;
/// Time between two looks at a condition.
pub(crate) const LOOK: Duration = Duration::from_micros(20);

/// The table.
#[derive(Clone, Copy)]
pub(crate) struct Conditions {
    file: Mapped,
}

/// The slot of one step.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    file: Mapped,
    at: usize,
}

impl Conditions {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: Mapped::open(path, BYTES)?,
        })
    }

    /// Returns a number of the head.
    fn head(&self, field: usize) -> &'static AtomicU64 {
        self.file.number(field)
    }

    /// Counts this task among those that follow the holds.
    pub(crate) fn join(&self) {
        self.head(TASKS).fetch_add(1, Ordering::Relaxed);
    }

    /// Counts this task among those that refuse.
    pub(crate) fn refuse(&self) {
        self.head(REFUSED).fetch_add(1, Ordering::Relaxed);
    }

    /// Returns true once a batch went out: nothing is held before, so that what comes before training is left alone.
    pub(crate) fn armed(&self) -> bool {
        self.head(ARMED).load(Ordering::Relaxed) != 0
    }

    /// Notes that a step got a batch: its holds end, and from now on there are holds.
    pub(crate) fn batch(&self, step: u64) {
        self.mark(step, BATCH);
        self.head(ARMED).store(1, Ordering::Relaxed);
        self.open_gate(step);
    }

    /// Keeps servers from reading, for a step.
    pub(crate) fn close_gate(&self, step: u64) {
        self.head(GATE).store(step, Ordering::Release);
    }

    /// Lets servers read again. Returns true if the gate was closed for this step until now.
    pub(crate) fn open_gate(&self, step: u64) -> bool {
        self.head(GATE)
            .compare_exchange(step, 0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Returns the step for which servers read nothing; 0 if they may.
    pub(crate) fn gate(&self) -> u64 {
        self.head(GATE).load(Ordering::Acquire)
    }

    pub(crate) fn begin(&self, step: u64) {
        if let Some(slot) = self.slot(step) {
            let fresh = slot.number(MARKS).fetch_or(BEGUN, Ordering::Relaxed) & BEGUN == 0;
            if fresh {
                slot.number(BEGAN).store(monotonic(), Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn end(&self, step: u64, code: i32) {
        if let Some(slot) = self.slot(step) {
            slot.number(CODE)
                .store(u64::from(code.unsigned_abs()), Ordering::Relaxed);
            slot.number(MARKS).fetch_or(ENDED, Ordering::Release);
        }
    }

    /// Notes that a process that would send a batch was aborted.
    pub(crate) fn aborted(&self, step: u64) {
        self.mark(step, ABORTED);
    }

    /// Notes that the mend carried out a cancel.
    pub(crate) fn mended(&self, step: u64) {
        self.mark(step, MENDED);
    }

    fn mark(&self, step: u64, mark: u64) {
        if let Some(slot) = self.slot(step) {
            slot.number(MARKS).fetch_or(mark, Ordering::AcqRel);
        }
    }

    /// Returns the slot of a step, which takes a free one, or that of a step that has ended. `None`: there is none, or no step.
    pub(crate) fn slot(&self, step: u64) -> Option<Slot> {
        if step == 0 || step == BUSY {
            return None;
        }
        let first = (step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as usize;
        let slot = |number: usize| Slot {
            file: self.file,
            at: HEAD + (first + number) % SLOTS * SLOT,
        };
        let mut all = (0..TRIES).map(slot);
        if let Some(slot) = all.find(|slot| slot.number(ID).load(Ordering::Acquire) == step) {
            return Some(slot);
        }
        for slot in (0..TRIES).map(slot) {
            let owner = slot.number(ID).load(Ordering::Acquire);
            let over = slot.number(MARKS).load(Ordering::Relaxed) & ENDED != 0;
            if owner == 0 || over {
                match slot.take(owner, step) {
                    Ok(()) => return Some(slot),
                    Err(now) if now == step => return Some(slot),
                    Err(_) => {}
                }
            }
        }
        None
    }
}

impl Slot {
    /// Returns a field.
    pub(crate) fn number(&self, field: usize) -> &'static AtomicU64 {
        self.file.number(self.at + field)
    }

    /// Gives the slot of one step to another.
    ///
    /// # Errors
    /// When somebody else was first: the step that has it now.
    fn take(&self, owner: u64, step: u64) -> Result<(), u64> {
        let id = self.number(ID);
        if let Err(mut now) = id.compare_exchange(owner, BUSY, Ordering::AcqRel, Ordering::Acquire) {
            while now == BUSY {
                thread::yield_now();
                now = id.load(Ordering::Acquire);
            }
            return Err(now);
        }
        for field in (ID + 8..SLOT).step_by(8) {
            self.number(field).store(0, Ordering::Relaxed);
        }
        id.store(step, Ordering::Release);
        Ok(())
    }

    /// Returns true if the step got a batch, or some process that would send one was aborted.
    pub(crate) fn marked(&self, marks: u64) -> bool {
        self.number(MARKS).load(Ordering::Acquire) & marks != 0
    }
}
