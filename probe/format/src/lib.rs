//! The language between the probe, which runs inside the tasks of a job, and `lastbatch`, which runs beside it.
//!
//! Three files, all in the folder that [`FOLDER`] names: the [`holds`] that are asked for, the [`steps`] that all tasks write into
//! together, and one [`ring`] of events per task. Nothing here is unsafe and nothing here knows how the files are mapped.

pub mod holds;
pub mod ring;
pub mod steps;

/// The environment variable with the folder of a job's files; without it nothing is recorded and nothing is held.
pub const FOLDER: &str = "LASTBATCH_PROBE";
/// The environment variable with the mend that is asked for.
pub const FIX: &str = "LASTBATCH_FIX";
/// The one mend: `CallOptions` remember a cancel that came before their cancel function.
pub const STICKY_CANCEL: &str = "sticky-cancel";
/// The environment variable with the number of events that a task's ring keeps.
pub const EVENTS: &str = "LASTBATCH_EVENTS";
/// Name of the file with the holds, in the folder.
pub const HOLDS_FILE: &str = "holds";
/// Name of the file with the conditions of steps, in the folder.
pub const STEPS_FILE: &str = "steps";
/// Ending of the files with events, in the folder.
pub const RING_ENDING: &str = "ring";
