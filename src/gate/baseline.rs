//! What every scenario gave when the baseline was written.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::MODEL_HASH;
use super::report::{GateReport, SearchResult};
use crate::scenario::ExpectedAnswer;
use crate::schedule::write_whole;

/// The newest format, and the one that is written.
const FORMAT: u32 = 1;

const HEADING: &str = "\
# What each scenario gave: `lastbatch gate` compares with it. Written by `lastbatch gate --update-baseline`; read the diff before
# you commit it.
";

/// A baseline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of the format.
    version: u32,
    /// Hash of the model that it is of ([`MODEL_HASH`]).
    pub model: String,
    /// Each scenario, by its path relative to the gate's directory.
    #[serde(default)]
    pub scenarios: BTreeMap<String, Entry>,
}

/// What one scenario gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Hash of its job and runtime.
    pub scenario: String,
    /// Hash of its graph files.
    pub graph: String,
    /// Hash of the graph that the model runs, after slicing.
    pub slice: String,
    /// What each engine found, by name.
    pub engines: BTreeMap<String, Engine>,
}

/// What one engine found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The answer.
    pub verdict: ExpectedAnswer,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// The signatures' names, sorted.
    pub signatures: Vec<String>,
    /// How the clients can end, where the scenario asks for that; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<String>,
    /// Distinct states.
    pub states: u64,
    /// Hash of the reductions that were on, and of their code.
    pub reductions: String,
}

/// A file that is no baseline.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It is not there, or cannot be read.
    #[error("{}: cannot read the baseline: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Something in it is not as it should be.
    #[error("{}: no baseline: {problem}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What, and where.
        problem: String,
    },
    /// It cannot be written.
    #[error("{}: cannot write the baseline: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl Default for Baseline {
    /// One that knows no scenario.
    fn default() -> Self {
        Self {
            version: FORMAT,
            model: MODEL_HASH.to_owned(),
            scenarios: BTreeMap::new(),
        }
    }
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// When it cannot be read, or is none of this format.
    pub fn load(path: &Path) -> Result<Self, BaselineError> {
        let text = std::fs::read_to_string(path).map_err(|error| BaselineError::Read {
            path: path.to_owned(),
            error,
        })?;
        let wrong = |problem| BaselineError::Contents {
            path: path.to_owned(),
            problem,
        };
        let baseline: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text[..start].matches('\n').count();
            let message: Vec<&str> = error.message().lines().map(str::trim).collect();
            wrong(format!("line {line}: {}", message.join("; ")))
        })?;
        if baseline.version != FORMAT {
            return Err(wrong(format!("version {}, expected {FORMAT}", baseline.version)));
        }
        Ok(baseline)
    }

    /// The baseline that a report is.
    pub fn of(report: &GateReport) -> Self {
        let scenarios = report.scenarios.iter().map(|result| {
            let identity = result.identity.clone();
            let searches = result.searches.iter();
            let entry = Entry {
                scenario: identity.scenario,
                graph: identity.graph,
                slice: identity.slice,
                engines: searches
                    .map(|search| (search.engine.clone(), Engine::of(search)))
                    .collect(),
            };
            (result.name.clone(), entry)
        });
        Self {
            version: FORMAT,
            model: report.model.clone(),
            scenarios: scenarios.collect(),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), BaselineError> {
        let text = toml::to_string(self).expect("a baseline is plain data");
        write_whole(path, format!("{HEADING}{text}").as_bytes()).map_err(|error| BaselineError::Write {
            path: path.to_owned(),
            error,
        })
    }

    /// States that a scenario's search took under an engine.
    pub fn states(&self, scenario: &str, engine: &str) -> Option<u64> {
        Some(self.scenarios.get(scenario)?.engines.get(engine)?.states)
    }

    /// What `newer` says that this one does not, a line a change.
    pub fn changes(&self, newer: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.model != newer.model {
            lines.push(format!("~ model {} -> {}", self.model, newer.model));
        }
        let mut names: Vec<&String> = self.scenarios.keys().chain(newer.scenarios.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            match (self.scenarios.get(name), newer.scenarios.get(name)) {
                (None, Some(entry)) => lines.push(format!("+ {name}: {}", entry.told())),
                (Some(entry), None) => lines.push(format!("- {name}: {}", entry.told())),
                (Some(old), Some(new)) if old != new => lines.push(format!("~ {name}: {}", old.changes(new))),
                _ => {}
            }
        }
        lines
    }
}

impl Entry {
    fn told(&self) -> String {
        let engines = self.engines.iter();
        let told: Vec<String> = engines
            .map(|(name, engine)| format!("{name} {}", engine.told()))
            .collect();
        told.join("; ")
    }

    fn changes(&self, newer: &Self) -> String {
        let mut parts = Vec::new();
        let hashes = [
            ("job or runtime", &self.scenario, &newer.scenario),
            ("graph", &self.graph, &newer.graph),
            ("slice", &self.slice, &newer.slice),
        ];
        for (what, _, _) in hashes.iter().filter(|(_, old, new)| old != new) {
            parts.push(format!("another {what}"));
        }
        let mut names: Vec<&String> = self.engines.keys().chain(newer.engines.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            match (self.engines.get(name), newer.engines.get(name)) {
                (None, Some(engine)) => parts.push(format!("{name} added: {}", engine.told())),
                (Some(_), None) => parts.push(format!("{name} removed")),
                (Some(old), Some(new)) if old.told() != new.told() => {
                    parts.push(format!("{name} {} -> {}", old.told(), new.told()));
                }
                (Some(old), Some(new)) if old != new => parts.push(format!("{name} other reductions")),
                _ => {}
            }
        }
        parts.join("; ")
    }
}

impl Engine {
    fn of(search: &SearchResult) -> Self {
        Self {
            verdict: search.verdict,
            complete: search.complete,
            signatures: search.signature_names(),
            outcomes: search.ends.clone(),
            states: search.states,
            reductions: search.reductions_hash.clone(),
        }
    }

    fn told(&self) -> String {
        let end = if self.complete { "complete" } else { "not complete" };
        let mut text = format!("{}, {end}, {} states", self.verdict, self.states);
        for signature in &self.signatures {
            text.push(' ');
            text.push_str(signature);
        }
        for outcome in &self.outcomes {
            text.push_str(&format!(" \"{outcome}\""));
        }
        text
    }
}
