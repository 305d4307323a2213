//! A worker service: `RunGraph`, `RecvTensor`, `CleanupGraph` and `AbortStep` (`distributed_runtime/worker.cc`, `graph_mgr.cc`,
//! `rpc/grpc_worker_service.cc`).

use smallvec::{SmallVec, smallvec};

use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::room::Mechanism;
use super::{cancellation, executor, rendezvous, rpc};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::pool::Object as PoolObject;
use crate::models::tensorflow::mechanisms::rendezvous::Object as RendezvousObject;
use crate::models::tensorflow::mechanisms::rpc::Object as RpcObject;
use crate::models::tensorflow::process::{ANY_RENDEZVOUS, CallId, Process, RendezvousId, SOURCE, StepId, ThreadId};

labels! {
    INSTALL = "Worker.install_cancel", "CallOptions::SetCancelCallback", "worker.cc:185";
    INSTALL_LOCAL = "Worker.install_cancel_local", "Worker::DoRunGraph (CallOptions::SetCancelCallback)", "worker.cc:185";
    ROOT = "Worker.schedule_root", "ExecutorState::RunAsync", "executor.cc:1485";
    SEND_INPUTS = "Worker.send_inputs", "GraphMgr::ExecuteAsync (SendTensorsToRendezvous)", "graph_mgr.cc:435";
    TIMER = "AbortStep.delay", "Worker::AbortStep (SchedNonBlockingClosureAfter)", "worker.cc:102";
    CANCEL_MANAGER = "Worker.start_cancel", "CancellationManager::StartCancel", "worker.cc:186";
    CLEAR_LOCAL = "Worker.clear_cancel_local", "Worker::DoRunGraph (ClearCancelCallback)", "worker.cc:209";
    CANCEL_LOCAL = "Master.cancel_local", "CallOptions::StartCancel of the worker's own partition", "call_options.cc:24";
    RELEASE_LOCAL = "Master.cancel_local_done", "CallOptions::StartCancel (unlock)", "call_options.cc:31";
    CANCELLED_STEP = "Worker.remember_cancelled", "proposal: the process remembers a cancelled step", "variant remember-cancelled-steps";
}

program_counter! { Worker;
    /// A handler installs the cancel function of its `CallOptions`.
    Install(call) => INSTALL,
    /// As for a call, but for the worker's own partition, which is called without an RPC.
    InstallLocal(step) => INSTALL_LOCAL,
    /// Puts the fed values into the rendezvous. Where that is aborted, the partition ends before it begins.
    SendInputs(step, rendezvous) => SEND_INPUTS,
    /// Begins a partition: schedules its one root.
    Root(step, rendezvous) => ROOT,
    /// `AbortStep` sets its timer.
    SetTimer(step, rendezvous) => TIMER,
    /// A cancel function cancels the step's cancellation manager.
    CancelManager(step) => CANCEL_MANAGER,
    /// The callback of the worker's own partition clears its cancel function.
    ClearLocal(step) => CLEAR_LOCAL,
    /// The master cancels the worker's own partition.
    CancelLocal(step) => CANCEL_LOCAL,
    /// And is done with it.
    ReleaseLocal(step) => RELEASE_LOCAL,
    /// `remember-cancelled-steps`: notes that a step is cancelled, and aborts what is there of it.
    RememberCancelled(step) => CANCELLED_STEP,
}

objects! { Worker;
    /// The `CallOptions` of the worker's own partition.
    LocalOptions(StepId) = "call_options" per Step,
    /// The delayed closures of a step.
    Timers(StepId) = "timers" per Step,
}

/// Starts the worker's own partition, without an RPC.
pub(super) fn execute_locally(step: StepId) -> [super::Pc; 2] {
    [Pc::InstallLocal(step).into(), rendezvous::execute(step)]
}

/// Begins a partition: its fed values first, where it has some.
pub(super) fn begin(model: &TensorFlow, id: ProcessId, step: StepId, rendezvous: RendezvousId) -> super::Pc {
    if model.is_fed(step, id) {
        Pc::SendInputs(step, rendezvous).into()
    } else {
        Pc::Root(step, rendezvous).into()
    }
}

/// Sets the timer of an `AbortStep` that has found the rendezvous.
pub(super) fn set_timer(step: StepId, rendezvous: RendezvousId) -> super::Pc {
    Pc::SetTimer(step, rendezvous).into()
}

