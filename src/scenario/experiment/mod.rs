//! A scenario that is ready to run: where scenarios, imported graphs, the model and the engines meet.

mod build;
mod clients;
mod closed_world;
mod decide;
mod engines;
mod epochs;
mod error;
mod hang;
mod hashes;
mod kernel;
mod parts;
mod reads;
mod recorded;
mod verification;
mod worker;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Scenario;
use crate::explore::exhaustive::{self, CheckpointError, Checkpointing, Options, Status};
use crate::explore::{Finding, FoundHang, Verdict};
use crate::file::FileError;
use crate::machine::{Event, Label, Model, Reducible, Unmodelled};
use crate::models::TensorFlow;
use crate::schedule::{Ending, Hash, Header, ReplayOutcome, ScenarioHeader, Schedule, Subject, replay};

pub use self::decide::{DecideError, Decision};
pub use self::engines::{EngineError, EngineStatus};
pub use self::error::{ExperimentError, ExperimentProblem};
pub use self::hang::HangError;
pub use self::hashes::Hashes;
pub use self::kernel::Cut;
pub use self::parts::search_parts;
pub use self::recorded::RecordedError;
pub use self::worker::{Request, RequestError, WORKER_COMMAND, WorkerError};
pub use crate::explore::Budget;

/// A scenario with its model, ready to run. Nothing changes it once it is built.
pub struct Experiment {
    scenario: Scenario,
    model: TensorFlow,
    hashes: Hashes,
    slice: String,
    servers: usize,
    cut: Option<Cut>,
    unmodelled: Vec<Unmodelled>,
    assumptions: Vec<String>,
}

/// The labels that occur in some schedules, by name.
pub type Labels = BTreeMap<&'static str, &'static Label>;

impl Experiment {
    /// Returns the scenario, with what the command line changed of it.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Returns the model of its job, with every label: schedules replay on it, whatever the search that found them left out.
    pub fn model(&self) -> &TensorFlow {
        &self.model
    }

    /// Hashes of what decides its states.
    pub fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// Returns the nodes of the graph that run, for people.
    pub fn slice(&self) -> &str {
        &self.slice
    }

    /// Returns the number of parameter servers of the graph that trains, whether the steps that run need them or not.
    pub fn servers(&self) -> usize {
        self.servers
    }

    /// Returns the part of the job that is run; none if all of it is.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// Returns what the model leaves out of the whole graphs, but for what the scenario takes for granted.
    pub fn unmodelled(&self) -> &[Unmodelled] {
        &self.unmodelled
    }

