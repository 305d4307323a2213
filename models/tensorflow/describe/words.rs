//! What each label does in the state that it runs in, in plain words that follow the thread's name.

use crate::machine::{Pending, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::Data;
use crate::models::tensorflow::mechanisms::cancellation;
use crate::models::tensorflow::mechanisms::cancellation::Cancelling;
use crate::models::tensorflow::mechanisms::crash;
use crate::models::tensorflow::mechanisms::executor;
use crate::models::tensorflow::mechanisms::iterator;
use crate::models::tensorflow::mechanisms::master;
use crate::models::tensorflow::mechanisms::queue;
use crate::models::tensorflow::mechanisms::rendezvous;
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::rpc;
use crate::models::tensorflow::mechanisms::rpc::{ClientCall, Rpc};
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::process::{At, CallId, Process, RendezvousId, Thread, ThreadId};

/// A thread in the state in which its label is about to run.
struct Words<'a> {
    model: &'a TensorFlow,
    id: ProcessId,
    process: &'a Process,
    thread: &'a Thread,
    choice: u32,
}

impl TensorFlow {
    pub(super) fn words_of(
        &self,
        id: ProcessId,
        process: &Process,
        pending: &Pending<ThreadId>,
        choice: u32,
    ) -> String {
        let thread = process.thread(pending.thread).expect("a live thread");
        let words = Words {
            model: self,
            id,
            process,
            thread,
            choice,
        };
        words.of(thread.at())
    }

    /// A call in plain words.
    pub(in crate::models) fn call_words(&self, call: CallId) -> String {
        let info = self.call(call);
        let server = &self.processes()[info.server.index()].name;
        let what = match info.kind {
            CallKind::RecvTensor { .. } => return format!("the receive of {} from {server}", self.call_name(call)),
            CallKind::RunGraph { .. } => "RunGraph",
            CallKind::CleanupGraph => "CleanupGraph",
            CallKind::CancelStep => "report of the cancelled step",
        };
        if self.steps().len() > 1 {
            format!("the {what} of {} to {server}", self.step_name(info.step))
        } else {
            format!("the {what} to {server}")
        }
    }
}

