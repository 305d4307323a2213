//! The client and the master's side of a step (`tf-step.md` section 2.1; `distributed_runtime/master_session.cc`).

use crate::machine::{Access, Label, Lock};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::job::PartitionOrder;
use crate::models::tensorflow::mechanisms::cancellation;
use crate::models::tensorflow::mechanisms::dataset;
use crate::models::tensorflow::mechanisms::rendezvous;
use crate::models::tensorflow::mechanisms::rpc;
use crate::models::tensorflow::mechanisms::rpc::{ClientCall, Frame};
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, StepId, Thread, ThreadId};
use serde::{Deserialize, Serialize};

static RUN: Label = Label {
    name: "Client.run",
    function: "LocalMaster::RunStep",
    site: "local_master.cc:95",
};
static AWAIT: Label = Label {
    name: "Client.return",
    function: "LocalMaster::RunStep (WaitForNotification)",
    site: "local_master.cc:105",
};
static ORDER: Label = Label {
    name: "Master.begin",
    function: "MasterSession::ReffedClientGraph::RunPartitionsHelper",
    site: "master_session.cc:565",
};
static OPTIONS: Label = Label {
    name: "Master.install_cancel",
    function: "RunPartitionsHelper (CallOptions::SetCancelCallback)",
    site: "master_session.cc:667",
};
static WAIT: Label = Label {
    name: "Master.wait",
    function: "RunManyGraphs::Wait",
    site: "master_session.cc:674",
};
static CLEANUP: Label = Label {
    name: "Master.cleanup",
    function: "MasterSession::ReffedClientGraph::CleanupPartitionsAsync",
    site: "master_session.cc:843",
};
static RETURN: Label = Label {
    name: "Master.return",
    function: "MasterSession::Run",
    site: "master_session.cc:1818",
};
static WHEN_DONE: Label = Label {
    name: "RunManyGraphs.when_done",
    function: "RunManyGraphs::WhenDone",
    site: "master_session.cc:485",
};
static UNLOCK: Label = Label {
    name: "RunManyGraphs.unlock",
    function: "RunManyGraphs::WhenDone (unlock)",
    site: "master_session.cc:496",
};
static DECREMENT: Label = Label {
    name: "RunManyGraphs.decrement",
    function: "RunManyGraphs::WhenDone (BlockingCounter::DecrementCount)",
    site: "master_session.cc:497",
};
static CANCEL_STEP: Label = Label {
    name: "Master.send_cancel_step",
    function: "proposal: the master reports a cancelled step",
    site: "variant remember-cancelled-steps",
};

/// Positions in the client and the master.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The client calls `sess.run`.
    Run(StepId),
    /// The client waits for its step.
    Await(StepId),
    /// The step thread begins.
    Order(StepId),
    /// The step thread installs the cancel function of the client's call.
    Options(StepId),
    /// The step thread waits for every partition.
    Wait(StepId),
    /// The step thread sends `CleanupGraph` to a partition.
    Cleanup(StepId, u8),
    /// The step thread answers the client.
    Return(StepId),
    /// A partition answered, and whether it succeeded.
    WhenDone(StepId, bool),
    /// Releases the mutex of `RunManyGraphs`.
    Unlock(StepId),
    /// Counts the partition.
    Decrement(StepId),
    /// `remember-cancelled-steps`: reports the step to a partition.
    CancelStep(StepId, u8),
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
    /// How the running step ended, once it did.
    pub outcome: Option<bool>,
    /// The mutex of `RunManyGraphs`, while it cancels.
    pub lock: Lock<ThreadId>,
    /// Whether its status carries an error.
    pub failed: bool,
    /// Partitions that have not answered.
    pub pending: u8,
    /// Options of the worker's own partition.
    pub local: LocalOptions,
    /// Processes whose `RunGraph` was cancelled before it was sent. Diagnosis only.
    pub never_sent: u32,
}

impl At {
    fn step(self) -> StepId {
        match self {
            At::Run(step)
            | At::Await(step)
            | At::Order(step)
            | At::Options(step)
            | At::Wait(step)
            | At::Cleanup(step, _)
            | At::Return(step)
            | At::WhenDone(step, _)
            | At::Unlock(step)
            | At::Decrement(step)
            | At::CancelStep(step, _) => step,
        }
    }
}

