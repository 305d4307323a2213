//! The result of a check: one type for all engines.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Checkable, OUT, text};
use crate::diagnose::{ExplainError, ExplainOptions, Explanation, explain};
use crate::explore::{Engine, FoundHang, Verdict};
use crate::file::FileError;
use crate::machine::Event;
#[cfg(feature = "page")]
use crate::report::Page;
use crate::schedule::{Ending, Header, Schedule, Subject};

/// Finding of an engine, with the model on which it was made.
#[derive(Clone, Debug)]
pub struct Checked<M> {
    model: M,
    name: String,
    engine: Engine,
    verdict: Verdict,
}

impl<M: Checkable> Checked<M> {
    pub(super) fn new(model: M, name: String, engine: Engine, verdict: Verdict) -> Self {
        Self {
            model,
            name,
            engine,
            verdict,
        }
    }

    /// Returns the model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the engine that ran.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Returns the verdict: the answer, what it rests on, every hang.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Returns the hangs, the shortest first; one of each kind.
    pub fn hangs(&self) -> &[FoundHang] {
        &self.verdict.hangs
    }

    /// Explains a hang: which orders decided it, and from where on nothing could help.
    ///
    /// # Errors
    /// When that is too large a question for the searches that it takes.
    pub fn explain(&self, hang: &FoundHang) -> Result<Explanation, ExplainError> {
        let options = ExplainOptions::default();
        explain(&self.model, &hang.events, &hang.client, &hang.signature, &options)
    }

    /// Returns the schedule of a hang, as [`super::Check::replay_schedule`] takes it.
    pub fn schedule(&self, hang: &FoundHang) -> Schedule {
        self.schedule_of(hang, hang.events.clone())
    }

    fn schedule_of(&self, hang: &FoundHang, events: Vec<Event>) -> Schedule {
        let header = Header {
            subject: Subject::Model(self.name.clone()),
            ending: Ending::hang(&hang.client, &hang.signature),
        };
        Schedule::record(header, events)
    }

    /// Writes the schedule of a hang.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_schedule(&self, hang: &FoundHang, path: &Path) -> Result<(), FileError> {
        self.schedule(hang).write(path)
    }

    /// Writes a hang as a page for a browser.
    ///
    /// # Errors
    /// When the file can't be written, or the hang can't be explained.
    #[cfg(feature = "page")]
    pub fn write_page(&self, hang: &FoundHang, path: &Path) -> Result<(), FileError> {
        let explanation = self.explain(hang).map_err(|error| FileError::new(path, error))?;
        let recording = &explanation.recording;
        let events = recording.events.iter().map(|event| recording.event(event)).collect();
        let schedule = self.schedule_of(hang, events);
        let page = Page {
            schedule: &schedule,
            recording,
            explanation: Some(&explanation),
            beside: None,
        };
        crate::file::write_whole(path, page.html().as_bytes()).map_err(FileError::cannot("write the page", path))
    }

    /// Returns the text of a failed assertion. Where [`OUT`] names a folder, what is needed to look into the hangs is written there.
    pub(super) fn failure(&self, expected: &str) -> String {
        let folder = std::env::var_os(OUT)
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from);
        self.failure_in(expected, folder.as_deref())
    }

    pub(super) fn failure_in(&self, expected: &str, folder: Option<&Path>) -> String {
        text::failure(self, expected, folder)
    }

    /// Writes what there is of a hang into a folder; returns the files.
    pub(super) fn keep(&self, hang: &FoundHang, folder: &Path) -> Result<Vec<PathBuf>, FileError> {
        std::fs::create_dir_all(folder).map_err(FileError::cannot("make the folder", folder))?;
        let place = |kind| folder.join(format!("{}.{}.{kind}", self.name, hang.signature.id()));
        let schedule = place("schedule");
        self.write_schedule(hang, &schedule)?;
        #[cfg(feature = "page")]
        {
            let page = place("html");
            self.write_page(hang, &page)?;
            Ok(vec![schedule, page])
        }
        #[cfg(not(feature = "page"))]
        Ok(vec![schedule])
    }
}

impl<M: Checkable> fmt::Display for Checked<M> {
    /// Writes the answer, then each hang in full.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::result(self))
    }
}
