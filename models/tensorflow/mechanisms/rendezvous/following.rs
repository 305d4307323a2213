//! What may follow the labels of a rendezvous.

use super::Pc;
use super::running::{after_local_check, after_send_check};
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::context::Next;
use crate::models::tensorflow::mechanisms::{executor, rpc, worker};
use crate::models::tensorflow::process::{ANY_RENDEZVOUS, CallId, StepId};
use crate::models::tensorflow::release::Status;

/// Says that a receive of a peer may be answered with an error.
fn fails(next: &mut Next<'_>, call: CallId) {
    for status in next.model.failures() {
        next.then(rpc::serve(call, status));
    }
}

/// Says that any receive of a peer may be answered with an error.
fn fail_everyone(next: &mut Next<'_>, step: StepId) {
    for call in next.model.receives_at(next.id, step) {
        fails(next, call);
    }
}

/// Says everything that the label at a place may push.
pub(super) fn next(pc: Pc, next: &mut Next<'_>) {
    let (model, id) = (next.model, next.id);
    match pc {
        Pc::Validate(step, node) => {
            let feeds = model.node(step, id, node).kind == NodeKind::Feed;
            next.then([if feeds {
                Pc::Feed(step, node)
            } else {
                Pc::Register(step, node)
            }]);
            executor::node_may_fail(next, step, node, false);
        }
        Pc::Register(step, node) => {
            let call = model.recv_call(step, id, node);
            next.then(model.variant().splits_mutexes().then_some(Pc::RegisterCall(call)));
            next.then(rpc::receive(model, call));
        }
        Pc::RegisterCall(call) => next.then([rpc::cancel(call)]),
        Pc::Deregister(call) => {
            let (step, node) = model.recv_node(call);
            executor::node_done_either(next, step, node, false);
        }
        Pc::Feed(step, node) => executor::node_done_either(next, step, node, false),
        Pc::RecvOutputs(step, _) => {
            next.then(executor::ended(model, id, step, Status::Ok));
            for status in model.failures() {
                next.then(executor::ended(model, id, step, status));
            }
        }
        Pc::SendCheck(step, node) => {
            next.then([after_send_check(model, step, node)]);
            executor::node_may_fail(next, step, node, true);
        }
        Pc::SendStatus(step, node) => {
            next.then([Pc::SendLocal(step, node)]);
            executor::node_may_fail(next, step, node, true);
        }
        Pc::SendLocal(step, node) => {
            executor::node_done_either(next, step, node, true);
            next.then(
                model
                    .send_call(step, id, node)
                    .into_iter()
                    .flat_map(|call| rpc::serve(call, true)),
            );
        }
        Pc::FindToExecute(step) => next.then([Pc::Initialize(step, ANY_RENDEZVOUS)]),
        Pc::FindToReceive(step, call) => {
            next.then([Pc::RecvLocal(step, call, ANY_RENDEZVOUS)]);
            if model.remembers_cancelled() {
                fails(next, call);
            }
        }
        Pc::FindToAbort(step) => next.then([worker::set_timer(step, ANY_RENDEZVOUS)]),
        Pc::Initialize(step, rendezvous) => {
            next.then([worker::begin(model, id, step, rendezvous)]);
            let deferred = model.receives_at(id, step);
            next.then(deferred.map(|call| Pc::LocalValidate(step, call, rendezvous)));
        }
        Pc::RecvLocal(..) | Pc::LocalValidate(..) | Pc::LocalStatus(..) | Pc::LocalRecv(..) => {
            next_of_receive(pc, next)
        }
        _ => next_of_abort(pc, next),
    }
}

/// Says the same for the labels of a peer's receive.
fn next_of_receive(pc: Pc, next: &mut Next<'_>) {
    let model = next.model;
    match pc {
        Pc::RecvLocal(step, call, rendezvous) => {
            next.then([Pc::LocalValidate(step, call, rendezvous)]);
            if model.remembers_cancelled() || model.fails_deferred() {
                fails(next, call);
            }
        }
        Pc::LocalValidate(step, call, rendezvous) => {
            next.then([after_local_check(model, step, call, rendezvous)]);
            fails(next, call);
        }
        Pc::LocalStatus(step, call, rendezvous) => {
            next.then([Pc::LocalRecv(step, call, rendezvous)]);
            fails(next, call);
        }
        Pc::LocalRecv(_, call, _) => {
            next.then(rpc::serve(call, true));
            fails(next, call);
        }
        _ => {}
    }
}

/// Says the same for the labels that abort a rendezvous.
fn next_of_abort(pc: Pc, next: &mut Next<'_>) {
    let (model, id) = (next.model, next.id);
    match pc {
        Pc::AbortLocal(step, rendezvous, status) => {
            next.then([Pc::AbortRemote(step, rendezvous, status)]);
            if model.variant().splits_mutexes() {
                next.then([Pc::AbortWaiters(step, rendezvous, status)]);
            } else if !next.facts.rendezvous.state(step, rendezvous).local_aborted {
                fail_everyone(next, step);
            }
        }
        Pc::AbortWaiters(step, ..) => fail_everyone(next, step),
        Pc::AbortRemote(step, rendezvous, _) if next.facts.rendezvous.state(step, rendezvous).aborted => {}
        Pc::AbortRemote(step, rendezvous, _) if model.variant().splits_mutexes() => {
            next.then([Pc::AbortCalls(step, rendezvous)]);
        }
        Pc::AbortRemote(step, rendezvous, _)
        | Pc::AbortCalls(step, rendezvous)
        | Pc::CancelledByManager(step, rendezvous) => {
            next.then([Pc::AbortNext(step, rendezvous)]);
            next.then(model.receives_of(id, step).map(rpc::cancel));
            if model.fails_deferred() {
                fail_everyone(next, step);
            }
        }
        Pc::AbortNext(step, id) => next.then([Pc::AbortNext(step, id), Pc::AbortUnlock(step, id)]),
        Pc::AbortUnlock(..) => {}
        Pc::Cleanup(step) => {
            let status = model.abort_status(model.cancelled_status());
            next.then([Pc::AbortLocal(step, ANY_RENDEZVOUS, status)]);
        }
        Pc::FailDeferred(step, _) => fail_everyone(next, step),
        _ => {}
    }
}
