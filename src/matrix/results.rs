//! Results of the searches of a matrix, as a file.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::explore::{Answer, Executions, HangRecord, Verdict};
use crate::gate::MODEL_HASH;
use crate::schedule::write_whole;

/// The newest format, and the one that is written.
const FORMAT: u32 = 3;

/// The result of one search.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The model ([`super::Search::model`]).
    pub model: String,
    /// The budget, in states.
    pub max_states: u64,
    /// The verdict, the hangs of both engines in it.
    pub found: Verdict<HangRecord>,
    /// The schedules that were tried where the search was cut off and had found nothing.
    pub sampled: Option<Sampled>,
}

/// Executions of an engine that tries one schedule after the other, beside a search that its budget ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sampled {
    /// The engine.
    pub engine: String,
    /// Its work.
    pub executions: Executions,
}

impl Record {
    /// Returns the record of a verdict.
    pub fn of(model: &str, max_states: u64, verdict: &Verdict) -> Self {
        Self {
            model: model.to_owned(),
            max_states,
            found: verdict.record(&[]),
            sampled: None,
        }
    }

    /// Returns true if the search was cut off and says nothing, so that trying schedules may say more.
    pub fn is_open(&self) -> bool {
        self.found.answer == Answer::Undecided && self.found.findings.is_empty()
    }

    /// Adds what was found by trying schedules where the search was cut off: a hang decides the cell, its absence does not.
    pub fn and_sampled(mut self, verdict: &Verdict) -> Self {
        let other = verdict.record(&[]);
        if other.answer == Answer::Hang {
            self.found.answer = Answer::Hang;
        }
        self.found.hangs.extend(other.hangs);
        self.found.findings.extend(other.findings);
        self.found.seconds += other.seconds;
        let engine = other.engine;
        self.sampled = other.executions.map(|executions| Sampled { engine, executions });
        self
    }
}

/// The results of a matrix, one per model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Format of the file.
    format: u32,
    /// Version of the program that searched.
    version: String,
    /// Hash of its model's code: what another model gave says nothing of this one. Empty in the first format, which had none.
    #[serde(default)]
    code: String,
    /// Records in the order in which they were found.
    records: Vec<Record>,
}

/// The reason why results cannot be read or written.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// The file cannot be read.
    #[error("{}: cannot read the results: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{}: no results of a matrix: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The problem.
        source: serde_json::Error,
    },
    /// They are of another program.
    #[error("{}: results of {found}, expected {expected}; run without --resume", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its format, version and model.
        found: String,
        /// This program's.
        expected: String,
    },
    /// The file cannot be written.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Default for Results {
    fn default() -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            code: MODEL_HASH.to_owned(),
            records: Vec::new(),
        }
    }
}

impl Results {
    /// Reads results; a file that is not there holds none.
    ///
    /// # Errors
    /// When the file cannot be read, or is not one of this version.
    pub fn load(path: &Path) -> Result<Self, ResultsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(ResultsError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let results: Self = serde_json::from_str(&text).map_err(|source| ResultsError::Parse {
            path: path.to_owned(),
            source,
        })?;
        let own = Self::default();
        let name = |results: &Self| {
            format!(
                "version {} (format {}, model {})",
                results.version, results.format, results.code
            )
        };
        if name(&results) != name(&own) {
            return Err(ResultsError::Foreign {
                path: path.to_owned(),
                found: name(&results),
                expected: name(&own),
            });
        }
        Ok(results)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), ResultsError> {
        let mut text = serde_json::to_string_pretty(self).expect("records are plain data");
        text.push('\n');
        write_whole(path, text.as_bytes()).map_err(|source| ResultsError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Returns the record of a model.
    pub fn of(&self, model: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.model == model)
    }

    /// Returns true if a search of this model with this budget has nothing to add.
    pub fn suffice(&self, model: &str, max_states: u64) -> bool {
        self.of(model)
            .is_some_and(|record| record.found.complete || record.max_states >= max_states)
    }

    /// Adds a record, in place of an older one of the same model.
    pub fn add(&mut self, record: Record) {
        self.records.retain(|other| other.model != record.model);
        self.records.push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(model: &str, complete: bool, max_states: u64) -> Record {
        let verdict = Verdict {
            engine: "exhaustive".to_owned(),
            answer: if complete { Answer::NoHang } else { Answer::Undecided },
            complete,
            states: 7,
            ..Verdict::none()
        };
        Record::of(model, max_states, &verdict)
    }

    #[test]
    fn what_is_complete_is_never_searched_again_and_what_is_not_only_with_a_larger_budget() {
        let mut results = Results::default();
        results.add(record("a", true, 10));
        results.add(record("b", false, 10));
        assert!(results.suffice("a", 1_000));
        assert!(results.suffice("b", 10) && !results.suffice("b", 11));
        assert!(!results.suffice("c", 0));
        results.add(record("b", true, 11));
        assert!(results.suffice("b", 1_000));
    }

    #[test]
    fn results_are_read_as_they_were_written_and_those_of_another_version_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("matrix.json");
        assert_eq!(Results::load(&path).unwrap(), Results::default());
        let mut results = Results::default();
        results.add(record("a", true, 10));
        results.save(&path).unwrap();
        assert_eq!(Results::load(&path).unwrap(), results);
        results.version = "0.0.0".to_owned();
        results.save(&path).unwrap();
        let error = Results::load(&path).unwrap_err().to_string();
        assert!(
            error.contains("results of version 0.0.0 (format 3, model xxh3:") && error.contains("), expected version"),
            "{error}"
        );
        results = Results::default();
        results.code = "xxh3:0".to_owned();
        results.save(&path).unwrap();
        assert!(matches!(Results::load(&path), Err(ResultsError::Foreign { .. })));
        std::fs::write(&path, r#"{"format": 1, "version": "0.1.0", "records": []}"#).unwrap();
        assert!(matches!(Results::load(&path), Err(ResultsError::Foreign { .. })));
        std::fs::write(&path, "{}").unwrap();
        assert!(
            Results::load(&path)
                .unwrap_err()
                .to_string()
                .contains("no results of a matrix")
        );
    }
}
