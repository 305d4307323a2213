//! What threads may still do to the objects of their process: the footprints of partial-order reduction.
//!
//! A footprint is a union over the positions on a thread's stack and over everything that these may start: further labels of the
//! same thread, closures, answers to calls. It depends on the state in one way only: what a rendezvous that is aborted can no longer
//! suffer, since aborting is final and a second `StartAbort` changes nothing.

use super::TensorFlow;
use super::cluster::CallKind;
use super::executor;
use super::graph::NodeKind;
use super::iterator;
use super::master;
use super::objects::Object;
use super::process::{At, CallId, NodeId, Process, StepId, Thread, ThreadId};
use super::rendezvous::{self, Finder};
use super::{rpc, worker};
use crate::machine::{Access, Footprint, ProcessId};

/// Collects a footprint.
struct Future<'a> {
    model: &'a TensorFlow,
    id: ProcessId,
    process: &'a Process,
    footprint: Footprint,
    nodes: Vec<(StepId, NodeId)>,
    started: Vec<Object>,
}

impl TensorFlow {
    pub(super) fn future_of(&self, id: ProcessId, process: &Process, thread: ThreadId) -> Footprint {
        let mut future = Future::new(self, id, process);
        future.thread(process.thread(thread).expect("a live thread"));
        future.footprint
    }

    pub(super) fn arrivals_at(&self, id: ProcessId, process: &Process) -> Footprint {
        let mut future = Future::new(self, id, process);
        for (call, info) in (0..).zip(self.calls()) {
            if info.server == id && !process.arrived.contains(call) {
                let exists = match info.kind {
                    CallKind::CleanupGraph => self.cleans_up_after(info.step),
                    CallKind::CancelStep => self.remembers_cancelled(),
                    _ => true,
                };
                if exists {
                    future.request(call);
                }
            }
        }
        for call in process.server_calls.iter().filter(|call| !call.abandoned) {
            future.cancellation(call.id);
        }
        for call in process.client_calls.iter().filter(|call| call.rpc == rpc::Rpc::Sent) {
            future.completion(call.id);
        }
        future.footprint
    }
}

impl<'a> Future<'a> {
    fn new(model: &'a TensorFlow, id: ProcessId, process: &'a Process) -> Self {
        Self {
            model,
            id,
            process,
            footprint: Footprint::new(),
            nodes: Vec::new(),
            started: Vec::new(),
        }
    }

    fn uses(&mut self, object: Object, access: Access) {
        self.footprint.insert(self.model.object(object), access);
    }

    /// Whether this is the first time that this part of the future is looked at.
    fn first(&mut self, what: Object) -> bool {
        let new = !self.started.contains(&what);
        if new {
            self.started.push(what);
        }
        new
    }

    fn thread(&mut self, thread: &Thread) {
        let step = match thread.id {
            ThreadId::Node(step, _) => Some(step),
            ThreadId::Completion(call) => Some(self.model.call(call).step),
            ThreadId::GetNext(step, _) => Some(step),
            _ => None,
        };
        for &at in &thread.stack {
            self.position(at, thread.id);
        }
        if let Some(step) = step {
            for &node in thread.inline.iter().chain(&thread.dispatch) {
                self.node(step, node);
            }
        }
        for &call in &thread.calls {
            self.cancels(call);
        }
    }

    fn position(&mut self, at: At, id: ThreadId) {
        match at {
            At::PoolTake => {
                self.uses(Object::Pool, Access::Write);
                if let ThreadId::Node(step, node) = id {
                    self.node(step, node);
                }
            }
            At::PoolIdle => {}
            At::Executor(at) => self.executor(at),
            At::Rendezvous(at) => self.rendezvous(at),
            At::Rpc(at) => self.rpc(at),
            At::Worker(at) => self.worker(at),
            At::Master(at) => self.master(at),
            At::Iterator(
                iterator::At::Schedule(step, node)
                | iterator::At::GetNext(step, node)
                | iterator::At::Dequeue(step, node),
            ) => self.node_done(step, node),
        }
    }

