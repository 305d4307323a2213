//! Inevitability: the answers that a process is sure to give, and when a client is sure to return.
//!
//! A *guarantee* holds whatever is run next, given what the other processes guarantee; guarantees are derived from each other by these
//! rules, starting from none, so that no guarantee rests on itself. None of them asks for a number or a design of the job, only for what
//! the states make certain. A rule may fail to see a certainty, but must never see one that is not there: the audit of the exhaustive
//! engine checks on every state that it meets that a sure return stays sure and that nothing is sure in a state at rest with a client
//! that waits.
//!
//! - A process whose rendezvous is initialized and aborted answers every receive, with the error.
//! - A process that is sure to start the step and sure to abort it answers every receive: deferred ones when it starts, waiting ones when
//!   it aborts, later ones at once.
//! - Where an answer is sure and its value can't exist, since it depends on a batch after the end of the data, it is the error.
//! - A process that is sure to start the step answers a receive, one way or the other, if all receives that its `_Send` waits for are
//!   over or sure to be answered.
//! - A step is sure to be aborted once it has failed, once an abort or a delayed abort is under way, once the data has ended where its
//!   input is read, and once a receive of it that is not complete is sure to be answered with an error.
//! - Of a step that reads from a pipeline nothing is certain that waits for the answer, until it is there. Where threads of the
//!   compute pool may wait for a pipeline, their process guarantees nothing.
//! - A partition is sure to end if each of its receives is over, or is sure to be answered, or has its cancel function installed with
//!   its cancellation still to come, or has not been validated while the rendezvous carries the error.
//! - A `RunGraph` call is sure to complete if it is over, if the partition is sure to end, or if its cancel function is installed
//!   while the cancellation that the first error starts is still to come.

use crate::machine::{GuaranteeSet, Model, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::Data;
use crate::models::tensorflow::job::graph::{Node, NodeKind};
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::rpc::Rpc;
use crate::models::tensorflow::mechanisms::{Pc, executor, iterator, master, pool, rendezvous, rpc, worker};
use crate::models::tensorflow::process::{CallId, NodeId, Process, StepId, Thread, ThreadId};

/// Returns the number of the guarantee to answer a call.
fn answer(call: CallId) -> usize {
    usize::from(call) * 2
}

/// Returns the number of the guarantee that the answer is an error.
fn error(call: CallId) -> usize {
    usize::from(call) * 2 + 1
}

/// One process, with what the others guarantee.
struct Inference<'a> {
    model: &'a TensorFlow,
    id: ProcessId,
    process: &'a Process,
    assumed: &'a GuaranteeSet,
}

impl TensorFlow {
    /// Computes the guarantees of a process, given what the others guarantee.
    pub(in crate::models) fn guarantees_of(
        &self,
        id: ProcessId,
        process: &Process,
        assumed: &GuaranteeSet,
    ) -> GuaranteeSet {
        let mut guarantees = GuaranteeSet::default();
        // A pool that may be blocked guarantees nothing.
        if self.pool_may_block(id) {
            return guarantees;
        }
        // Who dies keeps no guarantee.
        if self.is_mortal(id) || self.is_unsure(process) {
            return guarantees;
        }
        let inference = Inference {
            model: self,
            id,
            process,
            assumed,
        };
        for (call, info) in (0..).zip(self.calls()).filter(|(_, info)| info.server == id) {
            let (answers, fails) = match info.kind {
                CallKind::RecvTensor { .. } => inference.receive(call, info.step),
                CallKind::RunGraph { .. } => (inference.ends(info.step), false),
                CallKind::CleanupGraph | CallKind::DeleteSession | CallKind::CancelStep => (false, false),
            };
            if answers {
                guarantees.0.insert(answer(call));
            }
            if fails {
                guarantees.0.insert(error(call));
            }
        }
        guarantees
    }

    /// Returns true if nothing is said of what a process does: on a worker, a step that comes to a closed session does not start, and an
    /// attempt on a queue may wait, and nobody may learn of the last answer; anywhere, a step whose count is wrong does not end.
    fn is_unsure(&self, process: &Process) -> bool {
        let may_wait = self.faults().close || self.has_queue() || self.counts_answers_in_two();
        process.master.is_some() && may_wait || self.counts_out_in_two()
    }

