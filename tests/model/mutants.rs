//! Breaking the model on purpose turns the gate red, for the right reason.
//!
//! `mutants.toml` lists the ways to break it. The default run only looks whether each of them can still be applied. To build and
//! run them takes minutes: `cargo test --locked --test model mutants -- --ignored --nocapture` copies the project, puts all mutants into
//! the copy behind a switch that is read from the environment (mutant schemata, Untch et al. 1993: one build for all), and runs the gate
//! on the smallest scenarios once with none of them, which must be green, and once with each. `LASTBATCH_MUTANTS=TEXT` runs only those in
//! whose names the text stands.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lastbatch::gate::GateReport;
use serde::Deserialize;

use crate::support::project::{copy_to, root};

/// The switch of the copy. The number of the active mutant is read once.
const SWITCH: &str = r#"
/// The switch for the active mutant: only in a copy that is made to be broken.
pub mod mutant {
    use std::sync::OnceLock;
    static ACTIVE: OnceLock<usize> = OnceLock::new();
    /// Returns true if a mutant is the active one.
    pub fn is(number: usize) -> bool {
        let read = || std::env::var("LASTBATCH_MUTANT").map_or(usize::MAX, |number| number.parse().expect("a number"));
        *ACTIVE.get_or_init(read) == number
    }
}
"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    breaks: String,
    file: String,
    find: String,
    replace: String,
    #[serde(default)]
    red: Vec<String>,
    survives: Option<String>,
}

fn mutants() -> Vec<Mutant> {
    let text = fs::read_to_string(root().join("tests/model/mutants.toml")).expect("the list is there");
    let list: List = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    list.mutant
}

/// Returns the source with a mutant in it.
fn applied(source: &str, number: usize, mutant: &Mutant) -> String {
    let Mutant {
        name,
        file,
        find,
        replace,
        ..
    } = mutant;
    let (find, replace) = (find.trim_start_matches('\n'), replace.trim_start_matches('\n'));
    assert_eq!(
        source.matches(find).count(),
        1,
        "{name}: how often its text stands in {file}"
    );
    source.replace(
        find,
        &replace.replace("MUTANT", &format!("crate::models::tensorflow::mutant::is({number})")),
    )
}

#[test]
fn every_mutant_can_be_put_into_the_model_of_today() {
    let mutants = mutants();
    let names: BTreeSet<&String> = mutants.iter().map(|mutant| &mutant.name).collect();
    assert_eq!(names.len(), mutants.len(), "two have one name");
    for (number, mutant) in mutants.iter().enumerate() {
        let source = fs::read_to_string(root().join(&mutant.file)).expect("a file of the model");
        let broken = applied(&source, number, mutant);
        assert_ne!(broken, source, "{}", mutant.name);
        let says = !mutant.breaks.is_empty() && mutant.red.is_empty() == mutant.survives.is_some();
        assert!(says, "{} says why the gate is red, or why it is not", mutant.name);
    }
}

#[test]
fn a_copy_of_the_project_is_a_package_whose_files_are_all_there() {
    let copy = tempfile::tempdir().expect("a directory");
    copy_to(copy.path());
    let mut cargo = Command::new(env!("CARGO"));
    let said = cargo
        .args([
            "metadata",
            "--locked",
            "--offline",
            "--no-deps",
            "--format-version",
            "1",
        ])
        .current_dir(copy.path());
    let said = said.output().expect("cargo runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
#[ignore = "builds a copy of the project and runs the gate once for each mutant: most of an hour"]
fn every_mutant_turns_the_gate_red_for_the_right_reason() {
    let mutants = mutants();
    let copy = tempfile::tempdir().expect("a directory");
    let program = build(&mutants, copy.path());
    let green = gate(&program, copy.path(), None);
    assert_eq!(green.problems, [], "the copy with no active mutant");
    let (mut wrong, mut caught) = (Vec::new(), 0);
    let only = std::env::var("LASTBATCH_MUTANTS").unwrap_or_default();
    let chosen: Vec<(usize, &Mutant)> = mutants
        .iter()
        .enumerate()
        .filter(|(_, one)| one.name.contains(&only))
        .collect();
    for &(number, mutant) in &chosen {
        let report = gate(&program, copy.path(), Some(number));
        let reasons: BTreeSet<String> = report
            .problems
            .iter()
            .map(|problem| format!("{} {}", problem.kind.name(), problem.subject))
            .collect();
        println!("{}: {}\n  {} reasons", mutant.name, mutant.breaks, reasons.len());
        for reason in &reasons {
            println!("    {reason}");
        }
        let missing: Vec<&String> = mutant.red.iter().filter(|reason| !reasons.contains(*reason)).collect();
        if reasons.is_empty() != mutant.survives.is_some() || !missing.is_empty() {
            wrong.push(format!("{}: missing {missing:?}, found {reasons:?}", mutant.name));
        }
        caught += usize::from(!reasons.is_empty());
    }
    println!("{caught} of {} mutants caught", chosen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes the copy and builds its program. The build's files are kept below `target/`, so that the next run builds less.
fn build(mutants: &[Mutant], copy: &Path) -> PathBuf {
    copy_to(copy);
    for (number, mutant) in mutants.iter().enumerate() {
        let path = copy.join(&mutant.file);
        let source = fs::read_to_string(&path).expect("copied");
        fs::write(&path, applied(&source, number, mutant)).expect("written");
    }
    let models = copy.join("models/tensorflow/mod.rs");
    let source = fs::read_to_string(&models).expect("copied");
    fs::write(&models, source + SWITCH).expect("written");
    let target = root().join("target/mutants");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--bin", "lastbatch"])
        .current_dir(copy);
    let built = cargo.env("CARGO_TARGET_DIR", &target).status().expect("cargo runs");
    assert!(built.success(), "the copy does not build");
    target.join("debug/lastbatch")
}

fn gate(program: &Path, copy: &Path, mutant: Option<usize>) -> GateReport {
    let json = copy.join("report.json");
    let _ = fs::remove_file(&json);
    let mut command = Command::new(program);
    command
        .args(["gate", "--quick", "--json", "report.json"])
        .current_dir(copy);
    if let Some(number) = mutant {
        command.env("LASTBATCH_MUTANT", number.to_string());
    }
    let output = command.output().expect("it runs");
    let text =
        fs::read_to_string(&json).unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    GateReport::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}