impl View<'_> {
    /// The client that runs a step, and the step that it runs now.
    pub(in crate::models) fn master_of(&self, step: StepId) -> &Master {
        let process = self.process;
        let client = if self.model.is_runners(step) {
            &process.runner
        } else {
            &process.master
        };
        client.as_ref().expect("a worker")
    }

    /// Declares the operation of a position.
    pub(in crate::models) fn declare_master(&self, at: At) -> Declared {
        let master = self.master_of(at.step());
        let client = self.model.client_object(at.step());
        match at {
            // The client and its step thread take turns: neither can do anything to `client` while the other may.
            At::Run(_) => Declared::new(&RUN, client, Access::BothMover),
            At::Await(_) => Declared::new(&AWAIT, client, Access::BothMover).when(master.outcome.is_some()),
            At::Order(step) => {
                let choices = match self.model.partition_order() {
                    PartitionOrder::Recorded => 1,
                    PartitionOrder::All => (1..=self.model.partitions(step)).product::<u8>(),
                };
                Declared::new(&ORDER, Object::RunMany(step), Access::BothMover).choices(choices)
            }
            At::Options(_) => Declared::new(&OPTIONS, client, Access::BothMover),
            // The counter only falls, and only its end is waited for: counting down delays nobody, and at 0 nobody counts.
            At::Wait(step) => Declared::new(&WAIT, Object::Counter(step), Access::BothMover).when(master.pending == 0),
            At::Cleanup(step, index) => {
                let call = self.model.cleanup_call(step, index).expect("a remote partition");
                Declared::new(&CLEANUP, Object::Call(call), Access::BothMover)
            }
            At::Return(_) => Declared::new(&RETURN, client, Access::BothMover),
            At::WhenDone(step, ok) => {
                let access = if ok || master.failed {
                    Access::Commuting
                } else {
                    Access::Write
                };
                Declared::new(&WHEN_DONE, Object::RunMany(step), access).when(ok || master.lock.is_free())
            }
            At::Unlock(step) => Declared::new(&UNLOCK, Object::RunMany(step), Access::BothMover),
            At::Decrement(step) => Declared::new(&DECREMENT, Object::Counter(step), Access::BothMover),
            At::CancelStep(step, index) => {
                let call = self.model.cancel_step_call(step, index).expect("a remote partition");
                Declared::new(&CANCEL_STEP, Object::Call(call), Access::BothMover)
            }
        }
    }
}

