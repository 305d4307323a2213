//! The client and the master's side of a step (`distributed_runtime/local_master.cc`, `master_session.cc`).
//!
//! The race of `RunManyGraphs`, partitions that fail and end at once, is searched alone by loom: `scenarios/kernel/run_many_graphs.toml`
//! with a counter taken apart, and `run_many_graphs_atomic.toml`.

mod answers;
mod steps;

use serde::{Deserialize, Serialize};

use super::context::{Context, Declared, Inventory, Next, Run, View};
use super::room::Mechanism;
use super::{cancellation, dataset, rpc};
use crate::machine::{Access, BitSet, Lock, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::Order;
use crate::models::tensorflow::mechanisms::rpc::{Frame, Object as RpcObject};
use crate::models::tensorflow::objects::Object as AnyObject;
use crate::models::tensorflow::process::{CallId, Process, StepId, ThreadId};
use crate::models::tensorflow::release::Status;

use self::steps::{begin, client_returns, issue, run_step};
pub(super) use self::steps::{first_error, next_of_first_error};
pub(in crate::models::tensorflow) use self::steps::{number_of, orders, permutation};

labels! {
    RUN = "Client.run", "LocalMaster::RunStep", "local_master.cc:95";
    AWAIT = "Client.return", "LocalMaster::RunStep (WaitForNotification)", "local_master.cc:105";
    DEADLINE = "Client.deadline", "LocalMaster::RunStep (WaitForNotification)", "local_master.cc:40";
    STATUS = "Client.status", "LocalMaster::RunStep", "local_master.cc:106";
    ORDER = "Master.begin", "MasterSession::ReffedClientGraph::RunPartitionsHelper", "master_session.cc:565";
    OPTIONS = "Master.install_cancel", "RunPartitionsHelper (CallOptions::SetCancelCallback)", "master_session.cc:667";
    WAIT = "Master.wait", "RunManyGraphs::Wait", "master_session.cc:674";
    CLEANUP = "Master.cleanup", "MasterSession::ReffedClientGraph::CleanupPartitionsAsync", "master_session.cc:843";
    RETURN = "Master.return", "MasterSession::Run", "master_session.cc:1818";
    WHEN_DONE = "RunManyGraphs.when_done", "RunManyGraphs::WhenDone", "master_session.cc:485";
    UNLOCK = "RunManyGraphs.unlock", "RunManyGraphs::WhenDone (unlock)", "master_session.cc:496";
    DECREMENT = "RunManyGraphs.decrement", "RunManyGraphs::WhenDone (BlockingCounter::DecrementCount)", "master_session.cc:497";
    READ_PENDING = "RunManyGraphs.read_pending", "RunManyGraphs::WhenDone (BlockingCounter)", "master_session.cc:497";
    CANCEL_STEP = "Master.send_cancel_step", "proposal: the master reports a cancelled step", "variant remember-cancelled-steps";
}

program_counter! { Master;
    /// The client calls `sess.run`.
    Run(step) => RUN,
    /// The client waits for its step.
    Await(step) => AWAIT,
    /// The client whose call can time out looks whether it has.
    Deadline(step) => DEADLINE,
    /// And gets its answer; `late`: that the call has timed out, whatever became of the step.
    Status(step, late: bool) => STATUS,
    /// The step thread begins.
    Order(step) => ORDER,
    /// The step thread installs the cancel function of the client's call.
    Options(step) => OPTIONS,
    /// The step thread waits for every partition.
    Wait(step) => WAIT,
    /// The step thread sends `CleanupGraph` to a partition.
    Cleanup(step, call) => CLEANUP,
    /// The step thread answers the client.
    Return(step) => RETURN,
    /// A partition answered, and whether it succeeded.
    WhenDone(step, status: Status) => WHEN_DONE,
    /// Releases the mutex of `RunManyGraphs`.
    Unlock(step) => UNLOCK,
    /// Counts the partition.
    Decrement(step) => DECREMENT,
    /// Variant `count-answers-in-two`, which takes the decrement apart: is this partition the last?
    Look(step) => READ_PENDING,
    /// And then counts the partition; `last`: what was seen, so that the step thread is told.
    CountDown(step, last: bool) => DECREMENT,
    /// `remember-cancelled-steps`: reports the step to a partition.
    CancelStep(step, call) => CANCEL_STEP,
}

objects! { Master;
    /// The exchange between a client and its step thread.
    Client = "client" per Process,
    /// The exchange between the queue runner and its step thread.
    Runner = "runner" per Process,
    /// The mutex and status of a step's `RunManyGraphs`.
    RunMany(StepId) = "run_many_graphs" per Step,
    /// The counter of unanswered partitions of a step.
    Counter(StepId) = "counter" per Step,
}

/// `CallOptions` of the worker's own partition.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct LocalOptions {
    /// Whether the cancel function is installed.
    pub installed: bool,
    /// `sticky-cancel`: a `StartCancel` found no function and waits for one.
    pub wanted: bool,
    /// Whether the partition has answered.
    pub done: bool,
    /// The mutex while the cancel function runs.
    pub lock: Lock<ThreadId>,
}

