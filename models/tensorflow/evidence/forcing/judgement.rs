//! The end of a forced job, from the conditions that its tasks wrote.

use std::fmt;

use lastbatch_probe_format::holds::{Holds, Rule};
use lastbatch_probe_format::steps::{self, REFUSED, Step, TASKS};

/// A reading of the table of conditions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Tasks that follow the holds.
    pub tasks: u64,
    /// Tasks that refused, as their TensorFlow is not the known one.
    pub refused: u64,
    /// Every step of a master, those that began first first.
    pub steps: Vec<Step>,
}

/// The end of a forced run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// A step in the asked order has no answer.
    Hung {
        /// The step.
        step: u64,
        /// Steps with a batch before it.
        batches: usize,
        /// Steps without one before it, in the asked order.
        returned: usize,
    },
    /// Every step in the asked order has its answer.
    Returned {
        /// Number of steps in the asked order.
        reached: usize,
        /// Number of others that were in it until the mend carried out a cancel that the order loses.
        mended: usize,
        /// Number of other steps without a batch in which a hold had begun.
        others: usize,
    },
    /// No step was in the asked order.
    NotReached {
        /// Steps without a batch in which a hold had begun.
        ends: usize,
        /// Rules whose hold lasted too long, with how often.
        late: Vec<(Rule, usize)>,
        /// Rules whose hold never began.
        never: Vec<Rule>,
        /// Whether a step that was not in the asked order has no answer.
        stuck: bool,
    },
}

impl Seen {
    /// Reads a table.
    pub fn of(table: &[u8]) -> Self {
        let steps = steps::steps(table).into_iter().filter(|step| step.begun);
        Self {
            tasks: steps::head(table, TASKS),
            refused: steps::head(table, REFUSED),
            steps: steps.collect(),
        }
    }

    /// Returns the steps that have no answer yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !step.ended)
    }
}

impl Judgement {
    /// Judges a run. `waits_for_ever` are the steps that had no answer for as long as one was waited for.
    pub fn of(holds: &Holds, seen: &Seen, waits_for_ever: &[u64]) -> Self {
        let all = (0..holds.rules.len()).fold(0, |bits, rule| bits | 1 << rule);
        let ends: Vec<&Step> = seen.steps.iter().filter(|step| !step.batch && step.held != 0).collect();
        let reached = |step: &&&Step| step.kept & all == all;
        let hung = ends
            .iter()
            .filter(reached)
            .find(|step| waits_for_ever.contains(&step.id));
        if let Some(hung) = hung {
            let before = |step: &&&Step| step.began < hung.began;
            return Self::Hung {
                step: hung.id,
                batches: seen
                    .steps
                    .iter()
                    .filter(|step| step.batch && step.began < hung.began)
                    .count(),
                returned: ends.iter().filter(reached).filter(before).count(),
            };
        }
        let answered = || ends.iter().filter(|step| step.ended);
        let count = answered().filter(reached).count();
        let mended = answered().filter(|step| step.mended && step.kept & all != all).count();
        if count + mended > 0 && waits_for_ever.is_empty() {
            let others = ends.len() - count - mended;
            return Self::Returned {
                reached: count,
                mended,
                others,
            };
        }
        let numbered = || holds.rules.iter().enumerate();
        let times = |bit: usize| ends.iter().filter(|step| step.late & 1 << bit != 0).count();
        let late = numbered().map(|(bit, rule)| (rule.clone(), times(bit)));
        let never = numbered().filter(|(bit, _)| ends.iter().all(|step| (step.held | step.kept) & 1 << bit == 0));
        Self::NotReached {
            ends: ends.len(),
            late: late.filter(|(_, times)| *times > 0).collect(),
            never: never.map(|(_, rule)| rule.clone()).collect(),
            stuck: !waits_for_ever.is_empty(),
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hung {
                step,
                batches,
                returned,
            } => write!(
                f,
                "HUNG: step {step:x} in the asked order has no answer, after {batches} steps with a batch and {returned} others in that order"
            ),
            Self::Returned {
                reached,
                mended,
                others,
            } => {
                write!(f, "RETURNED: {reached} steps in the asked order have their answer")?;
                if *mended > 0 {
                    write!(
                        f,
                        "; {mended} others were in it until the fix carried out a cancel that it loses"
                    )?;
                }
                if *others > 0 {
                    write!(f, "; {others} other ends of the data were not in that order")?;
                }
                Ok(())
            }
            Self::NotReached {
                ends,
                late,
                never,
                stuck,
            } => {
                write!(f, "ORDER NOT REACHED in {ends} steps without a batch")?;
                for (rule, times) in late {
                    write!(f, "\n  timed out, {times} times: {rule}")?;
                }
                for rule in never {
                    write!(f, "\n  never came there: {rule}")?;
                }
                if *stuck {
                    write!(f, "\n  a step has no answer all the same")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lastbatch_probe_format::holds::{Point, Site};

    use super::*;

    fn holds() -> Holds {
        let point = |site| Point {
            process: "worker0".to_owned(),
            site,
            subject: "x".to_owned(),
        };
        let rule = |site| Rule {
            hold: point(site),
            until: point(Site::Abort),
        };
        let rules = vec![rule(Site::Register), rule(Site::StartRunGraph)];
        Holds {
            rules,
            ..Holds::default()
        }
    }

    /// Makes a step: its id, the rules that were kept and late, whether it got a batch, and whether it ended.
    fn step(id: u64, kept: u64, late: u64, batch: bool, ended: bool) -> Step {
        let held = kept | late;
        Step {
            id,
            held,
            kept,
            late,
            batch,
            mended: false,
            begun: true,
            ended,
            code: 0,
            began: id,
        }
    }

    fn judged(steps: &[Step], for_ever: &[u64]) -> Judgement {
        let seen = Seen {
            tasks: 3,
            refused: 0,
            steps: steps.to_vec(),
        };
        Judgement::of(&holds(), &seen, for_ever)
    }

    #[test]
    fn a_hang_counts_only_in_the_asked_order() {
        let ordinary = step(1, 0b01, 0, true, true);
        let hung = Judgement::Hung {
            step: 2,
            batches: 1,
            returned: 0,
        };
        assert_eq!(judged(&[ordinary, step(2, 0b11, 0, false, false)], &[2]), hung);
        let other = judged(&[ordinary, step(2, 0b01, 0b10, false, false)], &[2]);
        assert!(matches!(other, Judgement::NotReached { stuck: true, .. }), "{other:?}");
    }

    #[test]
    fn an_order_that_was_reached_and_has_its_answer_returned() {
        let steps = [step(1, 0b11, 0, false, true), step(2, 0b01, 0b10, false, true)];
        assert_eq!(
            judged(&steps, &[]),
            Judgement::Returned {
                reached: 1,
                mended: 0,
                others: 1
            }
        );
    }

    #[test]
    fn a_step_that_the_fix_took_out_of_the_order_returned() {
        let mended = Step {
            mended: true,
            ..step(1, 0b01, 0b10, false, true)
        };
        assert_eq!(
            judged(&[mended], &[]),
            Judgement::Returned {
                reached: 0,
                mended: 1,
                others: 0
            }
        );
    }

    #[test]
    fn an_order_that_was_not_reached_tells_which_hold_it_lacked() {
        let told = judged(&[step(1, 0, 0b01, false, true)], &[]).to_string();
        assert_eq!(
            told,
            "ORDER NOT REACHED in 1 steps without a batch\n  timed out, 1 times: hold worker0 register x until worker0 abort x\n  \
             never came there: hold worker0 start-run-graph x until worker0 abort x"
        );
    }
}
