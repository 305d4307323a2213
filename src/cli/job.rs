//! A job of the real runtime, started with the probe in each of its tasks.

use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use std::time::{Duration, Instant};

use lastbatch::file::FileError;
use lastbatch::models::tensorflow::evidence::forcing::Seen;
use lastbatch_probe_format::holds::Holds;
use lastbatch_probe_format::steps::BYTES;
use lastbatch_probe_format::{FIX, FOLDER, HOLDS_FILE, RING_ENDING, STEPS_FILE};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::Failure;

/// Time between two looks at a job.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// File name of the probe.
const PROBE: &str = "liblastbatch_probe.so";
/// Name of the file with what the job printed, in its folder.
const OUTPUT: &str = "output";

/// The folder of a job: what its tasks are told and what they write.
pub(super) struct Folder {
    path: PathBuf,
    /// Its owner, if it goes with the program.
    _temporary: Option<TempDir>,
}

/// A job that runs. It ends, with all its tasks, when this is dropped.
pub(super) struct RunningJob {
    child: Child,
}

impl Folder {
    /// Makes the folder of a job: the one that is asked for, which must be new or empty, or a temporary one.
    pub(super) fn new(asked: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = asked else {
            let temporary = tempfile::tempdir()?;
            return Ok(Self {
                path: temporary.path().to_owned(),
                _temporary: Some(temporary),
            });
        };
        fs::create_dir_all(path).map_err(FileError::cannot("make the folder", path))?;
        let mut entries = fs::read_dir(path).map_err(FileError::cannot("read the folder", path))?;
        if entries.next().is_some() {
            return Err(FileError::new(path, "the folder is not empty, expected a new one per run").into());
        }
        let path = path
            .canonicalize()
            .map_err(FileError::cannot("find the folder", path))?;
        Ok(Self { path, _temporary: None })
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the tasks are to hold.
    pub(super) fn hold(&self, holds: &Holds) -> Result<(), Failure> {
        super::save(&self.path.join(HOLDS_FILE), &holds.to_string())
    }

    /// Returns the conditions that the tasks wrote so far.
    pub(super) fn conditions(&self) -> Result<Vec<u8>, Failure> {
        let path = self.path.join(STEPS_FILE);
        Ok(fs::read(&path).map_err(FileError::cannot("read the conditions", &path))?)
    }

    /// Returns the rings that the tasks wrote, with the names of the tasks.
    pub(super) fn rings(&self) -> Result<Vec<(String, PathBuf)>, Failure> {
        rings_in(&self.path)
    }

    /// Makes the table that all tasks write into.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        let steps = self.path.join(STEPS_FILE);
        let table = File::create(&steps).map_err(FileError::cannot("write", &steps))?;
        Ok(table
            .set_len(BYTES as u64)
            .map_err(FileError::cannot("write", &steps))?)
    }

    /// Starts a job whose tasks inherit the probe. `quiet`: what it prints goes to a file.
    pub(super) fn start(
        &self,
        command: &[String],
        probe: &Path,
        fix: Option<&str>,
        quiet: bool,
    ) -> Result<RunningJob, Failure> {
        let steps = self.path.join(STEPS_FILE);
        let table = File::create(&steps).map_err(FileError::cannot("write", &steps))?;
        table
            .set_len(BYTES as u64)
            .map_err(FileError::cannot("write", &steps))?;
        let (program, arguments) = command.split_first().expect("clap asks for a command");
        let mut job = Command::new(program);
        job.args(arguments)
            .env(FOLDER, &self.path)
            .process_group(0)
            .stdin(Stdio::null());
        let others = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty());
        let mut preload = probe.as_os_str().to_owned();
        if let Some(others) = others {
            preload.push(":");
            preload.push(others);
        }
        job.env("LD_PRELOAD", preload);
        match fix {
            Some(fix) => job.env(FIX, fix),
            None => job.env_remove(FIX),
        };
        if quiet {
            let path = self.path.join(OUTPUT);
            let output = File::create(&path).map_err(FileError::cannot("write", &path))?;
            let both = output.try_clone().map_err(FileError::cannot("write", &path))?;
            job.stdout(output).stderr(both);
        }
        let child = job
            .spawn()
            .map_err(|error| Failure(format!("cannot start {program}: {error}")))?;
        Ok(RunningJob { child })
    }

    /// Returns what the probe said in the job, or else the last line that the job printed.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read(self.path.join(OUTPUT)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let of_probe = text.lines().find(|line| line.starts_with("lastbatch probe: "));
        let last = of_probe.or_else(|| text.lines().rfind(|line| !line.trim().is_empty()));
        last.map_or_else(
            || "the job printed nothing".to_owned(),
            |line| format!("the job printed: {line}"),
        )
    }
}

impl RunningJob {
    /// Returns how its first process ended, if it has.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        Ok(self.child.try_wait()?)
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// A look-out for steps that have no answer.
pub(super) struct Watch {
    stall: Duration,
    /// Since when each step is known to have none.
    waiting: Vec<(u64, Instant)>,
}

impl Watch {
    /// Waits for `stall` before a step counts as hanging.
    pub(super) fn new(stall: Duration) -> Self {
        Self {
            stall,
            waiting: Vec::new(),
        }
    }

    /// Looks at the steps. Returns those that hang.
    pub(super) fn hanging(&mut self, seen: &Seen) -> Vec<u64> {
        self.waiting.retain(|(id, _)| seen.waiting().any(|step| step.id == *id));
        for step in seen.waiting() {
            if self.waiting.iter().all(|(id, _)| *id != step.id) {
                self.waiting.push((step.id, Instant::now()));
            }
        }
        let long = self.waiting.iter().filter(|(_, since)| since.elapsed() >= self.stall);
        long.map(|(id, _)| *id).collect()
    }
}

/// Returns the rings in a folder, with the names of their tasks.
pub(super) fn rings_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let entries = fs::read_dir(folder).map_err(FileError::cannot("read the folder", folder))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let rings = paths.filter(|path| path.extension().is_some_and(|ending| ending == RING_ENDING));
    let named = rings.filter_map(|path| {
        let task = path.file_name()?.to_str()?.split('.').next()?.to_owned();
        Some((task, path))
    });
    let mut rings: Vec<(String, PathBuf)> = named.collect();
    rings.sort();
    Ok(rings)
}

/// Finds the probe: the file that is asked for, or the one beside this program.
pub(super) fn probe(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    let here = env::current_exe()?;
    let folders = here
        .parent()
        .into_iter()
        .flat_map(|folder| [folder.to_owned(), folder.join("deps"), folder.join("../lib")]);
    let mut places: Vec<PathBuf> = match asked {
        Some(path) => vec![path.to_owned()],
        None => folders.map(|folder| folder.join(PROBE)).collect(),
    };
    places.retain(|place| place.is_file());
    let Some(found) = places.first() else {
        let looked = asked.map_or_else(
            || format!("{PROBE} beside {}", here.display()),
            |path| path.display().to_string(),
        );
        return Err(Failure(format!(
            "no probe: expected {looked}; build it with `cargo build -p lastbatch-probe`"
        )));
    };
    Ok(found.canonicalize()?)
}
