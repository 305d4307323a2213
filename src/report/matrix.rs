//! A matrix as Markdown: what each cell says, what each search was, and what was observed of the real runtime.

mod observations;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{counted, grouped};
use crate::explore::Answer;
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

    /// Returns true if every cell was searched and has an answer.
    pub fn is_decided(&self) -> bool {
        self.plan.searches.iter().all(|search| {
            let record = self.results.of(&search.model);
            record.is_some_and(|record| record.found.answer != Answer::Undecided && record.found.findings.is_empty())
        })
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

/// Tells how many cells are decided and how many of them hang, in one line.
pub fn matrix_line(told: &MatrixTold<'_>) -> String {
    let answers = || {
        told.cells()
            .filter_map(|cell| told.record(cell))
            .map(|record| record.found.answer)
    };
    let decided = answers().filter(|answer| *answer != Answer::Undecided).count();
    let hang = answers().filter(|answer| *answer == Answer::Hang).count();
    format!(
        "{decided} of {} decided, {hang} hang\n",
        counted(told.cells().count(), "cell")
    )
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
    let _ = write!(text, "\n## What was observed\n\n{}", observations::table(told));
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
