//! Event traces of a real runtime: JSON lines, one event per line.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::file::FileError;

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
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
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

/// Writes the functions, and the table of them: name in traces, the ids that `<` or a point must have, and those of `>`.
macro_rules! functions {
    ($($(#[$doc:meta])* $function:ident = $name:literal [$($id:ident)*] $([$($last:ident)*])?)*) => {
        /// The functions that traces know.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Function { $($(#[$doc])* $function),* }

        const FUNCTIONS: &[Shape] = &[$(Shape {
            function: Function::$function,
            name: $name,
            first: &[$(stringify!($id)),*],
            last: functions!(@last $([$($last)*])?),
        }),*];
    };
    (@last) => { None };
    (@last [$($id:ident)*]) => { Some(&[$(stringify!($id)),*]) };
}

/// A function with its name and the ids that its events must have.
struct Shape {
    function: Function,
    name: &'static str,
    /// Those of `<`, or of the one point.
    first: &'static [&'static str],
    /// Those of `>`; none of a function that is a single point.
    last: Option<&'static [&'static str]>,
}

functions! {
    /// `GrpcRemoteWorker::RunGraphAsync`.
    RunGraphIssue = "rungraph-issue" [wk opts] [opts]
    /// `Worker::DoRunGraph`.
    RunGraphHandler = "rungraph-handler" [opts] [opts]
    /// `GrpcRemoteWorker::RecvTensorAsync`.
    RecvTensorIssue = "recvtensor-issue" [wk opts from to tensor] [opts]
    /// `GrpcWorker::GrpcRecvTensorAsync`.
    RecvTensorHandler = "recvtensor-handler" [opts from to tensor] [opts]
    /// `CallOptions::SetCancelCallback`.
    SetCancel = "setcancel" [opts site] [opts]
    /// `CallOptions::ClearCancelCallback`.
    ClearCancel = "clearcancel" [opts]
    /// `CallOptions::StartCancel`.
    StartCancel = "startcancel" [opts] [opts]
    /// `BaseRemoteRendezvous::RegisterCall`.
    Register = "register" [rz call]
    /// `BaseRemoteRendezvous::DeregisterCall`.
    Deregister = "deregister" [rz call]
    /// `BaseRendezvousMgr::FindOrCreate`.
    FindOrCreate = "findorcreate" [rz]
    /// `BaseRemoteRendezvous::Initialize`.
    Initialize = "initialize" [rz]
    /// `BaseRemoteRendezvous::StartAbort`.
    StartAbort = "startabort" [rz code] [rz]
    /// `Worker::CleanupGraphAsync`.
    Cleanup = "cleanup" []
    /// `Worker::AbortStep`.
    AbortStep = "abortstep" []
    /// `RunManyGraphs::WhenDone`.
    WhenDone = "whendone" [mg partition code]
}

impl Function {
    /// Its name in traces.
    pub fn name(self) -> &'static str {
        FUNCTIONS[self as usize].name
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
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |error: io::Error| FileError::new(path, format!("{error} ({EXPECTED})"));
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads the text of a trace; `file` is its name, for messages.
    ///
    /// # Errors
    /// When the text is no trace.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileError> {
        let lines = (1..)
            .zip(text.lines())
            .filter(|(_, content)| !content.trim().is_empty());
        let event = |(line, content)| parse_line(line, content).map_err(|problem| FileError::at(file, line, problem));
        let events = lines.map(event).collect::<Result<Vec<_>, _>>()?;
        if events.is_empty() {
            return Err(FileError::new(file, format!("the trace is empty, {EXPECTED}")));
        }
        Ok(Self {
            file: file.to_owned(),
            events,
        })
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
    let Some(shape) = FUNCTIONS.iter().find(|shape| shape.name == name) else {
        let known: Vec<&str> = FUNCTIONS.iter().map(|shape| shape.name).collect();
        let known = known.join(", ");
        return Err(format!("field event: unknown event {event}, expected one of {known}"));
    };
    let needed = match (shape.last, mark) {
        (Some(_), Mark::Point) => Err(format!("{event} needs its mark, expected {name}< or {name}>")),
        (None, Mark::Point) | (Some(_), Mark::Enter) => Ok(shape.first),
        (Some(last), Mark::Leave) => Ok(last),
        (None, _) => Err(format!("{event} is a single point, expected {name} without a mark")),
    };
    let needed = needed.map_err(|problem| format!("field event: {problem}"))?;
    Ok((shape.function, mark, needed))
}

fn has(ids: &Ids, field: &str) -> bool {
    let ids = serde_json::to_value(ids).expect("ids are plain data");
    !ids[field].is_null()
}
