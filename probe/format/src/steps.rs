//! The conditions of steps: a table that all tasks of a job map, and that `lastbatch` reads.
//!
//! A head of [`HEAD`] bytes, then [`SLOTS`] slots of [`SLOT`] bytes. Numbers are little-endian. A slot belongs to the first step that
//! took it; steps that find none free are neither held nor told of.

/// Bytes of the head.
pub const HEAD: usize = 64;
/// Bytes of a slot.
pub const SLOT: usize = 64;
/// Number of slots.
pub const SLOTS: usize = 1 << 14;
/// Bytes of the file.
pub const BYTES: usize = HEAD + SLOT * SLOTS;

/// Head: set when the first batch went out. Nothing is held before.
pub const ARMED: usize = 0;
/// Head: the step for which servers read nothing.
pub const GATE: usize = 8;
/// Head: the number of tasks that refused to hold or record, as their TensorFlow is not the known one.
pub const REFUSED: usize = 16;
/// Head: the number of tasks that follow the holds.
pub const TASKS: usize = 24;

/// Slot: the step's id, 0 if the slot is free.
pub const ID: usize = 0;
/// Slot: a bit per rule whose `until` was left.
pub const REACHED: usize = 8;
/// Slot: a bit per rule whose hold ended because its `until` was left.
pub const KEPT: usize = 16;
/// Slot: a bit per rule whose hold lasted too long.
pub const LATE: usize = 24;
/// Slot: the marks below.
pub const MARKS: usize = 32;
/// Slot: the status code with which `sess.run` returned.
pub const CODE: usize = 40;
/// Slot: when the step began, in nanoseconds of the machine's monotonic clock.
pub const BEGAN: usize = 48;
/// Slot: a bit per rule whose hold has begun.
pub const HELD: usize = 56;

/// Mark: the step got a batch.
pub const BATCH: u64 = 1;
/// Mark: the master runs the step.
pub const BEGUN: u64 = 2;
/// Mark: `sess.run` has its answer.
pub const ENDED: u64 = 4;
/// Mark: the rendezvous of a process that would send a batch was aborted.
pub const ABORTED: u64 = 8;
/// Mark: the mend carried out a cancel that would have been lost.
pub const MENDED: u64 = 16;

/// A step, as the table tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The step's id.
    pub id: u64,
    /// A bit per rule whose hold has begun.
    pub held: u64,
    /// A bit per rule whose hold ended as it should.
    pub kept: u64,
    /// A bit per rule whose hold lasted too long.
    pub late: u64,
    /// Whether the step got a batch.
    pub batch: bool,
    /// Whether the mend carried out a cancel that would have been lost.
    pub mended: bool,
    /// Whether the master runs it.
    pub begun: bool,
    /// Whether `sess.run` has its answer.
    pub ended: bool,
    /// The status code of the answer.
    pub code: u64,
    /// When it began.
    pub began: u64,
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..at + 8).and_then(|field| field.try_into().ok());
    field.map_or(0, u64::from_le_bytes)
}

/// Returns a number of the head; 0 of a file that is too short.
pub fn head(bytes: &[u8], field: usize) -> u64 {
    number(bytes, field)
}

/// Returns every step of a table, those that began first first.
pub fn steps(bytes: &[u8]) -> Vec<Step> {
    let slots = bytes.get(HEAD..).unwrap_or_default().chunks_exact(SLOT);
    let mut steps: Vec<Step> = slots.filter(|slot| number(slot, ID) != 0).map(step).collect();
    steps.sort_by_key(|step| (step.began, step.id));
    steps
}

fn step(slot: &[u8]) -> Step {
    let marks = number(slot, MARKS);
    Step {
        id: number(slot, ID),
        held: number(slot, HELD),
        kept: number(slot, KEPT),
        late: number(slot, LATE),
        batch: marks & BATCH != 0,
        mended: marks & MENDED != 0,
        begun: marks & BEGUN != 0,
        ended: marks & ENDED != 0,
        code: number(slot, CODE),
        began: number(slot, BEGAN),
    }
}
