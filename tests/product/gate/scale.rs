//! The scripts of docs/scale.md: each shard is run here as its machine would run it, and what they write is joined.

use std::fs;
use std::path::Path;
use std::process::Command;

use lastbatch::gate::GateReport;
use tempfile::TempDir;

use super::{green, read};
use crate::support::program::PROGRAM;
use crate::support::scenario::repository;

/// Returns the first block of the page in this language below a heading.
fn block(heading: &str, language: &str) -> String {
    let page = fs::read_to_string(repository("docs/scale.md")).unwrap();
    let (_, below) = page.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let (_, block) = below.split_once(&format!("```{language}\n")).expect("a block");
    block.split_once("```").expect("its end").0.to_owned()
}

/// Runs a script in the folder, with the program on its path.
fn runs(directory: &TempDir, script: &str, variables: &[(&str, &str)]) {
    let path = std::env::var("PATH").unwrap();
    let program = Path::new(PROGRAM).parent().expect("a folder").display();
    let output = Command::new("bash")
        .args(["-euc", script])
        .current_dir(directory)
        .env("PATH", format!("{program}:{path}"))
        .env_remove("GITHUB_ACTIONS")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{told}");
}

/// A green gate in the folder that the scripts name.
fn scenarios() -> TempDir {
    let directory = green();
    fs::rename(directory.path().join("cases"), directory.path().join("scenarios")).unwrap();
    directory
}

/// Joins the shards as the page says, and returns how many scenarios they had together.
fn joined(directory: &TempDir) -> usize {
    let page = fs::read_to_string(repository("docs/scale.md")).unwrap();
    let merge = page
        .lines()
        .find(|line| line.starts_with("lastbatch gate scenarios --merge"));
    runs(
        directory,
        &format!("{} --json gate.json", merge.expect("the merge")),
        &[],
    );
    assert!(read(directory, "gate.md").contains("green"));
    let shards =
        (1..=4).map(|number| GateReport::parse(&read(directory, &format!("shard-{number}.json"))).expect("a report"));
    let shared: usize = shards.map(|report| report.scenarios.len()).sum();
    let whole = GateReport::parse(&read(directory, "gate.json")).expect("a report");
    assert_eq!(shared, whole.scenarios.len());
    shared
}

#[test]
fn the_slurm_array_of_the_docs_runs_every_scenario_once() {
    let (directory, script) = (scenarios(), block("Slurm", "bash"));
    assert!(script.contains("#SBATCH --array=1-4\n"));
    for task in ["1", "2", "3", "4"] {
        runs(
            &directory,
            &script,
            &[("SLURM_ARRAY_TASK_ID", task), ("SLURM_ARRAY_TASK_COUNT", "4")],
        );
    }
    assert_eq!(joined(&directory), 2);
}

#[test]
fn the_indexed_job_of_the_docs_runs_every_scenario_once() {
    let (directory, job) = (scenarios(), block("Kubernetes", "yaml"));
    assert!(job.contains("completions: 4\n") && job.contains("\"-euc\""));
    let lines = job.lines().skip_while(|line| *line != "            - |").skip(1);
    let script: Vec<&str> = lines
        .take_while(|line| line.starts_with("              "))
        .map(str::trim_start)
        .collect();
    for index in ["0", "1", "2", "3"] {
        runs(&directory, &script.join("\n"), &[("JOB_COMPLETION_INDEX", index)]);
    }
    assert_eq!(joined(&directory), 2);
}
