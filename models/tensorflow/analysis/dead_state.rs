//! Dead-state elimination: what can no longer matter is removed where that reduction is on.
//!
//! Each rule removes something of which no later label of a thread that matters can tell whether it was there; a test compares every
//! verdict and signature with the search that forgets nothing. All of them speak of a step that will not be cleaned up, since a cleanup
//! makes room for a second rendezvous of the step, for which none of this holds.
//!
//! 1. A rendezvous that is aborted on both halves can't be aborted again: a timer for it does nothing, a cancelled request's `AbortStep`
//!    does nothing but set such a timer.
//! 2. Two timers for one rendezvous: the second that fires finds it aborted.
//! 3. A receive that its client has cancelled, once the cancellation itself has been dealt with, waits for an answer that nobody reads.
//!    Whether it is answered, parked or never handled is all the same, and so is a value that only it would have taken.

use crate::machine::{Label, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::Pc;
use crate::models::tensorflow::mechanisms::{pool, rendezvous, rpc};
use crate::models::tensorflow::process::{CallId, Process, RendezvousId, StepId, Thread, ThreadId};

impl TensorFlow {
    pub(in crate::models) fn eliminate_dead_of(&self, id: ProcessId, process: &mut Process) {
        for step in 0..self.steps().len() as StepId {
            if self.cleans_up_after(step) {
                continue;
            }
            // Where the last receive that an abort may miss is gone, more of the timers and cancellations are dead.
            loop {
                self.eliminate_timers(id, process, step);
                self.eliminate_cancellations(id, process, step);
                if !self.eliminate_abandoned(id, process, step) {
                    break;
                }
            }
        }
    }

    /// Returns true if the step's rendezvous is aborted on both halves and stays so: nothing can abort the step any more.
    pub(in crate::models) fn is_settled(&self, id: ProcessId, process: &Process, step: StepId) -> bool {
        let found = process.table.iter().find(|(other, _)| *other == step);
        !self.cleans_up_after(step)
            && !self.may_miss(id, process, step)
            && found.is_some_and(|(_, id)| {
                let state = &process.rendezvous[usize::from(*id)];
                state.aborted && state.local_aborted
            })
    }

    /// Returns true if an abort of a step may miss a receive that comes to the local table, so that another abort is of use: for good, none
    /// does once every such receive is answered.
    pub(in crate::models) fn may_miss(&self, id: ProcessId, process: &Process, step: StepId) -> bool {
        let mut receives = self.receives_at(id, step);
        let answered =
            |call: CallId| process.arrived.contains(usize::from(call)) && process.server_call(call).is_none();
        self.variant().splits_mutexes() && receives.any(|call| !answered(call))
    }

    /// Rules 1 and 2.
    fn eliminate_timers(&self, id: ProcessId, process: &mut Process, step: StepId) {
        let once = !self.may_miss(id, process, step);
        let mut kept: Vec<RendezvousId> = Vec::new();
        let states = &process.rendezvous;
        process.threads.retain_mut(|thread| {
            let ThreadId::Timer(of, _) = thread.id else {
                return true;
            };
            if of != step || !only(thread, &rendezvous::ABORT_LOCAL) {
                return true;
            }
            let rendezvous = thread.at().subject().rendezvous.expect("an abort is of a rendezvous");
            let state = &states[usize::from(rendezvous)];
            if once && (state.aborted && state.local_aborted || kept.contains(&rendezvous)) {
                return false;
            }
            kept.push(rendezvous);
            true
        });
        // The numbers say which timer was set when; what has not fired is numbered anew. A timer that has fired may hold a mutex by its name.
        let number = |thread: &Thread| match thread.id {
            ThreadId::Timer(of, number) if of == step => Some((number, only(thread, &rendezvous::ABORT_LOCAL))),
            _ => None,
        };
        let fired = process.threads.iter().filter_map(number).filter(|(_, waits)| !waits);
        let fired: Vec<u8> = fired.map(|(number, _)| number).collect();
        let mut free = (0..=u8::MAX).filter(|number| !fired.contains(number));
        for thread in &mut process.threads {
            if let Some((_, true)) = number(thread) {
                thread.id = ThreadId::Timer(step, free.next().expect("no more timers than before"));
            }
        }
        process.threads.sort_unstable_by_key(|thread| thread.id);
    }

    /// Applies rule 1: the cancellation of a request of an aborted step, or of one that is answered.
    fn eliminate_cancellations(&self, id: ProcessId, process: &mut Process, step: StepId) {
        let aborted = self.is_settled(id, process, step);
        let calls = &process.server_calls;
        process.threads.retain(|thread| {
            let ThreadId::Cancelled(call) = thread.id else {
                return true;
            };
            if !only(thread, &rpc::REQUEST_CANCELLED) {
                return true;
            }
            let answered = calls.binary_search_by_key(&call, |other| other.id).is_err();
            self.call(call).step != step || !(aborted || answered)
        });
    }

    /// Applies rule 3. Returns true if a receive was eliminated.
    fn eliminate_abandoned(&self, id: ProcessId, process: &mut Process, step: StepId) -> bool {
        // The closure that handles a dead receive may wake a thread which then runs another one.
        if self.sleeps_in_two() {
            return false;
        }
        let known = process.table.iter().any(|(other, _)| *other == step);
        let aborted = self.is_settled(id, process, step);
        let mut gone: Vec<CallId> = Vec::new();
        for call in &process.server_calls {
            let info = self.call(call.id);
            let receive = matches!(info.kind, CallKind::RecvTensor { .. });
            if info.step != step || !receive || !call.abandoned || !call.lock.is_free() {
                continue;
            }
            let cancelling = process.thread(ThreadId::Cancelled(call.id)).is_some();
            let dead = match (
                process.thread(ThreadId::Arrival(call.id)),
                process.thread(ThreadId::Handler(call.id)),
            ) {
                // Not read yet, with its reset: handled or dropped, it can only abort what is aborted.
                (Some(arrival), _) if !call.accepted => aborted && arrival.stack.len() == 1,
                (Some(_), _) => false,
                // Handled later, it would find the rendezvous that is there.
                (None, Some(_)) => !cancelling && !call.wanted && known,
                (None, None) => !cancelling,
            };
            if dead {
                gone.push(call.id);
            }
        }
        let some = !gone.is_empty();
        for call in gone {
            self.eliminate_call(process, call);
        }
        let (arrived, calls) = (&process.arrived, &process.server_calls);
        for state in process.rendezvous.iter_mut().filter(|state| state.step == step) {
            state.values.retain(|call| {
                let asked = arrived.contains(usize::from(*call));
                let open = calls.binary_search_by_key(call, |other| other.id).is_ok();
                debug_assert!(self.call(*call).server == id);
                !asked || open
            });
        }
        some
    }

    /// Removes a receive of a peer with everything that is still to be done for it. A handler that runs gives its pool thread back.
    fn eliminate_call(&self, process: &mut Process, call: CallId) {
        process.remove_server_call(call);
        process.threads.retain(|thread| match thread.id {
            ThreadId::Arrival(other) => other != call,
            ThreadId::Handler(other) => other != call || !thread.is_at(&pool::TAKE),
            _ => true,
        });
        process.pool.remove(ThreadId::Handler(call));
        for thread in &mut process.threads {
            if thread.id == ThreadId::Handler(call) {
                thread.stack.retain(|pc| pc.label() == &pool::IDLE);
            }
            thread.stack.retain(|pc| !is_answer(*pc, call));
        }
        // A timer may have had nothing else left to do.
        process.threads.retain(|thread| !thread.stack.is_empty());
        for state in &mut process.rendezvous {
            state.deferred.retain(|other| *other != call);
            state.waiters.retain(|other| *other != call);
        }
    }
}

/// Returns true if this label is all that a thread has before it.
fn only(thread: &Thread, label: &'static Label) -> bool {
    thread.stack.len() == 1 && thread.is_at(label)
}

/// Returns true if a place is one of answering the call.
fn is_answer(pc: Pc, call: CallId) -> bool {
    let answers = [
        &rpc::SERVE_CLEAR,
        &rpc::RESPOND,
        &rendezvous::RECV_LOCAL,
        &rendezvous::LOCAL_VALIDATE,
        &rendezvous::LOCAL_STATUS,
        &rendezvous::LOCAL_RECV,
    ];
    answers.contains(&pc.label()) && pc.subject().call == Some(call)
}

#[cfg(test)]
mod tests;
