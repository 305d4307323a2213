//! The probe: preloaded into the tasks of a TensorFlow 1.12 job, it records their events, holds their threads, and mends their lost cancellations.
//!
//! A call from one file of TensorFlow to another goes through the procedure linkage table, and a virtual call through a table that the
//! loader fills by name. So a function of the same mangled name in a library that is loaded first is called instead (`hooks`); it calls
//! the real one when it likes. What a hook does is in `handlers`; what it may do to the job is three things:
//!
//! - `recorder`: an event is written into a ring in a mapped file, always. A task that is killed leaves it.
//! - `holding`: a thread waits at the entry of a function until another function was left, in whatever process, as the rules say.
//! - `mending`: `CallOptions` remember a cancel that came before their cancel function.
//!
//! Without its environment variables the probe calls the real functions and does nothing else. With another build of TensorFlow than
//! the known ones it says so in one line and does the same.

mod conditions;
mod context;
mod handlers;
mod holding;
mod hooks;
mod library;
mod memory;
mod mending;
mod partitions;
mod receives;
mod recorder;
mod task;
