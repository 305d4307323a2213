//! Forcing: a schedule's decisive orders on the real runtime.
//!
//! [`Forcing::of`] makes hold rules of the races that decide a schedule; the probe follows them inside the tasks of a job.
//! [`Judgement::of`] tells from what the tasks wrote whether the order was reached and what came of it.

mod hooks;
mod judgement;
mod rules;

pub use judgement::{Judgement, Seen};
pub use rules::{Forcing, ForcingError};
