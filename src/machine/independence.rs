//! Knowledge of a model that lets a search leave something out. Engines that run labels one after the other never ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BitSet, Footprint, FrameSet, Model, ObjectId, ProcessId, ThreadName};

/// Independence, as reductions need it: which operations commute, and which parts of a state are dead. Too much is sound in every footprint and every
/// set, too little is not.
pub trait Independence: Model {
    /// Facts that are final in a state of a process: footprints are computed from that, once for each state.
    type Facts;

    /// Reads the facts off a state.
    fn facts(&self, process: ProcessId, state: &Self::Process) -> Self::Facts;

    /// Returns what `thread`, and every thread of this process that exists because of it, may still do to objects of this process, its
    /// next operation included. `facts` are those of the state.
    fn footprint(
        &self,
        process: ProcessId,
        state: &Self::Process,
        facts: &Self::Facts,
        thread: Self::Thread,
    ) -> Arc<Footprint>;

    /// Returns what frames that have not arrived yet may still cause in this process, if no others than `frames` come.
    fn delivery_footprint(
        &self,
        process: ProcessId,
        state: &Self::Process,
        facts: &Self::Facts,
        frames: &FrameSet,
    ) -> Arc<Footprint>;

    /// Returns the frames that process `from` may still send to process `to`, whatever happens, for as long as `to` itself does nothing.
    fn may_send(&self, from: ProcessId, state: &Self::Process, to: ProcessId) -> FrameSet;

    /// Returns the place of a frame in a [`FrameSet`].
    fn frame_set(&self, frame: &Self::Frame) -> FrameSet;

    /// Returns the number of a thread's name, by which footprints say that a new thread may get it ([`Footprint::spawn`]).
    ///
    /// A model that fails when a name is given to two threads at once must number such names: spawning is an operation on the name, in
    /// conflict with every label of the thread that has it. A thread without a number is never spawned while its name is taken.
    fn name(&self, process: ProcessId, thread: Self::Thread) -> Option<ThreadName>;

    /// Returns true if every thread that takes a permit of `object` ([`super::Operation::takes_permit`]) is sure to give it back: while
    /// it holds one it never waits for something that only a frame, or another thread that needs such a permit, can bring.
    ///
    /// Only then may an engine run a closure that touches nothing shared ahead of all others. A pool whose threads can all be blocked for
    /// good must say no: there a closure may never get its turn, and running it first would hide that.
    fn permits_come_back(&self, process: ProcessId, object: ObjectId) -> bool;

    /// Removes dead state (an answered call's reset, a timer that would abort what is aborted). Called only where that reduction is on.
    /// Must be a bisimulation: it may change neither who returns nor any signature.
    fn eliminate_dead(&self, process: ProcessId, state: &mut Self::Process);
}

/// A set of guarantees, as a model numbers them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct GuaranteeSet(pub BitSet);

/// Guarantees of processes to each other (assume-guarantee reasoning), and when the end is inevitable.
pub trait Guarantees: Model {
    /// Returns what this process guarantees to the others if they keep what is `assumed`: a guarantee is kept whatever is run next. The
    /// engine starts from no guarantee and asks until nothing is added.
    fn guarantees(&self, process: ProcessId, state: &Self::Process, assumed: &GuaranteeSet) -> GuaranteeSet;

    /// Returns true if every client of this process is sure to get its answer, whatever is run next, if the others keep what is
    /// `assumed`: nothing that follows is of interest where only hangs are asked for. Must stay true once it is true in every process,
    /// and be true in a state at rest only if the clients have returned.
    fn is_inevitable(&self, process: ProcessId, state: &Self::Process, assumed: &GuaranteeSet) -> bool;
}

/// A model of which reductions know all that they need.
pub trait Reducible: Independence + Guarantees {}

impl<M: Independence + Guarantees> Reducible for M {}
