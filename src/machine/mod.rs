//! What a concurrent system is made of, and how one label of it runs.
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

mod condvar;
mod describe;
mod footprint;
mod kernel;
mod lock;
mod operation;
mod system;
mod waiting;

pub use condvar::{Condvar, SpuriousWakeups};
pub use describe::{Describe, Emphasis, FrameKind, FrameText, Waker};
pub use footprint::{Footprint, FrameSet, ObjectSet};
pub use kernel::{Group, GroupError, Kernel};
pub use lock::Lock;
pub use operation::{Access, Label, ObjectId, Operation, Pending, ProcessId};
pub use system::{ContractViolation, Event, System, run_label};
pub use waiting::{ClientStatus, Signature, WaitFor, WaitNode};

use std::fmt::Debug;
use std::hash::Hash;

/// A concurrent system as data: everything an engine needs to run it.
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

    /// Number of processes; their ids are `0..process_count()`.
    fn process_count(&self) -> usize;

    /// The task name of a process, for people and schedules, as in `ps0`.
    fn process_name(&self, process: ProcessId) -> String;

    /// The state in which a process starts.
    fn initial(&self, process: ProcessId) -> Self::Process;

    /// Every live thread of the process with the operation that it will do next, in canonical order. Threads whose guard is
    /// false are listed too, with `enabled: false`: they do nothing until it holds.
    fn threads(&self, process: ProcessId, state: &Self::Process) -> Vec<Pending<Self::Thread>>;

    /// Runs the next label of `thread`, with outcome `choice` of its `choices`. Frames that it sends are pushed to `sent`,
    /// at most one a label. Only called for a thread that [`Model::threads`] lists as enabled. Leaves the state canonical.
    fn apply(
        &self,
        process: ProcessId,
        state: &mut Self::Process,
        thread: Self::Thread,
        choice: u8,
        sent: &mut Vec<(ProcessId, Self::Frame)>,
    );

    /// Appends a frame to the connection on which process `to` hears from `from`.
    ///
    /// A delivery must leave every operation that was enabled at the receiver enabled and with the same effect, and
    /// deliveries from different senders must commute: nothing may ask whether a frame has not arrived yet, only wait for it.
    fn deliver(&self, to: ProcessId, state: &mut Self::Process, from: ProcessId, frame: Self::Frame);

    /// The name of a thread in schedules, unique among the live threads of its process.
    fn thread_name(&self, process: ProcessId, state: &Self::Process, thread: Self::Thread) -> String;

    /// The name of an object in schedules, unique within its process.
    fn object_name(&self, process: ProcessId, state: &Self::Process, object: ObjectId) -> String;

    /// The value of every object of the process as hashes, so that the machine can check that a label changes nothing
    /// but the object that it declared (and its own thread's position).
    fn object_values(&self, process: ProcessId, state: &Self::Process) -> Vec<(ObjectId, u64)>;

    /// What `thread`, and every thread of this process that exists because of it, may still do to objects of this process,
    /// its next operation included. Too much is sound, too little is not.
    fn future(&self, process: ProcessId, state: &Self::Process, thread: Self::Thread) -> Footprint;

    /// What frames that have not arrived yet may still cause in this process, if no others than `frames` come.
    fn arrivals(&self, process: ProcessId, state: &Self::Process, frames: FrameSet) -> Footprint;

    /// The frames that process `from` may still send to process `to`, whatever happens, for as long as `to` itself does
    /// nothing. Too much is sound, too little is not.
    fn may_send(&self, _from: ProcessId, _state: &Self::Process, _to: ProcessId) -> FrameSet {
        FrameSet::ALL
    }

    /// The place of a frame in a [`FrameSet`].
    fn frame_set(&self, _frame: &Self::Frame) -> FrameSet {
        FrameSet::ALL
    }

    /// Whether every thread that takes a server of `object` ([`Operation::takes_server`]) is sure to give it back: while it
    /// holds one it never waits for something that only a frame, or another thread that needs such a server, can bring.
    ///
    /// Only then may an engine run a closure that touches nothing shared ahead of all others. A pool whose threads can all
    /// be blocked for good must say no: there a closure may never get its turn, and running it first would hide that.
    fn servers_come_back(&self, _process: ProcessId, _object: ObjectId) -> bool {
        false
    }

    /// Removes what can no longer matter (an answered call's reset, a timer that would abort what is aborted). Called only
    /// where that reduction is on. Must be a bisimulation: it may change neither who returns nor any signature.
    fn forget_dead(&self, _process: ProcessId, _state: &mut Self::Process) {}

    /// What this process promises to the others, as numbers of the model's own in a [`FrameSet`], if they keep what is `given`: a
    /// promise is kept whatever is run next. The engine starts from no promise and asks until nothing is added.
    fn promises(&self, _process: ProcessId, _state: &Self::Process, _given: FrameSet) -> FrameSet {
        FrameSet::NONE
    }

    /// Whether every client of this process is sure to get its answer, whatever is run next, if the others keep what is `given`:
    /// nothing that follows is of interest where only hangs are asked for. Must stay true once it is true in every process, and be
    /// true in a state at rest only if the clients have returned.
    fn is_sure_to_return(&self, process: ProcessId, state: &Self::Process, _given: FrameSet) -> bool {
        self.clients(process, state).iter().all(|client| client.returned)
    }

    /// The clients of this process and whether each has its answer.
    fn clients(&self, process: ProcessId, state: &Self::Process) -> Vec<ClientStatus>;

    /// Why client number `client` of process `process` waits: the wait-for closure in a state where it is stuck.
    fn wait_for(&self, system: &[&Self::Process], process: ProcessId, client: usize) -> WaitFor;

    /// How the clients ended in a state at rest in which each has its answer, and what they changed for good: one canonical line, without
    /// ids. None where a model changes nothing for good.
    fn outcome(&self, _system: &[&Self::Process]) -> Option<String> {
        None
    }

    /// What stays behind in a state at rest though every client has its answer, one canonical line each, without ids.
    fn leaks(&self, _system: &[&Self::Process]) -> Vec<String> {
        Vec::new()
    }
}
