//! Engines: who chooses which thread runs next. Each returns a [`Verdict`].

use crate::machine::{Event, Signature, WaitFor};

/// What an engine found out about a model.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// Name of the engine.
    pub engine: String,
    /// What it answers.
    pub answer: Answer,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// Distinct states.
    pub states: u64,
    /// Labels run.
    pub transitions: u64,
    /// Length of the longest shortest path.
    pub depth: u64,
    /// Elapsed seconds.
    pub seconds: f64,
    /// Greatest memory use in bytes.
    pub peak_bytes: u64,
    /// Reductions that were on.
    pub reductions: Vec<String>,
    /// How visited states were kept.
    pub storage: String,
    /// Which bound ended it.
    pub stopped_by: Option<String>,
    /// Every hang, one a signature.
    pub hangs: Vec<FoundHang>,
    /// What stays behind though every client has its answer.
    pub leaks: Vec<String>,
    /// Labels that panicked.
    pub panics: Vec<FoundPanic>,
}

/// The answer to: can a client hang?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Yes.
    Hang,
    /// No.
    NoHang,
    /// A bound ended the search before an answer.
    Undecided,
}

/// A hang, with a shortest schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundHang {
    /// The client that waits.
    pub client: String,
    /// Its signature.
    pub signature: Signature,
    /// Who waits for whom.
    pub wait_for: WaitFor,
    /// The schedule that leads to it.
    pub events: Vec<Event>,
}

/// A panic of the model, with the schedule that leads to it; the last event is the one that panicked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundPanic {
    /// What it said.
    pub message: String,
    /// The schedule.
    pub events: Vec<Event>,
}
