//! A matrix as Markdown: what each cell says, what each search was, and what was observed of the real runtime.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{counted, grouped};
use crate::explore::Answer;
use crate::matrix::observed::{OBSERVATIONS, Observation, Source};
use crate::matrix::{Cell, Plan, Record, Results, Search};
use crate::models::tensorflow::job::Variant;
use crate::scenario::{GraphSource, Input, Scenario};

/// A matrix with what was found of it so far.
#[derive(Clone, Copy)]
pub struct MatrixTold<'a> {
    /// Its searches.
    pub plan: &'a Plan,
    /// Results of the searches.
    pub results: &'a Results,
}

impl MatrixTold<'_> {
    /// Returns the record of a cell, if it was searched; none where there is no such cell either.
    pub(super) fn record(&self, cell: Cell) -> Option<&Record> {
        let search = self.plan.searches.iter().find(|search| search.cells.contains(&cell))?;
        self.results.of(&search.model)
    }

    fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        self.plan
            .searches
            .iter()
            .flat_map(|search| search.cells.iter().copied())
    }

    /// Returns the input designs, in the order of the scenarios.
    pub(super) fn inputs(&self) -> Vec<Input> {
        distinct(self.cells().map(|cell| cell.input))
    }

    /// Returns what an input's graphs are, by kind, with the numbers of servers: one table never mixes exported graphs and those that are
    /// built in.
    fn graphs(&self, input: Input) -> Vec<(&'static str, Vec<(usize, String)>)> {
        let mut kinds: Vec<(&'static str, Vec<(usize, String)>)> = Vec::new();
        for servers in self.servers() {
            let here = |cell: &Cell| (cell.input, cell.servers) == (input, servers);
            let Some(search) = self.plan.searches.iter().find(|search| search.cells.iter().any(here)) else {
                continue;
            };
            let (kind, name) = graph_text(search.experiment.scenario());
            match kinds.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, places)) => places.push((servers, name)),
                None => kinds.push((kind, vec![(servers, name)])),
            }
        }
        kinds
    }

    /// Returns the numbers of servers, ascending.
    pub(super) fn servers(&self) -> Vec<usize> {
        let set: BTreeSet<usize> = self.cells().map(|cell| cell.servers).collect();
        set.into_iter().collect()
    }

    /// Returns the cell at a place of the table: of those that differ in intra-op threads only, the first.
    pub(super) fn cell(&self, input: Input, variant: Variant, servers: usize, inter_op: u8) -> Option<Cell> {
        self.cells()
            .find(|cell| (cell.input, cell.variant, cell.servers, cell.inter_op) == (input, variant, servers, inter_op))
    }
}

/// Tells of which kind the graph of a scenario's last step is, and which it is. Where a step of its own reads, the data ends there.
fn graph_text(scenario: &Scenario) -> (&'static str, String) {
    let slice = |file: &Path| {
        let name = file.file_name().unwrap_or_default().display();
        format!("`{name}`, slice {}", scenario.document.job.slice_text())
    };
    match scenario.read_graph().unwrap_or_else(|| scenario.graph()) {
        GraphSource::File(path) => ("Exported", slice(&path)),
        GraphSource::Embedded(file, _) => ("Exported", slice(Path::new(file))),
        GraphSource::BuiltIn { edges, .. } => ("Built in, every node", format!("`{}`", edges.join(", "))),
    }
}

/// Returns each value once, in the order in which it comes first.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// Returns the text of a cell.
pub(super) fn cell_text(record: Option<&Record>) -> String {
    match record {
        None => "not searched".to_owned(),
        Some(record) if !record.found.findings.is_empty() => "broken model".to_owned(),
        Some(record) => match record.found.hangs.first() {
            Some(found) if record.sampled.is_some() => format!("{}, ~{}", record.found.answer, found.length),
            Some(shortest) => format!("{}, {}", record.found.answer, shortest.length),
            None if record.found.assumptions.is_empty() => record.found.answer.to_string(),
            None => format!("{}, assumed", record.found.answer),
        },
    }
}

/// Writes the whole matrix as Markdown.
pub fn matrix_markdown(told: &MatrixTold<'_>) -> String {
    let mut text = introduction(told);
    for input in told.inputs() {
        let _ = write!(text, "\n## {input}\n");
        for (kind, places) in told.graphs(input) {
            let names: Vec<&str> = places.iter().map(|(_, name)| name.as_str()).collect();
            let servers: Vec<usize> = places.iter().map(|(servers, _)| *servers).collect();
            let _ = write!(
                text,
                "\n{kind}: {}.\n\n{}",
                distinct(names.into_iter()).join("; "),
                verdicts(told, input, &servers)
            );
        }
    }
    let _ = write!(text, "\n## The searches\n\n{}", searches(told));
    let _ = write!(text, "\n## What was observed\n\n{}", observations(told));
    text
}