    /// Returns what the scenario takes for granted of what the model leaves out, as in `HorovodAllreduce never waits`.
    pub fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    /// Searches every state. With `cancel_order`, `StartAbort` cancels the active calls in ascending order only: a reduction. What
    /// the client's last step leaves on servers is cleaned up only if the engine is asked for leaks.
    pub fn search(
        &self,
        options: &Options,
        cancel_order: bool,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Verdict {
        let verdict = self.search_at(options, cancel_order, None, interrupt, progress);
        verdict.expect("only a checkpoint can fail")
    }

    /// Searches with checkpoints in the file `place.path`, if it is given; what they are of is added to `place.identity`.
    ///
    /// # Errors
    /// When the checkpoint that is there can't be used, or none can be written.
    pub fn search_at(
        &self,
        options: &Options,
        cancel_order: bool,
        mut place: Option<Checkpointing>,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Result<Verdict, CheckpointError> {
        if let Some(place) = &mut place {
            place.identity.extend(self.identity(cancel_order)?);
        }
        let place = place.as_ref();
        // What a step leaves on variables is the same before servers are cleaned up, and there is less to search.
        let cleans_up = options.reductions.leaks && !self.scenario.looks_at_outcomes();
        let mut model = self.model.clone();
        model.set_cancels_in_order(cancel_order);
        model.set_cleans_up(cleans_up);
        let mut verdict = match &self.cut {
            None => explore(&model, options, place, interrupt, progress)?,
            Some(cut) => cut.complete(explore(&cut.kernel(model), options, place, interrupt, progress)?),
        };
        note_left_out(&mut verdict, cancel_order, cleans_up);
        Ok(self.of_the_whole(verdict))
    }

    /// Takes into account what the model leaves out of the graphs.
    fn of_the_whole(&self, verdict: Verdict) -> Verdict {
        verdict.with_unmodelled(&self.unmodelled, &self.assumptions)
    }

    /// Lists all that decides what a search of this scenario does, but for the engine's reductions.
    fn identity(&self, cancel_order: bool) -> Result<Vec<(String, String)>, FileError> {
        let document = &self.scenario.document;
        let named = |name: &str, value: String| (name.to_owned(), value);
        Ok(vec![
            named("scenario", self.hashes.scenario.to_string()),
            named("graph", self.hashes.graph.to_string()),
            named("slice", document.job.slice_text()),
            named("kernel", format!("{:?}", document.kernel)),
            named("variant", document.runtime.variant.to_string()),
            named("partition order", document.job.partition_order.to_string()),
            named("root order", document.job.root_order.to_string()),
            named("cancel order", cancel_order.to_string()),
            named("program", program()?),
        ])
    }

    /// Returns the verified schedule of a hang that was found, with the difference between the search and the replay if there is one.
    pub fn verified(&self, hang: &FoundHang, labels: &mut Labels) -> (Schedule, Option<String>) {
        let mut schedule = self.schedule_of(hang);
        let problem = self.verify(&mut schedule, labels).broken_promise(&schedule);
        let told = |problem| format!("the search and the replay of its schedule disagree: {problem}");
        (schedule, problem.map(told))
    }

    /// Returns the schedule of something that is wrong with the model.
    pub fn schedule_of_finding(&self, finding: &Finding) -> Schedule {
        let message = finding.message.clone();
        self.schedule(Ending::Panic { message }, finding.events.clone())
    }

    /// Returns the schedule of a hang that was found.
    pub fn schedule_of(&self, hang: &FoundHang) -> Schedule {
        self.schedule(Ending::hang(&hang.client, &hang.signature), hang.events.clone())
    }

    /// Returns a schedule of this scenario.
    pub fn schedule(&self, ending: Ending, events: Vec<Event>) -> Schedule {
        let document = &self.scenario.document;
        let subject = Subject::Scenario(ScenarioHeader {
            scenario: self.scenario.file_name(),
            scenario_hash: self.hashes.scenario,
            graph_hash: self.hashes.graph,
            slice: document.job.slice_text(),
            variant: document.runtime.variant.to_string(),
            partition_order: document.job.partition_order.to_string(),
            root_order: document.job.root_order.to_string(),
        });
        Schedule::record(Header { subject, ending }, events)
    }

    /// Runs a schedule that was just recorded again, to be sure of it; collects the labels that occur in it and notes in the
    /// schedule who else could have run.
    pub fn verify(&self, schedule: &mut Schedule, labels: &mut Labels) -> ReplayOutcome {
        let mut others = Vec::new();
        let outcome = replay(&self.model, schedule, |step| {
            labels.insert(step.label.name, step.label);
            others.push(step.others.to_vec());
        });
        schedule.note_others(others);
        outcome
    }
}

fn explore<M>(
    model: &M,
    options: &Options,
    place: Option<&Checkpointing>,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Result<Verdict, CheckpointError>
where
    M: Reducible + Model<Process: Serialize + DeserializeOwned, Frame: Serialize + DeserializeOwned>,
{
    match place {
        None => Ok(exhaustive::search(model, options, interrupt, progress)),
        Some(place) => exhaustive::search_with_checkpoints(model, options, place, interrupt, progress),
    }
}

/// Notes what the model of a search left out. Where servers are never told to clean up, nothing can be said of what stays behind there.
fn note_left_out(verdict: &mut Verdict, cancel_order: bool, cleans_up: bool) {
    if cancel_order {
        verdict.reductions.push("cancel order".to_owned());
    }
    if !cleans_up {
        verdict.leaks.clear();
        verdict.reductions.push("no clean-up".to_owned());
    }
}

/// Returns the hash of the running program: what it does next with a checkpoint is what the one that wrote it would have done only if both
/// are the same.
fn program() -> Result<String, FileError> {
    static PROGRAM: OnceLock<Hash> = OnceLock::new();
    if let Some(known) = PROGRAM.get() {
        return Ok(known.to_string());
    }
    let path = std::env::current_exe().map_err(|error| FileError::new("the running program", error))?;
    let bytes = std::fs::read(&path).map_err(|error| FileError::new(&path, error))?;
    Ok(PROGRAM.get_or_init(|| Hash::of(&bytes)).to_string())
}
