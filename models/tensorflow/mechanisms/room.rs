//! The trait of a mechanism: what a room gives, and the macros that write what follows from its tables.

use std::hash::Hash;

use super::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::Process;

/// A mechanism of the runtime, as a program counter in it: what its labels declare, what may follow, what they do, and how people
/// read them. [`labels`], [`program_counter`] and [`objects`] write the rest of a room.
pub(in crate::models) trait Mechanism: Copy {
    /// Facts that footprints may look at: once true, they stay true for as long as they matter.
    type Facts: Clone + Eq + Hash + Default;

    /// Reads the facts off a state.
    fn facts(_model: &TensorFlow, _id: ProcessId, _process: &Process) -> Self::Facts {
        Self::Facts::default()
    }

    /// Lists the objects of this mechanism: their values, what people read of them, who holds their locks.
    fn objects(_model: &TensorFlow, _id: ProcessId, _process: &Process, _inventory: &mut Inventory<'_>) {}

    /// Declares the operation of the next label.
    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a>;

    /// Says everything that [`Mechanism::apply`] may push, spawn, carry or send.
    fn next(self, next: &mut Next<'_>);

    /// Runs the operation.
    fn apply(self, run: &mut Run<'_>);

    /// Says in plain words what the label will do in this state, to follow the thread's name.
    fn words(self, view: &View<'_>, choice: u32) -> String;

    /// Says who could help a thread that waits here for good.
    fn waits(self, _view: &View<'_>) -> Waits {
        Waits::HELD
    }

    /// Leaves out what only a run knows, so that what `next` says can be compared with what `apply` did.
    fn erased(self) -> Self {
        self
    }
}

/// Declares the labels of a room, one per line: name, function of TensorFlow, place in its source.
macro_rules! labels {
    ($($static:ident = $name:literal, $function:literal, $site:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: `", $function, "` (", $site, ").")]
            pub static $static: $crate::machine::Label = $crate::machine::Label {
                name: $name,
                function: $function,
                site: $site,
            };
        )*
        /// Every label of this mechanism.
        pub(in $crate::models) static LABELS: &[&$crate::machine::Label] = &[$(&$static),*];
    };
}

/// Declares the program counter of a room, one line per place, with the label that runs there. Fields named `step`, `node`, `call` and
/// `rendezvous` need no type: they are what the place is about.
macro_rules! program_counter {
    ($room:ident; $($(#[$doc:meta])* $place:ident $(($($field:ident $(: $type:ty)?),+))? => $label:path,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        enum Pc {
            $($(#[$doc])* $place $(($(field_type!($field $($type)?)),+))?,)*
        }

        /// A place in this mechanism. Which places there are is the room's own business.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub struct Counter(Pc);

        impl From<Pc> for $crate::models::tensorflow::mechanisms::Pc {
            fn from(pc: Pc) -> Self {
                Self::$room(Counter(pc))
            }
        }

        impl Counter {
            /// Returns the label that runs next.
            pub(in $crate::models) fn label(self) -> &'static $crate::machine::Label {
                match self.0 {
                    $(Pc::$place { .. } => &$label,)*
                }
            }

            /// Returns what the label is about.
            pub(in $crate::models) fn subject(self) -> $crate::models::tensorflow::process::Subject {
                #[allow(unused_mut)]
                let mut subject = $crate::models::tensorflow::process::Subject::default();
                match self.0 {
                    $(Pc::$place $(($($field),+))? => { $($(about!(subject, $field, $field);)+)? })*
                }
                subject
            }

            /// Returns the rendezvous that the place names, to number it anew.
            pub(in $crate::models) fn rendezvous_mut(
                &mut self,
            ) -> Option<&mut $crate::models::tensorflow::process::RendezvousId> {
                #[allow(unused_mut)]
                let mut found = None;
                match &mut self.0 {
                    $(Pc::$place $(($($field),+))? => { $($(if_rendezvous!(found, $field, $field);)+)? })*
                }
                found
            }
        }
    };
}

/// The type of a field of a program counter.
macro_rules! field_type {
    (step) => {
        $crate::models::tensorflow::process::StepId
    };
    (node) => {
        $crate::models::tensorflow::process::NodeId
    };
    (call) => {
        $crate::models::tensorflow::process::CallId
    };
    (rendezvous) => {
        $crate::models::tensorflow::process::RendezvousId
    };
    ($field:ident $type:ty) => {
        $type
    };
}

/// Notes a field in a subject, if it is one of what a place can be about.
macro_rules! about {
    ($subject:ident, step, $value:ident) => {
        $subject.step = Some($value)
    };
    ($subject:ident, node, $value:ident) => {
        $subject.node = Some($value)
    };
    ($subject:ident, call, $value:ident) => {
        $subject.call = Some($value)
    };
    ($subject:ident, rendezvous, $value:ident) => {
        $subject.rendezvous = Some($value)
    };
    ($subject:ident, $field:ident, $value:ident) => {
        let _ = $value;
    };
}

/// Notes the field that names a rendezvous.
macro_rules! if_rendezvous {
    ($found:ident, rendezvous, $value:ident) => {
        $found = Some($value)
    };
    ($found:ident, $field:ident, $value:ident) => {
        let _ = $value;
    };
}

/// Declares the objects of a room: name in schedules, and of what there is one each. One without an index is the only one of its process.
macro_rules! objects {
    ($room:ident; $($(#[$doc:meta])* $object:ident $(($index:ty))? = $name:literal per $space:ident,)*) => {
        /// An object of this mechanism.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Object {
            $($(#[$doc])* $object $(($index))?,)*
        }

        impl From<Object> for $crate::models::tensorflow::objects::Object {
            fn from(object: Object) -> Self {
                Self::$room(object)
            }
        }

        impl Object {
            /// The kinds of objects: their names, and of what there is one each.
            pub(in $crate::models) const KINDS: &[(&str, $crate::models::tensorflow::objects::Space)] =
                &[$(($name, $crate::models::tensorflow::objects::Space::$space)),*];

            /// Returns the kind of this object, and which one of its kind it is.
            #[allow(irrefutable_let_patterns, unused_assignments, unused_mut, unused_variables)]
            pub(in $crate::models) fn place(self) -> (usize, u16) {
                let mut kind = 0;
                $(
                    if let Self::$object $((index_pattern!(index, $index)))? = self {
                        let place = 0 $(+ <$index as $crate::models::tensorflow::objects::Index>::number(index))?;
                        return (kind, place);
                    }
                    kind += 1;
                )*
                unreachable!("every object has a kind")
            }

            /// Returns the object of a kind.
            #[allow(unused_assignments, unused_mut, unused_variables)]
            pub(in $crate::models) fn of(kind: usize, place: u16) -> Self {
                let mut next = 0;
                $(
                    if next == kind {
                        return Self::$object $((<$index as $crate::models::tensorflow::objects::Index>::of(place)))?;
                    }
                    next += 1;
                )*
                unreachable!("every kind has an object")
            }
        }
    };
}

/// The name under which [`objects`] binds an index.
macro_rules! index_pattern {
    ($name:ident, $index:ty) => {
        $name
    };
}
