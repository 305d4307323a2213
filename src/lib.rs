//! `lastbatch` runs a concurrent system in every order, and says whether somebody can wait for ever.
//!
//! It was made for one such system, the training step of TensorFlow 1.x ([`models`], the program `lastbatch`). The engines know nothing of that:
//! a model of your own takes a few dozen lines. Your code can't be run as it is; you write down what its threads do, one atomic step at a time.
//!
//! # A first model
//!
//! In `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! lastbatch = { path = "../lastbatch", default-features = false, features = ["page"] }
//! ```
//!
//! In a file below `tests/`:
//!
//! ```no_run
#![doc = include_str!("front_page.rs")]
//! ```
//!
//! The first test passes because the model can hang. With `assert_no_hang()` in its place it fails, and the text says who waits, for what, why
//! nobody answers, and which order would have to be another one; below stands a shortest schedule. With `LASTBATCH_OUT=hangs cargo test`, the
//! folder `hangs` gets the schedule, to be run again, and a page for a browser.
//!
//! # What a model says
//!
//! - **State.** Plain data that can be compared and hashed: the shared data, and where each thread stands. What no thread can tell apart should
//!   be equal. [`machine::Lock`] and [`machine::Condvar`] are a mutex that is held across steps and a condition variable.
//! - **Threads.** All that may ever live. A thread that must not end, as a server's, is left out by [`SmallModel::must_end`].
//! - **Steps.** [`SmallModel::next`] tells what a thread does next, as [`SmallModel::step`] begins it: a label, whether it can be done now
//!   (`when`), what it does (`then`). One step is one operation that nobody can interrupt: what happens under a lock that is released at once
//!   is one step. Outcomes that nobody controls are `choose`.
//! - **Waits.** Who holds what a step waits for (`awaits`), or why nobody will provide it (`because`). Hangs are told by that: those with the
//!   same story are one, and have one signature.
//! - **Processes.** Those of [`SmallModel::PROCESSES`] share nothing. A step may `send` a frame to one, and [`SmallModel::deliver`] appends it
//!   to what that has received. A timer is a thread that may fire at any time.
//! - **Objects.** Unless [`SmallModel::OBJECTS`] names several, the state of a process is one. With several, a step names the one that it
//!   touches (`on`), and the engines check that it changes no other.
//!
//! `examples/` has a bounded queue with a lost wake-up, a connection pool that is exhausted, and a two-phase commit with a timer.
//!
//! # Engines
//!
//! [`check`](fn@check) runs a model under the engine that you choose, and gives the same result for all ([`check::Checked`]):
//!
//! | engine | what it runs | without a hang |
//! | --- | --- | --- |
//! | [`Engine::Exhaustive`] | every state, breadth first | proves that there is none |
//! | [`Engine::Sample`] | random schedules, by several strategies | proves nothing |
//! | [`Engine::Threads`] | real threads, with noise | proves nothing |
//! | `Engine::Shuttle`, feature `shuttle` | random schedules on shuttle's coroutines; with [`explore::Strategy::Dfs`] all of them | proves nothing, or all |
//! | `Engine::Loom`, feature `loom` | every interleaving of at most five threads, by loom's search | proves that there is none |
//!
//! ```no_run
//! # use lastbatch::check::Checkable;
//! # fn all(model: impl Checkable) {
//! use lastbatch::{Engine, check};
//! check(model.clone()).engine(Engine::Sample).seed(7).executions(10_000).assert_no_hang();
//! check(model.clone()).max_states(1_000_000).assert_no_hang();
//! check(model.clone()).assert_no_hang_under_every_engine();
//! let result = check(model).run();
//! println!("{result}");
//! # }
//! ```
//!
//! A hang is one whatever else runs: the client returns on no continuation. Where a bound ends a search, it says *undecided*, and
//! `assert_no_hang` fails.
//!
//! # Larger models
//!
//! A [`SmallModel`] knows no reductions, so it suits systems of up to some hundred thousand states. A large one implements [`machine::Model`]
//! itself, and says in [`machine::Independence`] and [`machine::Guarantees`] what commutes and what is sure to happen. The macro
//! [`says_nothing!`] writes what it has nothing to say about. [`machine::Describe`] has its words for people.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `cli` (default) | the program; all that follows |
//! | `tensorflow` | the model of TensorFlow, its scenarios, the gate; `page`, `loom` and `shuttle` |
//! | `page` | hangs as pages and drawings |
//! | `loom`, `shuttle` | these engines |

// The example above is compiled and tested as it stands.
#[cfg(test)]
extern crate self as lastbatch;

pub mod check;
pub mod diagnose;
pub mod explore;
pub mod file;
#[cfg(test)]
mod front_page;
#[cfg(feature = "tensorflow")]
pub mod gate;
pub mod machine;
#[cfg(feature = "tensorflow")]
pub mod matrix;
// The models: what is simulated. They know the machine, no engine. They live beside `src`, since they are what users read and change.
#[path = "../models/mod.rs"]
pub mod models;
pub mod report;
#[cfg(feature = "tensorflow")]
pub mod scenario;
pub mod schedule;
pub mod small;

pub use check::check;
pub use explore::Engine;
pub use small::{SmallModel, Step};
