//! The second look at a proof.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Budget, Experiment, WorkerError};
use crate::explore::exhaustive::{Options, Reductions, Status};
use crate::explore::{Answer, Finding, FindingKind, Verdict, Verification};
use crate::scenario::EngineName;

/// States of a second search where nobody gives a bound: without the reductions it may be thousands of times as large.
const STATES: u64 = 3_000_000;
/// Executions that are sampled where the second search does not end.
const EXECUTIONS: u64 = 5_000;

impl Experiment {
    /// Looks at a proof a second time: searches again with [`Reductions::GENERAL`] and without the clean-up of servers left out or the
    /// calls of an abort in a fixed order, and samples with shuttle (a process of `program`) where that does not end. What hangs all the
    /// same is a hang, and a finding: something is wrong with the model's knowledge of itself. A verdict that proves nothing is returned
    /// as it is.
    ///
    /// # Errors
    /// When the process that samples can't be started, or dies.
    pub fn look_again(
        &self,
        mut verdict: Verdict,
        options: &Options,
        program: &Path,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(&Status),
    ) -> Result<Verdict, WorkerError> {
        if verdict.answer != Answer::NoHang {
            return Ok(verdict);
        }
        let options = Options {
            reductions: Reductions {
                leaks: options.reductions.leaks,
                ..Reductions::GENERAL
            },
            max_states: options.max_states.or(Some(STATES)),
            ..options.clone()
        };
        let second = self.search(&options, false, interrupt, progress);
        let mut verification = Verification {
            complete: second.complete,
            states: second.states,
            seconds: second.seconds,
            stopped_by: second.stopped_by.clone(),
            executions: None,
        };
        contradicted(&mut verdict, second, "leaves out only what commutes");
        if !verification.complete && verdict.answer == Answer::NoHang && !interrupt.load(Ordering::SeqCst) {
            let budget = Budget {
                executions: Some(EXECUTIONS),
                max_time: options.max_time.map(Duration::from_secs_f64),
                ..Budget::default()
            };
            let sampled = self.run_in_worker(program, EngineName::Shuttle, &budget, interrupt)?;
            verification.seconds += sampled.seconds;
            verification.executions = sampled.executions.as_ref().map(|executions| executions.count);
            contradicted(&mut verdict, sampled, "samples");
        }
        verdict.verification = Some(verification);
        Ok(verdict)
    }
}

/// Takes over what a second look found wrong with a proof.
fn contradicted(verdict: &mut Verdict, second: Verdict, how: &str) {
    verdict.findings.extend(second.findings);
    for hang in second.hangs {
        let id = hang.signature.id();
        verdict.findings.push(Finding {
            kind: FindingKind::Internal,
            message: format!("a second search, which {how}, finds {id}, which the first one misses"),
            events: Vec::new(),
        });
        verdict.hangs.push(hang);
        verdict.answer = Answer::Hang;
    }
    if !verdict.findings.is_empty() && verdict.answer == Answer::NoHang {
        verdict.answer = Answer::Undecided;
        verdict.complete = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::FoundHang;
    use crate::scenario::Judgement;

    fn proof() -> Verdict {
        Verdict {
            answer: Answer::NoHang,
            complete: true,
            ..Verdict::default()
        }
    }

    #[test]
    fn a_hang_that_only_the_second_search_finds_is_a_hang_and_a_finding() {
        let mut verdict = proof();
        let second = Verdict {
            answer: Answer::Hang,
            hangs: vec![FoundHang::default()],
            ..Verdict::default()
        };
        contradicted(&mut verdict, second, "samples");
        assert_eq!((verdict.answer, verdict.hangs.len()), (Answer::Hang, 1));
        let judged = Judgement::of(None, &verdict);
        assert!(
            matches!(&judged, Judgement::Fails(text) if text.contains("which the first one misses")),
            "{judged:?}"
        );
    }

    #[test]
    fn a_label_that_only_the_second_search_sees_panic_ends_a_proof() {
        let mut verdict = proof();
        let finding = Finding {
            kind: FindingKind::Panic,
            message: "index out of bounds".to_owned(),
            events: Vec::new(),
        };
        let second = Verdict {
            findings: vec![finding],
            ..Verdict::default()
        };
        contradicted(&mut verdict, second, "samples");
        assert_eq!((verdict.answer, verdict.complete), (Answer::Undecided, false));
    }

    #[test]
    fn a_second_search_that_finds_nothing_leaves_a_proof_as_it_is() {
        let mut verdict = proof();
        contradicted(&mut verdict, proof(), "samples");
        assert_eq!(verdict, proof());
    }
}