    fn executor(&mut self, at: executor::At) {
        use executor::At as E;
        match at {
            E::Kernel(step, node) => {
                self.uses(Object::Variables, Access::Add);
                self.node_done(step, node);
            }
            E::Propagate(step, node, _) => self.node_done(step, node),
            E::Outstanding(step, ..) => self.counts_out(step),
            E::Dispatch(_) => self.uses(Object::Pool, Access::Write),
            E::Latch(step) => self.fails(step),
            E::Cancel(step) => self.uses(Object::Cancellation(step), Access::Add),
            E::Finish(step) | E::Barrier(step) => self.finishes(step),
        }
    }

    fn rendezvous(&mut self, at: rendezvous::At) {
        use rendezvous::At as R;
        let step_of = |id: u8| self.process.rendezvous[usize::from(id)].step;
        match at {
            R::Validate(step, node)
            | R::Register(step, node)
            | R::Feed(step, node)
            | R::SendCheck(step, node)
            | R::SendLocal(step, node) => self.node(step, node),
            R::Deregister(call) => {
                let (step, node) = self.model.recv_node(call);
                self.uses(Object::Remote(step), Access::Add);
                self.node_done(step, node);
            }
            R::AbortLocal(id) | R::AbortRemote(id) => self.aborts(step_of(id), Some(id)),
            R::AbortNext(_) | R::AbortUnlock(_) => {}
            R::Find(step, Finder::Execute) => self.executes(step),
            R::Find(step, Finder::Receive(call)) => {
                self.uses(Object::Table, Access::Add);
                self.receives_locally(step, call);
            }
            R::Find(step, Finder::AbortStep) => self.aborts_later(step),
            R::Initialize(step, _) => self.executes(step),
            R::RecvLocal(call, id) | R::LocalValidate(call, id) | R::LocalRecv(call, id) => {
                self.receives_locally(step_of(id), call);
            }
            R::Cleanup(step) => {
                self.uses(Object::Table, Access::Write);
                self.aborts(step, None);
            }
            R::FailDeferred(id) => {
                let step = step_of(id);
                self.uses(Object::Remote(step), Access::Write);
                self.serves_everyone(step);
            }
        }
    }

    fn rpc(&mut self, at: rpc::At) {
        use rpc::At as C;
        match at {
            C::Install(call) | C::Start(call) | C::CheckBeforeSend(call) | C::CheckAfterSend(call) => {
                self.uses(Object::Call(call), Access::Write);
                self.completion(call);
            }
            C::Cancel(call) => self.cancels(call),
            C::QueueTake(call) | C::Clear(call) => self.completion(call),
            C::QueueIdle(_) => {}
            C::Read(call) | C::Accept(call) => self.request(call),
            C::RequestCancelled(call) => self.cancellation(call),
            C::Release(_) => {}
            C::HandlerInstall(call) | C::ServeClear(call) | C::Respond(call, _) => {
                self.uses(Object::Call(call), Access::Write);
            }
        }
    }

    fn worker(&mut self, at: worker::At) {
        use worker::At as W;
        match at {
            W::Install(call) => self.uses(Object::Call(call), Access::Write),
            W::InstallLocal(step) | W::CancelLocal(step) => self.cancels_local(step),
            W::Root(step, ..) => self.runs(step),
            W::SetTimer(step, id) => self.aborts(step, Some(id)),
            W::CancelManager(step) => self.uses(Object::Cancellation(step), Access::Add),
            W::ClearLocal(step) => self.uses(Object::LocalOptions(step), Access::Write),
            W::ReleaseLocal(_) => {}
            W::RememberCancelled(step) => {
                self.uses(Object::Table, Access::Write);
                self.uses(Object::Remote(step), Access::Write);
                self.aborts(step, None);
                self.serves_everyone(step);
            }
        }
    }

    fn master(&mut self, at: master::At) {
        use master::At as M;
        match at {
            M::Run(step) | M::Await(step) => self.client(step),
            M::Order(step) => self.step_thread(step),
            M::Options(_) | M::Return(_) => self.uses(Object::Client, Access::Write),
            M::Wait(step) => self.uses(Object::Counter(step), Access::Read),
            M::Cleanup(..) | M::CancelStep(..) => {}
            M::WhenDone(step, ok) => self.when_done(step, ok),
            M::Unlock(_) => {}
            M::Decrement(step) => self.uses(Object::Counter(step), Access::Add),
        }
    }

