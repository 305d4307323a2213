//! What follows from what a thread does: nodes that become ready, aborts, answers to calls, the end of a partition.

use super::Future;
use crate::machine::Access;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::executor::Execution;
use crate::models::tensorflow::mechanisms::rendezvous;
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{CallId, NodeId, StepId};

impl<'a> Future<'a> {
    /// A node's closure once it runs, and all that follows.
    pub(super) fn node(&mut self, step: StepId, node: NodeId) {
        if self.nodes.contains(&(step, node)) {
            return;
        }
        match self.model.node(step, self.id, node).kind {
            NodeKind::Recv { .. } => {
                let call = self.model.recv_call(step, self.id, node);
                self.uses(Object::Remote(step), Access::Commuting);
                self.uses(Object::Call(call), Access::Write);
                self.completion(call);
            }
            NodeKind::Feed => {
                self.uses(Object::Remote(step), Access::Commuting);
                self.uses(Object::Local(step), Access::Commuting);
            }
            NodeKind::Send { .. } | NodeKind::Fetch => {
                self.uses(Object::Remote(step), Access::Commuting);
                self.uses(Object::Local(step), Access::Commuting);
                if let Some(call) = self.model.send_call(step, self.id, node) {
                    self.uses(Object::Key(call), Access::Write);
                    self.uses(Object::Call(call), Access::Write);
                }
            }
            NodeKind::Update { .. } => self.uses(Object::Variables, Access::Commuting),
            NodeKind::Dequeue | NodeKind::Enqueue | NodeKind::CloseQueue if self.model.has_queue() => self.flushes(),
            NodeKind::GetNext => self.model.read_future(self.process, &mut self.footprint),
            NodeKind::MakeIterator => self.model.make_iterator_future(self.process, &mut self.footprint),
            NodeKind::Dequeue | NodeKind::Enqueue | NodeKind::CloseQueue | NodeKind::Fails | NodeKind::Other => {}
        }
        self.node_done(step, node);
    }

    pub(super) fn node_done(&mut self, step: StepId, node: NodeId) {
        if self.nodes.contains(&(step, node)) {
            return;
        }
        self.nodes.push((step, node));
        self.fails(step);
        self.counts_out(step);
        let model = self.model;
        let successors = model.successors(step, self.id, node);
        if !successors.is_empty() {
            self.uses(Object::Frames(step), Access::Write);
            self.uses(Object::Pool, Access::Write);
            for &successor in successors {
                self.node(step, successor);
            }
        }
    }

