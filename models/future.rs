//! What threads may still do to the objects of their process: the footprints of partial-order reduction.
//!
//! A footprint is a union over the positions on a thread's stack and over everything that these may start: further labels of the
//! same thread, closures, answers to calls. It depends on the state in one way only: what a rendezvous that is aborted can no longer
//! suffer, since aborting is final and a second `StartAbort` changes nothing.

use super::TensorFlow;
use super::cluster::{CallInfo, CallKind};
use super::executor;
use super::graph::NodeKind;
use super::iterator;
use super::job::Variant;
use super::master;
use super::objects::Object;
use super::process::{At, CallId, NodeId, Process, StepId, Thread, ThreadId};
use super::rendezvous::{self, Finder};
use super::rpc::{self, Frame, Rpc};
use super::worker;
use crate::machine::{Access, Footprint, FrameSet, ProcessId};

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

    pub(super) fn arrivals_at(&self, id: ProcessId, process: &Process, frames: FrameSet) -> Footprint {
        let mut future = Future::new(self, id, process);
        for (call, info) in (0..).zip(self.calls()) {
            let may_come = frames.contains(Frame::Request(call).number());
            if info.server == id && may_come && !process.arrived.contains(call) && self.is_ever_made(info) {
                future.request(call);
            }
        }
        for call in process.server_calls.iter().filter(|call| !call.abandoned) {
            if frames.contains(Frame::Reset(call.id).number()) {
                // A reset that comes before the request is read may drop it, whatever else is settled by then.
                if !call.accepted {
                    future.uses(Object::Call(call.id), Access::Write);
                }
                future.cancellation(call.id);
            }
        }
        for call in process.client_calls.iter().filter(|call| call.rpc == Rpc::Sent) {
            if frames.contains(Frame::Response(call.id, true).number()) {
                future.completion(call.id);
            }
        }
        future.footprint
    }

    fn is_ever_made(&self, info: &CallInfo) -> bool {
        match info.kind {
            CallKind::CleanupGraph => self.cleans_up_after(info.step),
            CallKind::CancelStep => self.remembers_cancelled(),
            _ => true,
        }
    }

    /// The frames that a process may still send to `to` while that does nothing.
    pub(super) fn frames_to(&self, from: ProcessId, process: &Process, to: ProcessId) -> FrameSet {
        let mut frames = FrameSet::NONE;
        for (call, info) in (0..).zip(self.calls()) {
            if info.client == from && info.server == to && self.is_ever_made(info) {
                let (request, reset) = match info.kind {
                    CallKind::RecvTensor { .. } => self.receive_may_send(process, call, info),
                    CallKind::RunGraph { .. } => self.run_graph_may_send(process, call, info),
                    CallKind::CleanupGraph | CallKind::CancelStep => (true, false),
                };
                if request {
                    frames.insert(Frame::Request(call).number());
                }
                if reset {
                    frames.insert(Frame::Reset(call).number());
                }
            }
        }
        for call in process.server_calls.iter().filter(|call| !call.abandoned) {
            if self.call(call.id).client == to {
                frames.insert(Frame::Response(call.id, true).number());
            }
        }
        frames
    }

    /// Whether a `_Recv` may still send its request, and a reset.
    fn receive_may_send(&self, process: &Process, call: CallId, info: &CallInfo) -> (bool, bool) {
        let (step, node) = self.recv_node(call);
        let execution = process.execution(step);
        // After the abort has gone through the active calls, only a later check cancels a call.
        let aborted = execution.is_some_and(|execution| {
            let state = &process.rendezvous[usize::from(execution.rendezvous)];
            state.aborted && state.lock.is_free()
        });
        let cancels = !aborted || self.variant() == Variant::CheckAfterSend;
        if let Some(record) = process.client_call(call) {
            return match record.rpc {
                Rpc::Fresh => (true, cancels),
                Rpc::Sent => (false, cancels),
                Rpc::Marked | Rpc::Complete => (false, false),
            };
        }
        let to_come = match (execution, process.thread(ThreadId::Node(step, node))) {
            (Some(_), Some(thread)) => {
                let registers = matches!(thread.at(), At::Rendezvous(rendezvous::At::Register(_, of)) if of == node);
                let waits = matches!(thread.at(), At::PoolTake | At::Rendezvous(rendezvous::At::Validate(..)));
                registers || waits && !aborted
            }
            (Some(_), None) => {
                let is_root = |at: &At| matches!(at, At::Worker(worker::At::Root(of, ..)) if *of == step);
                // One that waits for other nodes may still run; whether it has is not looked at.
                let waits = !self.node(step, info.client, node).inputs.is_empty();
                waits || process.threads.iter().flat_map(|thread| &thread.stack).any(is_root)
            }
            (None, _) => (process.started | process.dropped) & (1 << info.step) == 0,
        };
        (to_come, to_come && cancels)
    }

    /// Whether the master may still send a partition's `RunGraph`, and a reset.
    fn run_graph_may_send(&self, process: &Process, call: CallId, info: &CallInfo) -> (bool, bool) {
        let Some(master) = process.master.as_ref().filter(|master| master.step == info.step) else {
            return (true, true);
        };
        let Some(record) = process.client_call(call) else {
            // Before the client runs the step; afterwards its record is gone for good.
            let before =
                !master.returned && master.outcome.is_none() && process.thread(ThreadId::Step(info.step)).is_none();
            return (before, before);
        };
        let cancels = !master.failed || !master.lock.is_free();
        match record.rpc {
            Rpc::Fresh => (true, cancels),
            Rpc::Sent => (false, cancels),
            Rpc::Marked | Rpc::Complete => (false, false),
        }
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
            C::RequestCancelled(call) => {
                self.uses(Object::Call(call), Access::Write);
                self.uses(Object::Cancellation(self.model.call(call).step), Access::Add);
                self.cancellation(call);
            }
            C::Release(_) => {}
            C::HandlerInstall(call) | C::ServeClear(call) | C::Respond(call, _) => {
                self.uses(Object::Call(call), Access::Write);
            }
        }
    }

    fn worker(&mut self, at: worker::At) {
        use worker::At as W;
        match at {
            W::Install(call) => {
                self.uses(Object::Call(call), Access::Write);
                // A cancellation that was remembered runs now.
                if self.model.is_sticky() {
                    self.cancellation(call);
                }
            }
            W::InstallLocal(step) | W::CancelLocal(step) => self.cancels_local(step),
            W::Root(step, ..) => self.runs(step),
            W::SetTimer(step, id) => self.aborts(step, Some(id)),
            W::CancelManager(step) => self.uses(Object::Cancellation(step), Access::Add),
            W::ClearLocal(step) => self.local_options(step),
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
            M::Run(step) => self.client(Some(step)),
            M::Await(step) => self.client(self.model.next_step(step)),
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
                self.local_options(step);
                self.when_done(step, false);
            }
        }
    }

    /// `StartAbort`: of this rendezvous, or of whichever stands for the step.
    fn aborts(&mut self, step: StepId, id: Option<u8>) {
        // Where the step is cleaned up, another rendezvous may stand for it by then.
        let stays = |(other, _): &&(StepId, u8)| *other == step && !self.model.cleans_up_after(step);
        let known = id.or_else(|| self.process.table.iter().find(stays).map(|(_, id)| *id));
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
                self.uses(model.session_object(step), Access::Write);
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
        self.local_options(step);
        self.uses(Object::Cancellation(step), Access::Add);
        self.aborts_later(step);
    }

    fn local_options(&mut self, step: StepId) {
        let settled = self.model.is_settled(self.process, step);
        self.uses(
            Object::LocalOptions(step),
            if settled { Access::Add } else { Access::Write },
        );
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
        if self.model.is_settled(self.process, info.step) {
            return;
        }
        self.uses(Object::Call(call), Access::Write);
        self.uses(Object::Cancellation(info.step), Access::Add);
        self.aborts_later(info.step);
    }

    fn receives_locally(&mut self, step: StepId, call: CallId) {
        let initialized = |(other, id): &(StepId, u8)| {
            *other == step && self.process.rendezvous[usize::from(*id)].initialized && !self.model.cleans_up_after(step)
        };
        if !self.process.table.iter().any(initialized) {
            self.uses(self.model.session_object(step), Access::Add);
        }
        self.uses(Object::Remote(step), Access::Add);
        self.uses(Object::Local(step), Access::Add);
        self.uses(Object::Key(call), Access::Write);
        self.uses(Object::Call(call), Access::Write);
    }

    /// `GraphMgr::ExecuteAsync`: the step starts here.
    fn executes(&mut self, step: StepId) {
        self.uses(Object::Table, Access::Add);
        self.uses(self.model.session_object(step), Access::Write);
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
    fn client(&mut self, mut next: Option<StepId>) {
        self.uses(Object::Client, Access::Write);
        while let Some(step) = next {
            self.step_thread(step);
            next = self.model.next_step(step);
        }
    }
}
