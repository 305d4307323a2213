//! The parts of a concurrent system, and how one label of it runs.
//!
//! A system is a fixed set of *processes* that share nothing and exchange *frames*. A process holds *objects* (plain
//! sequential data) and *threads* (positions, also data). A thread declares the operation of its next *label* before the
//! label runs ([`Model::threads`]), then an engine picks a thread and [`Model::apply`] runs that one operation. This
//! module knows no model and no engine.
//!
//! Vocabulary:
//! - **label**: a point where another thread can run; one operation on one object.
//! - **thread**: whatever runs labels one after the other. A closure that waits in a pool's queue is a thread too: its
//!   next label takes a pool thread, and its guard is that one is idle.
//! - **frame**: a message on a connection; sending appends it to the receiver's state ([`Model::deliver`]).
//! - **client**: who waits for an answer of the system; a hang is a client for whom no continuation brings one.

mod bits;
mod condvar;
mod describe;
mod footprint;
mod fragment;
mod independence;
mod lock;
mod operation;
pub mod panics;
mod system;
mod unmodelled;
mod waiting;
mod wrapper;

pub use bits::BitSet;
pub use condvar::{Condvar, SpuriousWakeups};
pub use describe::{Describe, Emphasis, FrameKind, FrameText, Resolver};
pub use footprint::{Footprint, FrameSet, ThreadName};
pub use fragment::{Fragment, Group, GroupError};
pub use independence::{GuaranteeSet, Guarantees, Independence, Reducible};
pub use lock::Lock;
pub use operation::{Access, Label, ObjectId, Operation, Pending, ProcessId, Ready};
pub use system::{ContractViolation, Event, System, run_label};
pub use unmodelled::Unmodelled;
pub use waiting::{ClientStatus, Signature, Term, WaitFor, WaitNode};
pub use wrapper::Wrapper;

use std::fmt::Debug;
use std::hash::Hash;

/// A concurrent system as data: everything an engine needs to run it and to tell how it ended. What reductions need besides is in
/// [`Independence`] and [`Guarantees`], what people read in [`Describe`].
///
/// Implementations must be deterministic: the same state, thread and choice always give the same next state. They must
/// not look at clocks, addresses or hash order.
pub trait Model: Send + Sync {
    /// The whole state of one process: its objects and the positions of its threads, under canonical ids, so that two
    /// states that no observer can tell apart are equal.
    type Process: Clone + Eq + Hash + Debug + Send + Sync;
    /// Names a live thread within its process; canonical like the state.
    type Thread: Copy + Eq + Ord + Hash + Debug + Send + Sync;
    /// A message between processes.
    type Frame: Clone + Eq + Ord + Hash + Debug + Send + Sync;

    /// Returns the number of processes; their ids are `0..process_count()`.
    fn process_count(&self) -> usize;

    /// Returns the task name of a process, for people and schedules, as in `ps0`.
    fn process_name(&self, process: ProcessId) -> String;

    /// Returns the state in which a process starts.
    fn initial(&self, process: ProcessId) -> Self::Process;

    /// Returns every live thread of the process with the operation that it will do next, in canonical order. Threads whose guard is
    /// false are listed too, with `enabled: false`: they do nothing until it holds.
    fn threads(&self, process: ProcessId, state: &Self::Process) -> Vec<Pending<Self::Thread>>;

    /// Lists the threads of [`Model::threads`] that are enabled, in its order: all that an engine asks which follows one schedule. It
    /// has a default, because it says nothing of its own; a model that need not make operations for it is sampled faster.
    fn ready(&self, process: ProcessId, state: &Self::Process, ready: &mut Vec<Ready<Self::Thread>>) {
        let threads = self.threads(process, state);
        ready.extend(threads.iter().filter_map(Ready::of));
    }

    /// Runs the next label of `thread`, with outcome `choice` of its `choices`. Frames that it sends are pushed to `sent`,
    /// at most one per label. Only called for a thread that [`Model::threads`] lists as enabled. Leaves the state canonical.
    fn apply(
        &self,
        process: ProcessId,
        state: &mut Self::Process,
        thread: Self::Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, Self::Frame)>,
    );

    /// Appends a frame to the connection on which process `to` hears from `from`.
    ///
    /// A delivery must leave every operation that was enabled at the receiver enabled and with the same effect, and
    /// deliveries from different senders must commute: nothing may ask whether a frame has not arrived yet, only wait for it.
    fn deliver(&self, to: ProcessId, state: &mut Self::Process, from: ProcessId, frame: Self::Frame);

    /// Returns the name of a thread in schedules, unique among the live threads of its process.
    fn thread_name(&self, process: ProcessId, state: &Self::Process, thread: Self::Thread) -> String;

    /// Returns the name of an object in schedules, unique within its process.
    fn object_name(&self, process: ProcessId, state: &Self::Process, object: ObjectId) -> String;

    /// Returns the value of every object of the process as hashes, so that the machine can check that a label changes nothing
    /// but the object that it declared (and its own thread's position).
    fn object_values(&self, process: ProcessId, state: &Self::Process) -> Vec<(ObjectId, u64)>;

    /// Returns the clients of this process and whether each has its answer.
    fn clients(&self, process: ProcessId, state: &Self::Process) -> Vec<ClientStatus>;

    /// Tells why client number `client` of process `process` waits: the wait-for closure in a state where it is stuck.
    fn wait_for(&self, system: &[&Self::Process], process: ProcessId, client: usize) -> WaitFor;

    /// Tells how the clients ended in a state at rest in which each has its answer, and what they changed for good: one canonical line,
    /// without ids. None where a model changes nothing for good.
    fn outcome(&self, system: &[&Self::Process]) -> Option<String>;

    /// Lists what stays behind in a state at rest though every client has its answer, one canonical line each, without ids.
    fn leaks(&self, system: &[&Self::Process]) -> Vec<String>;
}
