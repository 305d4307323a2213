//! Hold rules: where a thread of the runtime waits, and until what.

use std::error::Error;
use std::fmt;
use std::str::{FromStr, SplitWhitespace};

/// The most rules that a file may have: each has a bit in the conditions of a step.
pub const MOST_RULES: usize = 64;
/// The first line of a file of holds.
const HEAD: &str = "lastbatch-holds: 1";

/// A place of the runtime that has a hook, with what must be known to recognise it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Site {
    /// A receive looks whether its rendezvous was aborted; the subject is the tensor.
    Validate,
    /// A receive is put among the active calls; the subject is the tensor.
    Register,
    /// A receive installs its cancel function; the subject is the tensor.
    InstallReceive,
    /// A receive is sent; the subject is the tensor.
    StartReceive,
    /// The step's rendezvous is aborted; the subject is the process.
    Abort,
    /// A `RunGraph` call installs its cancel function; the subject is its server.
    InstallRunGraph,
    /// A `RunGraph` call is sent; the subject is its server.
    StartRunGraph,
    /// A `RunGraph` call is cancelled by the master; the subject is its server.
    CancelRunGraph,
    /// A server reads a `RunGraph` request from its connection; the subject is the server.
    ReadRunGraph,
}

/// Each site with its name in files.
const SITES: [(Site, &str); 9] = [
    (Site::Validate, "validate"),
    (Site::Register, "register"),
    (Site::InstallReceive, "install-receive"),
    (Site::StartReceive, "start-receive"),
    (Site::Abort, "abort"),
    (Site::InstallRunGraph, "install-run-graph"),
    (Site::StartRunGraph, "start-run-graph"),
    (Site::CancelRunGraph, "cancel-run-graph"),
    (Site::ReadRunGraph, "read-run-graph"),
];

/// A site in one process, about one subject.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Point {
    /// The task, as in `worker0`.
    pub process: String,
    /// The place.
    pub site: Site,
    /// The subject: a tensor without its edge's number, or a task.
    pub subject: String,
}

/// A hold: whoever enters the one point waits until the other was left.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rule {
    /// The point that is held at its entry.
    pub hold: Point,
    /// The point whose end lets it go.
    pub until: Point,
}

/// A tensor that a task sends only in a step that got a batch.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Batch {
    /// The task that sends it.
    pub process: String,
    /// The tensor without its edge's number.
    pub tensor: String,
}

/// All that the probe is asked to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Holds {
    /// The longest hold in milliseconds.
    pub longest_ms: u64,
    /// Tensors that show that a step got a batch: all holds of the step end there.
    pub batches: Vec<Batch>,
    /// The holds.
    pub rules: Vec<Rule>,
    /// Whether a receive that is not held must not be split by an abort: it looks after the abort, or installs before it.
    pub whole_receives: bool,
}

/// A line that is no line of a file of holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldsError {
    line: usize,
    expected: &'static str,
    got: String,
}

impl fmt::Display for HoldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: expected {}, got {:?}", self.line, self.expected, self.got)
    }
}

impl Error for HoldsError {}

/// Returns a tensor's name without its edge's number, which differs from session to session: `edge_61_w/read` is `w/read`.
pub fn without_edge(tensor: &str) -> &str {
    let rest = tensor.strip_prefix("edge_").and_then(|rest| rest.split_once('_'));
    match rest {
        Some((number, name)) if number.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => tensor,
    }
}

impl Site {
    /// Returns its name in files.
    pub fn name(self) -> &'static str {
        let found = SITES.iter().find(|(site, _)| *site == self);
        found.map_or("", |(_, name)| name)
    }

    /// Returns true if its subject is the tensor of a receive.
    pub fn is_of_receive(self) -> bool {
        matches!(
            self,
            Self::Validate | Self::Register | Self::InstallReceive | Self::StartReceive
        )
    }

    fn named(name: &str) -> Option<Self> {
        let found = SITES.iter().find(|(_, other)| *other == name);
        found.map(|(site, _)| *site)
    }
}

impl Point {
    /// Returns true if it is this site in this process about this subject.
    pub fn is(&self, process: &str, site: Site, subject: &str) -> bool {
        self.site == site && self.subject == subject && self.process == process
    }

