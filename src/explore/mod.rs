//! Engines: each runs a [`crate::machine::Model`] and says whether a client can hang.
//!
//! An engine chooses which thread runs its next label, and the outcome of each choice. Nothing else.

pub mod driver;
mod engine;
pub mod exhaustive;
#[cfg(feature = "loom")]
pub mod loom;
mod parts;
pub mod sample;
mod shard;
#[cfg(feature = "shuttle")]
pub mod shuttle;
mod start_from;
mod strategy;
pub mod threads;
mod verification;

use std::any::Any;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

pub use self::engine::{Budget, Engine, RunError, run};
#[cfg(feature = "tensorflow")]
pub(crate) use self::engine::{by_sample, by_shuttle, by_threads};
pub use self::parts::PartsSearched;
pub use self::shard::{MergeError, Shard};
pub use self::start_from::StartFrom;
pub use self::strategy::{ParseStrategyError, Strategy, UnknownStrategy};
pub use self::verification::Verification;

use crate::machine::{Event, Signature, Unmodelled, WaitFor};
use crate::schedule;

/// An engine's answer about a model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Answer {
    /// There is a schedule after which a client can never return.
    Hang,
    /// There is none: every schedule was looked at.
    NoHang,
    /// There is none in any of the system's parts that were searched, which is an argument and no proof.
    NoHangInParts,
    /// None was found, but not every schedule was looked at, or the model leaves out what could cause one.
    #[default]
    Undecided,
}

impl Answer {
    /// Its name in files, as in `no_hang`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the answer of an engine that found these hangs; complete: it looked at everything.
    fn of(hangs: &[FoundHang], complete: bool) -> Self {
        match complete {
            _ if !hangs.is_empty() => Self::Hang,
            true => Self::NoHang,
            false => Self::Undecided,
        }
    }
}

impl fmt::Display for Answer {
    /// Writes it as people read it, as in `no hang`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}

/// One way to hang, with the shortest schedule that the engine knows for it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FoundHang {
    /// The client that never gets its answer, as the model names it.
    pub client: String,
    /// The common part of every hang of this kind.
    pub signature: Signature,
    /// Waiting places of this hang.
    pub wait_for: WaitFor,
    /// The labels that lead there, in order.
    pub events: Vec<Event>,
    /// Number of `events` that the search needed; the rest only bring the other threads to rest.
    pub length: usize,
}

/// A hang without its evidence, as reports keep it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HangRecord {
    /// The signature's name: eight hexadecimal digits.
    pub id: String,
    /// The client that waits for ever.
    pub client: String,
    /// The signature in full: who waits for what, to the cause.
    #[serde(default)]
    pub waits: String,
    /// Every waiting place, from the client on.
    #[serde(default)]
    pub waiting: Vec<String>,
    /// The reason why nobody will answer; several reasons are joined by a semicolon.
    #[serde(default)]
    pub cause: String,
    /// The place where the schedule was written.
    pub schedule: Option<String>,
    /// Labels on the shortest schedule.
    pub length: usize,
}

impl FoundHang {
    /// Orders hangs by the lengths of their schedules, and equally long ones by signature.
    fn by_length(one: &Self, other: &Self) -> Ordering {
        (one.length, &one.signature).cmp(&(other.length, &other.signature))
    }

    /// Records the hang; `schedule` is where its schedule was written.
    pub fn record(&self, schedule: Option<String>) -> HangRecord {
        let nodes = &self.wait_for.nodes;
        let waiting = nodes
            .iter()
            .map(|node| format!("{}: {} waits for {}", node.role, node.label, node.object));
        let causes: BTreeSet<String> = nodes
            .iter()
            .filter_map(|node| Some(node.cause.as_ref()?.to_string()))
            .collect();
        HangRecord {
            id: self.signature.id(),
            client: self.client.clone(),
            waits: self.signature.to_string(),
            waiting: waiting.collect(),
            cause: causes.into_iter().collect::<Vec<_>>().join("; "),
            schedule,
            length: self.length,
        }
    }
}

/// The subject of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The model panicked.
    #[strum(to_string = "panic in the model")]
    Panic,
    /// A label did not do what its thread had declared.
    #[strum(to_string = "broken contract")]
    Contract,
    /// The engine contradicts itself: a bug in the engine, or a model that does not keep its promises to it.
    #[strum(to_string = "internal error")]
    Internal,
}

/// Something wrong with the model or the engine itself, with the schedule that shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Kind of the finding.
    pub kind: FindingKind,
    /// One line that says it.
    pub message: String,
    /// A shortest schedule; where a label fails, it is the last one. Empty where a report keeps the finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

/// The work of an engine that runs a model from its start to its end, again and again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Executions {
    /// Strategy by which schedules were chosen.
    pub strategy: String,
    /// Seed of the choices; none if nothing was left to chance.
    pub seed: Option<u64>,
    /// Number of executions.
    pub count: u64,
    /// Labels that ran in all of them.
    pub labels: u64,
    /// Different states in which they came to rest.
    pub outcomes: u64,
    /// Number of these that were new in the last thousand executions: the saturation. With none, more of the same will hardly find more.
    pub new_outcomes: u64,
    /// The execution, from 1, that hung first.
    pub first_hang: Option<u64>,
    /// Executions that were cut off because they ran too many labels.
    pub cut: u64,
}

