//! Event traces of a real runtime: JSON lines, one event per line.

use std::fmt;
use std::io;
use std::path::Path;

use serde::Deserialize;
use thiserror::Error;

/// The expected look of a line, for messages.
const EXPECTED: &str = "expected JSON lines with us, process, thread, event and the ids of its objects";

/// A recorded step: what each thread of each process did, and when.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// Name of the file, for messages.
    pub file: String,
    /// The events in the order of the lines.
    pub events: Vec<TraceEvent>,
}

/// Something that a thread did.
#[derive(Clone, PartialEq, Debug)]
pub struct TraceEvent {
    /// Number of its line, from 1.
    pub line: usize,
    /// Microseconds since the step began, by one clock for all processes.
    pub us: f64,
    /// Task name of its process.
    pub process: String,
    /// Its thread within the process.
    pub thread: String,
    /// The function.
    pub function: Function,
    /// Mark of the event: the function was entered, left, or passed a point.
    pub mark: Mark,
    /// The objects that it names.
    pub ids: Ids,
}

/// The objects and facts that an event names; ids are numbered per process, and an object may be used again for another
/// purpose after its first one ended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
pub struct Ids {
    /// `CallOptions`.
    pub opts: Option<String>,
    /// A receive's call.
    pub call: Option<String>,
    /// A rendezvous.
    pub rz: Option<String>,
    /// A remote worker.
    pub wk: Option<String>,
    /// The RunGraph calls of one step.
    pub mg: Option<String>,
    /// The site that installs a cancel function.
    pub site: Option<String>,
    /// Task that sends the tensor.
    pub from: Option<String>,
    /// Task that receives the tensor.
    pub to: Option<String>,
    /// The tensor's name.
    pub tensor: Option<String>,
    /// Number of a partition of the step, in the order of the master's loop.
    pub partition: Option<u8>,
    /// Status code, as in `tensorflow::error::Code`.
    pub code: Option<i32>,
    /// Status message.
    pub message: Option<String>,
}

/// The mark of an event: a function was entered, left, or passed a point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mark {
    /// `<`.
    Enter,
    /// `>`.
    Leave,
    /// Neither.
    Point,
}

/// The functions that traces know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Function {
    /// `GrpcRemoteWorker::RunGraphAsync`.
    RunGraphIssue,
    /// `Worker::DoRunGraph`.
    RunGraphHandler,
    /// `GrpcRemoteWorker::RecvTensorAsync`.
    RecvTensorIssue,
    /// `GrpcWorker::GrpcRecvTensorAsync`.
    RecvTensorHandler,
    /// `CallOptions::SetCancelCallback`.
    SetCancel,
    /// `CallOptions::ClearCancelCallback`.
    ClearCancel,
    /// `CallOptions::StartCancel`.
    StartCancel,
    /// `BaseRemoteRendezvous::RegisterCall`.
    Register,
    /// `BaseRemoteRendezvous::DeregisterCall`.
    Deregister,
    /// `BaseRendezvousMgr::FindOrCreate`.
    FindOrCreate,
    /// `BaseRemoteRendezvous::Initialize`.
    Initialize,
    /// `BaseRemoteRendezvous::StartAbort`.
    StartAbort,
    /// `Worker::CleanupGraphAsync`.
    Cleanup,
    /// `Worker::AbortStep`.
    AbortStep,
    /// `RunManyGraphs::WhenDone`.
    WhenDone,
}

/// A function's name, whether it has `<` and `>`, and the fields that its events must have: those of `<` or of the point, then those
/// of `>`.
type Shape = (
    Function,
    &'static str,
    bool,
    &'static [&'static str],
    &'static [&'static str],
);

const FUNCTIONS: [Shape; 15] = [
    (
        Function::RunGraphIssue,
        "rungraph-issue",
        true,
        &["wk", "opts"],
        &["opts"],
    ),
    (
        Function::RunGraphHandler,
        "rungraph-handler",
        true,
        &["opts"],
        &["opts"],
    ),
    (
        Function::RecvTensorIssue,
        "recvtensor-issue",
        true,
        &["wk", "opts", "from", "to", "tensor"],
        &["opts"],
    ),
    (
        Function::RecvTensorHandler,
        "recvtensor-handler",
        true,
        &["opts", "from", "to", "tensor"],
        &["opts"],
    ),
    (Function::SetCancel, "setcancel", true, &["opts", "site"], &["opts"]),
    (Function::ClearCancel, "clearcancel", false, &["opts"], &[]),
    (Function::StartCancel, "startcancel", true, &["opts"], &["opts"]),
    (Function::Register, "register", false, &["rz", "call"], &[]),
    (Function::Deregister, "deregister", false, &["rz", "call"], &[]),
    (Function::FindOrCreate, "findorcreate", false, &["rz"], &[]),
    (Function::Initialize, "initialize", false, &["rz"], &[]),
    (Function::StartAbort, "startabort", true, &["rz", "code"], &["rz"]),
    (Function::Cleanup, "cleanup", false, &[], &[]),
    (Function::AbortStep, "abortstep", false, &[], &[]),
    (Function::WhenDone, "whendone", false, &["mg", "partition", "code"], &[]),
];