    /// A node's closure once it runs, and all that follows.
    fn node(&mut self, step: StepId, node: NodeId) {
        if self.nodes.contains(&(step, node)) {
            return;
        }
        match self.model.node(step, self.id, node).kind {
            NodeKind::Recv { .. } => {
                let call = self.model.recv_call(step, self.id, node);
                self.uses(Object::Remote(step), Access::Add);
                self.uses(Object::Call(call), Access::Write);
                self.completion(call);
            }
            NodeKind::Feed => {
                self.uses(Object::Remote(step), Access::Add);
                self.uses(Object::Local(step), Access::Add);
            }
            NodeKind::Send { .. } | NodeKind::Fetch => {
                self.uses(Object::Remote(step), Access::Add);
                self.uses(Object::Local(step), Access::Add);
                if let Some(call) = self.model.send_call(step, self.id, node) {
                    self.uses(Object::Key(call), Access::Write);
                    self.uses(Object::Call(call), Access::Write);
                }
            }
            NodeKind::Update { .. } => self.uses(Object::Variables, Access::Add),
            NodeKind::GetNext | NodeKind::Dequeue | NodeKind::Other => {}
        }
        self.node_done(step, node);
    }

    fn node_done(&mut self, step: StepId, node: NodeId) {
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

    /// A node may fail.
    fn fails(&mut self, step: StepId) {
        if !self.first(Object::Status(step)) {
            return;
        }
        let execution = self.process.execution(step);
        if execution.is_some_and(|execution| execution.failed) {
            self.uses(Object::Status(step), Access::Read);
        } else {
            self.uses(Object::Status(step), Access::Write);
            self.uses(Object::Cancellation(step), Access::Add);
            self.aborts(step, execution.map(|execution| execution.rendezvous));
        }
    }

    fn counts_out(&mut self, step: StepId) {
        let counter = if self.model.pool_is_ordered() {
            Access::Write
        } else {
            Access::Add
        };
        self.uses(Object::Outstanding(step), counter);
        self.finishes(step);
    }

    /// The partition may end, and its callback run.
    fn finishes(&mut self, step: StepId) {
        if !self.first(Object::Outstanding(step)) {
            return;
        }
        self.uses(Object::Pool, Access::Write);
        self.uses(Object::Status(step), Access::Read);
        self.aborts(step, self.process.execution(step).map(|execution| execution.rendezvous));
        match self.model.run_graph_call(step, self.id) {
            Some(call) => self.uses(Object::Call(call), Access::Write),
            None => {
                self.uses(Object::LocalOptions(step), Access::Write);
                self.when_done(step, false);
            }
        }
    }

    /// `StartAbort`: of this rendezvous, or of whichever stands for the step.
    fn aborts(&mut self, step: StepId, id: Option<u8>) {
        let known = id.or_else(|| {
            self.process
                .table
                .iter()
                .find(|(other, _)| *other == step)
                .map(|(_, id)| *id)
        });
        let state = known.map(|id| &self.process.rendezvous[usize::from(id)]);
        let local = state.is_some_and(|state| state.local_aborted);
        let remote = state.is_some_and(|state| state.aborted);
        self.uses(Object::Local(step), if local { Access::Add } else { Access::Write });
        self.uses(Object::Remote(step), if remote { Access::Add } else { Access::Write });
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
                self.serves_everyone(step);
            }
        }
    }

    /// Any receive of a peer may be answered.
    fn serves_everyone(&mut self, step: StepId) {
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
    fn cancels(&mut self, call: CallId) {
        self.uses(Object::Call(call), Access::Write);
        self.completion(call);
    }

    fn cancels_local(&mut self, step: StepId) {
        self.uses(Object::LocalOptions(step), Access::Write);
        self.uses(Object::Cancellation(step), Access::Add);
        self.aborts_later(step);
    }

    /// `AbortStep`.
    fn aborts_later(&mut self, step: StepId) {
        self.uses(Object::Table, Access::Add);
        self.aborts(step, None);
    }

    /// A call that this process sent completes.
    fn completion(&mut self, call: CallId) {
        if !self.first(Object::Call(call)) {
            return;
        }
        let info = *self.model.call(call);
        self.uses(Object::Queue(info.server), Access::Write);
        self.uses(Object::Call(call), Access::Write);
        match info.kind {
            CallKind::RecvTensor { .. } => {
                self.uses(Object::Remote(info.step), Access::Add);
                let (step, node) = self.model.recv_node(call);
                self.node_done(step, node);
            }
            CallKind::RunGraph { .. } => self.when_done(info.step, false),
            CallKind::CleanupGraph | CallKind::CancelStep => {}
        }
    }

    /// A request is read and handled.
    fn request(&mut self, call: CallId) {
        let info = *self.model.call(call);
        self.uses(Object::Call(call), Access::Write);
        self.uses(Object::Pool, Access::Write);
        match info.kind {
            CallKind::RecvTensor { .. } => {
                self.uses(Object::Table, Access::Add);
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
    fn cancellation(&mut self, call: CallId) {
        let info = *self.model.call(call);
        if self.is_settled(info.step) {
            return;
        }
        self.uses(Object::Call(call), Access::Write);
        self.uses(Object::Cancellation(info.step), Access::Add);
        self.aborts_later(info.step);
    }

    /// Whether the step's rendezvous is aborted for good, so that a cancelled request changes nothing ([`super::forget`], rule 1).
    fn is_settled(&self, step: StepId) -> bool {
        let found = self.process.table.iter().find(|(other, _)| *other == step);
        !self.model.cleans_up_after(step)
            && found.is_some_and(|(_, id)| {
                let state = &self.process.rendezvous[usize::from(*id)];
                state.aborted && state.local_aborted
            })
    }

    fn receives_locally(&mut self, step: StepId, call: CallId) {
        self.uses(Object::Remote(step), Access::Add);
        self.uses(Object::Local(step), Access::Add);
        self.uses(Object::Key(call), Access::Write);
        self.uses(Object::Call(call), Access::Write);
    }

    /// `GraphMgr::ExecuteAsync`: the step starts here.
    fn executes(&mut self, step: StepId) {
        self.uses(Object::Table, Access::Add);
        self.uses(Object::Remote(step), Access::Write);
        let model = self.model;
        for (call, info) in (0..).zip(model.calls()) {
            if info.step == step && info.server == self.id && matches!(info.kind, CallKind::RecvTensor { .. }) {
                self.receives_locally(step, call);
            }
        }
        self.runs(step);
    }

    fn runs(&mut self, step: StepId) {
        self.uses(Object::Pool, Access::Write);
        let model = self.model;
        for &root in model.roots(step, self.id) {
            self.node(step, root);
        }
    }

    fn when_done(&mut self, step: StepId, ok: bool) {
        self.uses(Object::Counter(step), Access::Add);
        if !self.first(Object::RunMany(step)) {
            return;
        }
        let failed = self
            .process
            .master
            .as_ref()
            .is_some_and(|master| master.step == step && master.failed);
        if ok || failed {
            return self.uses(Object::RunMany(step), Access::Add);
        }
        self.uses(Object::RunMany(step), Access::Write);
        for partition in 0..self.model.partitions(step) {
            match self.model.run_graph_of(step, partition) {
                Some(call) => self.cancels(call),
                None => self.cancels_local(step),
            }
        }
    }

    fn step_thread(&mut self, step: StepId) {
        self.executes(step);
        self.cancels_local(step);
        self.uses(Object::Client, Access::Write);
        self.uses(Object::Counter(step), Access::Read);
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
    fn client(&mut self, step: StepId) {
        self.uses(Object::Client, Access::Write);
        let running = self.process.master.as_ref().map(|master| master.step);
        let mut next = if self.process.thread(ThreadId::Step(step)).is_some() || running != Some(step) {
            self.model.next_step(step)
        } else {
            Some(step)
        };
        while let Some(step) = next {
            self.step_thread(step);
            next = self.model.next_step(step);
        }
    }
}