    /// Lists the guarantees that a state breaks: at rest, those to answer a call that was sent and is not answered; in every state, those
    /// to answer with an error a receive that was answered with a value.
    pub fn broken_guarantees(&self, system: &[&Process], at_rest: bool) -> GuaranteeSet {
        let mut broken = GuaranteeSet::default();
        for call in system.iter().flat_map(|process| &process.client_calls) {
            let receive = matches!(self.call(call.id).kind, CallKind::RecvTensor { .. });
            if at_rest && call.rpc == Rpc::Sent {
                broken.0.insert(answer(call.id));
            }
            if receive && call.rpc == Rpc::Complete && !call.failed {
                broken.0.insert(error(call.id));
            }
        }
        broken
    }

    /// Returns true if the client of a process is sure to return.
    pub(in crate::models) fn return_is_inevitable(
        &self,
        id: ProcessId,
        process: &Process,
        assumed: &GuaranteeSet,
    ) -> bool {
        let Some(master) = &process.master else { return true };
        let inference = Inference {
            model: self,
            id,
            process,
            assumed,
        };
        if self.is_unsure(process) {
            return self.clients(id, process).iter().all(|client| client.returned);
        }
        let step = master.step;
        let ends_well = self.next_step(step, true).is_none();
        let ends_badly = self.next_step(step, false).is_none();
        if master.returned || self.pool_may_block(id) {
            return master.returned;
        }
        if self.pipeline().is_some_and(|pipeline| pipeline.closes_session) {
            return false;
        }
        if process.thread(ThreadId::Step(step)).is_none() {
            // One that ended well may still be reported as timed out.
            let either = self.faults().timeout;
            return master
                .outcome
                .is_some_and(|ok| (!ok && !either || ends_well) && (ok && !either || ends_badly));
        }
        let fails = master.failed || inference.fails(step);
        let mut calls = (0..self.partitions(step)).filter_map(|partition| self.run_graph_of(step, partition));
        ends_badly
            && (ends_well || fails)
            && inference.ends(step)
            && calls.all(|call| inference.run_graph(call, master.failed, fails))
    }
}

