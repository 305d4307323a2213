//! `lastbatch record`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use lastbatch::file::FileError;
use lastbatch::models::tensorflow::evidence::forcing::Seen;
use lastbatch::models::tensorflow::evidence::recording::{FORMAT, Kind, Recording, StepTrace};
use lastbatch_probe_format::ring::Ring;
use lastbatch_probe_format::{FIX, FOLDER, STICKY_CANCEL};
use serde::Serialize;

use super::job::{Folder, LOOK, Watch, probe, rings_in};
use super::values::some_time;
use super::{Ended, Failure, Outcome, help, interrupt, print, save};

/// Name of the list of traces.
const INDEX: &str = "index.jsonl";

/// Record a real job, and write one trace per step
///
/// The tasks' events go, always, into rings that outlive a task that is killed; `conform` reads the traces. Exit code 0 if
/// every step had its answer, 1 if one had none for as long as a hang takes, 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::RECORD)]
pub(super) struct Record {
    /// The folder for rings and traces, which must be new
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Write the traces of the last N steps
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Time without an answer that counts as a hang: the traces are written then, and the job goes on
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = some_time)]
    stall: Duration,
    /// End the job at the first hang
    #[arg(long)]
    until_hang: bool,
    /// Mend lost cancellations meanwhile
    #[arg(long, value_name = "FIX", value_parser = [STICKY_CANCEL])]
    fix: Option<String>,
    /// The probe [default: liblastbatch_probe.so beside this program]
    #[arg(long, value_name = "FILE")]
    probe: Option<PathBuf>,
    /// Start nothing: make traces of the rings in these folders, one per machine
    #[arg(long, value_name = "FOLDER", num_args = 1.., conflicts_with_all = ["command", "environment"])]
    from: Vec<PathBuf>,
    /// Start nothing: print the environment that a task needs, for a job that is started elsewhere
    #[arg(long, conflicts_with = "command")]
    environment: bool,
    /// The command that starts the job: all its tasks, which inherit the probe
    #[arg(last = true, required_unless_present_any = ["from", "environment"])]
    command: Vec<String>,
}

/// A line of the list of traces.
#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    file: &'a str,
    step: String,
    kind: Kind,
    events: usize,
}

impl Record {
    pub(super) fn run(self) -> Ended {
        if !self.from.is_empty() {
            let mut rings = Vec::new();
            for folder in &self.from {
                rings.extend(rings_in(folder)?);
            }
            let folder = Folder::new(Some(&self.out))?;
            self.write(rings, folder.path())?;
            return Ok(Outcome::Holds);
        }
        let probe = probe(self.probe.as_deref())?;
        let folder = Folder::new(Some(&self.out))?;
        if self.environment {
            folder.begin()?;
            print(&format!(
                "export {FOLDER}={} LD_PRELOAD={}\n",
                folder.path().display(),
                probe.display()
            ));
            if let Some(fix) = &self.fix {
                print(&format!("export {FIX}={fix}\n"));
            }
            return Ok(Outcome::Holds);
        }
        self.record(&folder, &probe)
    }

    /// Runs the job to its end; writes the traces at the first hang and in the end.
    fn record(&self, folder: &Folder, probe: &Path) -> Ended {
        let stop = interrupt::flag()?;
        let mut job = folder.start(&self.command, probe, self.fix.as_deref(), false)?;
        let mut watch = Watch::new(self.stall);
        let mut hung = BTreeSet::new();
        loop {
            let ended = job.ended()?.is_some() || stop.load(std::sync::atomic::Ordering::SeqCst);
            let seen = Seen::of(&folder.conditions()?);
            let hanging = watch.hanging(&seen);
            let new: Vec<u64> = hanging.into_iter().filter(|id| !hung.contains(id)).collect();
            if !new.is_empty() && !ended {
                hung.extend(new);
                self.write(folder.rings()?, folder.path())?;
            }
            if ended || (self.until_hang && !hung.is_empty()) {
                break;
            }
            thread::sleep(LOOK);
        }
        drop(job);
        if hung.is_empty() {
            self.write(folder.rings()?, folder.path())?;
        }
        Ok(if hung.is_empty() {
            Outcome::Holds
        } else {
            Outcome::Fails
        })
    }

    /// Makes traces of rings, and writes them with their list. The list comes last: where there is none, the traces are not whole.
    fn write(&self, rings: Vec<(String, PathBuf)>, folder: &Path) -> Result<(), Failure> {
        let read = rings.iter().map(|(_, path)| {
            let bytes = fs::read(path).map_err(FileError::cannot("read the events", path))?;
            Ring::read(&bytes).map_err(|problem| FileError::new(path, problem))
        });
        let recording = Recording::new(read.collect::<Result<Vec<Ring>, FileError>>()?)?;
        let traces = recording.traces(self.last)?;
        let mut index = String::new();
        for (number, trace) in traces.iter().enumerate() {
            let name = name(number, trace);
            save(&folder.join(&name), &trace.text)?;
            let line = Line {
                format: FORMAT,
                file: &name,
                step: format!("{:x}", trace.step),
                kind: trace.kind,
                events: trace.events,
            };
            index += &format!("{}\n", serde_json::to_string(&line)?);
        }
        save(&folder.join(INDEX), &index)?;
        let (events, lost) = recording.events();
        let hangs = traces.iter().filter(|trace| trace.kind == Kind::Hang).count();
        print(&format!(
            "{} traces in {} ({hangs} of steps without an answer); {events} events of {} tasks, {lost} older ones overwritten\n",
            traces.len(),
            folder.display(),
            rings.len(),
        ));
        Ok(())
    }
}

fn name(number: usize, trace: &StepTrace) -> String {
    let kind = match trace.kind {
        Kind::Ordinary => "ordinary",
        Kind::End => "end",
        Kind::Error => "error",
        Kind::Hang => "hang",
    };
    format!("step-{number:03}.{kind}.jsonl")
}