impl Function {
    /// Its name in traces.
    pub fn name(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|shape| shape.0 == self)
            .map_or("?", |shape| shape.1)
    }
}

impl TraceEvent {
    /// Returns the event's name as its line has it.
    pub fn name(&self) -> String {
        let mark = match self.mark {
            Mark::Enter => "<",
            Mark::Leave => ">",
            Mark::Point => "",
        };
        format!("{}{mark}", self.function.name())
    }
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.process, self.thread, self.name())?;
        let ids = &self.ids;
        for id in [&ids.opts, &ids.call, &ids.rz, &ids.wk, &ids.tensor]
            .into_iter()
            .flatten()
        {
            write!(f, " {id}")?;
        }
        Ok(())
    }
}

/// The reason why a file is not a trace. Each is one line that begins with the file's name.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The file can't be read.
    #[error("{file}: {error} ({EXPECTED})")]
    Read {
        /// Name of the file.
        file: String,
        /// The cause.
        error: io::Error,
    },
    /// No event in it.
    #[error("{file}: the trace is empty, {EXPECTED}")]
    Empty {
        /// Name of the file.
        file: String,
    },
    /// A line that is no event.
    #[error("{file}:{line}: {problem}")]
    Line {
        /// Name of the file.
        file: String,
        /// Number of the line, from 1.
        line: usize,
        /// The problem, and what was expected.
        problem: String,
    },
}

/// A line as JSON has it.
#[derive(Deserialize)]
struct Line {
    us: Option<f64>,
    process: Option<String>,
    thread: Option<String>,
    event: Option<String>,
    #[serde(flatten)]
    ids: Ids,
}

impl Trace {
    /// Reads a trace file.
    ///
    /// # Errors
    /// When the file can't be read or is no trace.
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) => Err(TraceError::Read { file, error }),
        }
    }

    /// Reads the text of a trace; `file` is its name, for messages.
    ///
    /// # Errors
    /// When the text is no trace.
    pub fn parse(file: &str, text: &str) -> Result<Self, TraceError> {
        let mut events = Vec::new();
        for (index, content) in text.lines().enumerate() {
            if content.trim().is_empty() {
                continue;
            }
            let line = index + 1;
            let event = parse_line(line, content).map_err(|problem| TraceError::Line {
                file: file.to_owned(),
                line,
                problem,
            })?;
            events.push(event);
        }
        let file = file.to_owned();
        if events.is_empty() {
            return Err(TraceError::Empty { file });
        }
        Ok(Self { file, events })
    }
}

fn parse_line(line: usize, content: &str) -> Result<TraceEvent, String> {
    let raw: Line = serde_json::from_str(content).map_err(|error| {
        // The position that serde_json reports counts from this line.
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text).to_owned();
        if error.is_data() {
            format!("{text} ({EXPECTED})")
        } else {
            format!("no JSON object, column {}: {text} ({EXPECTED})", error.column())
        }
    })?;
    let missing = |field: &str, of: &str| format!("field {field} is missing{of}, {EXPECTED}");
    let event = raw.event.ok_or_else(|| missing("event", ""))?;
    let (function, mark, needed) = look_up(&event)?;
    let of = format!(" in event {event}");
    for field in needed {
        if !has(&raw.ids, field) {
            return Err(missing(field, &of));
        }
    }
    let us = raw.us.ok_or_else(|| missing("us", &of))?;
    Ok(TraceEvent {
        line,
        us,
        process: raw.process.ok_or_else(|| missing("process", &of))?,
        thread: raw.thread.ok_or_else(|| missing("thread", &of))?,
        function,
        mark,
        ids: raw.ids,
    })
}

fn look_up(event: &str) -> Result<(Function, Mark, &'static [&'static str]), String> {
    let (name, mark) = match event.strip_suffix('<') {
        Some(name) => (name, Mark::Enter),
        None => event
            .strip_suffix('>')
            .map_or((event, Mark::Point), |name| (name, Mark::Leave)),
    };
    let found = FUNCTIONS.iter().find(|shape| shape.1 == name);
    let Some((function, _, paired, first, last)) = found else {
        let known = FUNCTIONS.map(|shape| shape.1).join(", ");
        return Err(format!("field event: unknown event {event}, expected one of {known}"));
    };
    match (*paired, mark) {
        (true, Mark::Point) => Err(format!(
            "field event: {event} needs its mark, expected {name}< or {name}>"
        )),
        (false, Mark::Enter | Mark::Leave) => Err(format!(
            "field event: {event} is a single point, expected {name} without a mark"
        )),
        (_, Mark::Leave) => Ok((*function, mark, last)),
        _ => Ok((*function, mark, first)),
    }
}

fn has(ids: &Ids, field: &str) -> bool {
    match field {
        "opts" => ids.opts.is_some(),
        "call" => ids.call.is_some(),
        "rz" => ids.rz.is_some(),
        "wk" => ids.wk.is_some(),
        "mg" => ids.mg.is_some(),
        "site" => ids.site.is_some(),
        "from" => ids.from.is_some(),
        "to" => ids.to.is_some(),
        "tensor" => ids.tensor.is_some(),
        "partition" => ids.partition.is_some(),
        "code" => ids.code.is_some(),
        _ => false,
    }
}