/// The client of a worker and the step that it runs.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Master {
    /// The step that runs, or ran last.
    pub step: StepId,
    /// Whether the client has left its loop.
    pub returned: bool,
    /// Outcome of the running step, once it did.
    pub outcome: Option<bool>,
    /// The mutex of `RunManyGraphs`, while it cancels.
    pub lock: Lock<ThreadId>,
    /// Whether its status carries an error for which it has cancelled the partitions.
    pub failed: bool,
    /// Whether its status carries a derived error.
    pub derived: bool,
    /// Number of the permutation in which the step's partitions are called, and cancelled; 0 is the order of the exported graph.
    pub order: u32,
    /// Partitions that have not answered.
    pub pending: u16,
    /// `count-answers-in-two`: whether somebody saw that its partition was the last.
    pub notified: bool,
    /// Options of the worker's own partition.
    pub local: LocalOptions,
    /// Processes whose `RunGraph` was cancelled before it was sent. Diagnosis only.
    pub never_sent: BitSet,
}

impl Master {
    /// Returns a client that will run this step first.
    pub fn new(step: StepId) -> Self {
        Self {
            step,
            ..Self::default()
        }
    }
}

/// Steps of which `RunManyGraphs` carries an error.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(in crate::models) struct Facts(smallvec::SmallVec<[StepId; 2]>);

impl Facts {
    pub(super) fn failed(&self, step: StepId) -> bool {
        self.0.contains(&step)
    }
}

/// Calls `sess.run` for a client.
pub(in crate::models) fn run(step: StepId) -> super::Pc {
    Pc::Run(step).into()
}

/// Begins the step thread.
pub(super) fn order(step: StepId) -> super::Pc {
    Pc::Order(step).into()
}

/// Takes the answer of a partition.
pub(super) fn when_done(step: StepId, status: Status) -> super::Pc {
    Pc::WhenDone(step, status).into()
}

/// Says that a partition may have answered: with an error only if anything of the step can fail.
pub(super) fn next_of_answer(next: &mut Next<'_>, step: StepId) {
    next.then([Pc::WhenDone(step, Status::Ok)]);
    if !next.model.cannot_fail(step) {
        next.then(
            next.model
                .failures()
                .into_iter()
                .map(|status| Pc::WhenDone(step, status)),
        );
    }
}

/// Returns true if a place reports an error of a step for which its master cancels, the first or a later one.
pub(in crate::models) fn reports_an_error(pc: super::Pc, step: StepId) -> bool {
    pc == Pc::WhenDone(step, Status::Error).into()
}

/// Returns true if a place reports that a partition ended well.
pub(in crate::models) fn reports_success(pc: super::Pc) -> bool {
    matches!(pc, super::Pc::Master(Counter(Pc::WhenDone(_, Status::Ok))))
}

