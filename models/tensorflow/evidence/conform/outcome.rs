//! The outcome of a comparison of a trace with the model.

use std::fmt;

use super::alignment::Aligned;
use super::trace::Trace;
use crate::machine::{Event, Signature, WaitFor};
use crate::models::tensorflow::TensorFlow;

/// The outcome of a comparison of a trace with the model.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    /// Name of the trace's file.
    pub file: String,
    /// Whether the model can do all that the trace shows.
    pub agreed: bool,
    /// The schedule: from the initial state to rest if the trace agrees, else to the end of the longest prefix that agrees.
    pub events: Vec<Event>,
    /// The place where each event of the trace that was not dropped stands beside the schedule, in the order of the trace.
    pub aligned: Vec<Aligned>,
    /// Events of the trace that the schedule does.
    pub matched: usize,
    /// Events of the trace without those dropped.
    pub total: usize,
    /// Events that are not of this step: line and why.
    pub dropped: Vec<(usize, String)>,
    /// The first event that the model can't do.
    pub stuck: Option<FirstDisagreement>,
    /// Labels after the trace's end, on the way to rest, that a trace would have shown: none if the trace is whole.
    pub after_end: Vec<Event>,
    /// The signature of the hang that the schedule ends in; `None` if the client has its answer.
    pub signature: Option<Signature>,
    /// The wait-for closure of that hang.
    pub wait_for: Option<WaitFor>,
}

/// The first event of a trace that the model can't do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstDisagreement {
    /// Number of its line, from 1.
    pub line: usize,
    /// The event, for people.
    pub event: String,
    /// The label that it needs.
    pub needed: String,
    /// The reason why that can't run.
    pub reason: String,
    /// The number of steps after which the search gave up; `None` if the trace is refused: what it shows contradicts an order that always
    /// holds, or the search tried every order of its events, under the rules for what it does not show, and found none against a few of
    /// them either.
    pub given_up: Option<usize>,
    /// The thing that no run of the model has, where a refusal rests on that and not on the search.
    pub sure: Option<String>,
}

impl Outcome {
    /// Returns true if the search gave up before it knew.
    pub fn is_undecided(&self) -> bool {
        self.stuck.as_ref().is_some_and(|stuck| stuck.given_up.is_some())
    }

    /// Returns a trace with an event of a process that the model does not have.
    pub(super) fn foreign(model: &TensorFlow, trace: &Trace, index: usize) -> Self {
        let event = &trace.events[index];
        let known: Vec<&str> = model.processes().iter().map(|info| info.name.as_str()).collect();
        Self {
            file: trace.file.clone(),
            total: trace.events.len(),
            stuck: Some(FirstDisagreement {
                line: event.line,
                event: event.to_string(),
                needed: format!("a process {}", event.process),
                reason: format!("the graph has {}", known.join(", ")),
                given_up: None,
                sure: Some(format!("a process {}", event.process)),
            }),
            ..Self::default()
        }
    }

    /// Reports that the model broke its contract on the way to rest.
    pub(super) fn break_model(&mut self, reason: String) {
        self.agreed = false;
        self.stuck = Some(FirstDisagreement {
            line: 0,
            event: "after the last event".to_owned(),
            needed: "to come to rest".to_owned(),
            reason,
            given_up: None,
            sure: None,
        });
    }
}

impl fmt::Display for FirstDisagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, event, .. } = self;
        match self.given_up {
            None => writeln!(f, "refused: first disagreement, line {line}: {event}")?,
            Some(bound) => {
                writeln!(
                    f,
                    "undecided: the search gave up after at most {bound} steps, over all orders that it tried"
                )?;
                writeln!(f, "the furthest that it came is line {line}: {event}")?;
            }
        }
        writeln!(f, "  needs {}", self.needed)?;
        writeln!(f, "  but {}", self.reason)?;
        if let Some(sure) = &self.sure {
            writeln!(f, "  (that is sure: no run of the model has {sure})")?;
        } else if self.given_up.is_none() {
            let tried = "every order of its events that the trace leaves open was tried, under the rules for what it does not show and against a few";
            writeln!(f, "  ({tried})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, matched, total, ..
        } = self;
        let done = if self.agreed {
            "all".to_owned()
        } else {
            format!("{matched} of")
        };
        writeln!(f, "{file}: the model can do {done} {total} events of the step")?;
        if !self.dropped.is_empty() {
            writeln!(f, "dropped {} events that are not of this step:", self.dropped.len())?;
            for (line, why) in &self.dropped {
                writeln!(f, "  line {line}: {why}")?;
            }
        }
        if let Some(stuck) = &self.stuck {
            stuck.fmt(f)?;
        }
        if !self.after_end.is_empty() {
            let count = self.after_end.len();
            writeln!(
                f,
                "after the trace's end, {count} more labels run that a whole trace would show:"
            )?;
            for Event {
                process,
                thread,
                label,
                object,
                ..
            } in &self.after_end
            {
                writeln!(f, "  {process} {thread} {label} {object}")?;
            }
        }
        match (&self.signature, &self.wait_for) {
            (Some(signature), Some(wait_for)) => {
                writeln!(f, "ends in a hang, signature {}:", signature.id())?;
                for node in &wait_for.nodes {
                    writeln!(f, "  {}", node.detail)?;
                }
            }
            _ if self.agreed => writeln!(f, "the client has its answer")?,
            _ => {}
        }
        write!(f, "schedule: {} events", self.events.len())
    }
}
