//! The observations of the real runtime, beside a matrix.

use super::{MatrixTold, cell_text, heading, line};
use crate::explore::Answer;
use crate::matrix::observed::{OBSERVATIONS, Observation, Source};
use crate::matrix::{Cell, Record};
use crate::report::{counted, grouped};

/// Writes one row per observation, beside the verdict on the release that ran.
pub(super) fn table(told: &MatrixTold<'_>) -> String {
    let head = ["source", "job", "trials", "hung", "cell", "verdict", "compared"];
    let mut text = heading(&head.map(str::to_owned));
    for observation in OBSERVATIONS {
        let source = match observation.source {
            Source::Report => "the report",
            Source::Measured => "measured",
            Source::MeasuredWithDelays => "measured, two delays",
            Source::ForcedOnWorker => "forced, the worker's receive",
            Source::ForcedOnServer => "forced, a server's receive",
        };
        let cell = nearest(told, observation);
        let record = cell.and_then(|cell| told.record(cell));
        text += &line(&[
            source.to_owned(),
            format!(
                "{}, {}, {}, inter_op {}, `{}`",
                observation.input,
                counted(observation.servers, "server"),
                counted(observation.workers.into(), "worker"),
                observation.inter_op,
                observation.variant
            ),
            observation
                .trials
                .map_or_else(|| "-".to_owned(), |trials| grouped(trials.into())),
            hung(observation),
            cell.map_or_else(|| "none".to_owned(), |cell| place(observation, cell)),
            cell_text(record),
            record.map_or("-", |record| compared(observation, record)).to_owned(),
        ]);
    }
    text += "\nA verdict says that a schedule exists, a trial says that one occurred. The numbers of trials with delays are rounded. Where the model can hang and nothing was seen to, the \
        schedule needs a thread to be held up for longer than a message travels, twice and in the right order: with one thread \
        that was seen only with delays, twice in about 120,000 trials. The other way round, a hang that was seen and that the model excludes, would \
        be an error of the model: `lastbatch matrix` then ends with exit code 1.\n";
    text
}

fn hung(observation: &Observation) -> String {
    match (observation.trials, observation.hung) {
        (None, 0) | (Some(_), 0) => "never".to_owned(),
        (None, _) => "now and then".to_owned(),
        (Some(_), hung) => hung.to_string(),
    }
}

/// Returns the cell on the same release that is nearest to an observed job: with as many servers and threads or else, where these are several, the
/// most that there are.
fn nearest(told: &MatrixTold<'_>, observation: &Observation) -> Option<Cell> {
    fn nearest(values: &[usize], wanted: usize) -> Option<usize> {
        let most = values
            .iter()
            .copied()
            .filter(|&value| value > 1 && value < wanted)
            .max();
        if values.contains(&wanted) { Some(wanted) } else { most }
    }
    let servers = nearest(&told.servers(), observation.servers)?;
    let threads: Vec<usize> = told.plan.axes.inter_op.iter().map(|&value| value.into()).collect();
    let inter_op = nearest(&threads, observation.inter_op.into())? as u8;
    told.cell(observation.input, observation.variant, servers, inter_op)
}

/// Returns true if a cell is of the size of the job that was observed.
fn is_same_size(observation: &Observation, cell: Cell) -> bool {
    (cell.servers, cell.inter_op) == (observation.servers, observation.inter_op)
}

/// Tells how a cell differs from the job that was observed.
fn place(observation: &Observation, cell: Cell) -> String {
    if is_same_size(observation, cell) {
        "the same size".to_owned()
    } else {
        format!("{}, inter_op {}", counted(cell.servers, "server"), cell.inter_op)
    }
}

fn compared(observation: &Observation, record: &Record) -> &'static str {
    match (observation.hung > 0, record.found.answer) {
        (true, Answer::Hang) | (false, Answer::NoHang) => "agree",
        (false, Answer::Hang) => "differ: possible, and not seen",
        (true, Answer::NoHang) => "CONTRADICT",
        (_, Answer::Undecided | Answer::NoHangInParts) => "undecided",
    }
}

impl MatrixTold<'_> {
    /// Returns true if a hang was seen where the model excludes it, at the same size: then the model is wrong.
    pub fn contradicts_what_was_observed(&self) -> bool {
        OBSERVATIONS
            .iter()
            .filter(|observation| observation.hung > 0)
            .any(|observation| {
                let cell = nearest(self, observation).filter(|&cell| is_same_size(observation, cell));
                let record = cell.and_then(|cell| self.record(cell));
                record.is_some_and(|record| record.found.answer == Answer::NoHang)
            })
    }
}