/// Ends a `RunGraph` that was cancelled before it was sent.
pub(super) fn never_sent(run: &mut Run<'_>, call: CallId) {
    let info = run.model.call(call);
    if let (CallKind::RunGraph { .. }, Some(master)) = (info.kind, &mut run.process.master) {
        master.never_sent.insert(info.server.index());
    }
}

impl View<'_> {
    /// Returns the client that runs a step, and the step that it runs now.
    pub(in crate::models) fn master_of(&self, step: StepId) -> &Master {
        let process = self.process;
        let client = if self.model.is_runners(step) {
            &process.runner
        } else {
            &process.master
        };
        client.as_ref().expect("a worker")
    }
}

impl Run<'_> {
    /// Returns the client that runs a step, and the step that it runs now.
    pub(in crate::models) fn master_of(&mut self, step: StepId) -> &mut Master {
        let process = &mut *self.process;
        let client = if self.model.is_runners(step) {
            &mut process.runner
        } else {
            &mut process.master
        };
        client.as_mut().expect("a worker")
    }
}

impl TensorFlow {
    /// Returns the object between the client of a step and its step thread.
    pub(in crate::models) fn client_object(&self, step: StepId) -> AnyObject {
        if self.is_runners(step) {
            Object::Runner.into()
        } else {
            Object::Client.into()
        }
    }

    fn closes_session(&self) -> bool {
        self.pipeline().is_some_and(|pipeline| pipeline.closes_session)
    }
}

impl Mechanism for Counter {
    type Facts = Facts;

    fn facts(_model: &TensorFlow, _id: ProcessId, process: &Process) -> Facts {
        Facts(
            process
                .masters()
                .filter(|master| master.failed)
                .map(|master| master.step)
                .collect(),
        )
    }

