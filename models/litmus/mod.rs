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
    Access, ClientStatus, Footprint, FrameSet, Guarantees, Independence, Label, Model, ObjectId, Operation, Pending,
    ProcessId, Term, WaitFor, WaitNode,
};
use crate::says_nothing;

/// The parts that differ between litmus models; the rest of a model follows. See [`Model`] and [`Independence`] for what methods of
/// the same name promise.
#[allow(missing_docs, reason = "the traits that follow say it")]
pub trait Litmus: Send + Sync {
    type State: Clone + Eq + Hash + Debug + Default + Send + Sync;
    type Thread: Copy + Eq + Ord + Hash + Debug + Send + Sync;
    type Frame: Clone + Eq + Ord + Hash + Debug + Send + Sync;

    /// Names of the processes.
    const PROCESSES: &[&str] = &["host"];
    /// Names of the objects, by number.
    const OBJECTS: &[&str];
    /// First part of the threads' names, where a thread is a number.
    const THREADS: &str = "";

    fn initial(&self) -> Self::State {
        Self::State::default()
    }
    /// Lists the threads that a process may have, in canonical order.
    fn all_threads(&self, process: ProcessId) -> Vec<Self::Thread>;
    /// Returns the next step of a thread, if it lives.
    fn next(&self, state: &Self::State, thread: Self::Thread) -> Option<Step>;
    fn apply(&self, state: &mut Self::State, thread: Self::Thread, choice: u32) -> Option<(ProcessId, Self::Frame)>;
    /// Lands a frame behind the others: it disables and changes nothing, and whoever reads takes the first. So a delivery has no footprint.
    fn deliver(&self, _state: &mut Self::State, _frame: Self::Frame) {}
    fn thread_name(&self, thread: Self::Thread) -> String {
        let name = format!("{}{thread:?}", Self::THREADS);
        name.to_lowercase().replace(['(', ')'], "")
    }
    fn object_name(&self, object: ObjectId) -> String {
        Self::OBJECTS[object.index()].to_owned()
    }
    /// Hashes every object, in order.
    fn object_values(&self, process: ProcessId, state: &Self::State) -> Vec<u64>;
    /// Returns what a thread may still do: anything to any object, unless the model knows better.
    fn footprint(&self, _state: &Self::State, _thread: Self::Thread) -> Footprint {
        let objects = (0..Self::OBJECTS.len()).map(|object| ObjectId(object as u32));
        objects.fold(Footprint::new(), |all, object| all.with(object, Access::Write))
    }
    fn permits_come_back(&self) -> bool {
        false
    }
    fn eliminate_dead(&self, _process: ProcessId, _state: &mut Self::State) {}
    fn clients(&self, process: ProcessId, state: &Self::State) -> Vec<ClientStatus>;
    fn wait_for(&self, system: &[&Self::State], client: usize) -> WaitFor;
}

/// Writes the traits of the machine for litmus models.
macro_rules! models {
    ($($model:ty),+ $(,)?) => {
        $(
            impl Model for $model {
                type Process = <$model as Litmus>::State;
                type Thread = <$model as Litmus>::Thread;
                type Frame = <$model as Litmus>::Frame;

                says_nothing!(outcome leaks);

                fn process_count(&self) -> usize {
                    <$model>::PROCESSES.len()
                }

                fn process_name(&self, process: ProcessId) -> String {
                    <$model>::PROCESSES[process.index()].to_owned()
                }

                fn initial(&self, _: ProcessId) -> <$model as Litmus>::State {
                    Litmus::initial(self)
                }

                fn threads(&self, process: ProcessId, state: &<$model as Litmus>::State) -> Vec<Pending<<$model as Litmus>::Thread>> {
                    let threads = Litmus::all_threads(self, process).into_iter();
                    let pending = |thread| {
                        let Step { operation, enabled } = Litmus::next(self, state, thread)?;
                        Some(Pending {
                            thread,
                            operation,
                            enabled,
                        })
                    };
                    threads.filter_map(pending).collect()
                }

                fn apply(
                    &self,
                    _: ProcessId,
                    state: &mut <$model as Litmus>::State,
                    thread: <$model as Litmus>::Thread,
                    choice: u32,
                    sent: &mut Vec<(ProcessId, <$model as Litmus>::Frame)>,
                ) {
                    sent.extend(Litmus::apply(self, state, thread, choice));
                }

                fn deliver(&self, _: ProcessId, state: &mut <$model as Litmus>::State, _: ProcessId, frame: <$model as Litmus>::Frame) {
                    Litmus::deliver(self, state, frame);
                }

                fn thread_name(&self, _: ProcessId, _: &<$model as Litmus>::State, thread: <$model as Litmus>::Thread) -> String {
                    Litmus::thread_name(self, thread)
                }

                fn object_name(&self, _: ProcessId, _: &<$model as Litmus>::State, object: ObjectId) -> String {
                    Litmus::object_name(self, object)
                }

                fn object_values(&self, process: ProcessId, state: &<$model as Litmus>::State) -> Vec<(ObjectId, u64)> {
                    let values = Litmus::object_values(self, process, state);
                    (0..).map(ObjectId).zip(values).collect()
                }

                fn clients(&self, process: ProcessId, state: &<$model as Litmus>::State) -> Vec<ClientStatus> {
                    Litmus::clients(self, process, state)
                }

                fn wait_for(&self, system: &[&<$model as Litmus>::State], _: ProcessId, client: usize) -> WaitFor {
                    Litmus::wait_for(self, system, client)
                }
            }

            impl Independence for $model {
                says_nothing!(facts may_send frame_set name);

                fn footprint(&self, _: ProcessId, state: &<$model as Litmus>::State, (): &(), thread: <$model as Litmus>::Thread) -> Arc<Footprint> {
                    Arc::new(Litmus::footprint(self, state, thread))
                }

                fn delivery_footprint(&self, _: ProcessId, _: &<$model as Litmus>::State, (): &(), _: &FrameSet) -> Arc<Footprint> {
                    Arc::default()
                }

                fn permits_come_back(&self, _: ProcessId, _: ObjectId) -> bool {
                    Litmus::permits_come_back(self)
                }

                fn eliminate_dead(&self, process: ProcessId, state: &mut <$model as Litmus>::State) {
                    Litmus::eliminate_dead(self, process, state);
                }
            }

            impl Guarantees for $model {
                says_nothing!(guarantees is_inevitable);
            }
        )+
    };
}

models!(
    busy_client::BusyClient,
    crossed_locks::CrossedLocks,
    lost_wakeup::LostWakeup,
    one_condvar::OneCondvar,
    outstanding_count::OutstandingCount,
    ping::Ping,
    pool::Pool,
    pool_shutdown::PoolShutdown,
    rendezvous::Rendezvous,
    two_calls::TwoCalls,
);

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

/// The next step of a thread.
#[derive(Debug)]
pub struct Step {
    operation: Operation,
    /// Whether it can be done now.
    enabled: bool,
}

/// Returns a step with one outcome that takes no server.
fn step(label: &'static Label, object: ObjectId, access: Access, enabled: bool) -> Step {
    let operation = Operation {
        label,
        object,
        access,
        part: None,
        choices: 1,
        takes_permit: false,
    };
    Step { operation, enabled }
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

/// Returns a closure in which each place waits for the next one.
fn chain(places: impl IntoIterator<Item = WaitNode>) -> WaitFor {
    let mut closure = WaitFor::default();
    for (index, place) in places.into_iter().enumerate() {
        closure.push(index.checked_sub(1), place);
    }
    closure
}
