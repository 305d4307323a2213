//! Scenarios: one TOML file with a job, a runtime variant, an engine and what is expected of them.

mod collection;
mod document;
mod error;
mod experiment;
mod judge;
mod pipeline;
mod rules;
mod size;
mod told;
mod turns;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::file::FileError;
use crate::models::tensorflow::job::builtin::BatchSource;
use crate::models::tensorflow::job::{Order, Variant};
use crate::schedule::Hash;

pub use collection::{BASELINE_NAME, scenario_files, schedule_files};
pub use document::{
    Document, Ends, EngineName, EngineSection, Expect, GroupSection, Input, JobSection, KernelSection, QueueSection,
    RuntimeSection,
};
pub use document::{SliceKind, Turn};
pub use experiment::{
    Budget, Cut, DecideError, Decision, EngineError, EngineStatus, Experiment, ExperimentError, ExperimentProblem,
    HangError, Hashes, Labels, RecordedError, Request, RequestError, WORKER_COMMAND, WorkerError, search_parts,
};
pub use judge::Judgement;
pub use pipeline::PipelineSection;
pub use size::Size;
pub use told::Told;
pub use turns::Turns;

/// A scenario and where it came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Contents of the file.
    pub document: Document,
    /// The place where it stands; none for those that are built into the program.
    pub path: Option<PathBuf>,
    /// File name of one that is built in.
    name: &'static str,
    /// Hash of job and runtime as they were read.
    hash: Hash,
    /// Line of `job.assume_never_waits`, from 1.
    assumption_line: usize,
}

/// The place where the partition graphs of a step come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GraphSource {
    /// A serialized `RunMetadata` file.
    File(PathBuf),
    /// One that is built into the program: its name and its contents.
    Embedded(&'static str, &'static [u8]),
    /// A small graph made from a description.
    BuiltIn {
        /// Number of parameter servers.
        servers: u8,
        /// Edges, as in `ps0->worker batch`.
        edges: Vec<String>,
        /// Updates, as in `ps1 beta_power after ps0`.
        updates: Vec<String>,
        /// Way by which the batch gets into it.
        batch: BatchSource,
    },
}

const DEFAULT_TEXT: &str = include_str!("../../scenarios/final_batch/ps2_coupled.toml");
const DEFAULT_NAME: &str = "ps2_coupled.toml";

macro_rules! embedded {
    ($constant:ident: $type:ty = $include:ident!($folder:literal) for $($name:literal)*) => {
        const $constant: &[(&str, $type)] = &[$((
            concat!($folder, $name),
            $include!(concat!("../../scenarios/final_batch/", $folder, $name)),
        )),*];
    };
}

// The final batch with one, two and three servers and each input design, and the graphs that these name.
embedded! { FINAL_BATCHES: &str = include_str!("") for
    "ps1_coupled.toml" "ps1_queue.toml" "ps1_decoupled.toml"
    "ps2_coupled.toml" "ps2_queue.toml" "ps2_decoupled.toml"
    "ps3_coupled.toml" "ps3_queue.toml" "ps3_decoupled.toml"
}
embedded! { GRAPHS: &[u8] = include_bytes!("../graphs/") for
    "ps1-coupled.pb" "ps2-coupled.pb" "ps2-queue.pb" "ps2-decoupled-read.pb" "ps2-decoupled-train.pb"
}

const TRACED_TEXT: &str = include_str!("../../scenarios/traces/hang_trace_ps2.toml");
const TRACED_NAME: &str = "hang_trace_ps2.toml";

