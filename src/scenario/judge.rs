//! Whether what came out of a search is what was expected.

use super::{Expect, ExpectedAnswer};
use crate::explore::{Answer, Verdict};

/// Whether a verdict is the expected one. The texts say what differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It is.
    Holds,
    /// It is not.
    Fails(String),
    /// The search was stopped before that could be said.
    Undecided(String),
}

impl Judgement {
    /// Compares a verdict with an expectation; without one, nothing may hang.
    pub fn of(expect: Option<&Expect>, verdict: &Verdict) -> Self {
        let wanted = expect.and_then(|expect| expect.finding.as_deref());
        let mut findings = verdict.findings.iter();
        if let Some(finding) = findings.find(|finding| wanted.is_none_or(|part| !finding.message.contains(part))) {
            return Self::Fails(format!("{}: {}", finding.kind, finding.message));
        }
        match expect {
            Some(expect) => Self::expected(expect, verdict),
            None => match verdict.answer {
                Answer::NoHang => Self::Holds,
                Answer::Hang => Self::Fails("a client can hang".to_owned()),
                Answer::Undecided => Self::Undecided(stopped(verdict)),
            },
        }
    }

    fn expected(expect: &Expect, verdict: &Verdict) -> Self {
        let answer = ExpectedAnswer::from(verdict.answer);
        if answer != expect.verdict {
            let text = format!("expected {}, found {answer}", expect.verdict);
            let open = verdict.answer == Answer::Undecided;
            return if open { Self::Undecided(text) } else { Self::Fails(text) };
        }
        if let Some(part) = expect.finding.as_ref().filter(|_| verdict.findings.is_empty()) {
            return Self::Fails(format!("expected a finding that says \"{part}\", and there is none"));
        }
        // One execution after the other, for as long as was allowed: it finds some of what there is.
        let samples = verdict.executions.is_some() && !verdict.complete;
        let mut found: Vec<String> = verdict.hangs.iter().map(|hang| hang.signature.id()).collect();
        found.sort();
        if let Some(expected) = &expect.signatures {
            if let Some(new) = found.iter().find(|id| !expected.contains(id)) {
                return Self::Fails(format!(
                    "signature {new} is not one of those expected: {}",
                    expected.join(" ")
                ));
            }
            if let Some(missing) = expected.iter().find(|id| !samples && !found.contains(id)) {
                let text = format!("expected signature {missing} was not found");
                return if verdict.complete {
                    Self::Fails(text)
                } else {
                    Self::Undecided(text)
                };
            }
        }
        if let Some(expected) = &expect.outcomes {
            if let Some(new) = verdict.outcomes.iter().find(|outcome| !expected.contains(outcome)) {
                return Self::Fails(format!("outcome \"{new}\" is not one of those expected"));
            }
            if let Some(missing) = expected.iter().find(|outcome| !verdict.outcomes.contains(outcome)) {
                let text = format!("expected outcome \"{missing}\" was not found");
                return if verdict.complete {
                    Self::Fails(text)
                } else {
                    Self::Undecided(text)
                };
            }
        }
        match expect.complete {
            // What samples is never complete; that a client can hang it says all the same.
            Some(true) if !verdict.complete && !samples => Self::Undecided(stopped(verdict)),
            Some(false) if verdict.complete => {
                Self::Fails("expected a search that does not end, but it was complete".to_owned())
            }
            _ => Self::Holds,
        }
    }
}

fn stopped(verdict: &Verdict) -> String {
    match &verdict.stopped_by {
        Some(reason) => format!("the search was stopped by {reason}"),
        None => "the search is not complete".to_owned(),
    }
}

impl From<Answer> for ExpectedAnswer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Hang => Self::Hang,
            Answer::NoHang => Self::NoHang,
            Answer::Undecided => Self::Undecided,
        }
    }
}
