//! Engines in a process of their own.
//!
//! shuttle and loom install panic hooks and keep state for the whole process, so they don't go together, and a coroutine that overflows
//! its stack ends the process. So each run gets a process of the same program: it reads one line of JSON, a [`Request`], and writes
//! one, the verdict. When its input ends, it stops soon and answers with what it has: nothing runs on when whoever asked is gone.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Budget, Experiment, ExperimentError};
use crate::explore::Verdict;
use crate::file::FileError;
use crate::scenario::{EngineName, JobSection, RuntimeSection, Scenario};

/// The hidden command of the program that answers a request.
pub const WORKER_COMMAND: &str = "worker";

/// Between two looks at whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The request to a worker process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The scenario's file; none for one that is built in.
    path: Option<PathBuf>,
    /// Its file name.
    name: String,
    job: JobSection,
    runtime: RuntimeSection,
    /// The engine.
    pub engine: EngineName,
    /// Budget of the search.
    pub budget: Budget,
}

/// The reason why a worker process gave no answer.
#[derive(Debug, Error)]
#[error("engine {engine}: {problem}")]
pub struct WorkerError {
    engine: EngineName,
    problem: String,
}

/// The reason why a request can't be answered.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The scenario can't be read.
    #[error(transparent)]
    Scenario(#[from] FileError),
    /// It can't run.
    #[error(transparent)]
    Run(#[from] ExperimentError),
    /// No scenario of that name is built in.
    #[error("no scenario {0} is built in")]
    Unknown(String),
}

impl Request {
    /// Returns the scenario that is asked about.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn prepare(self) -> Result<Experiment, RequestError> {
        let mut scenario = match &self.path {
            Some(path) => Scenario::load(path)?,
            None => {
                let named = Scenario::all_built_in().find(|scenario| scenario.file_name() == self.name);
                named.ok_or(RequestError::Unknown(self.name))?
            }
        };
        scenario.document.job = self.job;
        scenario.document.runtime = self.runtime;
        Ok(Experiment::new(scenario)?)
    }
}

impl Experiment {
    /// Runs the scenario under an engine in a process of its own, of `program`: this one. Setting `interrupt` ends the run soon.
    ///
    /// # Errors
    /// When the process can't be started, or dies.
    pub fn run_in_worker(
        &self,
        program: &Path,
        engine: EngineName,
        budget: &Budget,
        interrupt: &AtomicBool,
    ) -> Result<Verdict, WorkerError> {
        let request = Request {
            path: self.scenario.path.clone(),
            name: self.scenario.file_name(),
            job: self.scenario.document.job.clone(),
            runtime: self.scenario.document.runtime.clone(),
            engine,
            budget: budget.clone(),
        };
        let wrong = |problem| WorkerError { engine, problem };
        let failed = |error: std::io::Error| {
            let program = program.display();
            wrong(format!("cannot run a worker process of {program}: {error}"))
        };
        let mut child = start(program).map_err(failed)?;
        let asked = ask(&mut child, &request);
        let answer = asked.and_then(|input| listen(&mut child, input, interrupt));
        let status = child.wait().map_err(failed)?;
        if !status.success() {
            return Err(wrong(format!("its worker process died: {status}")));
        }
        let answer = answer.map_err(failed)?;
        let verdict = serde_json::from_slice(&answer);
        verdict.map_err(|error| wrong(format!("its worker process gave no verdict: {error}")))
    }
}

fn start(program: &Path) -> std::io::Result<Child> {
    // A seed in the environment would take the place of the one that was asked for.
    Command::new(program)
        .arg(WORKER_COMMAND)
        .env_remove("SHUTTLE_RANDOM_SEED")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}

/// Sends the request; the worker runs for as long as its input is open.
fn ask(child: &mut Child, request: &Request) -> std::io::Result<ChildStdin> {
    let mut input = child.stdin.take().expect("it is piped");
    let mut line = serde_json::to_vec(request).map_err(std::io::Error::other)?;
    line.push(b'\n');
    input.write_all(&line)?;
    Ok(input)
}

/// Returns everything that the worker writes.
fn listen(child: &mut Child, input: ChildStdin, interrupt: &AtomicBool) -> std::io::Result<Vec<u8>> {
    let mut output = child.stdout.take().expect("it is piped");
    let over = AtomicBool::new(false);
    let mut answer = Vec::new();
    let read = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !over.load(Ordering::SeqCst) && !interrupt.load(Ordering::SeqCst) {
                std::thread::park_timeout(LOOK_EVERY);
            }
            drop(input);
        });
        let read = output.read_to_end(&mut answer);
        over.store(true, Ordering::SeqCst);
        watcher.thread().unpark();
        read
    });
    read.map(|_| answer)
}