impl Scenario {
    /// Reads and checks a scenario file. The graph file that it names is not read yet.
    ///
    /// # Errors
    /// When the file cannot be read or is no scenario.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(FileError::cannot("read the scenario", path))?;
        Self::parse(path, &text)
    }

    /// Returns the final-batch scenario that is built into the program.
    pub fn built_in() -> Self {
        Self::embedded(DEFAULT_NAME, DEFAULT_TEXT)
    }

    /// Returns every scenario that is built in.
    pub fn all_built_in() -> impl Iterator<Item = Self> {
        Self::final_batches().into_iter().chain([Self::traced()])
    }

    /// Returns the final batch with one, two and three servers and each input design, at the end of the data.
    pub fn final_batches() -> Vec<Self> {
        FINAL_BATCHES
            .iter()
            .map(|(name, text)| Self::embedded(name, text))
            .collect()
    }

    /// Returns the job of the trace that comes with the program: every node of the graph that was traced, on the threads that it had.
    pub fn traced() -> Self {
        Self::embedded(TRACED_NAME, TRACED_TEXT)
    }

    fn embedded(name: &'static str, text: &str) -> Self {
        let parsed = Self::parse(Path::new(name), text);
        let parsed = parsed.expect("what is built in is a file of the repository that tests load");
        Self {
            path: None,
            name,
            ..parsed
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let at = |(line, problem): (usize, String)| FileError::at(path, line, problem);
        let document: Document = toml::from_str(text).map_err(|error| at(error::locate(text, &error)))?;
        document
            .check()
            .map_err(|problem| at((error::line_of(text, problem.section, problem.key), problem.to_string())))?;
        let hashed = serde_json::to_string(&(&document.job, &document.runtime));
        Ok(Self {
            hash: Hash::of(hashed.expect("sections are plain data").as_bytes()),
            document,
            path: Some(path.to_owned()),
            name: "",
            assumption_line: error::line_of(text, "job", "assume_never_waits"),
        })
    }

    /// Its file name, by which schedules refer to it.
    pub fn file_name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or_else(|| self.name.to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Returns the hash of what decides how the model behaves: job and runtime, as they were read. Description, engine and expectation may
    /// change without making old schedules foreign; the graph's contents have a hash of their own.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Puts the scenario on a variant of the runtime.
    pub fn on(mut self, variant: Variant) -> Self {
        self.document.runtime.variant = variant;
        self
    }

    /// Makes every node of the graph run.
    pub fn with_every_node(mut self) -> Self {
        self.document.job.slice = SliceKind::Full;
        self
    }

    /// Returns the scenario with every order of the partitions of a step.
    #[must_use]
    pub fn with_every_partition_order(mut self) -> Self {
        self.document.job.partition_order = Order::All;
        self
    }

    /// Returns true if the scenario says how its clients end.
    pub fn looks_at_outcomes(&self) -> bool {
        let expect = self.document.expect.as_ref();
        expect.is_some_and(|expect| expect.outcomes.is_some())
    }

    /// Tells where the graph of the step comes from.
    pub fn graph(&self) -> GraphSource {
        let job = &self.document.job;
        match &job.graph {
            Some(file) => self.file(file),
            None => GraphSource::BuiltIn {
                servers: job.servers.unwrap_or(0),
                edges: job.edges.clone().unwrap_or_default(),
                updates: job.updates.clone(),
                batch: match job.input {
                    Input::Coupled | Input::Read => BatchSource::Iterator,
                    Input::Queue => BatchSource::Queue,
                    Input::Decoupled => BatchSource::Fed,
                },
            },
        }
    }

    /// Tells where the graph of the step that only reads the batch comes from, in a decoupled job.
    pub fn read_graph(&self) -> Option<GraphSource> {
        self.document.job.read_graph.as_deref().map(|file| self.file(file))
    }

    /// Returns a file that the scenario names, which is relative to the scenario's own.
    fn file(&self, name: &str) -> GraphSource {
        let embedded = GRAPHS.iter().find(|(known, _)| self.path.is_none() && *known == name);
        match (embedded, self.path.as_deref().and_then(Path::parent)) {
            (Some((name, bytes)), _) => GraphSource::Embedded(name, bytes),
            (None, folder) => GraphSource::File(folder.unwrap_or(Path::new("")).join(name)),
        }
    }
}

impl fmt::Display for Scenario {
    /// Writes where it stands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => path.display().fmt(f),
            None => write!(f, "{} (built in)", self.name),
        }
    }
}

#[cfg(test)]
mod tests;
