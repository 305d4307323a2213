//! `RunManyGraphs::WhenDone`: what the answer of a partition does, and the counter of those that have not answered.

use super::steps::{first_error, next_of_first_error};
use super::{Object, Pc};
use crate::machine::Access;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Next, Run, View};
use crate::models::tensorflow::process::StepId;
use crate::models::tensorflow::release::Status;

/// Declares an operation on the counter. It only falls, and only its end is waited for: counting down delays nobody, and at 0 nobody counts.
/// Where somebody looks at it before, it matters to that one who counts down.
pub(super) fn declare_count<'a>(context: &Context<'a>, step: StepId, access: Access) -> Declared<'a> {
    let in_two = context.model.counts_answers_in_two();
    context.uses(Object::Counter(step), if in_two { access } else { Access::BothMover })
}

/// Returns true if the step thread may go on: nobody is missing. In variant `count-answers-in-two` somebody has to tell it.
pub(super) fn has_all(view: &View<'_>, step: StepId) -> bool {
    let master = view.master_of(step);
    master.pending == 0 && (master.notified || !view.model.counts_answers_in_two())
}

/// Returns how a partition is counted as answered.
fn count(model: &TensorFlow, step: StepId) -> Pc {
    if model.counts_answers_in_two() {
        Pc::Look(step)
    } else {
        Pc::Decrement(step)
    }
}

/// Lists what may follow these labels.
pub(super) fn next(pc: Pc, next: &mut Next<'_>) {
    match pc {
        Pc::WhenDone(step, status) => {
            next.then([count(next.model, step)]);
            if status == Status::Error {
                next_of_first_error(next, step);
            }
        }
        Pc::Look(step) => next.then([true, false].map(|last| Pc::CountDown(step, last))),
        _ => {}
    }
}

/// Runs one of these labels.
pub(super) fn apply(pc: Pc, run: &mut Run<'_>) {
    match pc {
        Pc::WhenDone(step, status) => {
            run.then([count(run.model, step)]);
            match status {
                Status::Ok => {}
                Status::Error => first_error(run, step),
                Status::Derived => run.master_of(step).derived = true,
            }
        }
        Pc::Unlock(step) => {
            let owner = run.thread.id;
            run.master_of(step).lock.release(owner);
        }
        Pc::Look(step) => {
            let last = run.master_of(step).pending == 1;
            run.then([Pc::CountDown(step, last)]);
        }
        Pc::CountDown(step, last) => {
            let master = run.master_of(step);
            master.pending -= 1;
            master.notified |= last;
        }
        Pc::Decrement(step) => run.master_of(step).pending -= 1,
        _ => unreachable!("no label of an answer"),
    }
}

/// Describes one of these labels.
pub(super) fn words(pc: Pc, view: &View<'_>) -> &'static str {
    match pc {
        Pc::WhenDone(_, Status::Ok) => "notes that a partition ended well",
        Pc::WhenDone(_, Status::Derived) => "notes a derived error of a partition, and cancels nothing",
        Pc::WhenDone(..) if view.process.master.as_ref().is_some_and(|master| master.failed) => {
            "notes that a partition ended with an error, not the first"
        }
        Pc::WhenDone(..) => "notes that a partition ended with the first error, and goes on to cancel all others",
        Pc::Unlock(_) => "has cancelled the partitions",
        Pc::Look(step) if view.master_of(step).pending == 1 => "sees that its partition is the last",
        Pc::Look(_) => "sees that other partitions have not answered",
        Pc::CountDown(_, true) => "counts the partition as answered, as the last",
        Pc::CountDown(_, false) => "counts the partition as answered, not as the last",
        _ => "counts the partition as answered",
    }
}
