//! Results of the searches of a matrix, as a file.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::explore::{Answer, Executions, HangRecord, Verdict};
use crate::file::{FileError, write_whole};
use crate::gate::MODEL_HASH;

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
        self.found.answer == Answer::Undecided && !self.found.complete && self.found.findings.is_empty()
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
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(FileError::cannot("read the results", path))?,
        };
        let results: Self = serde_json::from_str(&text)
            .map_err(|error| FileError::new(path, format!("no results of a matrix: {error}")))?;
        let (found, expected) = (results.origin(), Self::default().origin());
        if found != expected {
            let problem = format!("results of {found}, expected {expected}; they have to be made anew");
            return Err(FileError::new(path, problem));
        }
        Ok(results)
    }

    /// Reads the results of several shards as one.
    ///
    /// # Errors
    /// When a file is missing, cannot be read, or is not one of this version.
    pub fn merged(paths: &[PathBuf]) -> Result<Self, FileError> {
        let mut all = Self::default();
        for path in paths {
            if !path.exists() {
                return Err(FileError::new(
                    path,
                    "is not there, expected the matrix.json of a shard".to_owned(),
                ));
            }
            for record in Self::load(path)?.records {
                if !all.suffice(&record.model, record.max_states) {
                    all.add(record);
                }
            }
        }
        Ok(all)
    }

    /// Returns what the file is of: format, version and model.
    fn origin(&self) -> String {
        format!("version {} (format {}, model {})", self.version, self.format, self.code)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let mut text = serde_json::to_string_pretty(self).expect("records are plain data");
        text.push('\n');
        write_whole(path, text.as_bytes()).map_err(FileError::cannot("write", path))
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
            ..Verdict::default()
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

    fn refusal(path: &Path) -> String {
        Results::load(path).unwrap_err().to_string()
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
        let error = refusal(&path);
        assert!(
            error.contains("results of version 0.0.0 (format 3, model xxh3:") && error.contains("), expected version"),
            "{error}"
        );
        results = Results::default();
        results.code = "xxh3:0".to_owned();
        results.save(&path).unwrap();
        assert!(refusal(&path).contains("made anew"));
        std::fs::write(&path, r#"{"format": 1, "version": "0.1.0", "records": []}"#).unwrap();
        assert!(refusal(&path).contains("made anew"));
        std::fs::write(&path, "{}").unwrap();
        assert!(refusal(&path).contains("no results of a matrix"));
    }
}
