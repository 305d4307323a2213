//! Running a model with the threads and locks of another engine: what real threads, shuttle and loom share.
//!
//! Each process is a monitor: one lock of the engine ([`Runtime::Lock`]). Each live thread of the model is a thread of the engine
//! that repeats: take the lock of its process, wait there until its declared guard holds, run *one* label, wake whose guards hold
//! now, release the lock. Threads that a label creates are started. So the engine decides in which order labels run, and nothing else.
//!
//! **Frames.** A frame is queued for its receiver when its label runs, and delivered under the receiver's lock before the receiver's
//! next label, or else a moment later by who sent it. Labels get their places in the record one at a time, each together with the frame
//! that it sends, and none of the receiver's is recorded while a frame waits for it. So the recorded order is a schedule of the model, in
//! which each frame is delivered at once: between sending and delivery the receiver runs nothing, and who runs elsewhere does not
//! touch it. Frames of several senders that wait together are delivered in the order of the processes, which is none of the record's, but
//! deliveries of different senders commute (`Model::deliver`).
//!
//! **Rest.** A thread whose guard is false leaves the `ActiveCount` before it waits, and who makes its guard true enters it again. The
//! thread that leaves last knows that nobody can run and that no frame is on its way (who sends one delivers it before it waits): it
//! takes the outcome and wakes the others to end. So a hang is no deadlock of the engine, every execution has an outcome, and an
//! exploration goes on after a hang. The states, the queues, the active count and the record are ordinary data of the standard library that
//! an engine does not see. States are touched under the engine's lock only.
//!
//! **Forced schedules.** With a [`ForcedSchedule`] a thread's guard is also that the next event of a recorded schedule is its own; whoever
//! ran an event looks up the next one and wakes its thread. So every engine replays a schedule, in the same way, and notices at once where
//! it differs.

mod drive;
mod execution;
mod forced_schedule;
mod limits;
mod monitor;
mod runtime;
mod statistics;

pub use self::drive::{Driver, drive};
pub use self::execution::{Ended, Execution, Taken};
pub use self::forced_schedule::{Followed, ForcedSchedule};
pub use self::limits::{Bounds, Limits};
pub use self::runtime::{Runtime, Standing};
pub use self::statistics::{Statistics, StatisticsStatus};
