//! The searches that a matrix needs.

use thiserror::Error;

use crate::models::tensorflow::job::Variant;
use crate::scenario::{Experiment, ExperimentError, Input, Scenario};

/// The values of each axis but those that a scenario decides, in the order in which they are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axes {
    /// `inter_op_parallelism_threads`.
    pub inter_op: Vec<u8>,
    /// `intra_op_parallelism_threads`.
    pub intra_op: Vec<u8>,
    /// Variants of the runtime.
    pub variants: Vec<Variant>,
}

impl Default for Axes {
    /// Returns the pools that were measured, every variant.
    fn default() -> Self {
        Self {
            inter_op: vec![1, 2, 4],
            intra_op: vec![1, 4],
            variants: Variant::of_steps().collect(),
        }
    }
}

/// One combination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Number of parameter servers of the job.
    pub servers: usize,
    /// Threads of each compute pool.
    pub inter_op: u8,
    /// Threads of each intra-op pool.
    pub intra_op: u8,
    /// Way by which the batch gets into the step.
    pub input: Input,
    /// The runtime.
    pub variant: Variant,
}

/// One search, for every cell whose model it is.
pub struct Search {
    /// Names the model: equal for equal models, and the same on every machine.
    pub model: String,
    /// Experiment to search.
    pub experiment: Experiment,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// Every search that a matrix needs, the first cell's first.
pub struct Plan {
    /// The axes.
    pub axes: Axes,
    /// The searches.
    pub searches: Vec<Search>,
}

/// The reason why there is no matrix of some scenarios.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A scenario cannot run.
    #[error(transparent)]
    Run(#[from] ExperimentError),
    /// Two scenarios would be in one place.
    #[error("{0}; expected one scenario for each")]
    Taken(String),
}

/// Lays out the searches for every combination of scenarios and axes.
///
/// # Errors
/// When a scenario cannot run, or two have the same input and number of servers.
pub fn plan(scenarios: &[Scenario], axes: Axes) -> Result<Plan, PlanError> {
    let mut searches: Vec<Search> = Vec::new();
    let mut places: Vec<(Input, usize, String)> = Vec::new();
    for scenario in scenarios {
        let input = scenario.document.job.input;
        let servers = Experiment::new(scenario.clone())?.servers();
        let taken = places
            .iter()
            .find(|(other, count, _)| (*other, *count) == (input, servers));
        if let Some((.., first)) = taken {
            return Err(PlanError::Taken(format!(
                "{scenario}: input \"{input}\" on {servers} server(s) is already the place of {first}"
            )));
        }
        places.push((input, servers, scenario.to_string()));
        for &variant in &axes.variants {
            for &inter_op in &axes.inter_op {
                for &intra_op in &axes.intra_op {
                    let cell = Cell {
                        servers,
                        inter_op,
                        intra_op,
                        input,
                        variant,
                    };
                    add(&mut searches, scenario, cell)?;
                }
            }
        }
    }
    Ok(Plan { axes, searches })
}

fn add(searches: &mut Vec<Search>, scenario: &Scenario, cell: Cell) -> Result<(), PlanError> {
    let mut scenario = scenario.clone();
    let document = &mut scenario.document;
    document.job.inter_op_parallelism_threads = cell.inter_op;
    document.job.intra_op_parallelism_threads = cell.intra_op;
    document.runtime.variant = cell.variant;
    document.expect = None;
    let experiment = Experiment::new(scenario)?;
    let model = format!("{:016x}", experiment.hashes().model.0);
    match searches.iter_mut().find(|search| search.model == model) {
        Some(search) => search.cells.push(cell),
        None => searches.push(Search {
            model,
            experiment,
            cells: vec![cell],
        }),
    }
    Ok(())
}
