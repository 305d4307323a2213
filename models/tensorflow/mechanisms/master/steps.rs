//! What a step thread and its client do, label by label.

use super::{Master, Pc};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::context::{Next, Run};
use crate::models::tensorflow::mechanisms::rpc::ClientCall;
use crate::models::tensorflow::mechanisms::{cancellation, closing, dataset, rendezvous, rpc, worker};
use crate::models::tensorflow::process::{StepId, ThreadId};

/// Runs `RunManyGraphs::UpdateStatusLocked`: the first error cancels every call in order, with the mutex held.
pub(in crate::models::tensorflow::mechanisms) fn first_error(run: &mut Run<'_>, step: StepId) {
    let owner = run.thread.id;
    let master = run.master_of(step);
    if std::mem::replace(&mut master.failed, true) {
        return;
    }
    master.lock.acquire(owner);
    let order = run.master_of(step).order;
    run.then(cancels(run.model, step, order));
}

/// Lists what [`first_error`] may do.
pub(in crate::models::tensorflow::mechanisms) fn next_of_first_error(next: &mut Next<'_>, step: StepId) {
    if !next.facts.master.failed(step) {
        next.then(cancels(next.model, step, 0));
    }
}

/// Returns the loop of `RunManyGraphs::StartCancel` over its calls, which are in the order in which they were made (`master_session.cc:523`).
pub(super) fn cancels(model: &TensorFlow, step: StepId, order: u32) -> Vec<super::super::Pc> {
    let mut places = Vec::new();
    for index in permutation(usize::from(model.partitions(step)), order as usize) {
        match model.run_graph_of(step, index) {
            Some(call) => places.push(rpc::cancel(call)),
            None => places.push(worker::cancel_local(step)),
        }
        let report = model
            .cancel_step_call(step, index)
            .filter(|_| model.remembers_cancelled());
        places.extend(report.map(|call| super::super::Pc::from(Pc::CancelStep(step, call))));
    }
    places.push(Pc::Unlock(step).into());
    places
}

/// Runs the loop over the partitions, and what the step thread does after it.
pub(super) fn issue(model: &TensorFlow, step: StepId, order: &[u16]) -> Vec<super::super::Pc> {
    let mut places = Vec::new();
    for &index in order {
        places.extend(match model.run_graph_of(step, index) {
            Some(call) => rpc::issue(call),
            None => worker::execute_locally(step),
        });
    }
    let (cancels, closes) = (model.faults().cancel_steps(), model.faults().close);
    places.push(if cancels {
        cancellation::install(step)
    } else {
        Pc::Options(step).into()
    });
    places.extend(closes.then(|| cancellation::register(step)));
    places.push(Pc::Wait(step).into());
    places.extend(cancels.then(|| cancellation::clear(step)));
    places.extend(closes.then(|| cancellation::deregister(step)));
    let cleaned = if model.cleans_up_after(step) { order } else { &[] };
    for &index in cleaned {
        match model.cleanup_call(step, index) {
            Some(call) => places.push(Pc::Cleanup(step, call).into()),
            None => {
                places.push(rendezvous::cleanup(step));
                places.extend(closes.then(|| closing::cleaned(step)));
            }
        }
    }
    places.push(Pc::Return(step).into());
    places
}

/// Returns the first place of a step thread.
pub(super) fn begin(model: &TensorFlow, step: StepId) -> super::super::Pc {
    if model.faults().close {
        cancellation::enter(step)
    } else {
        super::order(step)
    }
}

/// Runs `sess.run`: a detached thread runs the step, the client waits.
pub(super) fn run_step(run: &mut Run<'_>, step: StepId) {
    let partitions = run.model.partitions(step);
    *run.master_of(step) = Master {
        pending: partitions,
        ..Master::new(step)
    };
    for index in 0..partitions {
        if let Some(call) = run.model.run_graph_of(step, index) {
            run.process.insert_client_call(ClientCall::run_graph(call));
        }
    }
    run.spawn(ThreadId::Step(step), [begin(run.model, step)]);
    if run.model.faults().timeout {
        run.spawn(ThreadId::Deadline(step), [cancellation::timeout(step)]);
    }
    run.then([Pc::Await(step)]);
}

/// Runs the user's loop: the next step; after the end of the data that of the next epoch, if there is one. Then some close their session.
pub(super) fn client_returns(run: &mut Run<'_>, step: StepId) {
    let ok = run.master_of(step).outcome == Some(true);
    match run.model.next_step(step, ok) {
        Some(next) => run.then([Pc::Run(next)]),
        None if run.model.closes_session() => run.then([dataset::teardown::close()]),
        None => run.master_of(step).returned = true,
    }
}

/// Returns the number of orders of `count` things, as far as outcomes of a label have numbers.
pub(in crate::models::tensorflow) fn orders(count: usize) -> usize {
    let orders = (1..=count).fold(1, usize::saturating_mul);
    orders.min(u32::MAX as usize)
}

/// Returns the permutation of `0..count` with this number; number 0 is the identity.
pub(in crate::models::tensorflow) fn permutation(count: usize, mut number: usize) -> Vec<u16> {
    let mut left: Vec<u16> = (0..count as u16).collect();
    let mut order = Vec::with_capacity(count);
    while !left.is_empty() {
        let block = (1..left.len()).fold(1, usize::saturating_mul);
        order.push(left.remove(number / block));
        number %= block;
    }
    order
}

/// Returns the number of a permutation.
pub(in crate::models::tensorflow) fn number_of(order: &[u16]) -> usize {
    let mut number = 0;
    for (index, &item) in order.iter().enumerate() {
        let rest = &order[index + 1..];
        let block = (1..=rest.len()).fold(1, usize::saturating_mul);
        let before = rest.iter().filter(|&&other| other < item).count();
        number = before.saturating_mul(block).saturating_add(number);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::{number_of, permutation};

    #[test]
    fn a_permutation_has_the_number_that_it_was_made_from() {
        for number in 0..120 {
            assert_eq!(number_of(&permutation(5, number)), number);
        }
    }

    #[test]
    fn every_number_below_the_factorial_is_another_permutation() {
        let all: std::collections::BTreeSet<Vec<u16>> = (0..24).map(|number| permutation(4, number)).collect();
        assert_eq!(all.len(), 24);
        assert_eq!(permutation(3, 0), [0, 1, 2]);
    }
}