/// Cancels the step's cancellation manager, for a cancel function.
pub(super) fn cancel_manager(step: StepId) -> super::Pc {
    Pc::CancelManager(step).into()
}

/// Goes on once the worker's own partition has ended.
pub(super) fn clear_local(step: StepId) -> super::Pc {
    Pc::ClearLocal(step).into()
}

/// Cancels the worker's own partition for the master.
pub(super) fn cancel_local(step: StepId) -> super::Pc {
    Pc::CancelLocal(step).into()
}

/// Returns the places of a request's handler.
pub(super) fn handler(model: &TensorFlow, restarted: bool, call: CallId) -> SmallVec<[super::Pc; 3]> {
    let info = model.call(call);
    let callback = rpc::install_callback(call);
    let installs = |then| smallvec![callback, Pc::Install(call).into(), then];
    match info.kind {
        // The session is gone with the process that knew it (`worker.cc:158`, `session_mgr.cc:124`), and a receive names the incarnation
        // of the device that is gone (`worker.cc:404`).
        CallKind::RunGraph { .. } | CallKind::RecvTensor { .. } if restarted => {
            let [clear, respond] = rpc::serve(call, false);
            smallvec![callback, clear, respond]
        }
        CallKind::RecvTensor { .. } => installs(rendezvous::receive(info.step, call)),
        CallKind::RunGraph { .. } => installs(rendezvous::execute(info.step)),
        CallKind::CleanupGraph => {
            let answer = model.awaits_cleanup().then(|| rpc::respond(call));
            [rendezvous::cleanup(info.step)].into_iter().chain(answer).collect()
        }
        // What the session holds there waits for nobody: no step of it runs.
        CallKind::DeleteSession => smallvec![rpc::respond(call)],
        CallKind::CancelStep => smallvec![Pc::RememberCancelled(info.step).into()],
    }
}

