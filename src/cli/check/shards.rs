//! The verdict of several shards of a check together.

use std::fs;
use std::path::Path;

use lastbatch::explore::Answer;
use lastbatch::file::FileError;
use lastbatch::report::{JsonVerdict, joined_text, verdict_line};

use super::{Check, worse};
use crate::cli::screen::{is_quiet, view};
use crate::cli::{Ended, Outcome, print};

impl Check {
    /// Joins the verdicts of all shards, scenario by scenario.
    pub(super) fn join(&self) -> Ended {
        let mut all: Vec<JsonVerdict> = Vec::new();
        for path in &self.merge {
            all.extend(verdicts(path)?);
        }
        let mut worst = Outcome::Holds;
        while let Some(first) = all.first() {
            let name = first.scenario.clone();
            let (shards, others) = all.into_iter().partition(|one| one.scenario == name);
            all = others;
            let joined = JsonVerdict::joined(shards).map_err(|error| format!("{name}: {error}"))?;
            if self.json {
                print(&format!("{}\n", serde_json::to_string(&joined)?));
            } else if is_quiet() {
                print(&verdict_line(&joined.scenario, &joined.verdict, &view()));
            } else {
                print(&joined_text(&joined, &view()));
            }
            let verdict = &joined.verdict;
            worst = worse(
                worst,
                match verdict.answer {
                    _ if !verdict.findings.is_empty() => Outcome::Fails,
                    Answer::Hang => Outcome::Fails,
                    Answer::NoHang => Outcome::Holds,
                    Answer::NoHangInParts | Answer::Undecided => Outcome::Undecided,
                },
            );
        }
        Ok(worst)
    }
}

/// Reads what a shard printed: one verdict per line.
fn verdicts(path: &Path) -> Result<Vec<JsonVerdict>, FileError> {
    let text = fs::read_to_string(path).map_err(FileError::cannot("read", path))?;
    let numbered = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let verdicts = numbered.map(|(number, line)| {
        let wrong = |problem: String| FileError::at(path, number, problem);
        let expected = "expected a line that check --shard N/COUNT --json printed";
        let verdict: JsonVerdict =
            serde_json::from_str(line).map_err(|error| wrong(format!("no verdict, {error}; {expected}")))?;
        match verdict.share {
            Some(_) => Ok(verdict),
            None => Err(wrong(format!("the verdict of no shard; {expected}"))),
        }
    });
    let verdicts = verdicts.collect::<Result<Vec<_>, _>>()?;
    if verdicts.is_empty() {
        return Err(FileError::new(
            path,
            "no verdict, expected what check --shard N/COUNT --json printed",
        ));
    }
    Ok(verdicts)
}
