//! The way from a recorded schedule to the model that it replays on.

use std::path::Path;

use thiserror::Error;

use super::{Experiment, ExperimentError};
use crate::file::FileError;
use crate::models::tensorflow::job::Variant;
use crate::scenario::Scenario;
use crate::schedule::{ScenarioHeader, Schedule};

/// The reason why a schedule has no model to replay on.
#[derive(Debug, Error)]
pub enum RecordedError {
    /// Its scenario is nowhere or none, or the schedule is of something else.
    #[error(transparent)]
    File(#[from] FileError),
    /// The scenario cannot run.
    #[error(transparent)]
    Run(#[from] ExperimentError),
}

impl RecordedError {
    /// Returns the error without the schedule's file.
    pub fn problem(&self) -> String {
        match self {
            Self::File(error) => error.problem().to_owned(),
            Self::Run(error) => error.to_string(),
        }
    }
}

/// Returns the scenario that a schedule names; `file` is the schedule's.
fn scenario_of<'a>(schedule: &'a Schedule, file: &Path) -> Result<&'a ScenarioHeader, FileError> {
    schedule.header.scenario().ok_or_else(|| {
        let name = schedule.header.name();
        FileError::new(
            file,
            format!("a schedule of model {name}, which the program replays that has it; expected one of a scenario"),
        )
    })
}

impl Scenario {
    /// Finds the scenario of a schedule that stands in `file`: the one beside it, or else one that is built in.
    ///
    /// # Errors
    /// When it is nowhere, or no scenario.
    pub fn of_schedule(schedule: &Schedule, file: &Path) -> Result<Self, RecordedError> {
        let header = scenario_of(schedule, file)?;
        let beside = file.with_file_name(&header.scenario);
        if beside.is_file() {
            return Ok(Self::load(&beside)?);
        }
        let found = Self::all_built_in().find(|scenario| scenario.hash() == header.scenario_hash);
        let missing = || {
            let problem = "is not beside it; name it with --scenario";
            FileError::new(file, format!("its scenario {} {problem}", header.scenario))
        };
        Ok(found.ok_or_else(missing)?)
    }
}

impl Experiment {
    /// Makes the model that a schedule was recorded on. `file` is the schedule's, for errors.
    ///
    /// # Errors
    /// When the scenario or its graph is another than that of the recording, or cannot run.
    pub fn recorded(schedule: &Schedule, file: &Path, mut scenario: Scenario) -> Result<Self, RecordedError> {
        let header = scenario_of(schedule, file)?;
        let in_header = |problem: String| FileError::new(file, problem);
        if scenario.hash() != header.scenario_hash {
            let (name, expected, hash) = (&header.scenario, header.scenario_hash, scenario.hash());
            return Err(in_header(format!(
                "a schedule of another scenario: of {name}, {expected}; {scenario} is {hash}"
            ))
            .into());
        }
        let job = &mut scenario.document.job;
        job.set_slice_text(&header.slice).map_err(in_header)?;
        let order = |key, name: &str| {
            let unknown = |_| in_header(format!("{key} \"{name}\", expected recorded or all"));
            name.parse().map_err(unknown)
        };
        job.partition_order = order("partition-order", &header.partition_order)?;
        job.root_order = order("root-order", &header.root_order)?;
        let recorded: Result<Variant, _> = header.variant.parse();
        scenario.document.runtime.variant = recorded.map_err(|error| in_header(error.to_string()))?;
        let experiment = Self::new(scenario)?;
        let graph = experiment.hashes.graph;
        if graph != header.graph_hash {
            let expected = header.graph_hash;
            let problem = format!("a schedule of another graph: {expected}, but the scenario's graph is {graph}");
            return Err(in_header(problem).into());
        }
        Ok(experiment)
    }
}
