//! Stack dumps of a job that hangs now: what each task's threads are doing, and which known hang that looks like.
//!
//! A dump is what gdb, lldb, eu-stack, pstack, py-spy or faulthandler print for one task. [`Dump`] reads it into names of functions that
//! all of them share, [`Place`] says for each thread where it stands in TensorFlow, [`Gap`] whether threads are missing, [`assess`]
//! compares the tasks with the hangs in [`KNOWN`]. Stacks show threads only: a receive that is parked on a server, or one that waits
//! for its answer, is a callback and holds none. So the best that dumps can say is *likely*.

mod assess;
mod dump;
mod job;
mod known;
mod next;
mod place;
mod read;
mod role;
mod rules;
mod symbol;
mod symptom;
mod waiting;
mod whole;

pub use assess::{Assessment, Fit, Sign, assess};
pub use dump::{Dump, Format, Frame, Stack};
pub use job::{Job, Missing, TASKS};
pub use known::{KNOWN, Known};
pub use place::Place;
pub use role::Role;
pub use symptom::{Seen, Symptom};
pub use waiting::Waiting;
pub use whole::Gap;