impl Words<'_> {
    fn of(&self, at: At) -> String {
        match at {
            At::PoolTake => "begins on a pool thread".to_owned(),
            At::PoolIdle => "gives its pool thread back".to_owned(),
            At::Dataset(at) => at.words(),
            At::Executor(at) => self.executor(at),
            At::Rendezvous(at) => self.rendezvous(at),
            At::Rpc(at) => self.rpc(at),
            At::Worker(at) => self.worker(at),
            At::Master(at) => self.master(at),
            At::Iterator(at) => self.iterator(at),
            At::Session(at) => self.session(at),
            At::Death(at) => self.death(at),
            At::Queue(at) => self.queue(at),
        }
    }

    fn call(&self, id: CallId) -> String {
        self.model.call_words(id)
    }

    fn node(&self, step: u8, node: u16) -> &str {
        &self.model.node(step, self.id, node).name
    }

    fn state(&self, id: RendezvousId) -> &Rendezvous {
        &self.process.rendezvous[usize::from(id)]
    }

    fn executing(&self, step: u8) -> &Rendezvous {
        self.state(self.process.execution(step).expect("its node runs").rendezvous)
    }

    fn executor(&self, at: executor::At) -> String {
        use executor::At as E;
        match at {
            E::Kernel(step, node) => format!("applies the update {}", self.node(step, node)),
            E::Propagate(step, node, _) => format!("hands the outputs of {} on", self.node(step, node)),
            E::Outstanding(..) => "counts its node out".to_owned(),
            E::Look(step) => match self.process.execution(step).map(|execution| execution.outstanding) {
                Some(1) => "sees that its node is the last that is outstanding".to_owned(),
                _ => "sees that other nodes are outstanding".to_owned(),
            },
            E::CountOut(_, true) => "counts its node out, as the last".to_owned(),
            E::CountOut(_, false) => "counts its node out, not as the last".to_owned(),
            E::Dispatch(_) => "hands a ready node to the pool".to_owned(),
            E::Latch(step) => match self.process.execution(step).is_some_and(|execution| execution.failed) {
                true => "reports an error; the partition has failed already".to_owned(),
                false => "reports the partition's first error".to_owned(),
            },
            E::Cancelled(_) => "has run the callbacks of the step's cancellation manager".to_owned(),
            E::Cancel(_) => "cancels the step's cancellation manager".to_owned(),
            E::Finish(_) => "ends the partition, of which nothing is outstanding".to_owned(),
            E::Barrier(_) => "runs the partition's callback".to_owned(),
        }
    }

    fn rendezvous(&self, at: rendezvous::At) -> String {
        use rendezvous::At as R;
        match at {
            R::Validate(step, node) => {
                let (node, found) = (self.node(step, node), self.executing(step).aborted);
                let found = if found { "it is" } else { "it is not" };
                format!("looks whether the rendezvous is aborted before it receives for {node}: {found}")
            }
            R::Register(step, node) => {
                let call = self.call(self.model.recv_call(step, self.id, node));
                match self.executing(step).aborted {
                    true => format!(
                        "registers {call}; the rendezvous is aborted by now, so the call is told to abort, but it has no cancel \
                         function yet: nothing happens"
                    ),
                    false => format!("registers {call}"),
                }
            }
            R::Deregister(call) => format!("takes {} out of the active calls", self.call(call)),
            R::Feed(..) => "takes a fed value".to_owned(),
            R::SendCheck(step, node) => {
                let (node, found) = (self.node(step, node), self.executing(step).aborted);
                let found = if found { "it is" } else { "it is not" };
                format!("looks whether the rendezvous is aborted before it sends for {node}: {found}")
            }
            R::SendLocal(step, node) => format!("puts the value of {} into the local table", self.node(step, node)),
            R::AbortLocal(id) if self.state(id).local_aborted => "aborts the local table once more".to_owned(),
            R::AbortLocal(_) => "aborts the local table of the rendezvous".to_owned(),
            R::AbortRemote(id) => self.abort_remote(self.state(id)),
            R::AbortNext(_) => {
                let call = self.thread.calls.get(self.choice as usize);
                let call = call.map(|&call| self.call(call));
                format!("turns to {}", call.unwrap_or_else(|| "the next active call".to_owned()))
            }
            R::AbortUnlock(_) => "has cancelled the active calls".to_owned(),
            R::Find(step, _) => {
                let known = self.process.table.iter().any(|(of, _)| *of == step);
                let what = if known { "finds" } else { "creates" };
                format!("{what} the step's rendezvous in the table")
            }
            R::Initialize(_, id) => match self.model.call_names(&self.state(id).deferred).as_str() {
                "none" => "initializes the rendezvous".to_owned(),
                parked => format!("initializes the rendezvous, and so takes up the parked receives: {parked}"),
            },
            R::RecvLocal(call, id) => self.receive_locally(call, self.state(id)),
            R::LocalValidate(call, id) => match self.state(id).aborted {
                true => format!("answers {} with the error", self.call(call)),
                false => format!("finds no error for {}", self.call(call)),
            },
            R::LocalRecv(call, _) => format!("looks for the value of {} in the local table", self.call(call)),
            R::Cleanup(_) => "takes the rendezvous out of the table".to_owned(),
            R::FailDeferred(_) => "fails the parked receives".to_owned(),
        }
    }

    fn abort_remote(&self, rendezvous: &Rendezvous) -> String {
        if rendezvous.aborted {
            return "aborts the rendezvous once more, which changes nothing".to_owned();
        }
        match self.model.call_names(&rendezvous.active).as_str() {
            "none" => "aborts the rendezvous, which has no active call".to_owned(),
            active => format!("aborts the rendezvous and goes on to cancel its active calls: {active}"),
        }
    }

    fn receive_locally(&self, call: CallId, rendezvous: &Rendezvous) -> String {
        let call = self.call(call);
        if rendezvous.initialized {
            format!("finds the rendezvous ready for {call}")
        } else if rendezvous.cancelled || rendezvous.aborted && self.model.fails_deferred() {
            format!("answers {call} with the error")
        } else {
            format!("parks {call} until the step starts here")
        }
    }

    fn rpc(&self, at: rpc::At) -> String {
        use rpc::At as C;
        let told_before = |call: Option<&ClientCall>| call.is_some_and(|call| call.failed);
        match at {
            C::Install(id) if told_before(self.process.client_call(id)) => {
                format!(
                    "installs the cancel function of {}, which was told to abort before",
                    self.call(id)
                )
            }
            C::Install(id) => format!("installs the cancel function of {}", self.call(id)),
            C::Start(id) => match self.process.client_call(id) {
                Some(call) if call.rpc == Rpc::Marked => {
                    format!(
                        "would start {}, but it is cancelled already: it is never sent",
                        self.call(id)
                    )
                }
                Some(call) if call.failed => format!("sends {} all the same", self.call(id)),
                _ => format!("sends {}", self.call(id)),
            },
            C::CheckBeforeSend(id) => format!("looks whether {} carries an error before it sends it", self.call(id)),
            C::CheckAfterSend(id) => format!("looks whether {} carries an error after it was sent", self.call(id)),
            C::Cancel(id) => self.cancel(id),
            C::QueueTake(id) => format!("takes the completion of {}", self.call(id)),
            C::QueueIdle(_) => "is done with the completion".to_owned(),
            C::Clear(id) => format!("completes {}", self.call(id)),
            C::Read(id) if self.choice == 1 => {
                format!(
                    "reads {} together with its reset: it never reaches the service",
                    self.call(id)
                )
            }
            C::Read(id) => format!("reads {}", self.call(id)),
            C::Accept(id) => format!("hands {} to the pool", self.call(id)),
            C::RequestCancelled(id) => match self.process.server_call(id) {
                None => format!("learns that {} is cancelled, which is answered already", self.call(id)),
                Some(call) if call.callback && call.options => format!("runs the cancel function of {}", self.call(id)),
                Some(_) => format!(
                    "learns that {} is cancelled, but no cancel function is installed: nothing happens",
                    self.call(id)
                ),
            },
            C::Release(_) => "is done with the cancellation".to_owned(),
            C::HandlerInstall(id) => format!("installs the service's cancel callback of {}", self.call(id)),
            C::ServeClear(id) => format!("clears the cancel callbacks of {}", self.call(id)),
            C::Respond(id, true) => format!("answers {}", self.call(id)),
            C::Respond(id, false) => format!("answers {} with an error", self.call(id)),
        }
    }

    fn cancel(&self, id: CallId) -> String {
        let name = self.call(id);
        match self.process.client_call(id) {
            None => format!("cancels {name}, which is over: nothing happens"),
            Some(call) if !call.installed => {
                format!("cancels {name}, which has no cancel function: nothing happens")
            }
            Some(call) => match call.rpc {
                Rpc::Fresh => format!("cancels {name} before it is sent"),
                Rpc::Sent => format!("cancels {name}, which was sent: a reset follows it"),
                Rpc::Marked | Rpc::Complete => format!("cancels {name} once more: nothing happens"),
            },
        }
    }

    fn worker(&self, at: worker::At) -> String {
        use worker::At as W;
        match at {
            W::Install(call) => format!("installs the cancel function for {}", self.call(call)),
            W::InstallLocal(_) => "installs the cancel function of the worker's own partition".to_owned(),
            W::Root(_, _, 0) => "starts the partition and hands its first root to the pool".to_owned(),
            W::Root(..) => "hands the partition's next root to the pool".to_owned(),
            W::SetTimer(..) => "sets the timer that aborts the rendezvous later".to_owned(),
            W::CancelManager(_) => "cancels the step's cancellation manager".to_owned(),
            W::ClearLocal(_) => "clears the cancel function of the worker's own partition".to_owned(),
            W::CancelLocal(_) => "cancels the worker's own partition".to_owned(),
            W::ReleaseLocal(_) => "has cancelled the worker's own partition".to_owned(),
            W::RememberCancelled(_) => "remembers that the step is cancelled".to_owned(),
        }
    }

    fn master(&self, at: master::At) -> String {
        use master::At as M;
        match at {
            M::Run(_) => "calls sess.run".to_owned(),
            M::Await(_) => "gets the answer of sess.run".to_owned(),
            M::Order(_) => "begins to start the partitions".to_owned(),
            M::Options(_) => "installs the cancel function of the client's call".to_owned(),
            M::Wait(_) => "has the answers of all partitions".to_owned(),
            M::Cleanup(step, index) => match self.model.cleanup_call(step, index) {
                Some(call) => format!("sends {}", self.call(call)),
                None => "cleans up".to_owned(),
            },
            M::Return(_) => "answers the client".to_owned(),
            M::WhenDone(_, true) => "notes that a partition ended well".to_owned(),
            M::WhenDone(_, false) => {
                let failed = self.process.master.as_ref().is_some_and(|master| master.failed);
                match failed {
                    true => "notes that a partition ended with an error, not the first".to_owned(),
                    false => {
                        "notes that a partition ended with the first error, and goes on to cancel all others".to_owned()
                    }
                }
            }
            M::Unlock(_) => "has cancelled the partitions".to_owned(),
            M::Decrement(_) => "counts the partition as answered".to_owned(),
            M::CancelStep(step, index) => match self.model.cancel_step_call(step, index) {
                Some(call) => format!("sends {}", self.call(call)),
                None => "reports the cancelled step".to_owned(),
            },
        }
    }

    fn session(&self, at: cancellation::At) -> String {
        use cancellation::At as S;
        let Some(session) = &self.process.session else {
            return String::new();
        };
        let text = match at {
            S::Enter(_) if session.closed => "finds the session closed",
            S::Enter(_) => "begins its step in the session",
            S::Refused(_) => "answers the client that the session is closed",
            S::Install(_) => "installs the cancel function of the client's call",
            S::Register(_) if session.cancelling == Cancelling::No => {
                "registers its step with the session's cancellation manager"
            }
            S::Register(_) => "finds the session's cancellation manager cancelled, and goes on to cancel its step",
            S::Clear(_) => "clears the cancel function of the client's call",
            S::Deregister(_) => "takes its step out of the session's cancellation manager",
            S::Leave(_) => "ends its step in the session",
            S::Timeout(step) if session.installed == Some(step) => "runs out, and goes on to cancel the step",
            S::Timeout(_) => "runs out, but no cancel function is installed",
            S::Release(_) => "has cancelled the step",
            S::CancelAll(_) => "cancels all partitions of the step",
            S::Close => "closes the session to later steps",
            S::StartCancel => "cancels the session's cancellation manager",
            S::Cancelled => "has cancelled what was registered",
            S::WaitIdle => "finds that no step runs, and returns",
        };
        text.to_owned()
    }

    fn queue(&self, at: queue::At) -> String {
        use queue::At as Q;
        match at {
            Q::Lock(step, node) => format!("takes the queue's mutex for {}", self.node(step, node)),
            Q::Register(step, node) => format!(
                "registers {} with the step's cancellation manager",
                self.node(step, node)
            ),
            Q::Refused(step, node) => format!("fails {}, since the step is cancelled already", self.node(step, node)),
            Q::Append(step, node) => format!("adds the attempt of {} to the queue", self.node(step, node)),
            Q::Close(..) => "adds the close to the queue".to_owned(),
            Q::Flush => "completes what the queue can complete".to_owned(),
            Q::Deregister(step, node, _) => format!(
                "takes the attempt of {} out of its cancellation manager",
                self.node(step, node)
            ),
            Q::Cancel(step, node) => format!("cancels the attempt of {}, if it still waits", self.node(step, node)),
        }
    }

    fn death(&self, at: crash::At) -> String {
        match at {
            crash::At::Dies => "dies with all that it knows".to_owned(),
            crash::At::Restarts => "is replaced by a new one at the same address".to_owned(),
            crash::At::Lost(peer) => {
                let peer = &self.model.processes()[usize::from(peer)].name;
                format!("is no longer connected with {peer}")
            }
        }
    }

    fn iterator(&self, at: iterator::At) -> String {
        use iterator::At as I;
        let end = |step| self.model.data(step) == Data::End;
        match at {
            I::Schedule(..) => "asks the iterator's thread for a batch".to_owned(),
            I::GetNext(step, _) if end(step) => "reports the end of the data".to_owned(),
            I::GetNext(step, _) if self.model.data(step).is_piped() => {
                "has what the pipeline has brought: a batch, the end, or an error".to_owned()
            }
            I::GetNext(..) => "has a batch".to_owned(),
            I::Dequeue(step, _) if end(step) => "finds the queue closed and empty".to_owned(),
            I::Dequeue(..) => "takes a batch from the queue".to_owned(),
        }
    }
}
