//! The command line: one command a file. Here: what they share.

mod check;
mod checkpoints;
mod collect;
mod confirm;
mod conform;
mod diff;
mod explain;
mod gate;
mod import;
mod interrupt;
mod job;
mod list;
mod match_dumps;
mod matrix;
mod minimise;
mod progress;
mod record;
mod replay;
mod selection;
mod worker;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lastbatch::file::{FileError, write_whole};
use lastbatch::scenario::WORKER_COMMAND;

/// Finds the schedules on which a distributed TensorFlow 1.x training step hangs, and replays them.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search scenarios for hangs and compare with what they expect
    Check(check::Check),
    /// Run a recorded schedule again, event by event
    Replay(replay::Replay),
    /// Make a schedule that hangs smaller
    Minimise(minimise::Minimise),
    /// Show the graph of a RunMetadata file and write a scenario for it
    Import(import::Import),
    /// Decide whether the model can do what a trace of the real runtime shows
    Conform(conform::Conform),
    /// Force a schedule's order on a real job, and tell whether it hangs
    Confirm(confirm::Confirm),
    /// Record a real job, and write one trace per step
    Record(record::Record),
    /// Explain a schedule: what happened, which races decided it, who waits for whom
    Explain(explain::Explain),
    /// Run every scenario and every recorded schedule against expectations and baseline
    Gate(gate::Gate),
    /// Tell what a change does to hangs
    Diff(diff::Diff),
    /// List scenarios and what they expect
    List(list::List),
    #[command(name = WORKER_COMMAND, hide = true)]
    Worker(worker::Worker),
    /// Say which known hang the stacks of a job look like
    Match(match_dumps::Match),
    /// Collect the stacks of every task of a job that hangs now
    Collect(collect::Collect),
    /// Tell which jobs can hang, over threads, servers, inputs and variants
    Matrix(matrix::Matrix),
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
    let ended = match Cli::parse().command {
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
    };
    let outcome = ended.unwrap_or_else(|Failure(message)| {
        eprintln!("error: {message}");
        Outcome::BadInput
    });
    ExitCode::from(outcome as u8)
}

/// Returns the number of threads of a search: as many as were asked for, or one per core.
fn threads(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, usize::from)
}

/// Makes sure that files can be written into a directory, before a long search begins.
fn writable(directory: &Path) -> Result<(), Failure> {
    if !directory.is_dir() {
        return Err(FileError::new(directory, "no such directory").into());
    }
    tempfile::tempfile_in(directory).map_err(FileError::cannot("write there", directory))?;
    Ok(())
}

/// Writes a file, whole or not at all.
fn save(file: &Path, text: &str) -> Result<(), Failure> {
    Ok(write_whole(file, text.as_bytes()).map_err(FileError::cannot("write", file))?)
}

/// Prints to standard output. A reader that has seen enough (`| head`) ends the program quietly.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("error: cannot write to standard output: {error}");
        }
        std::process::exit(Outcome::BadInput as i32);
    }
}
