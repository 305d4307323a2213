//! Stack dumps of a job that hangs now: what each task's threads are doing, and which known hang that looks like.
//!
//! A dump is what `gdb -batch -ex 'thread apply all bt'` prints for one task. [`Dump`] reads it, [`Place`] says for each thread where
//! it stands in TensorFlow 1.12, [`assess`] compares the tasks with the hangs in [`KNOWN`]. Stacks show threads only: a receive that
//! is parked on a server, or one that waits for its answer, is a callback and holds none. So the best that dumps can say is *likely*.

mod assess;
mod known;
mod parse;
mod place;
mod symptom;

pub use assess::{Assessment, Fit, Sign, assess};
pub use known::{KNOWN, Known};
pub use parse::{Dump, Stack};
pub use place::{Place, Role};
pub use symptom::{Seen, Symptom};
