//! This process's part in the job: what it was asked to do, and its name, which its server learns from its cluster.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, io};

use lastbatch_probe_format::ring::PLACES;
use lastbatch_probe_format::{EVENTS, FIX, FOLDER, HOLDS_FILE, RING_ENDING, STEPS_FILE, STICKY_CANCEL};

use crate::conditions::Conditions;
use crate::holding::Holding;
use crate::library::{Library, Objects, library};
use crate::partitions::task_of;
use crate::recorder::Recorder;

/// The things that were asked for.
pub(crate) struct Asked {
    /// TensorFlow's library.
    pub(crate) objects: Objects,
    /// Whether lost cancellations are mended.
    pub(crate) mend: bool,
    folder: Option<PathBuf>,
    task: OnceLock<Option<Task>>,
}

/// A task of a job.
pub(crate) struct Task {
    /// Its name, as in `worker0`.
    pub(crate) name: &'static str,
    /// Its events.
    pub(crate) recorder: Recorder,
    /// The conditions of steps.
    pub(crate) conditions: Conditions,
    /// Its holds, if there are any.
    pub(crate) holding: Option<Holding>,
}

/// Says something to whoever reads the job's messages.
pub(crate) fn say(what: &str) {
    eprintln!("lastbatch probe: {what}");
}

/// Returns what was asked for. `None`: nothing, or nothing that can be done here.
pub(crate) fn asked() -> Option<&'static Asked> {
    static ASKED: OnceLock<Option<Asked>> = OnceLock::new();
    if let Some(asked) = ASKED.get() {
        return asked.as_ref();
    }
    let folder = env::var_os(FOLDER).map(PathBuf::from);
    let fix = env::var(FIX).unwrap_or_default();
    if folder.is_none() && fix.is_empty() {
        return ASKED.get_or_init(|| None).as_ref();
    }
    // Before the library is there nothing is decided.
    let library = library()?;
    ASKED.get_or_init(|| begin(library, folder, &fix)).as_ref()
}

fn begin(library: &Library, folder: Option<PathBuf>, fix: &str) -> Option<Asked> {
    let mend = fix == STICKY_CANCEL;
    if !mend && !fix.is_empty() {
        say(&format!(
            "{FIX}: unknown fix {fix}, expected {STICKY_CANCEL}; nothing is mended"
        ));
    }
    match library {
        Library::Known(objects) => Some(Asked {
            objects: *objects,
            mend,
            folder,
            task: OnceLock::new(),
        }),
        Library::Refused(reason) => {
            say(&format!(
                "this TensorFlow is left alone, nothing is recorded, held or mended: {reason}"
            ));
            if let Some(Ok(conditions)) = folder.map(|folder| Conditions::open(&folder.join(STEPS_FILE))) {
                conditions.refuse();
            }
            None
        }
    }
}

impl Asked {
    /// Returns the task, once its server knows its name.
    pub(crate) fn task(&self) -> Option<&Task> {
        self.task.get()?.as_ref()
    }

    /// Takes the name of the task, as in `/job:ps/replica:0/task:1`.
    pub(crate) fn named(&self, name: &str) {
        let Some(folder) = &self.folder else { return };
        let Some(name) = task_of(name) else { return };
        self.task.get_or_init(|| {
            let opened = open(folder, &name);
            opened
                .map_err(|problem| say(&format!("{problem}; nothing is recorded or held")))
                .ok()
        });
    }
}

fn open(folder: &Path, name: &str) -> Result<Task, String> {
    let cannot = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let places = env::var(EVENTS)
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(PLACES)
        .max(1);
    let ring = folder.join(format!("{name}.{}.{RING_ENDING}", std::process::id()));
    let steps = folder.join(STEPS_FILE);
    let conditions = Conditions::open(&steps).map_err(|error| cannot(&steps, error))?;
    Ok(Task {
        name: Box::leak(name.to_owned().into_boxed_str()),
        recorder: Recorder::create(&ring, name, places).map_err(|error| cannot(&ring, error))?,
        holding: Holding::load(&folder.join(HOLDS_FILE), name, conditions)?,
        conditions,
    })
}
