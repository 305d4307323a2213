//! `lastbatch collect`.

mod discover;
mod script;
mod target;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use lastbatch::file::{FileError, write_whole};
use lastbatch::models::tensorflow::evidence::stacks::{Dump, Missing, TASKS};

use super::screen::print_more;
use super::values::some_time;
use super::{Ended, Failure, Outcome, help, print};
use target::{Target, Task};

/// Collect the stacks of every task of a job that hangs now
///
/// Native and Python stacks come into one folder for `match`. Prints the commands as a shell script; with --run it runs them
/// and names who is missing. Exit code 0 if that is done, 1 if a task is missing, 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::COLLECT)]
pub(super) struct Collect {
    /// A task and where it runs: worker0=1234 (a process of this machine), ps0=HOST:PORT or ps0=USER@HOST:PORT (ssh; the process whose
    /// server listens on the port), ps0=HOST:pid:1234 (ssh), ps0=pod:NAME or ps0=pod:NAME/CONTAINER (kubectl)
    #[arg(value_name = "TASK=WHERE")]
    tasks: Vec<String>,
    /// Every task of a cluster: a JSON file as TF_CONFIG has it, or its "cluster" alone
    #[arg(long, value_name = "FILE")]
    cluster: Option<PathBuf>,
    /// Every running container of a YARN application
    #[arg(long, value_name = "APPLICATION")]
    yarn: Option<String>,
    /// Every pod with these labels, as `kubectl get pods --selector` takes them
    #[arg(long, value_name = "SELECTOR")]
    pods: Option<String>,
    /// The namespace of pods
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// The folder for the stacks
    #[arg(short, long, alias = "output", value_name = "DIR", default_value = "stacks")]
    out: PathBuf,
    /// Run the commands, all tasks at once
    #[arg(long)]
    run: bool,
    /// Give a task up after this time
    #[arg(long, alias = "timeout", value_name = "TIME", default_value = "2min", value_parser = some_time, requires = "run")]
    max_time: Duration,
}

impl Collect {
    pub(super) fn run(self) -> Ended {
        let tasks = self.tasks()?;
        if !self.run {
            print(&script::text(&tasks, &self.out));
            return Ok(Outcome::Holds);
        }
        fs::create_dir_all(&self.out).map_err(FileError::cannot("make the folder", &self.out))?;
        let list = self.out.join(TASKS);
        write_whole(&list, script::list(&tasks).as_bytes()).map_err(FileError::cannot("write", &list))?;
        let patience = self.max_time;
        let folder = self.out.as_path();
        let results: Vec<Result<Dump, Missing>> = std::thread::scope(|scope| {
            let running = tasks
                .iter()
                .map(|task| scope.spawn(move || collect(task, folder, patience)));
            // All of them run before the first one is waited for.
            let running: Vec<_> = running.collect();
            let ended = running
                .into_iter()
                .map(|one| one.join().expect("collecting does not panic"));
            ended.collect()
        });
        for result in &results {
            print_more(&match result {
                Ok(dump) => collected(dump),
                Err(Missing { task, reason }) => format!("{task}: MISSING: {reason}\n"),
            });
        }
        let missing: Vec<&str> = results
            .iter()
            .filter_map(|result| Some(result.as_ref().err()?.task.as_str()))
            .collect();
        let (there, folder) = (results.len() - missing.len(), folder.display());
        let without = match missing.as_slice() {
            [] => String::new(),
            some => format!(", without {}", some.join(", ")),
        };
        print(&format!(
            "{there} of {} tasks in {folder}{without}; next: lastbatch match {folder}\n",
            results.len()
        ));
        Ok(if missing.is_empty() {
            Outcome::Holds
        } else {
            Outcome::Fails
        })
    }

    /// Returns every task that the arguments name.
    fn tasks(&self) -> Result<Vec<Task>, Failure> {
        let mut tasks = Vec::new();
        for text in &self.tasks {
            tasks.push(Task::read(text, self.namespace.as_deref())?);
        }
        if let Some(file) = &self.cluster {
            tasks.extend(discover::cluster(file)?);
        }
        if let Some(application) = &self.yarn {
            tasks.extend(discover::yarn(application)?);
        }
        if let Some(selector) = &self.pods {
            tasks.extend(discover::pods(selector, self.namespace.as_deref())?);
        }
        if tasks.is_empty() {
            return Err(Failure(
                "no task to collect stacks of, expected TASK=WHERE, --cluster, --yarn or --pods".to_owned(),
            ));
        }
        for (index, task) in tasks.iter().enumerate() {
            if tasks[..index].iter().any(|other| other.name == task.name) {
                return Err(Failure(format!(
                    "task {} is named twice, expected each task once",
                    task.name
                )));
            }
        }
        Ok(tasks)
    }
}

/// Tells what a dump has.
fn collected(dump: &Dump) -> String {
    let native = dump.native().count();
    let python = dump.stacks.len() - native;
    let mut text = format!("{}: {native} native threads, {python} of Python\n", dump.task);
    for gap in &dump.gaps {
        text += &format!("  not whole: {gap}\n");
    }
    text
}

/// Runs the command of a task, with its output in the task's file.
fn collect(task: &Task, folder: &Path, patience: Duration) -> Result<Dump, Missing> {
    let file = folder.join(format!("{}.txt", task.name));
    let missing = |reason: String| Missing {
        task: task.name.clone(),
        reason,
    };
    let arguments = task.target.command();
    let (program, arguments) = arguments.split_first().expect("a command has a program");
    let started = File::create(&file).and_then(|out| {
        let errors = out.try_clone()?;
        let mut command = std::process::Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .spawn()
    });
    let mut child = started.map_err(|error| missing(format!("cannot run {program}: {error}")))?;
    if !ended(&mut child, patience) {
        return Err(missing(format!(
            "no answer within {} s from {program}",
            patience.as_secs()
        )));
    }
    Dump::load(&file).map_err(|error| Missing::of(&file, &error))
}

/// Waits for a command to end, and stops it where it takes too long.
fn ended(child: &mut Child, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // Its output stays for whoever wants to look.
    let _ = child.kill();
    let _ = child.wait();
    false
}