/// Runs the worker's own cancel function, with the options' mutex held.
fn local_cancel(step: StepId) -> [super::Pc; 3] {
    [
        cancel_manager(step),
        rendezvous::abort_step(step),
        Pc::ReleaseLocal(step).into(),
    ]
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for master in process.masters() {
            let (object, local) = (Object::LocalOptions(master.step), &master.local);
            inventory.lock(object, local.lock.owner());
            if process.thread(ThreadId::Step(master.step)).is_some() {
                let text = match (local.done, local.installed) {
                    (true, _) => "the partition has answered",
                    (false, true) => "cancel function installed",
                    (false, false) => "no cancel function",
                };
                inventory.add(object, local, || text.to_owned());
            }
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        // Cancelling the worker's own partition does nothing to a step that is aborted for good.
        let local = |step| {
            let settled = context.facts.rendezvous.is_settled(step);
            let local = context.uses(
                Object::LocalOptions(step),
                if settled { Access::Commuting } else { Access::Write },
            );
            local.when(|view| view.master_of(step).local.lock.is_free())
        };
        match self.0 {
            Pc::Install(call) => context.uses(RpcObject::Call(call), Access::Write),
            Pc::InstallLocal(step) | Pc::ClearLocal(step) | Pc::CancelLocal(step) => local(step),
            // An abort aborts the local half first, so what the remote half says need not be looked at before.
            Pc::SendInputs(step, _) => context.uses(RendezvousObject::Local(step), Access::Commuting),
            Pc::Root(..) => context.uses(PoolObject::Pool, context.model.push_access()),
            Pc::SetTimer(step, _) => context.uses(Object::Timers(step), Access::BothMover),
            Pc::CancelManager(step) => cancellation::declare_start(context, step),
            Pc::ReleaseLocal(step) => context.uses(Object::LocalOptions(step), Access::BothMover),
            Pc::RememberCancelled(_) => context.uses(RendezvousObject::Table, Access::Write),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            // A cancellation that was remembered runs now.
            Pc::Install(call) if model.is_sticky() => rpc::next_of_cancel(next, call),
            Pc::InstallLocal(step) if model.is_sticky() => next.then(local_cancel(step)),
            Pc::Install(_) | Pc::InstallLocal(_) | Pc::ClearLocal(_) | Pc::ReleaseLocal(_) => {}
            Pc::SendInputs(step, rendezvous) => {
                next.then([Pc::Root(step, rendezvous)]);
                for status in model.failures() {
                    next.then(executor::ended(model, next.id, step, status));
                }
            }
            Pc::Root(step, _) => next.carry(step, SOURCE),
            Pc::SetTimer(step, id) => {
                let status = model.abort_status(model.cancelled_status());
                next.spawn(ThreadId::Timer(step, 0), [rendezvous::abort(step, id, status)]);
            }
            Pc::CancelManager(step) => cancellation::next_of_start(next, step),
            Pc::CancelLocal(step) => next.then(local_cancel(step)),
            Pc::RememberCancelled(step) => next.then(rendezvous::abort_and_fail_deferred(step, ANY_RENDEZVOUS)),
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Install(call) => {
                let record = run.process.server_call_mut(call).expect("its handler runs");
                record.options = true;
                if std::mem::take(&mut record.wanted) {
                    rpc::cancel_request(run, call);
                }
            }
            Pc::InstallLocal(step) => {
                let local = &mut run.master_of(step).local;
                local.installed = true;
                if std::mem::take(&mut local.wanted) {
                    run_local_cancel(run, step);
                }
            }
            Pc::SendInputs(step, rendezvous) => {
                let status = run.process.rendezvous[usize::from(rendezvous)].local_status();
                if !status.is_ok() {
                    // It starts no executor, and runs the callback itself (`graph_mgr.cc:436-443`).
                    run.process.started.insert(usize::from(step));
                    run.then(executor::ended(run.model, run.id, step, status));
                } else {
                    run.then([Pc::Root(step, rendezvous)]);
                }
            }
            Pc::Root(step, rendezvous) => executor::run_async(run, step, rendezvous),
            Pc::SetTimer(step, id) => {
                let taken = |number: &u8| run.process.thread(ThreadId::Timer(step, *number)).is_some();
                let free = (0..=u8::MAX)
                    .find(|number| !taken(number))
                    .expect("fewer timers than calls");
                let status = run.model.abort_status(run.model.cancelled_status());
                run.spawn(ThreadId::Timer(step, free), [rendezvous::abort(step, id, status)]);
            }
            Pc::CancelManager(step) => cancellation::start(run, step),
            Pc::ClearLocal(step) => {
                let local = &mut run.master_of(step).local;
                (local.installed, local.done) = (false, true);
            }
            Pc::CancelLocal(step) => {
                let sticky = run.model.is_sticky();
                let local = &mut run.master_of(step).local;
                if local.installed {
                    run_local_cancel(run, step);
                } else if sticky && !local.done {
                    local.wanted = true;
                }
            }
            Pc::ReleaseLocal(step) => {
                let owner = run.thread.id;
                run.master_of(step).local.lock.release(owner);
            }
            Pc::RememberCancelled(step) => {
                run.process.cancelled_steps.insert(usize::from(step));
                let found = run.process.table.iter().find(|(other, _)| *other == step);
                let aborts = found.map(|(_, id)| rendezvous::abort_and_fail_deferred(step, *id));
                run.then(aborts.into_iter().flatten());
            }
        }
    }

    fn words(self, view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::Install(call) => return format!("installs the cancel function for {}", view.model.call_words(call)),
            Pc::InstallLocal(_) => "installs the cancel function of the worker's own partition",
            Pc::SendInputs(..) => "puts the fed values into the rendezvous",
            Pc::Root(..) => "starts the partition and hands its root to the pool",
            Pc::SetTimer(..) => "sets the timer that aborts the rendezvous later",
            Pc::CancelManager(_) => "cancels the step's cancellation manager",
            Pc::ClearLocal(_) => "clears the cancel function of the worker's own partition",
            Pc::CancelLocal(_) => "cancels the worker's own partition",
            Pc::ReleaseLocal(_) => "has cancelled the worker's own partition",
            Pc::RememberCancelled(_) => "remembers that the step is cancelled",
        };
        text.to_owned()
    }

    fn erased(mut self) -> Self {
        if let Some(rendezvous) = self.rendezvous_mut() {
            *rendezvous = ANY_RENDEZVOUS;
        }
        self
    }
}

fn run_local_cancel(run: &mut Run<'_>, step: StepId) {
    let owner = run.thread.id;
    run.master_of(step).local.lock.acquire(owner);
    run.then(local_cancel(step));
}

#[cfg(test)]
mod tests;
