//! The finding in place of an event that the model cannot do.

use std::any::Any;
use std::fmt;

use thiserror::Error;

use crate::machine::{ContractViolation, Event};

/// The first event that the model cannot do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// Its number, from 1.
    pub number: usize,
    /// Its line in the schedule's file.
    pub line: usize,
    /// Event of the schedule.
    pub expected: Event,
    /// Finding in its place.
    pub found: Found,
}

/// An event that the model cannot do.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("event {number} is impossible: found {found}")]
pub struct Impossible {
    /// Its number, from 1.
    pub number: usize,
    /// Finding in its place.
    pub found: Found,
}

/// The finding in place of an expected event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// No process has that name.
    NoProcess {
        /// The names that there are.
        processes: Vec<String>,
    },
    /// The process has no such thread now.
    NotLive {
        /// Those that it has.
        threads: Vec<String>,
    },
    /// The thread is about to do something else.
    Other(Difference),
    /// The thread waits: its guard is false.
    NotEnabled {
        /// Threads of its process that could run now.
        enabled: Vec<String>,
    },
    /// The label has not that outcome.
    Choice {
        /// Number of its outcomes.
        choices: u32,
    },
    /// The label broke its contract with the machine: a bug in the model.
    Contract(ContractViolation),
    /// The label panics: a bug in the model.
    Panic {
        /// Message of the panic.
        message: String,
    },
}

/// The next step of a thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Its next label.
    pub label: String,
    /// The object of that.
    pub object: String,
}

impl Found {
    /// Returns a label that panicked with this payload.
    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        let message = panic_text(payload).unwrap_or("without a message").to_owned();
        Self::Panic { message }
    }
}

/// Returns the text of a panic, if it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
}

/// Returns an event in a message.
fn told(event: &Event) -> String {
    let choice = event.choice.map(|choice| format!(", choice {choice}"));
    let choice = choice.unwrap_or_default();
    let who = format!("{} {}", event.process, event.thread);
    format!("{who} does {} on {}{choice}", event.label, event.object)
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, line, expected, found) = (self.number, self.line, told(&self.expected), &self.found);
        let but = match found {
            Found::NotLive { .. } => ", but",
            _ => "; found",
        };
        write!(
            f,
            "event {number} (line {line}) differs: expected {expected}{but} {found}"
        )
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess { processes } => write!(f, "no such process; there are: {}", listed(processes)),
            Self::NotLive { threads } => {
                write!(f, "that thread is not running; running there: {}", listed(threads))
            }
            Self::Other(Difference { label, object }) => write!(f, "the thread about to do {label} on {object}"),
            Self::NotEnabled { enabled } => {
                let enabled = listed(enabled);
                write!(
                    f,
                    "the thread still waiting for that object; its process can run: {enabled}"
                )
            }
            Self::Choice { choices: 0 | 1 } => write!(f, "a label with one outcome only, which takes no choice"),
            Self::Choice { choices } => write!(f, "a label with {choices} outcomes, choice 0 to {}", choices - 1),
            Self::Contract(violation) => write!(f, "a label that breaks its contract: {violation}"),
            Self::Panic { message } => write!(f, "a label that panics: {message}"),
        }
    }
}