impl Inference<'_> {
    /// Returns the rendezvous that stands for a step.
    fn rendezvous(&self, step: StepId) -> Option<&Rendezvous> {
        let found = self.process.table.iter().find(|(other, _)| *other == step);
        found.map(|(_, id)| &self.process.rendezvous[usize::from(*id)])
    }

    /// Returns true if a thread is about to do something.
    fn any(&self, wanted: impl Fn(Pc) -> bool) -> bool {
        let mut places = self.process.threads.iter().flat_map(|thread| &thread.stack);
        places.any(|pc| wanted(*pc))
    }

    fn has_ended(&self, step: StepId) -> bool {
        self.process.started.contains(usize::from(step)) && self.process.execution(step).is_none()
    }

    /// Returns true if a peer's receive is sure to be answered, and with an error.
    fn receive(&self, call: CallId, step: StepId) -> (bool, bool) {
        // An abort may miss it.
        if self.model.variant().splits_mutexes() {
            return (false, false);
        }
        if self.model.is_settled(self.id, self.process, step)
            && self.rendezvous(step).is_some_and(|state| state.initialized)
        {
            return (true, !self.any(|pc| rpc::answers_well(pc, call)));
        }
        let stays = !self.model.cleans_up_after(step);
        // A partition that has ended has run its `_Send`: the value waits, unless an abort answers first.
        let serves = self.is_served(call) || !self.has_ended(step) && self.aborts(step);
        let answers = stays && self.starts(step) && serves;
        (answers, answers && self.is_never_sent(call))
    }

    /// Returns true if a receive is sure to be answered either way: all that its `_Send` waits for is sure to be over, and then the
    /// `_Send` runs or has failed and aborted, as it has where the data has ended.
    fn is_served(&self, call: CallId) -> bool {
        let needs = self.model.needs_of(call);
        let has_read = self.model.has_read(self.id, self.process, self.model.call(call).step);
        has_read
            && needs
                .iter()
                .all(|&needed| self.assumed.0.contains(answer(needed)) || self.is_done(needed))
    }

    /// Returns true if the value of a receive can't exist: it depends on a batch that the ended data does not have, so that its `_Send`
    /// never gets all its inputs.
    fn is_never_sent(&self, call: CallId) -> bool {
        let info = self.model.call(call);
        match info.kind {
            CallKind::RecvTensor { edge } => {
                let depends = self.model.graph(info.step).edges[usize::from(edge)].batch_dependent;
                depends && self.model.data(info.step) == Data::End
            }
            _ => false,
        }
    }

    /// Returns true if the step is sure to run here.
    fn starts(&self, step: StepId) -> bool {
        let process = self.process;
        if process.started.contains(usize::from(step)) {
            return true;
        }
        match self.model.run_graph_call(step, self.id) {
            Some(call) => process.server_call(call).is_some_and(|call| call.accepted),
            None => process.thread(ThreadId::Step(step)).is_some(),
        }
    }

    /// Returns true if the step is sure to be aborted here, if it starts.
    fn aborts(&self, step: StepId) -> bool {
        let aborts = [
            &rendezvous::ABORT_LOCAL,
            &rendezvous::ABORT_REMOTE,
            &executor::LATCH,
            &worker::TIMER,
        ];
        let aborting = |pc: Pc| {
            pc.subject().step == Some(step) && aborts.contains(&pc.label()) || pc == rendezvous::abort_step(step)
        };
        let failed = self.process.execution(step).is_some_and(|execution| execution.failed);
        failed
            || self.model.is_settled(self.id, self.process, step)
            || self.any(aborting)
            || self.reads_the_end(step)
            || self.receives(step).any(|call| self.has_failed(call))
            || self
                .receives(step)
                .any(|call| self.assumed.0.contains(error(call)) && !self.is_done(call))
    }

    /// Returns true if the partition reads its input here, has not yet, and will find the end of the data.
    fn reads_the_end(&self, step: StepId) -> bool {
        let nodes = &self.model.graph(step).partitions[self.model.partition(step, self.id)].nodes;
        let reads = |node: &Node| {
            // Whether it runs at all is sure only where it waits for no receive.
            let received = |&input: &NodeId| matches!(nodes[usize::from(input)].kind, NodeKind::Recv { .. });
            let plain = |&input: &NodeId| nodes[usize::from(input)].inputs.is_empty() && !received(&input);
            matches!(node.kind, NodeKind::GetNext | NodeKind::Dequeue) && node.inputs.iter().all(plain)
        };
        self.model.data(step) == Data::End && !self.has_ended(step) && nodes.iter().any(reads)
    }

    /// Returns true if the partition, if it starts, is sure to answer with an error for which the master cancels.
    fn fails(&self, step: StepId) -> bool {
        let mut executions = self.process.executions.iter();
        let failed = executions.any(|execution| execution.step == step && execution.failed && !execution.derived);
        // Where a derived error may come first, that of the read is not told to the master.
        let reads = !self.model.variant().derives() && self.reads_the_end(step);
        failed || reads || self.any(|pc| master::reports_an_error(pc, step))
    }

    /// Returns the receives of this process's partition.
    fn receives(&self, step: StepId) -> impl Iterator<Item = CallId> + '_ {
        self.model.receives_of(self.id, step)
    }

    /// Returns true if a receive is over, or as good as over with whatever result.
    fn is_done(&self, call: CallId) -> bool {
        match self.process.client_call(call) {
            Some(record) => record.is_over(),
            None => !self.model.call_is_to_come(self.process, call),
        }
    }

    /// Returns true if a receive is over with an error that its node has yet to learn of.
    fn has_failed(&self, call: CallId) -> bool {
        self.process
            .client_call(call)
            .is_some_and(|record| record.is_over() && (record.failed || record.rpc == Rpc::Marked))
    }

    /// Returns true if the partition is sure to end, if it starts.
    fn ends(&self, step: StepId) -> bool {
        if self.has_ended(step) || self.process.thread(ThreadId::Done(step)).is_some() {
            return true;
        }
        if !self.model.has_read(self.id, self.process, step) {
            return false;
        }
        let state = self.rendezvous(step);
        let aborted = state.is_some_and(|state| state.aborted) && !self.model.is_followed(step);
        let aborts = [&rendezvous::ABORT_LOCAL, &rendezvous::ABORT_REMOTE];
        let aborting = |pc: Pc| {
            let id = pc.subject().rendezvous.filter(|_| aborts.contains(&pc.label()));
            let of = id.map(|id| &self.process.rendezvous[usize::from(id)]);
            of.zip(state).is_some_and(|(of, state)| std::ptr::eq(of, state))
        };
        let calls = |pc: Pc| pc.label() == &rendezvous::ABORT_CALLS && pc.subject().step == Some(step);
        // Of two aborts only the first goes through the calls, and there may be calls that it has missed.
        let to_abort = if self.model.variant().splits_mutexes() {
            self.any(calls) || !state.is_some_and(|state| state.aborted) && self.any(aborting)
        } else {
            aborted || self.any(aborting)
        };
        self.receives(step).all(|call| {
            if self.assumed.0.contains(answer(call)) {
                return true;
            }
            match self.process.client_call(call) {
                Some(record) => {
                    let active = state.is_some_and(|state| state.active.contains(&call));
                    record.is_over() || record.installed && (active && to_abort || pending_cancel(self.process, call))
                }
                None => {
                    let (step, node) = self.model.recv_node(call);
                    let of = |pc: Pc| (pc.subject().step, pc.subject().node) == (Some(step), Some(node));
                    let registers = |pc: Pc| pc.label() == &rendezvous::REGISTER && of(pc);
                    !self.model.call_is_to_come(self.process, call) || aborted && !self.any(registers)
                }
            }
        })
    }

    /// Returns true if a `RunGraph` call is sure to complete.
    fn run_graph(&self, call: CallId, failed: bool, fails: bool) -> bool {
        let Some(record) = self.process.client_call(call) else {
            return true;
        };
        let to_come = if failed {
            pending_cancel(self.process, call)
        } else {
            fails
        };
        record.is_over() || record.installed && to_come || self.assumed.0.contains(answer(call))
    }
}

