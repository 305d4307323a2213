//! Declarations of the labels that abort a rendezvous.

use super::{Object, Pc, declare_remote, is_free};
use crate::machine::Access;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, View};
use crate::models::tensorflow::mechanisms::master::orders;
use crate::models::tensorflow::process::CallId;

impl View<'_> {
    /// Returns the number of orders in which receives may be answered: that of a hash map, or that in which they came.
    pub(super) fn orders_of(&self, calls: &[CallId]) -> usize {
        if self.model.cancels_in_order() {
            1
        } else {
            orders(calls.len())
        }
    }
}

/// Declares the labels that abort a rendezvous.
pub(super) fn declare<'a>(pc: Pc, context: &Context<'a>) -> Declared<'a> {
    let (model, facts) = (context.model, &context.facts.rendezvous);
    let once = |aborted| if aborted { Access::Commuting } else { Access::Write };
    match pc {
        Pc::AbortLocal(step, id, _) => {
            let local = context.uses(Object::Local(step), once(facts.state(step, id).local_aborted));
            let apart = model.variant().splits_mutexes();
            local.choices(|view| {
                if apart {
                    1
                } else {
                    view.orders_of(&view.process.rendezvous[usize::from(id)].waiters)
                }
            })
        }
        Pc::AbortWaiters(step, id, _) => {
            let local = context.uses(Object::Local(step), Access::Write);
            local.choices(|view| view.orders_of(&view.process.rendezvous[usize::from(id)].waiters))
        }
        Pc::AbortRemote(step, id, _) => declare_remote(context, step, once(facts.state(step, id).aborted), id),
        Pc::AbortCalls(step, id) | Pc::CancelledByManager(step, id) => {
            let calls = context.uses(Object::Remote(step), Access::Write);
            calls.when(|view| is_free(view, id))
        }
        Pc::AbortNext(step, _) => {
            let next = context.uses(Object::Remote(step), Access::BothMover);
            let count = |view: &View<'_>| view.thread.calls.len();
            next.choices(|view| if model.cancels_in_order() { 1 } else { count(view) })
        }
        Pc::FailDeferred(step, id) => declare_remote(context, step, Access::Write, id),
        Pc::AbortUnlock(step, _) => context.uses(Object::Remote(step), Access::BothMover),
        _ => context.uses(Object::Table, Access::Write),
    }
}
