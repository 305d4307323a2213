//! The order in which a session's master calls the partitions of a step.
//!
//! Partitions are called in the order of a hash map of their names, and each session has names of its own (`master_session.cc:565`). A trace
//! shows where the worker's own partition comes, since that one is not called by an RPC. Which of the others is called first it does
//! not show, so every order is a candidate, that of the exported graph first.

use super::trace::{Function, Mark, Trace};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::Order;
use crate::models::tensorflow::mechanisms::master;
use crate::models::tensorflow::process::StepId;

/// Returns the orders of a step's partitions that a trace may show. A model of one order has only that.
pub(super) fn candidates(model: &TensorFlow, trace: &Trace, step: StepId) -> Vec<Vec<u16>> {
    let recorded = 0..model.partitions(step);
    let place = own_place(model, trace, step);
    let (Order::All, Some(place)) = (model.partition_order(), place) else {
        return vec![recorded.collect()];
    };
    let own = model.partition(step, model.steps()[usize::from(step)].worker) as u16;
    let others: Vec<u16> = recorded.filter(|&partition| partition != own).collect();
    let orders = (0..master::orders(others.len())).map(|number| {
        let order = master::permutation(others.len(), number);
        let mut order: Vec<u16> = order.iter().map(|&index| others[usize::from(index)]).collect();
        order.insert(place.min(others.len()), own);
        order
    });
    orders.collect()
}

/// Returns true if a trace shows the worker's own partition called at another place than the exported graph has it.
pub(super) fn differs(model: &TensorFlow, trace: &Trace, step: StepId) -> bool {
    let own = model.partition(step, model.steps()[usize::from(step)].worker);
    own_place(model, trace, step).is_some_and(|place| place != own)
}

/// Returns the number of partitions that the trace shows called before the worker's own.
fn own_place(model: &TensorFlow, trace: &Trace, step: StepId) -> Option<usize> {
    let worker = model.steps()[usize::from(step)].worker;
    let name = &model.processes()[worker.index()].name;
    let called = trace
        .events
        .iter()
        .filter(|event| event.process == *name && event.mark == Mark::Enter);
    let mut called =
        called.filter(|event| matches!(event.function, Function::RunGraphIssue | Function::RunGraphHandler));
    called.position(|event| event.function == Function::RunGraphHandler)
}
