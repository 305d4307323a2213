//! Cancellation: the cancellation manager of a step in a process (`framework/cancellation.cc`), and what ends a step from outside: a
//! timeout of the client's call, and the end of its session (`distributed_runtime/local_master.cc:30`, `master_session.cc:667-674`,
//! `:1976`).
//!
//! The latter two cancel the step by `RunManyGraphs::StartCancel`, which does what a partition's error does: first error wins, and with
//! the mutex held each partition's call is cancelled. Neither makes the client return: after its timeout it waits on for the step, and
//! `Close` ([`super::closing`]) waits until no step runs.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::master::{Object as MasterObject, orders, permutation};
use super::room::Mechanism;
use super::{master, queue, rendezvous};
use crate::machine::{Access, Lock, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::{Process, StepId, ThreadId};

labels! {
    ENTER = "Session.enter", "MasterSession::Run (closed_, num_running_)", "master_session.cc:1519";
    REFUSED = "Session.refused", "MasterSession::Run (closed)", "master_session.cc:1520";
    REGISTER = "Session.register_step", "CancellationManager::RegisterCallback", "master_session.cc:670";
    CLEAR = "Master.clear_cancel", "RunPartitionsHelper (CallOptions::ClearCancelCallback)", "master_session.cc:675";
    DEREGISTER = "Session.deregister_step", "CancellationManager::DeregisterCallback", "master_session.cc:677";
    TIMEOUT = "Client.timeout", "WaitForNotification (CallOptions::StartCancel)", "local_master.cc:36";
    RELEASE = "Client.timeout_done", "CallOptions::StartCancel (unlock)", "call_options.cc:31";
    CANCEL_ALL = "RunManyGraphs.start_cancel", "RunManyGraphs::StartCancel", "master_session.cc:500";
    STEP_CANCELLED = "Executor.cancelled", "CancellationManager::StartCancel (is_cancelled_)", "cancellation.cc:51";
}

program_counter! { Cancellation;
    /// A step begins in the session.
    Enter(step) => ENTER,
    /// A step that came to a closed session is answered.
    Refused(step) => REFUSED,
    /// The step thread installs the cancel function of the client's call.
    Install(step) => master::OPTIONS,
    /// The step thread registers with the session's cancellation manager.
    Register(step) => REGISTER,
    /// The step thread clears the cancel function, once every partition has answered.
    Clear(step) => CLEAR,
    /// The step thread deregisters, which waits while the manager cancels.
    Deregister(step) => DEREGISTER,
    /// The client has waited for long enough.
    Timeout(step) => TIMEOUT,
    /// The client's `CallOptions` are free again.
    Release(step) => RELEASE,
    /// The step is cancelled.
    CancelAll(step) => CANCEL_ALL,
    /// The cancellation manager of a step has run the callbacks which were registered.
    StepCancelled(step) => STEP_CANCELLED,
}

objects! { Cancellation;
    /// The session of a worker: whether it is closed, which step it would cancel.
    Session = "session" per Process,
    /// The `CallOptions` of a client's call.
    ClientOptions(StepId) = "client_options" per Step,
    /// A step's cancellation manager.
    Cancellation(StepId) = "cancellation" per Step,
}

/// The progress of a cancellation manager.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Cancelling {
    /// It takes callbacks.
    #[default]
    No,
    /// It runs them (`is_cancelling_`).
    Now,
    /// It has run them (`is_cancelled_`).
    Done,
}

/// `MasterSession` and the client's `CallOptions`, as far as they can cancel a step.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Session {
    /// `closed_`.
    pub closed: bool,
    /// `num_running_`.
    pub running: u8,
    /// Steps that are answered, with the number of processes that have not cleaned up after them.
    pub cleaning: SmallVec<[(StepId, u16); 1]>,
    /// Processes that have not deleted their part of the session.
    pub deleting: u16,
    /// `cancellation_manager_`.
    pub cancelling: Cancelling,
    /// The step that is registered there.
    pub registered: Option<StepId>,
    /// The step whose cancel function is in the client's `CallOptions`.
    pub installed: Option<StepId>,
    /// `sticky-cancel`: a timeout of this step found no function and waits for one.
    pub wanted: Option<StepId>,
    /// The step of which the client's wait has run out.
    pub timed_out: Option<StepId>,
    /// The mutex of these `CallOptions` while their function runs.
    pub lock: Lock<ThreadId>,
    /// Whether `Close` has returned.
    pub close_returned: bool,
}

/// Begins a step in a session that may be closed.
pub(super) fn enter(step: StepId) -> super::Pc {
    Pc::Enter(step).into()
}

/// Installs the cancel function of the client's call.
pub(super) fn install(step: StepId) -> super::Pc {
    Pc::Install(step).into()
}

/// Registers the step with the session's cancellation manager.
pub(super) fn register(step: StepId) -> super::Pc {
    Pc::Register(step).into()
}

/// Clears the cancel function of the client's call.
pub(super) fn clear(step: StepId) -> super::Pc {
    Pc::Clear(step).into()
}