/// An engine's result, with its evidence; with [`HangRecord`]s, what is kept of that. The default is a result of nobody on nothing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Verdict<H = FoundHang> {
    /// Name of the engine.
    pub engine: String,
    /// Answer of the engine.
    #[serde(rename = "verdict")]
    pub answer: Answer,
    /// True only if the search ended by itself and nothing was cut off.
    pub complete: bool,
    /// Distinct states that were stored.
    pub states: u64,
    /// Transitions between them (a transition may be several labels, where a reduction joins them).
    pub transitions: u64,
    /// Labels on the longest of the shortest paths to a state.
    pub depth: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Most bytes held by the engine's tables, by its own account.
    #[serde(default)]
    pub peak_bytes: u64,
    /// The reductions that were on, and why one was not.
    pub reductions: Vec<String>,
    /// Way in which states were told apart.
    pub storage: String,
    /// The limit that ended the search before its end.
    pub stopped_by: Option<String>,
    /// Statistics of an engine that runs one schedule after the other; none of one that stores states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executions: Option<Executions>,
    /// Every kind of hang, ordered by length of schedule and then signature.
    #[serde(rename = "signatures")]
    pub hangs: Vec<H>,
    /// Leaks: what stays behind in states at rest though every client returned; sorted, each once.
    #[serde(default)]
    pub leaks: Vec<String>,
    /// Ends that the clients can have and what they changed for good ([`crate::machine::Model::outcome`]); sorted, each once. Known only
    /// where the search went on after every client had its answer.
    #[serde(default)]
    pub outcomes: Vec<String>,
    /// Faults of the model, sorted.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Parts of the system that the model takes for something simpler: with any, nothing is proved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmodelled: Vec<Unmodelled>,
    /// Assumptions about parts that the model leaves out, as in `HorovodAllreduce never waits`: a proof holds under these assumptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// The parts of the system that were searched, where it is too large to be searched as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartsSearched>,
    /// The second look at a proof, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

impl<H> Verdict<H> {
    /// Returns the verdict on a system of which the model leaves something out: unless that is assumed away, nothing is proved of it. A
    /// hang that was found stays one.
    #[must_use]
    pub fn with_unmodelled(mut self, unmodelled: &[Unmodelled], assumptions: &[String]) -> Self {
        if matches!(self.answer, Answer::NoHang | Answer::NoHangInParts) && !unmodelled.is_empty() {
            self.answer = Answer::Undecided;
        }
        self.unmodelled = unmodelled.to_vec();
        self.assumptions = assumptions.to_vec();
        self
    }

    /// Names what the model leaves out, if that is why nothing is proved.
    pub fn depends_on(&self) -> Option<String> {
        let names: Vec<String> = self.unmodelled.iter().map(Unmodelled::named).collect();
        let open = self.answer == Answer::Undecided && !names.is_empty();
        open.then(|| format!("it depends on {}, not modelled", names.join(", ")))
    }

    /// Tells the assumptions under which the answer holds, as in `assuming that HorovodAllreduce never waits`.
    pub fn assuming(&self) -> Option<String> {
        let some = !self.assumptions.is_empty();
        some.then(|| format!("assuming that {}", self.assumptions.join(" and ")))
    }

    /// Tells how much was looked at: states, or executions of an engine that runs one after the other.
    pub fn size(&self) -> u64 {
        self.executions
            .as_ref()
            .map_or(self.states, |executions| executions.count)
    }
}

impl Verdict {
    /// Records the verdict; `schedules` are where its hangs' schedules were written, in their order.
    pub fn record(&self, schedules: &[Option<PathBuf>]) -> Verdict<HangRecord> {
        let place = |index: usize| Some(schedules.get(index)?.as_ref()?.display().to_string());
        let hangs = self.hangs.iter().enumerate();
        let bare = |finding: Finding| Finding {
            events: Vec::new(),
            ..finding
        };
        let verdict = self.clone();
        Verdict {
            hangs: hangs.map(|(index, hang)| hang.record(place(index))).collect(),
            findings: verdict.findings.into_iter().map(bare).collect(),
            engine: verdict.engine,
            answer: verdict.answer,
            complete: verdict.complete,
            states: verdict.states,
            transitions: verdict.transitions,
            depth: verdict.depth,
            seconds: verdict.seconds,
            peak_bytes: verdict.peak_bytes,
            reductions: verdict.reductions,
            storage: verdict.storage,
            stopped_by: verdict.stopped_by,
            executions: verdict.executions,
            leaks: verdict.leaks,
            outcomes: verdict.outcomes,
            unmodelled: verdict.unmodelled,
            assumptions: verdict.assumptions,
            parts: verdict.parts,
            verification: verdict.verification,
        }
    }
}

impl Verdict<HangRecord> {
    /// Returns the signatures' names, sorted.
    pub fn signatures(&self) -> Vec<String> {
        let mut names: Vec<String> = self.hangs.iter().map(|hang| hang.id.clone()).collect();
        names.sort();
        names
    }
}

/// Returns the text of a panic.
fn panic_text(payload: &(dyn Any + Send)) -> String {
    schedule::panic_text(payload)
        .unwrap_or("a panic without a message")
        .to_owned()
}

/// Hashes a state of a system so that two engines can compare it: 128 bits of xxh3, the same in every run of one build.
pub fn fingerprint(state: &impl Hash) -> u128 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    state.hash(&mut hasher);
    hasher.digest128()
}
