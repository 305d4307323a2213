//! Small models: what a system of one's own has to say of itself, and no more. The traits of the machine follow from it.
//!
//! A [`SmallModel`] has a state, threads, and the next step of each. Whoever wants reductions, processes that come and go or thread names of
//! their own implements [`crate::machine::Model`] instead.

mod lift;
mod step;
mod waits;

use std::fmt::Debug;
use std::hash::{Hash, Hasher};

pub use step::{Declared, Step};

use crate::machine::{Label, ProcessId};

/// A system of threads as data, told in few lines: [`check`](fn@crate::check) takes it as it is.
///
/// Every thread that may ever live is in [`SmallModel::threads`]; [`SmallModel::next`] tells what it does next, or that it has ended. One step is
/// one operation that no other thread can interrupt. With nothing else said, the state of a process is one object and every step writes it.
pub trait SmallModel: Send + Sync {
    /// The state of one process: its data, and where each of its threads stands.
    type State: Clone + Eq + Hash + Debug + Send + Sync;
    /// Names a thread within its process. Its name for people is its `Debug` form in lower case, as in `consumer1` for `Consumer(1)`, and
    /// `thread1` for a number.
    type Thread: Copy + Eq + Ord + Hash + Debug + Send + Sync;
    /// A message between processes; `()` where there is one process.
    type Frame: Clone + Eq + Ord + Hash + Debug + Send + Sync;

    /// Names of the processes.
    const PROCESSES: &[&str] = &["process"];
    /// Names of the objects of a process, by number.
    const OBJECTS: &[&str] = &["state"];

    /// Returns the state in which a process starts.
    fn initial(&self, process: ProcessId) -> Self::State;

    /// Lists every thread that a process may have.
    fn threads(&self, process: ProcessId) -> Vec<Self::Thread>;

    /// Returns the next step of a thread, as [`SmallModel::step`] begins it. None: it has ended, or nobody has started it yet.
    fn next(&self, process: ProcessId, state: &Self::State, thread: Self::Thread) -> Option<Step<'_, Self>>;

    /// Appends a frame to what a process has received from `from`. It may let a thread go on that waits; it may stop none.
    ///
    /// # Panics
    /// Unless a model that sends frames says what to do with them.
    fn deliver(&self, process: ProcessId, _state: &mut Self::State, from: ProcessId, frame: Self::Frame) {
        let (to, from) = (Self::PROCESSES[process.index()], Self::PROCESSES[from.index()]);
        panic!("{to} receives {frame:?} from {from}, expected SmallModel::deliver to say what that does");
    }

    /// Returns true if a thread has to end, else it hangs. A server's thread that waits for work need not.
    fn must_end(&self, _process: ProcessId, _thread: Self::Thread) -> bool {
        true
    }

    /// Returns the objects of a process, in the order of [`SmallModel::OBJECTS`]: a step may change the one that it names, and no other one
    /// that is listed here.
    fn objects<'a>(&self, _process: ProcessId, state: &'a Self::State) -> Vec<&'a dyn Object> {
        vec![state]
    }

    /// Begins a step: it writes the first object, and can be done now.
    fn step(&self, label: &'static Label) -> Declared<'_, Self> {
        Declared::new(label)
    }
}

/// The value of an object: everything that can be hashed and printed.
pub trait Object {
    /// Returns a hash of the value.
    fn value(&self) -> u64;
    /// Returns the value for people.
    fn words(&self) -> String;
}

impl<T: Hash + Debug> Object for T {
    fn value(&self) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn words(&self) -> String {
        format!("{self:?}")
    }
}

/// Makes labels: the static, its name in schedules, and what it does in words that follow the thread's name.
///
/// ```text
/// labels! {
///     PUT = "Producer.put" => "puts an item";
///     NOTIFY = "Producer.notify";
/// }
/// ```
#[macro_export]
macro_rules! labels {
    ($($(#[$meta:meta])* $visibility:vis $label:ident = $name:literal $(=> $words:literal)?;)+) => {
        $(
            $(#[$meta])*
            $visibility static $label: $crate::machine::Label = $crate::machine::Label {
                name: $name,
                function: $crate::labels!(@words $name $($words)?),
                site: concat!(file!(), ":", line!()),
            };
        )+
    };
    (@words $name:literal) => { $name };
    (@words $name:literal $words:literal) => { $words };
}

#[cfg(test)]
mod tests;