/// Takes the step out of the session's cancellation manager.
pub(super) fn deregister(step: StepId) -> super::Pc {
    Pc::Deregister(step).into()
}

/// Cancels all partitions of a step.
pub(super) fn cancel_all(step: StepId) -> super::Pc {
    Pc::CancelAll(step).into()
}

/// Declares the look of a client at whether its wait has run out.
pub(super) fn declare_deadline<'a>(context: &Context<'a>, step: StepId) -> Declared<'a> {
    let looks = context.uses(Object::ClientOptions(step), Access::Write);
    // It was the client itself that cancelled, and that is done with it.
    looks.when(|view| look(view).lock.is_free())
}

/// Returns true if the client's wait for a step has run out. From now on it can't: the client waits no longer.
pub(super) fn has_timed_out(run: &mut Run<'_>, step: StepId) -> bool {
    run.process
        .threads
        .retain(|thread| thread.id != ThreadId::Deadline(step));
    session(run).timed_out.take().is_some()
}

/// Ends the client's wait for a step, which runs out.
pub(super) fn timeout(step: StepId) -> super::Pc {
    Pc::Timeout(step).into()
}

/// Declares a label that cancels the cancellation manager of a step: it may run the callbacks in any order, since they are in a hash map.
pub(super) fn declare_start<'a>(context: &Context<'a>, step: StepId) -> Declared<'a> {
    let access = if context.model.has_queue() {
        Access::Write
    } else {
        Access::Commuting
    };
    context.uses(Object::Cancellation(step), access).choices(|view| {
        let execution = view.process.execution(step);
        let runs = execution.filter(|execution| execution.cancelling == Cancelling::No);
        orders(runs.map_or(0, |execution| execution.callbacks.len()))
    })
}

/// Runs `CancellationManager::StartCancel`: takes the callbacks out and runs them one after the other, without its mutex. Without any, what
/// is between its beginning and its end is seen by nobody.
pub(super) fn start(run: &mut Run<'_>, step: StepId) {
    let found = run
        .process
        .executions
        .iter_mut()
        .find(|execution| execution.step == step);
    let Some(execution) = found.filter(|execution| execution.cancelling == Cancelling::No) else {
        return;
    };
    let callbacks = std::mem::take(&mut execution.callbacks);
    let receives = rendezvous::cancelled_by_manager(run.model, step, execution.rendezvous);
    if callbacks.is_empty() {
        execution.cancelling = Cancelling::Done;
        return run.then(receives);
    }
    execution.cancelling = Cancelling::Now;
    run.then([Pc::StepCancelled(step)]);
    let order = permutation(callbacks.len(), run.choice as usize);
    run.then(
        order
            .iter()
            .map(|&index| queue::cancel(step, callbacks[usize::from(index)])),
    );
    run.then(receives);
}

/// Lists what [`start`] may do: callbacks are those of attempts on a queue.
pub(super) fn next_of_start(next: &mut Next<'_>, step: StepId) {
    let of = next.facts.executor.rendezvous(step);
    next.then(rendezvous::cancelled_by_manager(next.model, step, of));
    if next.model.has_queue() {
        next.then([Pc::StepCancelled(step)]);
        let nodes = next.model.queue_nodes(next.id).filter(|(of, _)| *of == step);
        next.then(nodes.map(|(step, node)| queue::cancel(step, node)).collect::<Vec<_>>());
    }
}

/// Runs the function of the client's `CallOptions`, with its mutex held.
fn client_cancel(step: StepId) -> [Pc; 2] {
    [Pc::CancelAll(step), Pc::Release(step)]
}

fn run_client_cancel(run: &mut Run<'_>, step: StepId) {
    let owner = run.thread.id;
    session(run).lock.acquire(owner);
    run.then(client_cancel(step));
}

pub(super) fn session<'a>(run: &'a mut Run<'_>) -> &'a mut Session {
    run.process.session.as_mut().expect("something cancels steps here")
}

