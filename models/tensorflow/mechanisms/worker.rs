//! A worker service: `RunGraph`, `RecvTensor`, `CleanupGraph` and `AbortStep` (`tf-step.md` sections 2.2, 2.7;
//! `distributed_runtime/worker.cc`, `graph_mgr.cc`, `rpc/grpc_worker_service.cc`).

use crate::machine::{Access, Label};
use crate::models::tensorflow::cluster::{CallKind, Declared, Run, View};
use crate::models::tensorflow::mechanisms::executor::Execution;
use crate::models::tensorflow::mechanisms::rendezvous::{self, Finder};
use crate::models::tensorflow::mechanisms::rpc;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, CallId, RendezvousId, StepId, Thread, ThreadId};
use serde::{Deserialize, Serialize};

static INSTALL: Label = Label {
    name: "Worker.install_cancel",
    function: "CallOptions::SetCancelCallback",
    site: "worker.cc:185",
};
static INSTALL_LOCAL: Label = Label {
    name: "Worker.install_cancel_local",
    function: "Worker::DoRunGraph (CallOptions::SetCancelCallback)",
    site: "worker.cc:185",
};
static ROOT: Label = Label {
    name: "Worker.schedule_root",
    function: "ExecutorState::RunAsync",
    site: "executor.cc:1485",
};
static TIMER: Label = Label {
    name: "AbortStep.delay",
    function: "Worker::AbortStep (SchedNonBlockingClosureAfter)",
    site: "worker.cc:102",
};
static CANCEL_MANAGER: Label = Label {
    name: "Worker.start_cancel",
    function: "CancellationManager::StartCancel",
    site: "worker.cc:186",
};
static CLEAR_LOCAL: Label = Label {
    name: "Worker.clear_cancel_local",
    function: "Worker::DoRunGraph (ClearCancelCallback)",
    site: "worker.cc:209",
};
static CANCEL_LOCAL: Label = Label {
    name: "Master.cancel_local",
    function: "CallOptions::StartCancel of the worker's own partition",
    site: "call_options.cc:24",
};
static RELEASE_LOCAL: Label = Label {
    name: "Master.cancel_local_done",
    function: "CallOptions::StartCancel (unlock)",
    site: "call_options.cc:31",
};
static CANCELLED_STEP: Label = Label {
    name: "Worker.remember_cancelled",
    function: "proposal: the process remembers a cancelled step",
    site: "variant remember-cancelled-steps",
};

/// Positions in the worker service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// A handler installs the cancel function of its `CallOptions`.
    Install(CallId),
    /// The same for the worker's own partition, which is called without an RPC.
    InstallLocal(StepId),
    /// Schedules the n-th root.
    Root(StepId, RendezvousId, u16),
    /// `AbortStep` sets its timer.
    SetTimer(StepId, RendezvousId),
    /// A cancel function cancels the step's cancellation manager.
    CancelManager(StepId),
    /// The callback of the worker's own partition clears its cancel function.
    ClearLocal(StepId),
    /// The master cancels the worker's own partition.
    CancelLocal(StepId),
    /// And is done with it.
    ReleaseLocal(StepId),
    /// `remember-cancelled-steps`: notes that a step is cancelled, and aborts what is there of it.
    RememberCancelled(StepId),
}

impl View<'_> {
    /// Declares the operation of a position.
    pub(in crate::models) fn declare_worker(&self, at: At) -> Declared {
        // Cancelling the worker's own partition does nothing to a step that is aborted for good.
        let local = |label, step| {
            let access = if self.model.is_settled(self.process, step) {
                Access::Commuting
            } else {
                Access::Write
            };
            Declared::new(label, Object::LocalOptions(step), access)
        };
        let local_free = |step| self.master_of(step).local.lock.is_free();
        match at {
            At::Install(call) => Declared::new(&INSTALL, Object::Call(call), Access::Write),
            At::InstallLocal(step) => local(&INSTALL_LOCAL, step).when(local_free(step)),
            At::Root(..) => Declared::new(&ROOT, Object::Pool, self.model.push_access()),
            At::SetTimer(step, _) => Declared::new(&TIMER, Object::Timers(step), Access::BothMover),
            At::CancelManager(step) => self.cancels_callbacks(&CANCEL_MANAGER, step),
            At::ClearLocal(step) => local(&CLEAR_LOCAL, step).when(local_free(step)),
            At::CancelLocal(step) => local(&CANCEL_LOCAL, step).when(local_free(step)),
            At::ReleaseLocal(step) => Declared::new(&RELEASE_LOCAL, Object::LocalOptions(step), Access::BothMover),
            At::RememberCancelled(_) => Declared::new(&CANCELLED_STEP, Object::Table, Access::Write),
        }
    }
}

