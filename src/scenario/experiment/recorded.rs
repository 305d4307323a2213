//! The way from a recorded schedule to the model that it replays on.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Experiment, ExperimentError};
use crate::models::tensorflow::job::Variant;
use crate::scenario::{Scenario, ScenarioError};
use crate::schedule::{Hash, Schedule};

/// The reason why a schedule has no model to replay on. The text names its file.
#[derive(Debug, Error)]
pub enum RecordedError {
    /// Its scenario is nowhere.
    #[error("{}: its scenario {scenario} is not beside it; name it with --scenario", file.display())]
    NoScenario {
        /// The schedule.
        file: PathBuf,
        /// File name of the scenario.
        scenario: String,
    },
    /// Its scenario is no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Job or runtime of the scenario are others than when it was recorded.
    #[error("{}: a schedule of another scenario: of {scenario}, {expected}; {found} is {hash}", file.display())]
    OtherScenario {
        /// The schedule.
        file: PathBuf,
        /// File name of the scenario that it was recorded on.
        scenario: String,
        /// The hash of that.
        expected: Hash,
        /// The scenario that there is.
        found: String,
        /// The hash of that.
        hash: Hash,
    },
    /// The contents of the graph files are others than when it was recorded.
    #[error("{}: a schedule of another graph: {expected}, but the scenario's graph is {hash}", file.display())]
    OtherGraph {
        /// The schedule.
        file: PathBuf,
        /// The hash of the graph that it was recorded on.
        expected: Hash,
        /// Hash of the graph that there is.
        hash: Hash,
    },
    /// A key of its header has no meaning.
    #[error("{}: {problem}", file.display())]
    Header {
        /// The schedule.
        file: PathBuf,
        /// The key and what was expected.
        problem: String,
    },
    /// The scenario cannot run.
    #[error(transparent)]
    Run(#[from] ExperimentError),
}

impl Scenario {
    /// Finds the scenario of a schedule that stands in `file`: the one beside it, or else one that is built in.
    ///
    /// # Errors
    /// When it is nowhere, or no scenario.
    pub fn of_schedule(schedule: &Schedule, file: &Path) -> Result<Self, RecordedError> {
        let header = &schedule.header;
        let beside = file.with_file_name(&header.scenario);
        if beside.is_file() {
            return Ok(Self::load(&beside)?);
        }
        let found = Self::all_built_in().find(|scenario| scenario.hash() == header.scenario_hash);
        found.ok_or_else(|| RecordedError::NoScenario {
            file: file.to_owned(),
            scenario: header.scenario.clone(),
        })
    }
}

impl Experiment {
    /// Makes the model that a schedule was recorded on. `file` is the schedule's, for errors.
    ///
    /// # Errors
    /// When the scenario or its graph is another than that of the recording, or cannot run.
    pub fn recorded(schedule: &Schedule, file: &Path, mut scenario: Scenario) -> Result<Self, RecordedError> {
        let header = &schedule.header;
        let in_header = |problem: String| RecordedError::Header {
            file: file.to_owned(),
            problem,
        };
        if scenario.hash() != header.scenario_hash {
            return Err(RecordedError::OtherScenario {
                file: file.to_owned(),
                scenario: header.scenario.clone(),
                expected: header.scenario_hash,
                found: scenario.to_string(),
                hash: scenario.hash(),
            });
        }
        let job = &mut scenario.document.job;
        job.set_slice_text(&header.slice).map_err(in_header)?;
        let order = |key, name: &str| name.parse().map_err(|error| in_header(format!("{key}: {error}")));
        job.partition_order = order("partition-order", &header.partition_order)?;
        job.root_order = order("root-order", &header.root_order)?;
        let recorded: Result<Variant, _> = header.variant.parse();
        scenario.document.runtime.variant = recorded.map_err(|error| in_header(error.to_string()))?;
        let experiment = Self::new(scenario)?;
        let graph = experiment.hashes.graph;
        if graph != header.graph_hash {
            return Err(RecordedError::OtherGraph {
                file: file.to_owned(),
                expected: header.graph_hash,
                hash: graph,
            });
        }
        Ok(experiment)
    }
}