    /// What stands of a partition. With a queue nothing is read from it: whoever flushes may do something for a step that has not
    /// begun as well, and what is said of it must not grow when another one ends.
    fn execution(&self, step: StepId) -> Option<&'a Execution> {
        let process = self.process;
        process.execution(step).filter(|_| !self.model.has_queue())
    }

    /// A node may fail.
    pub(super) fn fails(&mut self, step: StepId) {
        if self.model.cannot_fail(step) || !self.first(Object::Status(step)) {
            return;
        }
        let execution = self.execution(step);
        if execution.is_some_and(|execution| execution.failed) {
            self.uses(Object::Status(step), Access::Read);
        } else {
            self.uses(Object::Status(step), Access::Write);
            self.cancels_callbacks(step);
            self.aborts(step, execution.map(|execution| execution.rendezvous));
        }
    }

    pub(super) fn counts_out(&mut self, step: StepId) {
        self.uses(Object::Outstanding(step), self.model.count_access());
        self.finishes(step);
    }

    /// The partition may end, and its callback run.
    pub(super) fn finishes(&mut self, step: StepId) {
        if !self.first(Object::Outstanding(step)) {
            return;
        }
        self.uses(Object::Pool, Access::Write);
        self.uses(Object::Status(step), Access::Read);
        if !self.model.cannot_fail(step) {
            self.aborts(step, self.execution(step).map(|execution| execution.rendezvous));
        }
        match self.model.run_graph_call(step, self.id) {
            Some(call) => self.uses(Object::Call(call), Access::Write),
            None => {
                self.local_options(step);
                self.when_done(step, false);
            }
        }
    }

    /// `StartAbort`: of this rendezvous, or of whichever stands for the step.
    pub(super) fn aborts(&mut self, step: StepId, id: Option<u8>) {
        // Where the step is cleaned up, another rendezvous may stand for it by then.
        let stays = |(other, _): &&(StepId, u8)| *other == step && !self.model.cleans_up_after(step);
        let known = id.or_else(|| self.process.table.iter().find(stays).map(|(_, id)| *id));
        let state = known.map(|id| &self.process.rendezvous[usize::from(id)]);
        let local = state.is_some_and(|state| state.local_aborted);
        let remote = state.is_some_and(|state| state.aborted);
        self.uses(
            Object::Local(step),
            if local { Access::Commuting } else { Access::Write },
        );
        self.uses(
            Object::Remote(step),
            if remote { Access::Commuting } else { Access::Write },
        );
        if !local {
            self.serves_everyone(step);
        }
        if !remote && self.first(Object::Remote(step)) {
            let model = self.model;
            for (call, info) in (0..).zip(model.calls()) {
                if info.step == step && info.client == self.id && matches!(info.kind, CallKind::RecvTensor { .. }) {
                    self.cancels(call);
                }
            }
            if model.fails_deferred() {
                self.uses(model.session_object(step), Access::Write);
                self.serves_everyone(step);
            }
        }
    }

    /// Any receive of a peer may be answered.
    pub(super) fn serves_everyone(&mut self, step: StepId) {
        if !self.first(Object::Local(step)) {
            return;
        }
        let model = self.model;
        for (call, info) in (0..).zip(model.calls()) {
            if info.step == step && info.server == self.id && matches!(info.kind, CallKind::RecvTensor { .. }) {
                self.uses(Object::Call(call), Access::Write);
            }
        }
    }

    /// `StartCancel` of a call that this process sent; it may complete.
    pub(super) fn cancels(&mut self, call: CallId) {
        self.uses(Object::Call(call), Access::Write);
        self.completion(call);
    }

    pub(super) fn cancels_local(&mut self, step: StepId) {
        self.local_options(step);
        if !self.model.cannot_fail(step) {
            self.cancels_callbacks(step);
            self.aborts_later(step);
        }
    }

    pub(super) fn local_options(&mut self, step: StepId) {
        let settled = self.model.is_settled(self.process, step);
        self.uses(
            Object::LocalOptions(step),
            if settled { Access::Commuting } else { Access::Write },
        );
    }

    /// `AbortStep`.
    pub(super) fn aborts_later(&mut self, step: StepId) {
        self.uses(Object::Table, Access::Commuting);
        self.aborts(step, None);
    }

    /// A call that this process sent completes.
    pub(super) fn completion(&mut self, call: CallId) {
        if !self.first(Object::Call(call)) {
            return;
        }
        let info = *self.model.call(call);
        self.uses(Object::Queue(info.server), Access::Write);
        self.uses(Object::Call(call), Access::Write);
        match info.kind {
            CallKind::RecvTensor { .. } => {
                self.uses(Object::Remote(info.step), Access::Commuting);
                let (step, node) = self.model.recv_node(call);
                self.node_done(step, node);
            }
            CallKind::RunGraph { .. } => self.when_done(info.step, false),
            CallKind::CleanupGraph | CallKind::CancelStep => {}
        }
    }

    /// A request is read and handled.
    pub(super) fn request(&mut self, call: CallId) {
        let info = *self.model.call(call);
        self.uses(Object::Call(call), Access::Write);
        self.uses(Object::Pool, Access::Write);
        match info.kind {
            CallKind::RecvTensor { .. } => {
                self.uses(Object::Table, Access::Commuting);
                self.receives_locally(info.step, call);
                self.cancellation(call);
            }
            CallKind::RunGraph { .. } => {
                self.executes(info.step);
                self.cancellation(call);
            }
            CallKind::CleanupGraph => self.rendezvous(rendezvous::At::Cleanup(info.step)),
            CallKind::CancelStep => self.worker(worker::At::RememberCancelled(info.step)),
        }
    }

    /// The client of a request may cancel it.
    pub(super) fn cancellation(&mut self, call: CallId) {
        let info = *self.model.call(call);
        if self.model.is_settled(self.process, info.step) || self.model.cannot_fail(info.step) {
            return;
        }
        self.uses(Object::Call(call), Access::Write);
        self.cancels_callbacks(info.step);
        self.aborts_later(info.step);
    }

    pub(super) fn receives_locally(&mut self, step: StepId, call: CallId) {
        let initialized = |(other, id): &(StepId, u8)| {
            *other == step && self.process.rendezvous[usize::from(*id)].initialized && !self.model.cleans_up_after(step)
        };
        if !self.process.table.iter().any(initialized) {
            self.uses(self.model.session_object(step), Access::Commuting);
        }
        self.uses(Object::Remote(step), Access::Commuting);
        self.uses(Object::Local(step), Access::Commuting);
        self.uses(Object::Key(call), Access::Write);
        self.uses(Object::Call(call), Access::Write);
    }

    /// `GraphMgr::ExecuteAsync`: the step starts here.
    pub(super) fn executes(&mut self, step: StepId) {
        self.uses(Object::Table, Access::Commuting);
        self.uses(self.model.session_object(step), Access::Write);
        let model = self.model;
        for (call, info) in (0..).zip(model.calls()) {
            if info.step == step && info.server == self.id && matches!(info.kind, CallKind::RecvTensor { .. }) {
                self.receives_locally(step, call);
            }
        }
        self.runs(step);
    }

    pub(super) fn runs(&mut self, step: StepId) {
        self.uses(Object::Pool, Access::Write);
        let model = self.model;
        for &root in model.roots(step, self.id) {
            self.node(step, root);
        }
    }

    pub(super) fn when_done(&mut self, step: StepId, ok: bool) {
        self.uses(Object::Counter(step), Access::Commuting);
        if !self.first(Object::RunMany(step)) {
            return;
        }
        let failed = self
            .process
            .master
            .as_ref()
            .is_some_and(|master| master.step == step && master.failed);
        if ok || failed || self.model.cannot_fail(step) {
            return self.uses(Object::RunMany(step), Access::Commuting);
        }
        self.uses(Object::RunMany(step), Access::Write);
        for partition in 0..self.model.partitions(step) {
            match self.model.run_graph_of(step, partition) {
                Some(call) => self.cancels(call),
                None => self.cancels_local(step),
            }
        }
    }

    pub(super) fn step_thread(&mut self, step: StepId) {
        self.executes(step);
        self.cancels_local(step);
        self.uses(self.model.client_object(step), Access::Write);
        self.uses(Object::Counter(step), Access::Read);
        if self.model.circumstances().cancel_steps() {
            self.uses(Object::ClientOptions(step), Access::Write);
        }
        if self.model.circumstances().close {
            self.uses(Object::Session, Access::Write);
            self.when_done(step, false);
        }
        for partition in 0..self.model.partitions(step) {
            if let Some(call) = self.model.run_graph_of(step, partition) {
                self.cancels(call);
            }
        }
        if self.model.cleans_up_after(step) {
            self.rendezvous(rendezvous::At::Cleanup(step));
        }
    }

    /// The client's loop from this step on.
    pub(super) fn client(&mut self, step: StepId) {
        self.step_thread(step);
        if self.model.circumstances().timeout {
            self.times_out(step);
        }
        self.model.close_future(self.process, &mut self.footprint);
        self.client_after(step);
    }

    pub(super) fn client_after(&mut self, step: StepId) {
        let model = self.model;
        self.uses(model.client_object(step), Access::Write);
        if let Some(next) = model.next_step(step, true).or(model.next_step(step, false)) {
            self.client(next);
        }
    }

    /// `StartCancel` of the cancellation manager of a step: it cancels the attempts that are registered there.
    pub(super) fn cancels_callbacks(&mut self, step: StepId) {
        if self.model.has_queue() {
            self.uses(Object::Cancellation(step), Access::Write);
            self.flushes();
        } else {
            self.uses(Object::Cancellation(step), Access::Commuting);
        }
    }

    /// The queue is used and flushed: any attempt on it may be complete then, of whichever step.
    pub(super) fn flushes(&mut self) {
        if !self.first(Object::FifoQueue) {
            return;
        }
        self.uses(Object::FifoQueue, Access::Write);
        let model = self.model;
        let own = (0..).zip(model.steps()).filter(|(_, info)| info.worker == self.id);
        for step in own.map(|(step, _)| step).collect::<Vec<StepId>>() {
            let nodes = &model.graph(step).partitions[model.partition(step, self.id)].nodes;
            for (number, node) in (0..).zip(nodes) {
                if matches!(node.kind, NodeKind::Dequeue | NodeKind::Enqueue | NodeKind::CloseQueue) {
                    self.uses(Object::Cancellation(step), Access::Write);
                    self.node_done(step, number);
                }
            }
        }
    }

    /// The wait for a step runs out.
    pub(super) fn times_out(&mut self, step: StepId) {
        self.uses(Object::ClientOptions(step), Access::Write);
        self.when_done(step, false);
    }
}
