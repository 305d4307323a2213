//! Labels: each has a name of its own and a row in `docs/fidelity.md`, and a shipped scenario reaches it.

use std::collections::BTreeSet;

use lastbatch::machine::{Label, System};
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::models::tensorflow::mechanisms::labels;
use lastbatch::scenario::Experiment;

use crate::support::rng::numbers;
use crate::support::scenario::{files, prepared, repository};

/// Folders of scenarios, those with many mechanisms in small jobs first.
const FOLDERS: [&str; 11] = [
    "dataset",
    "other_ends",
    "queue",
    "tiny",
    "epochs",
    "small",
    "variables",
    "kernel",
    "final_batch",
    "full_size",
    "traces",
];
/// Random executions of one scenario.
const EXECUTIONS: u64 = 60;

/// Runs a scenario once and strikes out the labels that it meets.
fn run(experiment: &Experiment, seed: u64, unmet: &mut Vec<&Label>) {
    let model = experiment.model();
    let (mut system, mut below) = (System::initial(model), numbers(seed));
    loop {
        let enabled = system.enabled(model);
        if enabled.is_empty() {
            return;
        }
        let (process, pending) = &enabled[below(enabled.len())];
        let choice = below(pending.operation.choices as usize) as u32;
        unmet.retain(|label| *label != pending.operation.label);
        let stepped = system.step(model, *process, pending, choice);
        stepped.unwrap_or_else(|error| panic!("{}: {error}", experiment.scenario()));
    }
}

#[test]
fn every_label_has_a_name_of_its_own() {
    let all: Vec<&str> = labels().map(|label| label.name).collect();
    let names: BTreeSet<&str> = all.iter().copied().collect();
    let twice: Vec<_> = names
        .iter()
        .filter(|name| all.iter().filter(|other| other == name).count() > 1)
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(all.len() > 100, "{} labels", all.len());
}

#[test]
fn every_label_has_its_row_in_the_page_on_fidelity() {
    let page = std::fs::read_to_string(repository("docs/fidelity.md")).expect("a page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let named = |label: &&Label| {
        let name = format!("`{}`", label.name);
        rows.iter().any(|row| row.contains(&name))
    };
    let missing: Vec<&str> = labels().filter(|label| !named(label)).map(|label| label.name).collect();
    assert!(missing.is_empty(), "docs/fidelity.md has no row for {missing:#?}");
}

#[test]
fn every_label_is_reached_by_a_shipped_scenario() {
    let mut unmet = labels().collect::<Vec<_>>();
    let scenarios = FOLDERS.iter().flat_map(|folder| files(folder, "toml"));
    let mut experiments: Vec<Experiment> = Vec::new();
    // One execution of each, then further ones.
    for scenario in scenarios {
        if unmet.is_empty() {
            return;
        }
        let experiment = prepared(&scenario);
        // There a label finds that it loses records.
        if experiment.model().job().variant == Variant::EndBeforeDrained {
            continue;
        }
        run(&experiment, 0, &mut unmet);
        experiments.push(experiment);
    }
    for seed in 1..EXECUTIONS {
        for experiment in &experiments {
            if unmet.is_empty() {
                return;
            }
            run(experiment, seed, &mut unmet);
        }
    }
    let names: Vec<&str> = unmet.iter().map(|label| label.name).collect();
    assert!(names.is_empty(), "no shipped scenario reaches {names:#?}");
}
