//! A verdict for programs.

use std::path::Path;

use serde::Serialize;

use super::Told;
use crate::explore::{Answer, Executions, FoundHang};

/// One verdict. Its fields are a promise: programs read them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonVerdict {
    /// The scenario, as it was given.
    pub scenario: String,
    /// The runtime's variant.
    pub variant: String,
    /// The input design.
    pub input: String,
    /// The engine.
    pub engine: String,
    /// `hang`, `no_hang` or `undecided`.
    pub verdict: &'static str,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// Distinct states.
    pub states: u64,
    /// Transitions between them.
    pub transitions: u64,
    /// Length of the longest shortest path, in labels.
    pub depth: u64,
    /// Elapsed seconds.
    pub seconds: f64,
    /// The reductions that were on.
    pub reductions: Vec<String>,
    /// Which nodes of the graph ran.
    pub slice: String,
    /// How states were told apart.
    pub storage: String,
    /// What ended the search before its end.
    pub stopped_by: Option<String>,
    /// What an engine that runs one execution after the other did; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executions: Option<Executions>,
    /// Every kind of hang.
    pub signatures: Vec<JsonSignature>,
    /// What stays behind though every client has its answer.
    pub leaks: Vec<String>,
    /// How the clients can end and what they changed for good, where the scenario asks for it.
    pub outcomes: Vec<String>,
}

/// One kind of hang.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JsonSignature {
    /// Eight hexadecimal digits.
    pub id: String,
    /// Who waits for ever.
    pub client: String,
    /// Who waits for what, from the client on.
    pub waiting: Vec<String>,
    /// Why nobody will answer; several reasons are joined by a semicolon.
    pub cause: String,
    /// Where the schedule was written.
    pub schedule: Option<String>,
    /// Number of its events up to the point of no return.
    pub length: usize,
}

impl JsonVerdict {
    /// The verdict that was told.
    pub fn of(told: &Told<'_>) -> Self {
        let verdict = told.verdict;
        let schedules = told
            .schedules
            .iter()
            .map(Option::as_deref)
            .chain(std::iter::repeat(None));
        Self {
            scenario: told.scenario.to_owned(),
            variant: told.variant.to_owned(),
            input: told.input.to_owned(),
            engine: verdict.engine.clone(),
            verdict: match verdict.answer {
                Answer::Hang => "hang",
                Answer::NoHang => "no_hang",
                Answer::Undecided => "undecided",
            },
            complete: verdict.complete,
            states: verdict.states,
            transitions: verdict.transitions,
            depth: verdict.depth,
            seconds: verdict.seconds,
            reductions: verdict.reductions.clone(),
            slice: told.slice.to_owned(),
            storage: verdict.storage.clone(),
            stopped_by: verdict.stopped_by.clone(),
            executions: verdict.executions.clone(),
            signatures: verdict.hangs.iter().zip(schedules).map(signature).collect(),
            leaks: verdict.leaks.clone(),
            outcomes: verdict.outcomes.clone(),
        }
    }
}

fn signature((hang, schedule): (&FoundHang, Option<&Path>)) -> JsonSignature {
    let nodes = &hang.wait_for.nodes;
    let waiting = nodes
        .iter()
        .map(|node| format!("{}: {} waits for {}", node.role, node.label, node.object));
    let mut causes: Vec<&str> = nodes.iter().filter_map(|node| node.cause.as_deref()).collect();
    causes.sort_unstable();
    causes.dedup();
    JsonSignature {
        id: hang.signature.id(),
        client: hang.client.clone(),
        waiting: waiting.collect(),
        cause: causes.join("; "),
        schedule: schedule.map(|path| path.display().to_string()),
        length: hang.length,
    }
}
