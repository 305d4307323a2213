//! The mechanisms of the runtime, one room each, named as the original names them.
//!
//! A room holds its state, its labels, its objects, what each label declares, what may follow it, what it does, its words and its waits.
//! Its program counter is private: rooms talk by functions that return places to go on with, as in `rpc::serve`.
//! To add a mechanism is one file and one line in the list below: see `docs/how_to_add_a_mechanism.md`.

#[macro_use]
mod room;

#[cfg(test)]
pub(in crate::models) mod bench;
pub mod cancellation;
pub mod closing;
pub mod context;
pub mod crash;
pub mod dataset;
pub mod executor;
pub mod iterator;
pub mod master;
pub mod pool;
pub mod queue;
pub mod rendezvous;
pub mod rpc;
pub mod worker;

use serde::{Deserialize, Serialize};

use self::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use self::room::Mechanism;
use super::TensorFlow;
use super::objects::Space;
use super::process::{Process, RendezvousId, Subject};
use crate::machine::{Label, ProcessId};

/// Writes what every mechanism has part in: the program counter, the objects, the facts, and who answers for which.
macro_rules! mechanisms {
    ($($room:ident: $name:ident = $($path:ident)::+;)*) => {
        /// A thread's next place, in one of the mechanisms.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Pc {
            $(#[doc = concat!("A place in `", stringify!($room), "`.")] $name($($path)::+::Counter),)*
        }

        /// An object of a process, as operations name it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Object {
            $(#[doc = concat!("An object of `", stringify!($room), "`.")] $name($($path)::+::Object),)*
        }

        impl Object {
            /// The kinds of objects, with their names and of what there is one each.
            pub(in crate::models) const KINDS: &[&[(&str, Space)]] = &[$($($path)::+::Object::KINDS),*];

            /// Returns the kind of this object among all of them, and which one of its kind it is.
            #[allow(unused_assignments)]
            pub(in crate::models) fn place(self) -> (usize, u16) {
                let mut first = 0;
                $(
                    if let Object::$name(object) = self {
                        let (kind, place) = object.place();
                        return (first + kind, place);
                    }
                    first += $($path)::+::Object::KINDS.len();
                )*
                unreachable!("every object has a room")
            }

            /// Returns the object of a kind.
            #[allow(unreachable_code, unused_assignments)]
            pub(in crate::models) fn of(kind: usize, place: u16) -> Self {
                let mut first = 0;
                $(
                    let kinds = $($path)::+::Object::KINDS.len();
                    if kind < first + kinds {
                        return Object::$name($($path)::+::Object::of(kind - first, place));
                    }
                    first += kinds;
                )*
                unreachable!("every kind has a room")
            }
        }

        /// Facts that footprints look at, by mechanism.
        #[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
        pub(in crate::models) struct Facts {
            $(pub(in crate::models) $room: <$($path)::+::Counter as Mechanism>::Facts,)*
        }

        impl Facts {
            /// Reads the facts off a state.
            pub(in crate::models) fn of(model: &TensorFlow, id: ProcessId, process: &Process) -> Self {
                Self {
                    $($room: <$($path)::+::Counter as Mechanism>::facts(model, id, process),)*
                }
            }
        }

        /// Returns every label of the model.
        pub fn labels() -> impl Iterator<Item = &'static Label> {
            [$($($path)::+::LABELS),*].into_iter().flatten().copied()
        }

        impl Pc {
            /// Returns the label that runs next.
            pub fn label(self) -> &'static Label {
                match self {
                    $(Pc::$name(place) => place.label(),)*
                }
            }

            /// Returns what the label is about: the one answer to that question. The step of a call is the model's to tell.
            pub fn subject(self) -> Subject {
                match self {
                    $(Pc::$name(place) => place.subject(),)*
                }
            }

            pub(in crate::models) fn rendezvous_mut(&mut self) -> Option<&mut RendezvousId> {
                match self {
                    $(Pc::$name(place) => place.rendezvous_mut(),)*
                }
            }

            pub(in crate::models) fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
                match self {
                    $(Pc::$name(place) => place.declare(context),)*
                }
            }

            pub(in crate::models) fn next(self, next: &mut Next<'_>) {
                match self {
                    $(Pc::$name(place) => place.next(next),)*
                }
            }

            pub(in crate::models) fn apply(self, run: &mut Run<'_>) {
                match self {
                    $(Pc::$name(place) => place.apply(run),)*
                }
            }

            pub(in crate::models) fn words(self, view: &View<'_>, choice: u32) -> String {
                match self {
                    $(Pc::$name(place) => place.words(view, choice),)*
                }
            }

            pub(in crate::models) fn waits(self, view: &View<'_>) -> Waits {
                match self {
                    $(Pc::$name(place) => place.waits(view),)*
                }
            }

            pub(in crate::models) fn erased(self) -> Self {
                match self {
                    $(Pc::$name(place) => Pc::$name(place.erased()),)*
                }
            }
        }

        pub(in crate::models) fn list_objects(
            model: &TensorFlow,
            id: ProcessId,
            process: &Process,
            inventory: &mut Inventory<'_>,
        ) {
            $(<$($path)::+::Counter as Mechanism>::objects(model, id, process, inventory);)*
        }
    };
}

impl Pc {
    /// Returns true if the place is one in a pipeline of `tf.data`.
    pub(in crate::models) fn is_of_pipeline(self) -> bool {
        matches!(
            self,
            Pc::ParallelMap(_)
                | Pc::Prefetch(_)
                | Pc::ParallelInterleave(_)
                | Pc::CapturedFunction(_)
                | Pc::IteratorResource(_)
                | Pc::Teardown(_)
        )
    }
}

mechanisms! {
    pool: Pool = pool;
    executor: Executor = executor;
    rendezvous: Rendezvous = rendezvous;
    rpc: Rpc = rpc;
    worker: Worker = worker;
    master: Master = master;
    cancellation: Cancellation = cancellation;
    closing: Closing = closing;
    iterator: Iterator = iterator;
    queue: Queue = queue;
    crash: Crash = crash;
    parallel_map: ParallelMap = dataset::parallel_map;
    prefetch: Prefetch = dataset::prefetch;
    parallel_interleave: ParallelInterleave = dataset::parallel_interleave;
    captured_function: CapturedFunction = dataset::captured_function;
    iterator_resource: IteratorResource = dataset::iterator_resource;
    teardown: Teardown = dataset::teardown;
}

#[cfg(test)]
mod tests;
