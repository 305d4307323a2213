//! Every command that README and docs print is one that the program understands and runs.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::program::lastbatch;
use crate::support::scenario::repository;

/// Commands about whole directories of searches, as `check` of a directory is, or about a real job: only their options are checked.
const LONG: [&str; 4] = ["gate", "matrix", "diff", "record"];
/// A page whose commands have a test of their own, with their output.
const TESTED: &str = "gate_walkthrough.md";
/// Commands for people who build the project.
const OF_CARGO: [&str; 4] = ["cargo test", "cargo bench", "cargo build", "cargo install"];

/// A command in a file of the documentation.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Printed {
    place: String,
    command: String,
}

/// Lines that begin with `$ ` in blocks of `console`, and the last span of code in a row of the table of commands.
fn commands(file: &Path) -> Vec<Printed> {
    let text = fs::read_to_string(file).unwrap();
    let name = file.strip_prefix(repository("")).unwrap_or(file).display().to_string();
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let mut push = |command: &str| {
            found.push(Printed {
                place: format!("{name}:{}", index + 1),
                command: command.split(" #").next().unwrap_or_default().trim().to_owned(),
            });
        };
        match line.strip_prefix("```") {
            Some(language) => inside = language == "console",
            None if inside => {
                if let Some(command) = line.strip_prefix("$ ") {
                    push(command);
                }
            }
            None if line.starts_with("| `") => {
                let spans: Vec<&str> = line.split('`').collect();
                let last = spans.len().checked_sub(2).map_or("", |last| spans[last]);
                if last.starts_with("lastbatch ") {
                    push(last);
                }
            }
            None => {}
        }
    }
    found
}

fn files() -> Vec<PathBuf> {
    let docs = fs::read_dir(repository("docs")).unwrap();
    let mut files: Vec<PathBuf> = docs.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with(TESTED));
    files.push(repository("README.md"));
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// Returns a directory with what the documentation speaks of: the shipped scenarios, an exported graph, and the job in README with a
/// schedule.
fn workplace() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    copy(&repository("scenarios"), &directory.path().join("scenarios"));
    copy(&repository("tests/dumps"), &directory.path().join("tests/dumps"));
    let graph = repository("scenarios/graphs/ps2-coupled.pb");
    fs::copy(graph, directory.path().join("step.pb")).unwrap();
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let job = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let job = job.expect("README shows a job");
    for name in ["my_job", "tiny"] {
        fs::write(directory.path().join(format!("{name}.toml")), job).unwrap();
        lastbatch(&directory)
            .args(["check", &format!("{name}.toml"), "--record"])
            .assert()
            .code(0);
    }
    let recorded = directory.path().join("my_job.7a624761.schedule");
    for copied in ["long.schedule", "long.7a624761.schedule"] {
        fs::copy(&recorded, directory.path().join(copied)).expect("the job hangs as the recorded one did");
    }
    directory
}

#[test]
fn every_printed_command_is_understood_and_runs() {
    let directory = workplace();
    let (mut count, mut problems) = (0, Vec::<String>::new());
    for printed in files().iter().flat_map(|file| commands(file)) {
        let Printed { place, command } = &printed;
        if OF_CARGO.iter().any(|of_cargo| command.starts_with(of_cargo)) {
            continue;
        }
        let arguments = command
            .strip_prefix("lastbatch ")
            .or_else(|| command.strip_prefix("cargo run --release --locked -- "));
        let arguments = arguments.unwrap_or_else(|| panic!("{place}: what is `{command}`?"));
        let words = arguments.split_whitespace();
        let mut arguments: Vec<&str> = words.map(|word| word.trim_matches('\'')).collect();
        let of_directory = |argument: &&str| directory.path().join(argument).is_dir() && *argument != ".";
        if LONG.contains(&arguments[0]) || arguments[0] == "check" && arguments.iter().any(of_directory) {
            arguments.push("--help");
        }
        let output = lastbatch(&directory).args(&arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        // 1 and 3 are answers, too: not as expected, and a bound.
        if !matches!(output.status.code(), Some(0 | 1 | 3)) {
            problems.push(format!("{place}: `{command}`: {errors}"));
        }
        count += 1;
    }
    assert_eq!(problems, Vec::<String>::new());
    assert!(count >= 15, "only {count} commands were found");
}

#[test]
fn commands_are_found_in_blocks_and_in_the_table_of_commands() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = directory.path().join("page.md");
    let text = "| `a` | b | `lastbatch a b` |\n```console\n$ lastbatch c # why\nits output\n```\n```\n$ no\n```\n";
    fs::write(&file, text).unwrap();
    let found: Vec<String> = commands(&file).into_iter().map(|printed| printed.command).collect();
    assert_eq!(found, ["lastbatch a b", "lastbatch c"]);
}

#[test]
fn the_table_of_proofs_is_what_the_program_makes_of_the_baseline() {
    let text = fs::read_to_string(repository("docs/limits.md")).unwrap();
    let table = text.split("<!-- proofs -->\n").nth(1);
    let table = table.and_then(|rest| rest.split("<!-- end of proofs -->").next());
    let empty = tempfile::tempdir().unwrap();
    let mut command = lastbatch(&empty);
    command.args(["gate", "--proofs"]).arg(repository("scenarios"));
    let output = command.assert().code(0).get_output().stdout.clone();
    let made = String::from_utf8(output).unwrap();
    assert_eq!(
        table,
        Some(made.as_str()),
        "`lastbatch gate --proofs` has the new table"
    );
}