    fn parse(words: &mut SplitWhitespace<'_>) -> Option<Self> {
        Some(Self {
            process: words.next()?.to_owned(),
            site: Site::named(words.next()?)?,
            subject: words.next()?.to_owned(),
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.process, self.site.name(), self.subject)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hold {} until {}", self.hold, self.until)
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nlongest-ms {}", self.longest_ms)?;
        for batch in &self.batches {
            writeln!(f, "batch {} {}", batch.process, batch.tensor)?;
        }
        if self.whole_receives {
            writeln!(f, "whole receives")?;
        }
        self.rules.iter().try_for_each(|rule| writeln!(f, "{rule}"))
    }
}

impl FromStr for Holds {
    type Err = HoldsError;

    fn from_str(text: &str) -> Result<Self, HoldsError> {
        let mut lines = (1..).zip(text.lines());
        let wrong = |line, expected, got: &str| HoldsError {
            line,
            expected,
            got: got.to_owned(),
        };
        let head = lines.next().map_or("", |(_, head)| head);
        if head != HEAD {
            return Err(wrong(1, HEAD, head));
        }
        let mut holds = Self::default();
        for (line, content) in lines.filter(|(_, content)| !content.trim().is_empty()) {
            holds.read(content).map_err(|expected| wrong(line, expected, content))?;
        }
        Ok(holds)
    }
}

impl Holds {
    /// Reads a line; what was expected if it is none.
    fn read(&mut self, content: &str) -> Result<(), &'static str> {
        let mut words = content.split_whitespace();
        match words.next() {
            Some("longest-ms") => {
                let number = words.next().and_then(|number| number.parse().ok());
                self.longest_ms = number.ok_or("longest-ms MILLISECONDS")?;
            }
            Some("batch") => {
                let (Some(process), Some(tensor)) = (words.next(), words.next()) else {
                    return Err("batch TASK TENSOR");
                };
                self.batches.push(Batch {
                    process: process.to_owned(),
                    tensor: tensor.to_owned(),
                });
            }
            Some("whole") if words.next() == Some("receives") => self.whole_receives = true,
            Some("hold") => self
                .rules
                .push(rule(&mut words).ok_or("hold TASK SITE SUBJECT until TASK SITE SUBJECT")?),
            _ => return Err("longest-ms, batch, whole receives or hold"),
        }
        if self.rules.len() > MOST_RULES {
            Err("at most 64 holds")
        } else {
            Ok(())
        }
    }
}

fn rule(words: &mut SplitWhitespace<'_>) -> Option<Rule> {
    let hold = Point::parse(words)?;
    let until = (words.next()? == "until").then(|| Point::parse(words))??;
    Some(Rule { hold, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(site: Site) -> Point {
        Point {
            process: "worker0".to_owned(),
            site,
            subject: "w/read".to_owned(),
        }
    }

    #[test]
    fn holds_are_read_as_they_are_written() {
        let sites = SITES.iter().map(|(site, _)| Rule {
            hold: point(*site),
            until: point(Site::Abort),
        });
        let holds = Holds {
            longest_ms: 1500,
            batches: vec![Batch {
                process: "worker0".to_owned(),
                tensor: "Reshape".to_owned(),
            }],
            rules: sites.collect(),
            whole_receives: true,
        };
        assert_eq!(holds.to_string().parse(), Ok(holds));
    }

    #[test]
    fn a_line_that_is_none_is_refused_with_its_number() {
        let refused = |text: &str| text.parse::<Holds>().expect_err("no holds").to_string();
        assert_eq!(refused("holds"), "line 1: expected lastbatch-holds: 1, got \"holds\"");
        assert_eq!(
            refused("lastbatch-holds: 1\nhold worker0 somewhere x until worker0 abort x"),
            "line 2: expected hold TASK SITE SUBJECT until TASK SITE SUBJECT, got \"hold worker0 somewhere x until worker0 abort x\""
        );
    }

    #[test]
    fn only_the_number_of_an_edge_is_left_out() {
        assert_eq!(without_edge("edge_61_embedding_lookup_1"), "embedding_lookup_1");
        assert_eq!(without_edge("edge_x_y"), "edge_x_y");
        assert_eq!(without_edge("w/read"), "w/read");
    }
}