impl Run<'_> {
    /// Runs the operation of a position.
    pub(in crate::models) fn apply_worker(&mut self, at: At) {
        match at {
            At::Install(id) => {
                let call = self.process.server_call_mut(id).expect("its handler runs");
                call.options = true;
                if std::mem::take(&mut call.wanted) {
                    self.run_server_cancel(id);
                }
            }
            At::InstallLocal(step) => {
                let local = &mut self.master_of(step).local;
                local.installed = true;
                if std::mem::take(&mut local.wanted) {
                    self.run_local_cancel(step);
                }
            }
            At::Root(step, rendezvous, index) => self.root(step, rendezvous, index),
            At::SetTimer(step, rendezvous) => self.set_timer(step, rendezvous),
            At::CancelManager(step) => self.start_cancel(step),
            At::ClearLocal(step) => {
                let local = &mut self.master_of(step).local;
                (local.installed, local.done) = (false, true);
            }
            At::CancelLocal(step) => self.cancel_local(step),
            At::ReleaseLocal(step) => {
                let owner = self.thread.id;
                self.master_of(step).local.lock.release(owner);
            }
            At::RememberCancelled(step) => {
                self.process.cancelled_steps |= 1 << step;
                let found = self
                    .process
                    .table
                    .iter()
                    .find(|(other, _)| *other == step)
                    .map(|(_, id)| *id);
                if let Some(id) = found {
                    self.thread.then([
                        Position::Rendezvous(rendezvous::At::AbortLocal(id)),
                        Position::Rendezvous(rendezvous::At::FailDeferred(id)),
                    ]);
                }
            }
        }
    }

    /// The labels of a request's handler.
    pub(in crate::models) fn handler(&self, id: CallId) -> Vec<Position> {
        let info = self.model.call(id);
        let find = |finder| Position::Rendezvous(rendezvous::At::Find(info.step, finder));
        let installs = [
            Position::Rpc(rpc::At::HandlerInstall(id)),
            Position::Worker(At::Install(id)),
        ];
        match info.kind {
            CallKind::RecvTensor { .. } => [&installs[..], &[find(Finder::Receive(id))]].concat(),
            // The session is gone with the process that knew it (`worker.cc:158`, `session_mgr.cc:141`).
            CallKind::RunGraph { .. } if self.process.connections.restarted => vec![
                Position::Rpc(rpc::At::HandlerInstall(id)),
                Position::Rpc(rpc::At::ServeClear(id)),
                Position::Rpc(rpc::At::Respond(id, false)),
            ],
            CallKind::RunGraph { .. } => [&installs[..], &[find(Finder::Execute)]].concat(),
            CallKind::CleanupGraph => vec![Position::Rendezvous(rendezvous::At::Cleanup(info.step))],
            CallKind::CancelStep => vec![Position::Worker(At::RememberCancelled(info.step))],
        }
    }

    /// `Worker::AbortStep`: finds the rendezvous now, aborts it a second later.
    pub(in crate::models) fn abort_step(&mut self, step: StepId) {
        self.thread
            .then([Position::Rendezvous(rendezvous::At::Find(step, Finder::AbortStep))]);
    }

    /// `ExecutorState::RunAsync`: the partition starts, one root after the other.
    fn root(&mut self, step: StepId, rendezvous: RendezvousId, index: u16) {
        let model = self.model;
        let roots = model.roots(step, self.id);
        if index == 0 {
            self.process.started |= 1 << step;
            let pending = model.pending(step, self.id);
            let execution = Execution::new(step, rendezvous, pending, roots.len() as u16);
            let place = self.process.executions.partition_point(|other| other.step < step);
            self.process.executions.insert(place, execution);
        }
        if usize::from(index) + 1 < roots.len() {
            self.thread
                .then([Position::Worker(At::Root(step, rendezvous, index + 1))]);
        }
        self.schedule_node(step, roots[usize::from(index)]);
    }

    fn set_timer(&mut self, step: StepId, rendezvous: RendezvousId) {
        let free = (0..=u8::MAX).find(|&number| self.process.thread(ThreadId::Timer(step, number)).is_none());
        let id = ThreadId::Timer(step, free.expect("fewer timers than calls"));
        self.process.spawn(Thread::new(
            id,
            Position::Rendezvous(rendezvous::At::AbortLocal(rendezvous)),
        ));
    }

    fn cancel_local(&mut self, step: StepId) {
        let sticky = self.model.is_sticky();
        let local = &mut self.master_of(step).local;
        if local.installed {
            self.run_local_cancel(step);
        } else if sticky && !local.done {
            local.wanted = true;
        }
    }

    /// The worker's own cancel function, with the options' mutex held.
    fn run_local_cancel(&mut self, step: StepId) {
        let owner = self.thread.id;
        self.master_of(step).local.lock.acquire(owner);
        self.thread.then([Position::Worker(At::ReleaseLocal(step))]);
        self.abort_step(step);
        self.thread.then([Position::Worker(At::CancelManager(step))]);
    }
}