    fn objects(model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for master in process.masters() {
            let step = master.step;
            let text = match (master.returned, master.outcome) {
                (true, _) => "has left its loop",
                (false, Some(true)) => "the step ended well",
                (false, Some(false)) => "the step ended with an error",
                (false, None) => "waits for its step",
            };
            let client = model.client_object(step);
            inventory.add(client, &(master.returned, master.outcome), || text.to_owned());
            inventory.lock(Object::RunMany(step), master.lock.owner());
            // `RunManyGraphs` lives on the stack of the step thread.
            if process.thread(ThreadId::Step(step)).is_some() {
                let status = if master.failed { "failed" } else { "ok" };
                let value = (master.lock, master.failed, master.derived);
                inventory.add(Object::RunMany(step), &value, || status.to_owned());
                let pending = || format!("{} partitions have not answered", master.pending);
                inventory.add(Object::Counter(step), &(master.pending, master.notified), pending);
            }
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        let model = context.model;
        // The client and its step thread take turns: neither can do anything to `client` while the other may.
        let client = |step| context.uses(model.client_object(step), Access::BothMover);
        match self.0 {
            Pc::Run(step) | Pc::Options(step) | Pc::Return(step) | Pc::Status(step, _) => client(step),
            Pc::Deadline(step) => cancellation::declare_deadline(context, step),
            Pc::Await(step) => client(step).when(|view| view.master_of(step).outcome.is_some()),
            Pc::Order(step) => {
                let order = context.uses(Object::RunMany(step), Access::BothMover);
                order.choices(|_| match model.partition_order() {
                    Order::Recorded => 1,
                    Order::All => orders(usize::from(model.partitions(step))),
                })
            }
            Pc::Wait(step) => {
                let counter = answers::declare_count(context, step, Access::Write);
                counter.when(|view| answers::has_all(view, step))
            }
            Pc::Look(step) => answers::declare_count(context, step, Access::Read),
            Pc::Decrement(step) | Pc::CountDown(step, _) => answers::declare_count(context, step, Access::Write),
            Pc::WhenDone(step, status) => {
                let commutes = status != Status::Error || context.facts.master.failed(step);
                let done = context.uses(
                    Object::RunMany(step),
                    if commutes { Access::Commuting } else { Access::Write },
                );
                done.when(|view| status.is_ok() || view.master_of(step).lock.is_free())
            }
            Pc::Unlock(step) => context.uses(Object::RunMany(step), Access::BothMover),
            Pc::Cleanup(_, call) if model.awaits_cleanup() => context.uses(RpcObject::Call(call), Access::Write),
            Pc::Cleanup(_, call) | Pc::CancelStep(_, call) => context.uses(RpcObject::Call(call), Access::BothMover),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        let model = next.model;
        match self.0 {
            Pc::Run(step) => {
                next.spawn(ThreadId::Step(step), [begin(model, step)]);
                if model.faults().timeout {
                    next.spawn(ThreadId::Deadline(step), [cancellation::timeout(step)]);
                }
                next.then([Pc::Await(step)]);
            }
            Pc::Await(step) if model.faults().timeout => next.then([Pc::Deadline(step)]),
            Pc::Deadline(step) => next.then([true, false].map(|late| Pc::Status(step, late))),
            Pc::Await(step) | Pc::Status(step, _) => {
                let following = [true, false].into_iter().filter_map(|ok| model.next_step(step, ok));
                next.then(following.map(Pc::Run));
                next.then(model.closes_session().then(dataset::teardown::close));
            }
            Pc::Order(step) => {
                let order: Vec<u16> = (0..model.partitions(step)).collect();
                next.then(issue(model, step, &order));
            }
            Pc::Options(_) | Pc::Wait(_) | Pc::Return(_) => {}
            Pc::Cleanup(_, call) if model.awaits_cleanup() => rpc::next_of_sending(next, call),
            Pc::Cleanup(_, call) | Pc::CancelStep(_, call) => next.send(model.call(call).server, Frame::Request(call)),
            _ => answers::next(self.0, next),
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Run(step) => run_step(run, step),
            Pc::Await(step) if run.model.faults().timeout => run.then([Pc::Deadline(step)]),
            Pc::Await(step) => client_returns(run, step),
            Pc::Deadline(step) => {
                let late = cancellation::has_timed_out(run, step);
                run.then([Pc::Status(step, late)]);
            }
            Pc::Status(step, late) => {
                if late {
                    run.master_of(step).outcome = Some(false);
                }
                client_returns(run, step);
            }
            Pc::Order(step) => {
                run.master_of(step).order = run.choice;
                let order = permutation(usize::from(run.model.partitions(step)), run.choice as usize);
                run.then(issue(run.model, step, &order));
            }
            Pc::Options(_) | Pc::Wait(_) => {}
            Pc::Cleanup(_, call) if run.model.awaits_cleanup() => rpc::send(run, call),
            Pc::Cleanup(_, call) | Pc::CancelStep(_, call) => {
                run.send(run.model.call(call).server, Frame::Request(call));
            }
            Pc::Return(step) => {
                let master = run.master_of(step);
                master.outcome = Some(!master.failed && !master.derived);
                for index in 0..run.model.partitions(step) {
                    if let Some(call) = run.model.run_graph_of(step, index) {
                        run.process.remove_client_call(call);
                    }
                }
            }
            _ => answers::apply(self.0, run),
        }
    }

    fn words(self, view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::Run(_) => "calls sess.run",
            Pc::Await(_) if view.model.faults().timeout => "learns that the step is over",
            Pc::Await(_) | Pc::Status(_, false) => "gets the answer of sess.run",
            Pc::Status(..) => "gets the answer that sess.run has timed out",
            Pc::Deadline(_) => "looks whether the wait has run out",
            Pc::Order(_) => "begins to start the partitions",
            Pc::Options(_) => "installs the cancel function of the client's call",
            Pc::Wait(_) => "has the answers of all partitions",
            Pc::Cleanup(_, call) | Pc::CancelStep(_, call) => {
                return format!("sends {}", view.model.call_words(call));
            }
            Pc::Return(_) => "answers the client",
            _ => answers::words(self.0, view),
        };
        text.to_owned()
    }
}