fn introduction(told: &MatrixTold<'_>) -> String {
    let cells = told.cells().count();
    let intra: Vec<String> = told.plan.axes.intra_op.iter().map(u8::to_string).collect();
    let budgets: BTreeSet<u64> = told.results_of_plan().map(|record| record.max_states).collect();
    let budgets: Vec<String> = budgets.into_iter().map(grouped).collect();
    let budget = match budgets.as_slice() {
        [] => "nothing was searched yet".to_owned(),
        all => format!("budget of a search: {} states", all.join(" or ")),
    };
    format!(
        "# Matrix: can the last `sess.run` hang?\n\n\
        One worker, the turn in which the data has ended; {} of {}; {budget}. A number is the length of the shortest schedule, in labels. \
        *No hang* is proved: the search ended by itself. *Undecided*: the budget ended it, and nothing was found, nor by trying schedules \
        with shuttle. A length with a ~ is of a schedule that shuttle found, and not the shortest.\n\n\
        {intra} intra-op threads are one model, since no label depends on them. In a decoupled job the data ends in a step that \
        no server takes part in, so that the number of servers makes no difference.\n{assumed}",
        counted(cells, "cell"),
        counted(told.plan.searches.len(), "model"),
        intra = intra.join(" and "),
        assumed = told.assumed(),
    )
}

impl MatrixTold<'_> {
    /// Explains cells whose proof assumes something, if there are any.
    fn assumed(&self) -> &'static str {
        let some = self
            .results_of_plan()
            .any(|record| !record.found.assumptions.is_empty());
        if some {
            "\n*Assumed*: the proof takes for granted that some kernels never wait; the searches below name them.\n"
        } else {
            ""
        }
    }

    fn results_of_plan(&self) -> impl Iterator<Item = &Record> + '_ {
        self.plan
            .searches
            .iter()
            .filter_map(|search| self.results.of(&search.model))
    }
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn heading(cells: &[String]) -> String {
    line(cells) + &line(&vec!["---".to_owned(); cells.len()])
}

/// Writes one row per variant, one column for each of these numbers of servers with each number of threads.
fn verdicts(told: &MatrixTold<'_>, input: Input, servers: &[usize]) -> String {
    let places: Vec<(usize, u8)> = servers
        .iter()
        .flat_map(|&servers| told.plan.axes.inter_op.iter().map(move |&inter_op| (servers, inter_op)))
        .collect();
    let mut head = vec!["variant".to_owned()];
    head.extend(
        places.iter().map(|&(servers, inter_op)| {
            format!("{}, {}", counted(servers, "server"), counted(inter_op.into(), "thread"))
        }),
    );
    let mut text = heading(&head);
    for &variant in &told.plan.axes.variants {
        let mut row = vec![format!("`{variant}`")];
        row.extend(places.iter().map(
            |&(servers, inter_op)| match told.cell(input, variant, servers, inter_op) {
                Some(cell) => cell_text(told.record(cell)),
                None => "no such job".to_owned(),
            },
        ));
        text += &line(&row);
    }
    text
}

/// Writes one row per search.
fn searches(told: &MatrixTold<'_>) -> String {
    let head = [
        "model",
        "cells",
        "engine",
        "answer",
        "states",
        "depth",
        "kinds of hang, with the shortest schedule of each",
    ];
    let mut text = heading(&head.map(str::to_owned));
    for search in &told.plan.searches {
        let Some(record) = told.results.of(&search.model) else {
            continue;
        };
        let end = if record.found.complete {
            "complete"
        } else {
            "ended by the budget"
        };
        let mut hangs: Vec<String> = record
            .found
            .hangs
            .iter()
            .map(|hang| format!("`{}` {}", hang.id, hang.length))
            .collect();
        hangs.extend(record.found.findings.iter().map(ToString::to_string));
        hangs.extend(record.found.depends_on());
        hangs.extend(record.found.assuming());
        text += &line(&[
            format!("`{}`", &search.model[..8]),
            cells_text(search),
            engines(record),
            format!("{}, {end}", record.found.answer),
            grouped(record.found.states),
            record.found.depth.to_string(),
            if hangs.is_empty() {
                "-".to_owned()
            } else {
                hangs.join(", ")
            },
        ]);
    }
    text
}

/// Tells which engine searched, and how many schedules were tried where the search was cut off.
fn engines(record: &Record) -> String {
    let Some(sampled) = &record.sampled else {
        return record.found.engine.clone();
    };
    let executions = &sampled.executions;
    let first = executions.first_hang.map_or_else(String::new, |first| {
        format!(", the first hang in number {}", grouped(first))
    });
    let count = grouped(executions.count);
    let seed = executions
        .seed
        .map_or_else(String::new, |seed| format!(", seed {seed}"));
    format!(
        "{}; {} ({}{seed}), {count} schedules{first}",
        record.found.engine, sampled.engine, executions.strategy
    )
}

/// Writes the cells of a search, axis by axis.
fn cells_text(search: &Search) -> String {
    fn values<T: PartialEq + ToString>(search: &Search, of: impl Fn(&Cell) -> T) -> String {
        let values: Vec<String> = distinct(search.cells.iter().map(of)).iter().map(T::to_string).collect();
        values.join("/")
    }
    format!(
        "{}, servers {}, inter_op {}, intra_op {}, `{}`",
        values(search, |cell| cell.input),
        values(search, |cell| cell.servers),
        values(search, |cell| cell.inter_op),
        values(search, |cell| cell.intra_op),
        values(search, |cell| cell.variant),
    )
}

/// Writes one row per observation, beside the verdict on the release that ran.
fn observations(told: &MatrixTold<'_>) -> String {
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

    /// Returns true if every cell was searched and has an answer.
    pub fn is_decided(&self) -> bool {
        self.plan.searches.iter().all(|search| {
            let record = self.results.of(&search.model);
            record.is_some_and(|record| record.found.answer != Answer::Undecided && record.found.findings.is_empty())
        })
    }
}
