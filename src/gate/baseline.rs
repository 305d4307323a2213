//! Results of every scenario when the baseline was written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::report::{GateReport, SearchResult};
use super::task::SECOND_LOOK;
use super::{MODEL_HASH, Scope};
use crate::explore::Answer;
use crate::file::{FileError, write_whole};

/// The newest format, and the one that is written. The first, which had no lengths, is still read.
const FORMAT: u32 = 2;

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

/// The results of one scenario.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Hash of its job and runtime.
    pub scenario: String,
    /// Hash of its graph files.
    pub graph: String,
    /// Hash of the graph that the model runs, after slicing.
    pub slice: String,
    /// Findings of each engine, by name.
    pub engines: BTreeMap<String, Engine>,
}

/// The findings of one engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The answer.
    pub verdict: Answer,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// The signatures' names, sorted.
    pub signatures: Vec<String>,
    /// Labels on the shortest schedule of each, in their order; none of an engine that samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lengths: Vec<usize>,
    /// Ends that the clients can have, where the scenario asks for that; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<String>,
    /// Distinct states.
    pub states: u64,
    /// Hash of the reductions that were on, and of their code.
    pub reductions: String,
}

impl Default for Baseline {
    /// Returns one that knows no scenario.
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
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(FileError::cannot("read the baseline", path))?;
        let wrong = |problem: String| FileError::new(path, format!("no baseline: {problem}"));
        let baseline: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text[..start].matches('\n').count();
            let message: Vec<&str> = error.message().lines().map(str::trim).collect();
            wrong(format!("line {line}: {}", message.join("; ")))
        })?;
        if !(1..=FORMAT).contains(&baseline.version) {
            return Err(wrong(format!("version {}, expected {FORMAT}", baseline.version)));
        }
        Ok(baseline)
    }

    /// Returns the baseline that a report is.
    pub fn of(report: &GateReport) -> Self {
        let scenarios = report.scenarios.iter().map(|result| {
            let identity = result.identity.clone();
            let searches = result.searches.iter().filter(|search| search.scope != Scope::Brief);
            let entry = Entry {
                scenario: identity.scenario,
                graph: identity.graph,
                slice: identity.slice,
                engines: searches
                    .map(|search| (search.found.engine.clone(), Engine::of(search)))
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

    /// Takes over the second looks of an older one, where this one took none at the same scenario.
    pub fn keep_second_looks(&mut self, older: &Self) {
        for (name, entry) in &mut self.scenarios {
            let known = older.scenarios.get(name).filter(|known| known.slice == entry.slice);
            if let Some(second) = known.and_then(|known| known.engines.get(SECOND_LOOK)) {
                let kept = entry.engines.entry(SECOND_LOOK.to_owned());
                kept.or_insert_with(|| second.clone());
            }
        }
    }

    /// Takes over the scenarios of an older one that this one does not know. What they gave is of the older model, so its hash stays.
    pub fn keep_others(&mut self, older: &Self) {
        let others = older
            .scenarios
            .iter()
            .filter(|(name, _)| !self.scenarios.contains_key(*name));
        let others: Vec<_> = others.map(|(name, entry)| (name.clone(), entry.clone())).collect();
        if !others.is_empty() {
            self.model.clone_from(&older.model);
        }
        self.scenarios.extend(others);
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let text = toml::to_string(self).expect("a baseline is plain data");
        write_whole(path, format!("{HEADING}{text}").as_bytes()).map_err(FileError::cannot("write the baseline", path))
    }

    /// States that a scenario's search took under an engine.
    pub fn states(&self, scenario: &str, engine: &str) -> Option<u64> {
        Some(self.scenarios.get(scenario)?.engines.get(engine)?.states)
    }

    /// Lists what `newer` says that this one does not, one line per change.
    pub fn changes(&self, newer: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.model != newer.model {
            lines.push(format!("~ model {} -> {}", self.model, newer.model));
        }
        for (name, old, new) in side_by_side(&self.scenarios, &newer.scenarios) {
            match (old, new) {
                (None, Some(entry)) => lines.push(format!("+ {name}: {}", entry.told())),
                (Some(entry), None) => lines.push(format!("- {name}: {}", entry.told())),
                (Some(old), Some(new)) if old != new => lines.push(format!("~ {name}: {}", old.changes(new))),
                _ => {}
            }
        }
        lines
    }
}

/// Returns every name with what each side has under it, in order.
fn side_by_side<'a, T>(
    old: &'a BTreeMap<String, T>,
    new: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().map(|name| (name, old.get(name), new.get(name)))
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
        for (name, old, new) in side_by_side(&self.engines, &newer.engines) {
            match (old, new) {
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
        let found = &search.found;
        let length = |id: &String| found.hangs.iter().find(|hang| hang.id == *id).map(|hang| hang.length);
        let signatures = found.signatures();
        Self {
            verdict: found.answer,
            complete: found.complete,
            lengths: if found.executions.is_none() {
                signatures.iter().filter_map(length).collect()
            } else {
                Vec::new()
            },
            signatures,
            outcomes: found.outcomes.clone(),
            states: found.states,
            reductions: search.reductions_hash.clone(),
        }
    }

    /// Returns the length that the baseline has for a signature.
    pub fn length(&self, id: &str) -> Option<usize> {
        let place = self.signatures.iter().position(|known| known == id)?;
        self.lengths.get(place).copied()
    }

    fn told(&self) -> String {
        let end = if self.complete { "complete" } else { "not complete" };
        let mut text = format!("{}, {end}, {} states", self.verdict.name(), self.states);
        for signature in &self.signatures {
            text.push_str(&format!(" {signature}"));
            if let Some(length) = self.length(signature) {
                text.push_str(&format!(" ({length})"));
            }
        }
        for outcome in &self.outcomes {
            text.push_str(&format!(" \"{outcome}\""));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schedule_files;
    use crate::schedule::{Ending, Schedule};

    /// Every kind of hang that is shipped, by the name that it keeps whatever its words become.
    const SHIPPED: [&str; 23] = [
        "01b4deb8", "070c5fe5", "133a2571", "2fbd5b18", "2fec35e7", "3031ccb9", "72eaa422", "77a5d55f", "78fe6d66",
        "7a624761", "7de6dade", "7f7fbc8b", "8fcecaf5", "9950a0fe", "be6b88e5", "c33d79b5", "ca515340", "d3dc372f",
        "d9f8c03f", "dadd2faa", "f205ba37", "f69a2f25", "f9e0a1a2",
    ];

    #[test]
    fn the_ids_of_the_shipped_hangs_stay() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let baseline = Baseline::load(&root.join("baseline.toml")).unwrap();
        let engines = baseline.scenarios.values().flat_map(|entry| entry.engines.values());
        let mut ids: BTreeSet<String> = engines.flat_map(|engine| engine.signatures.clone()).collect();
        for file in schedule_files(&root).unwrap() {
            let schedule = Schedule::load(&file).unwrap();
            if let Ending::Hang { signature, .. } = schedule.header.ending {
                ids.insert(signature);
            }
        }
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), SHIPPED);
    }
}
