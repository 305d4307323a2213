//! The command line: one command a file. Here: what they share.

mod check;
mod checkpoints;
mod collect;
mod confirm;
mod conform;
mod diff;
mod explain;
mod gate;
mod help;
mod import;
mod interrupt;
mod job;
mod list;
mod manual;
mod match_dumps;
mod matrix;
mod minimise;
mod progress;
mod record;
mod replay;
mod screen;
mod selection;
mod values;
mod worker;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lastbatch::file::{FileError, write_whole};
use lastbatch::scenario::WORKER_COMMAND;

use screen::{Output, note, print};

/// Finds the schedules on which a distributed TensorFlow 1.x training step hangs, and replays them.
#[derive(Parser)]
#[command(version, propagate_version = true, after_help = help::PROGRAM)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Replay(replay::Replay),
    Minimise(minimise::Minimise),
    Import(import::Import),
    Conform(conform::Conform),
    Confirm(confirm::Confirm),
    Record(record::Record),
    Explain(explain::Explain),
    Gate(gate::Gate),
    Diff(diff::Diff),
    List(list::List),
    #[command(name = WORKER_COMMAND, hide = true)]
    Worker(worker::Worker),
    Match(match_dumps::Match),
    Collect(collect::Collect),
    Matrix(matrix::Matrix),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// The end of a command, and its exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// Everything is as expected.
    Holds = 0,
    /// It is not.
    Fails = 1,
    /// Bad input or usage.
    BadInput = 2,
    /// A bound ended the search first, or the graph has kernels that are not modelled.
    Undecided = 3,
    /// The user ended it.
    Interrupted = 130,
}

/// Bad input, in one line.
struct Failure(String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

type Ended = Result<Outcome, Failure>;

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.output.choose();
    let ended = match cli.command {
        Command::Check(command) => command.run(),
        Command::Record(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Minimise(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Conform(command) => command.run(),
        Command::Confirm(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Gate(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Worker(command) => command.run(),
        Command::Match(command) => command.run(),
        Command::Collect(command) => command.run(),
        Command::Matrix(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    let outcome = ended.unwrap_or_else(|Failure(message)| {
        note(&format!("error: {message}"));
        Outcome::BadInput
    });
    ExitCode::from(outcome as u8)
}

/// Returns the number of threads of a search: as many as were asked for, or one per core.
fn threads(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, usize::from)
}

/// Makes a directory unless it is there, and makes sure that files can be written into it, before a long search begins.
fn writable(directory: &Path) -> Result<(), Failure> {
    if directory.exists() && !directory.is_dir() {
        return Err(FileError::new(directory, "a file, expected a directory").into());
    }
    std::fs::create_dir_all(directory).map_err(FileError::cannot("make the directory", directory))?;
    // The name of the file that is tried is nobody's business.
    let tried = tempfile::tempfile_in(directory).map_err(|error| error.kind());
    tried.map_err(FileError::cannot("write there", directory))?;
    Ok(())
}

/// Writes a file, whole or not at all.
fn save(file: &Path, text: &str) -> Result<(), Failure> {
    Ok(write_whole(file, text.as_bytes()).map_err(FileError::cannot("write", file))?)
}
