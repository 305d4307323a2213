//! The dumps of a job: files, or a folder of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Assessment, Dump, Gap, assess};
use crate::file::FileError;

/// The file of a folder that lists the tasks that were asked for, one line each: the task, a tab, and where it runs.
pub const TASKS: &str = "tasks.tsv";

/// The dumps of a job's tasks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The dumps, one for each task.
    pub dumps: Vec<Dump>,
    /// The tasks without one.
    pub missing: Vec<Missing>,
}

/// A task without a dump.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Missing {
    /// The task.
    pub task: String,
    /// The reason, as far as it is known.
    pub reason: String,
}

impl Job {
    /// Reads files and folders. A file that is no dump is an error by itself, and a task that is missing in a folder.
    ///
    /// # Errors
    /// When a file cannot be read or is no dump, when a task has two dumps, or when a folder has none.
    pub fn load(paths: &[PathBuf]) -> Result<Self, FileError> {
        let mut job = Self {
            dumps: Vec::new(),
            missing: Vec::new(),
        };
        for path in paths {
            if path.is_dir() {
                job.folder(path)?;
            } else {
                job.add(path, Dump::load(path)?)?;
            }
        }
        job.missing.sort();
        Ok(job)
    }

    /// Compares the job with every known hang.
    pub fn assess(&self) -> Assessment {
        let mut assessment = assess(&self.dumps);
        let ask = |missing: &Missing| format!("{}: it is missing: {}", missing.task, missing.reason);
        let next = self.missing.iter().map(ask).chain(assessment.next);
        assessment.next = next.collect();
        assessment
    }

    fn folder(&mut self, folder: &Path) -> Result<(), FileError> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| FileError::new(folder, error))? {
            let path = entry.map_err(|error| FileError::new(folder, error))?.path();
            let hidden = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.is_file() && !hidden && !path.ends_with(TASKS) {
                files.push(path);
            }
        }
        files.sort();
        let mut failed = BTreeMap::new();
        for path in &files {
            match Dump::load(path) {
                Ok(dump) => self.add(path, dump)?,
                Err(error) => {
                    let Missing { task, reason } = Missing::of(path, &error);
                    failed.insert(task, reason);
                }
            }
        }
        if self.dumps.is_empty() {
            let files = files.len();
            return Err(FileError::new(
                folder,
                format!("no dump among its {files} files, expected one per task, as `lastbatch collect` writes them"),
            ));
        }
        for task in asked(folder)? {
            failed
                .entry(task)
                .or_insert_with(|| "it was asked for, and there is no file of it".to_owned());
        }
        let missing = failed
            .into_iter()
            .filter(|(task, _)| !self.dumps.iter().any(|dump| dump.task == *task));
        let missing: Vec<Missing> = missing.map(|(task, reason)| Missing { task, reason }).collect();
        self.missing.extend(missing);
        Ok(())
    }

    /// Adds the dump of a task, or the stacks of Python to those of C++.
    fn add(&mut self, path: &Path, mut dump: Dump) -> Result<(), FileError> {
        dump.task = task_of(path);
        let Some(other) = self.dumps.iter_mut().find(|other| other.task == dump.task) else {
            self.dumps.push(dump);
            return Ok(());
        };
        if (other.native().count() == 0) == (dump.native().count() == 0) {
            let problem = format!("two dumps of {}, expected one file per task, named after it", dump.task);
            return Err(FileError::new(path, problem));
        }
        other.stacks.append(&mut dump.stacks);
        other.gaps = Gap::all(other);
        Ok(())
    }
}

impl Missing {
    /// Returns the task of a file that is no dump. What a debugger or ssh complained of stands in the file itself.
    pub fn of(path: &Path, error: &FileError) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let said = text.lines().map(str::trim).find(|line| !line.is_empty());
        let reason = match said {
            Some(said) => format!(
                "no stacks of TensorFlow, but: {}",
                said.chars().take(160).collect::<String>()
            ),
            None => error.problem().to_owned(),
        };
        Self {
            task: task_of(path),
            reason,
        }
    }
}

/// Returns the task of a file: `worker0` of `worker0.txt`, `worker0.native.txt` and `worker0.python.txt`.
fn task_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let parts = [".native", ".python", ".gdb", ".py-spy", ".pyspy"];
    let task = parts.iter().find_map(|part| name.strip_suffix(part));
    task.unwrap_or(&name).to_owned()
}

/// Returns the tasks that a folder's list names.
fn asked(folder: &Path) -> Result<Vec<String>, FileError> {
    let list = folder.join(TASKS);
    if !list.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&list).map_err(|error| FileError::new(&list, error))?;
    let tasks = text.lines().filter_map(|line| line.split('\t').next());
    Ok(tasks.filter(|task| !task.is_empty()).map(str::to_owned).collect())
}