/// Returns true if a thread is about to cancel the call.
fn pending_cancel(process: &Process, call: CallId) -> bool {
    let cancels = |thread: &Thread| thread.calls.contains(&call) || thread.stack.contains(&rpc::cancel(call));
    process.threads.iter().any(cancels)
}

impl TensorFlow {
    /// Returns true if nothing that a step has to do in a process still waits for a pipeline. Without a pipeline an iterator always
    /// answers.
    fn has_read(&self, id: ProcessId, process: &Process, step: StepId) -> bool {
        if !self.data(step).is_piped() {
            return true;
        }
        let nodes = &self.graph(step).partitions[self.partition(step, id)].nodes;
        let reads = |kind| matches!(kind, NodeKind::GetNext | NodeKind::MakeIterator);
        let ended = process.started.contains(usize::from(step)) && process.execution(step).is_none();
        let mut nodes = (0..).zip(nodes);
        ended || nodes.all(|(node, content)| !reads(content.kind) || node_has_read(process, step, node))
    }
}

/// Returns true if a node has been started and nobody has it any more, or only its answer.
fn node_has_read(process: &Process, step: StepId, node: NodeId) -> bool {
    let execution = process.execution(step);
    let ready = execution.is_some_and(|execution| execution.pending[usize::from(node)] == 0);
    let has = |thread: &Thread| {
        let own = matches!(thread.id, ThreadId::Node(of, _) | ThreadId::GetNext(of, _) if of == step);
        let waits = thread.id == ThreadId::Node(step, node) && thread.is_at(&pool::TAKE);
        let reads = |pc: &Pc| {
            let (label, subject) = (pc.label(), pc.subject());
            let asks = label == &iterator::SCHEDULE && (subject.step, subject.node) == (Some(step), Some(node));
            asks || own && pc.is_of_pipeline()
        };
        let listed = own && (thread.inline.contains(&node) || thread.dispatch.contains(&node));
        waits || listed || thread.stack.iter().any(reads)
    };
    ready && !process.threads.iter().any(has)
}

#[cfg(test)]
mod tests;
