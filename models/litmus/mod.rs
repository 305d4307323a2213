//! Litmus models: the smallest systems that show one way to hang, each with a variant that can't.
//!
//! They show how a model is written, and every engine is tested on them.

pub mod busy_client;
pub mod crossed_locks;
pub mod lost_wakeup;
pub mod one_condvar;
pub mod outstanding_count;
pub mod ping;
pub mod pool;
pub mod pool_shutdown;
pub mod rendezvous;
pub mod two_calls;

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::machine::{
    Access, ClientStatus, Footprint, FrameSet, GuaranteeSet, Guarantees, Independence, Label, Model, ObjectId,
    Operation, Pending, ProcessId, Term, ThreadName, WaitFor, WaitNode,
};

/// The parts that differ between litmus models; the rest of a model follows. See [`Model`] and [`Independence`] for what methods of
/// the same name promise.
#[allow(missing_docs, reason = "the traits that follow say it")]
pub trait Litmus: Send + Sync {
    type State: Clone + Eq + Hash + Debug + Send + Sync;
    type Thread: Copy + Eq + Ord + Hash + Debug + Send + Sync;
    type Frame: Clone + Eq + Ord + Hash + Debug + Send + Sync;

    /// Names of the processes.
    const PROCESSES: &[&str] = &["host"];

    fn initial(&self) -> Self::State;
    fn threads(&self, process: ProcessId, state: &Self::State) -> Vec<Pending<Self::Thread>>;
    fn apply(
        &self,
        process: ProcessId,
        state: &mut Self::State,
        thread: Self::Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, Self::Frame)>,
    );
    /// Lands a frame behind the others: it disables and changes nothing, and whoever reads takes the first. So a delivery has no footprint.
    fn deliver(&self, _state: &mut Self::State, _frame: Self::Frame) {}
    fn thread_name(&self, thread: Self::Thread) -> String;
    fn object_name(&self, object: ObjectId) -> String;
    fn object_values(&self, process: ProcessId, state: &Self::State) -> Vec<(ObjectId, u64)>;
    fn footprint(&self, process: ProcessId, state: &Self::State, thread: Self::Thread) -> Footprint;
    fn permits_come_back(&self, _process: ProcessId, _object: ObjectId) -> bool {
        false
    }
    fn eliminate_dead(&self, _process: ProcessId, _state: &mut Self::State) {}
    fn clients(&self, process: ProcessId, state: &Self::State) -> Vec<ClientStatus>;
    fn wait_for(&self, system: &[&Self::State], process: ProcessId, client: usize) -> WaitFor;
}

impl<L: Litmus> Model for L {
    type Process = L::State;
    type Thread = L::Thread;
    type Frame = L::Frame;

    fn process_count(&self) -> usize {
        L::PROCESSES.len()
    }

    fn process_name(&self, process: ProcessId) -> String {
        L::PROCESSES[process.index()].to_owned()
    }

    fn initial(&self, _: ProcessId) -> L::State {
        self.initial()
    }

    fn threads(&self, process: ProcessId, state: &L::State) -> Vec<Pending<L::Thread>> {
        self.threads(process, state)
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut L::State,
        thread: L::Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, L::Frame)>,
    ) {
        self.apply(process, state, thread, choice, sent);
    }

    fn deliver(&self, _: ProcessId, state: &mut L::State, _: ProcessId, frame: L::Frame) {
        self.deliver(state, frame);
    }

    fn thread_name(&self, _: ProcessId, _: &L::State, thread: L::Thread) -> String {
        self.thread_name(thread)
    }

    fn object_name(&self, _: ProcessId, _: &L::State, object: ObjectId) -> String {
        self.object_name(object)
    }

    fn object_values(&self, process: ProcessId, state: &L::State) -> Vec<(ObjectId, u64)> {
        self.object_values(process, state)
    }

    fn clients(&self, process: ProcessId, state: &L::State) -> Vec<ClientStatus> {
        self.clients(process, state)
    }

    fn wait_for(&self, system: &[&L::State], process: ProcessId, client: usize) -> WaitFor {
        self.wait_for(system, process, client)
    }

    fn outcome(&self, _: &[&L::State]) -> Option<String> {
        None
    }

    fn leaks(&self, _: &[&L::State]) -> Vec<String> {
        Vec::new()
    }
}

impl<L: Litmus> Independence for L {
    type Facts = ();

    fn facts(&self, _: ProcessId, _: &L::State) {}

    fn footprint(&self, process: ProcessId, state: &L::State, (): &(), thread: L::Thread) -> Arc<Footprint> {
        Arc::new(self.footprint(process, state, thread))
    }

    fn delivery_footprint(&self, _: ProcessId, _: &L::State, (): &(), _: &FrameSet) -> Arc<Footprint> {
        Arc::default()
    }

    fn may_send(&self, _: ProcessId, _: &L::State, _: ProcessId) -> FrameSet {
        FrameSet::Any
    }

    fn frame_set(&self, _: &L::Frame) -> FrameSet {
        FrameSet::Any
    }

    fn name(&self, _: ProcessId, _: L::Thread) -> Option<ThreadName> {
        None
    }

    fn permits_come_back(&self, process: ProcessId, object: ObjectId) -> bool {
        self.permits_come_back(process, object)
    }

    fn eliminate_dead(&self, process: ProcessId, state: &mut L::State) {
        self.eliminate_dead(process, state);
    }
}

impl<L: Litmus> Guarantees for L {
    fn guarantees(&self, _: ProcessId, _: &L::State, _: &GuaranteeSet) -> GuaranteeSet {
        GuaranteeSet::default()
    }

    fn is_inevitable(&self, process: ProcessId, state: &L::State, _: &GuaranteeSet) -> bool {
        self.clients(process, state).iter().all(|client| client.returned)
    }
}

/// Returns a client and whether it has its answer.
fn status(name: &str, returned: bool) -> ClientStatus {
    ClientStatus {
        name: name.to_owned(),
        returned,
    }
}

/// Returns the hash of an object's value, for [`crate::machine::Model::object_values`].
fn value(object: &impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    object.hash(&mut hasher);
    hasher.finish()
}

/// Returns a thread whose next operation has one outcome and takes no server.
fn pending<T>(thread: T, label: &'static Label, object: u16, access: Access, enabled: bool) -> Pending<T> {
    Pending {
        thread,
        operation: Operation {
            label,
            object: ObjectId(object),
            access,
            part: None,
            choices: 1,
            takes_permit: false,
        },
        enabled,
    }
}

/// Returns a label of a litmus model, which stands for no real function.
const fn label(name: &'static str, site: &'static str) -> Label {
    Label {
        name,
        function: "litmus",
        site,
    }
}

/// Returns a node of a wait-for closure.
fn waits(role: &str, label: &str, object: &str, cause: Option<&str>) -> WaitNode {
    WaitNode {
        role: role.into(),
        label: label.into(),
        object: object.into(),
        cause: cause.map(Term::from),
        detail: format!("{role}: {label} waits for {object}"),
    }
}
