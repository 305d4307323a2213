//! The judgement whether what came out of a search is what was expected.

use super::Expect;
use crate::explore::{Answer, Verdict};

/// The judgement whether a verdict is the expected one. The texts say what differs.
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
            return Self::Fails(finding.to_string());
        }
        match expect {
            Some(expect) => Self::expected(expect, verdict),
            None => match verdict.answer {
                Answer::NoHang => Self::Holds,
                Answer::Hang => Self::Fails("a client can hang".to_owned()),
                Answer::Undecided | Answer::NoHangInParts => Self::Undecided(stopped(verdict)),
            },
        }
    }

    fn expected(expect: &Expect, verdict: &Verdict) -> Self {
        // A proof is more than an argument.
        let more = expect.verdict == Answer::NoHangInParts && verdict.answer == Answer::NoHang;
        if verdict.answer != expect.verdict && !more {
            let mut text = format!("expected {}, found {}", expect.verdict.name(), verdict.answer.name());
            if let Some(reason) = verdict.depends_on() {
                text.push_str(&format!(": {reason}"));
            }
            let open = matches!(verdict.answer, Answer::Undecided | Answer::NoHangInParts);
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
                let expected = expected.join(" ");
                return Self::Fails(format!("signature {new} is not one of those expected: {expected}"));
            }
            if let Some(missing) = expected.iter().find(|id| !samples && !found.contains(id)) {
                return Self::missing(verdict, format!("expected signature {missing} was not found"));
            }
        }
        if let Some(expected) = &expect.outcomes {
            if let Some(new) = verdict.outcomes.iter().find(|outcome| !expected.contains(outcome)) {
                return Self::Fails(format!("outcome \"{new}\" is not one of those expected"));
            }
            if let Some(missing) = expected.iter().find(|outcome| !verdict.outcomes.contains(outcome)) {
                return Self::missing(verdict, format!("expected outcome \"{missing}\" was not found"));
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

    /// Judges what was not found: it is not there only if everything was looked at.
    fn missing(verdict: &Verdict, text: String) -> Self {
        match verdict.complete {
            true => Self::Fails(text),
            false => Self::Undecided(text),
        }
    }
}

fn stopped(verdict: &Verdict) -> String {
    match &verdict.stopped_by {
        None if verdict.complete => verdict.depends_on().unwrap_or_default(),
        Some(reason) => format!("the search was stopped by {reason}"),
        None => "the search is not complete".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Executions, Finding, FindingKind, FoundHang};
    use crate::machine::WaitFor;

    fn hang(client: &str) -> FoundHang {
        let wait_for = WaitFor::default();
        FoundHang {
            client: client.to_owned(),
            signature: wait_for.signature(),
            wait_for,
            events: Vec::new(),
            length: 0,
        }
    }

    /// Builds the verdict of an engine that tried some schedules and did not come to an end.
    fn sampled(hangs: Vec<FoundHang>) -> Verdict {
        Verdict {
            engine: "shuttle".to_owned(),
            answer: if hangs.is_empty() {
                Answer::Undecided
            } else {
                Answer::Hang
            },
            complete: false,
            states: 0,
            transitions: 0,
            depth: 9,
            seconds: 0.0,
            peak_bytes: 0,
            reductions: Vec::new(),
            storage: String::new(),
            stopped_by: Some("the limit of 10 executions".to_owned()),
            executions: Some(Executions {
                strategy: "random".to_owned(),
                seed: Some(1),
                count: 10,
                labels: 90,
                outcomes: 2,
                new_outcomes: 2,
                first_hang: None,
                cut: 0,
            }),
            hangs,
            leaks: Vec::new(),
            outcomes: Vec::new(),
            findings: Vec::new(),
            unmodelled: Vec::new(),
            assumptions: Vec::new(),
            parts: None,
            verification: None,
        }
    }

    fn expect(verdict: Answer, complete: Option<bool>, signatures: Option<&[&str]>) -> Expect {
        Expect {
            verdict,
            complete,
            signatures: signatures.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()),
            outcomes: None,
            finding: None,
        }
    }

    #[test]
    fn executions_need_not_find_every_signature_nor_end_to_be_as_expected_but_find_no_other() {
        let found = sampled(vec![hang("client")]);
        let id = found.hangs[0].signature.id();
        let all = expect(Answer::Hang, Some(true), Some(&[&id, "00000000"]));
        assert_eq!(Judgement::of(Some(&all), &found), Judgement::Holds);
        let other = expect(Answer::Hang, Some(true), Some(&["00000000"]));
        let Judgement::Fails(text) = Judgement::of(Some(&other), &found) else {
            panic!("a signature that nobody expects")
        };
        assert!(text.contains(&id), "{text}");
    }

    #[test]
    fn executions_without_a_hang_decide_nothing_whatever_is_expected() {
        let none = sampled(Vec::new());
        for wanted in [Answer::Hang, Answer::NoHang] {
            let judged = Judgement::of(Some(&expect(wanted, None, None)), &none);
            assert!(matches!(judged, Judgement::Undecided(_)), "{judged:?}");
        }
        assert!(matches!(Judgement::of(None, &none), Judgement::Undecided(_)));
        let open = expect(Answer::Undecided, Some(false), None);
        assert_eq!(Judgement::of(Some(&open), &none), Judgement::Holds);
    }

    #[test]
    fn a_hang_where_none_may_be_fails_and_so_does_a_broken_model_that_nobody_expects() {
        let found = sampled(vec![hang("client")]);
        let none = expect(Answer::NoHang, None, None);
        assert!(matches!(Judgement::of(Some(&none), &found), Judgement::Fails(_)));
        assert!(matches!(Judgement::of(None, &found), Judgement::Fails(_)));
        let mut broken = sampled(vec![hang("client")]);
        broken.findings.push(Finding {
            kind: FindingKind::Panic,
            message: "index out of bounds".to_owned(),
            events: Vec::new(),
        });
        let hangs = expect(Answer::Hang, None, None);
        assert!(matches!(Judgement::of(Some(&hangs), &broken), Judgement::Fails(_)));
    }
}