impl Run<'_> {
    /// The client that runs a step, and the step that it runs now.
    pub(in crate::models) fn master_of(&mut self, step: StepId) -> &mut Master {
        let process = &mut *self.process;
        let client = if self.model.is_runners(step) {
            &mut process.runner
        } else {
            &mut process.master
        };
        client.as_mut().expect("a worker")
    }

    /// Runs the operation of a position.
    pub(in crate::models) fn apply_master(&mut self, at: At) {
        match at {
            At::Run(step) => self.run_step(step),
            At::Await(step) => self.client_returns(step),
            At::Order(step) => self.issue(step),
            At::Options(_) | At::Wait(_) => {}
            At::Cleanup(step, index) => {
                let call = self.model.cleanup_call(step, index).expect("a remote partition");
                self.sent.push((self.model.call(call).server, Frame::Request(call)));
            }
            At::Return(step) => {
                let ok = !self.master_of(step).failed;
                self.master_of(step).outcome = Some(ok);
                for index in 0..self.model.partitions(step) {
                    if let Some(call) = self.model.run_graph_of(step, index) {
                        self.process.remove_client_call(call);
                    }
                }
            }
            At::WhenDone(step, ok) => self.when_done(step, ok),
            At::Unlock(step) => {
                let owner = self.thread.id;
                self.master_of(step).lock.release(owner);
            }
            At::Decrement(step) => self.master_of(step).pending -= 1,
            At::CancelStep(step, index) => {
                let call = self.model.cancel_step_call(step, index).expect("a remote partition");
                self.sent.push((self.model.call(call).server, Frame::Request(call)));
            }
        }
    }

    /// `sess.run`: a detached thread runs the step, the client waits.
    fn run_step(&mut self, step: StepId) {
        let partitions = self.model.partitions(step);
        *self.master_of(step) = Master {
            step,
            pending: partitions,
            ..Master::default()
        };
        for index in 0..partitions {
            if let Some(call) = self.model.run_graph_of(step, index) {
                let place = self.process.client_calls.partition_point(|other| other.id < call);
                self.process.client_calls.insert(place, ClientCall::run_graph(call));
            }
        }
        let begin = if self.model.circumstances().close {
            Position::Session(cancellation::At::Enter(step))
        } else {
            Position::Master(At::Order(step))
        };
        self.process.spawn(Thread::new(ThreadId::Step(step), begin));
        if self.model.circumstances().timeout {
            let runs_out = Position::Session(cancellation::At::Timeout(step));
            self.process.spawn(Thread::new(ThreadId::Deadline(step), runs_out));
        }
        self.thread.then([Position::Master(At::Await(step))]);
    }

    /// The user's loop: the next step; after the end of the data that of the next epoch, if there is one. Then some close their session.
    fn client_returns(&mut self, step: StepId) {
        let ok = self.master_of(step).outcome == Some(true);
        let closes = self.model.pipeline().is_some_and(|pipeline| pipeline.closes_session);
        match self.model.next_step(step, ok) {
            Some(next) => self.thread.then([Position::Master(At::Run(next))]),
            None if closes => self
                .thread
                .then([Position::Dataset(dataset::At::Teardown(dataset::teardown::At::Delete))]),
            None => self.master_of(step).returned = true,
        }
    }

    /// The loop over the partitions, laid out as the labels of the step thread.
    fn issue(&mut self, step: StepId) {
        let order = permutation(self.model.partitions(step), self.choice);
        let mut labels = Vec::new();
        for &index in &order {
            match self.model.run_graph_of(step, index) {
                Some(call) => labels.extend([
                    Position::Rpc(rpc::At::Install(call)),
                    Position::Rpc(rpc::At::Start(call)),
                ]),
                None => labels.extend([
                    Position::Worker(worker::At::InstallLocal(step)),
                    Position::Rendezvous(rendezvous::At::Find(step, rendezvous::Finder::Execute)),
                ]),
            }
        }
        let circumstances = self.model.circumstances();
        let (cancels, closes) = (circumstances.cancel_steps(), circumstances.close);
        let session = |wanted: bool, at| wanted.then_some(Position::Session(at));
        labels.extend(session(cancels, cancellation::At::Install(step)));
        labels.extend((!cancels).then_some(Position::Master(At::Options(step))));
        labels.extend(session(closes, cancellation::At::Register(step)));
        labels.push(Position::Master(At::Wait(step)));
        labels.extend(session(cancels, cancellation::At::Clear(step)));
        labels.extend(session(closes, cancellation::At::Deregister(step)));
        let cleaned = if self.model.cleans_up_after(step) {
            &order[..]
        } else {
            &[]
        };
        for &index in cleaned {
            labels.push(match self.model.cleanup_call(step, index) {
                Some(_) => Position::Master(At::Cleanup(step, index)),
                None => Position::Rendezvous(rendezvous::At::Cleanup(step)),
            });
        }
        labels.extend(session(closes, cancellation::At::Leave(step)));
        labels.push(Position::Master(At::Return(step)));
        self.thread.stack.extend(labels.into_iter().rev());
    }

    /// First error wins; then, with the mutex held, every call is cancelled in order.
    fn when_done(&mut self, step: StepId, ok: bool) {
        self.thread.then([Position::Master(At::Decrement(step))]);
        if !ok {
            self.first_error(step);
        }
    }

    /// `RunManyGraphs::UpdateStatusLocked`.
    pub(in crate::models) fn first_error(&mut self, step: StepId) {
        if self.master_of(step).failed {
            return;
        }
        let owner = self.thread.id;
        let master = self.master_of(step);
        master.failed = true;
        master.lock.acquire(owner);
        let remembers = self.model.remembers_cancelled();
        let mut labels = Vec::new();
        for index in 0..self.model.partitions(step) {
            match self.model.run_graph_of(step, index) {
                Some(call) => labels.push(Position::Rpc(rpc::At::Cancel(call))),
                None => labels.push(Position::Worker(worker::At::CancelLocal(step))),
            }
            if remembers && self.model.run_graph_of(step, index).is_some() {
                labels.push(Position::Master(At::CancelStep(step, index)));
            }
        }
        labels.push(Position::Master(At::Unlock(step)));
        self.thread.stack.extend(labels.into_iter().rev());
    }
}

/// The `number`-th permutation of `0..count`; number 0 is the identity.
pub(in crate::models) fn permutation(count: u8, number: u8) -> Vec<u8> {
    let mut left: Vec<u8> = (0..count).collect();
    let mut number = usize::from(number);
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let block: usize = (1..left.len()).product();
        order.push(left.remove(number / block));
        number %= block;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::permutation;

    #[test]
    fn every_number_below_the_factorial_is_another_permutation() {
        let all: std::collections::BTreeSet<Vec<u8>> = (0..24).map(|number| permutation(4, number)).collect();
        assert_eq!(all.len(), 24);
        assert_eq!(permutation(3, 0), [0, 1, 2]);
    }
}