pub(super) fn look<'a>(view: &View<'a>) -> &'a Session {
    view.process.session.as_ref().expect("something cancels steps here")
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for execution in &process.executions {
            let object = Object::Cancellation(execution.step);
            inventory.add(object, &(execution.cancelling, &execution.callbacks), || {
                let text = match execution.cancelling {
                    Cancelling::No => "not cancelled",
                    Cancelling::Now => "runs its callbacks",
                    Cancelling::Done => "cancelled",
                };
                text.to_owned()
            });
        }
        for (master, session) in process.masters().zip(process.session.iter().cycle()) {
            let options = Object::ClientOptions(master.step);
            let registered = (session.closed, session.running, session.cancelling, session.registered);
            inventory.add(Object::Session, &(registered, &session.cleaning), || {
                let closed = if session.closed { "closed" } else { "open" };
                format!("{closed}, {} steps run", session.running)
            });
            let function = (session.installed, session.wanted, session.timed_out);
            inventory.add(options, &(function, session.lock), || {
                let found = if session.installed.is_some() {
                    "cancel function installed"
                } else {
                    "no cancel function"
                };
                found.to_owned()
            });
            inventory.lock(options, session.lock.owner());
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let of_session = context.uses(Object::Session, Access::Write);
        let options = |step, access| context.uses(Object::ClientOptions(step), access);
        match self.0 {
            Pc::Enter(_) | Pc::Register(_) => of_session,
            Pc::Refused(_) => context.uses(MasterObject::Client, Access::BothMover),
            Pc::Install(step) | Pc::Clear(step) | Pc::Timeout(step) => {
                options(step, Access::Write).when(|view| look(view).lock.is_free())
            }
            Pc::Deregister(_) => of_session.when(|view| look(view).cancelling != Cancelling::Now),
            Pc::Release(step) => options(step, Access::Write),
            Pc::CancelAll(step) => {
                let access = if context.facts.master.failed(step) {
                    Access::Commuting
                } else {
                    Access::Write
                };
                let cancel = context.uses(MasterObject::RunMany(step), access);
                cancel.when(|view| view.master_of(step).lock.is_free())
            }
            Pc::StepCancelled(step) => context.uses(Object::Cancellation(step), Access::Write),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            Pc::Enter(step) => next.then([Pc::Refused(step).into(), master::order(step)]),
            // A timeout that was remembered cancels now.
            Pc::Install(step) if model.is_sticky() => next.then(client_cancel(step)),
            Pc::Timeout(step) => next.then(client_cancel(step)),
            Pc::Register(step) => next.then([Pc::CancelAll(step)]),
            Pc::CancelAll(step) => master::next_of_first_error(next, step),
            Pc::Refused(_)
            | Pc::Install(_)
            | Pc::Clear(_)
            | Pc::Deregister(_)
            | Pc::Release(_)
            | Pc::StepCancelled(_) => {}
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        let thread = run.thread.id;
        match self.0 {
            Pc::Enter(step) => {
                let session = session(run);
                if session.closed {
                    return run.then([Pc::Refused(step)]);
                }
                session.running += 1;
                run.then([master::order(step)]);
            }
            Pc::Refused(step) => run.master_of(step).outcome = Some(false),
            Pc::Install(step) => {
                let session = session(run);
                session.installed = Some(step);
                if session.wanted.take() == Some(step) {
                    run_client_cancel(run, step);
                }
            }
            Pc::Register(step) => {
                let session = session(run);
                if session.cancelling == Cancelling::No {
                    session.registered = Some(step);
                } else {
                    run.then([Pc::CancelAll(step)]);
                }
            }
            Pc::Clear(_) => (session(run).installed, session(run).wanted) = (None, None),
            Pc::Deregister(step) => {
                let partitions = run.model.partitions(step);
                let session = session(run);
                session.registered = None;
                // What it begins next, `CleanupPartitionsAsync`, counts every process.
                let place = session.cleaning.partition_point(|(other, _)| *other < step);
                session.cleaning.insert(place, (step, partitions));
            }
            Pc::Timeout(step) => time_out(run, step),
            Pc::Release(_) => session(run).lock.release(thread),
            Pc::CancelAll(step) => master::first_error(run, step),
            // Its partition may have ended meanwhile.
            Pc::StepCancelled(step) => {
                if let Some(execution) = run.process.executions.iter_mut().find(|other| other.step == step) {
                    execution.cancelling = Cancelling::Done;
                }
            }
        }
    }

    fn words(self, view: &View<'_>, _choice: u32) -> String {
        let session = view.process.session.as_ref();
        let text = match self.0 {
            Pc::Enter(_) if session.is_some_and(|session| session.closed) => "finds the session closed",
            Pc::Enter(_) => "begins its step in the session",
            Pc::Refused(_) => "answers the client that the session is closed",
            Pc::Install(_) => "installs the cancel function of the client's call",
            Pc::Register(_) if session.is_some_and(|session| session.cancelling == Cancelling::No) => {
                "registers its step with the session's cancellation manager"
            }
            Pc::Register(_) => "finds the session's cancellation manager cancelled, and goes on to cancel its step",
            Pc::Clear(_) => "clears the cancel function of the client's call",
            Pc::Deregister(_) => "takes its step out of the session's cancellation manager",
            Pc::Timeout(step) if session.is_some_and(|session| session.installed == Some(step)) => {
                "runs out, and goes on to cancel the step"
            }
            Pc::Timeout(_) => "runs out, but no cancel function is installed",
            Pc::Release(_) => "has cancelled the step",
            Pc::CancelAll(_) => "cancels all partitions of the step",
            Pc::StepCancelled(_) => "has run the callbacks of the step's cancellation manager",
        };
        text.to_owned()
    }
}

/// Ends the client's wait for a step, which runs out.
fn time_out(run: &mut Run<'_>, step: StepId) {
    let sticky = run.model.is_sticky();
    let master = run.master_of(step);
    let waits = master.step == step && master.outcome.is_none();
    let session = session(run);
    session.timed_out = Some(step);
    if session.installed == Some(step) {
        run_client_cancel(run, step);
    } else if sticky && waits {
        session.wanted = Some(step);
    }
}

#[cfg(test)]
mod tests;
