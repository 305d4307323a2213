//! What the labels of a rendezvous do.

use super::{At, Finder, Rendezvous, insert, remove};
use crate::models::tensorflow::cluster::Run;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::rpc::{self, ClientCall};
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::process::{At as Position, CallId, List, NodeId, RendezvousId, StepId};

impl Run<'_> {
    /// Runs the operation of a position.
    pub(in crate::models) fn apply_rendezvous(&mut self, at: At) {
        match at {
            At::Validate(step, node) => self.validate(step, node),
            At::Register(step, node) => self.register(step, node),
            At::Deregister(call) => self.deregister(call),
            At::Feed(step, node) => {
                let ok = !self.executing(step).local_aborted;
                self.node_done(step, node, ok, false);
            }
            At::SendCheck(step, node) => {
                if self.executing(step).aborted {
                    self.node_done(step, node, false, true);
                } else {
                    self.thread.then([Position::Rendezvous(At::SendLocal(step, node))]);
                }
            }
            At::SendLocal(step, node) => self.send_local(step, node),
            At::AbortLocal(id) => self.abort_local(id),
            At::AbortRemote(id) => self.abort_remote(id),
            At::AbortNext(id) => {
                let call = self.thread.calls.remove(usize::from(self.choice));
                let next = if self.thread.calls.is_empty() {
                    At::AbortUnlock(id)
                } else {
                    At::AbortNext(id)
                };
                self.thread
                    .then([Position::Rpc(rpc::At::Cancel(call)), Position::Rendezvous(next)]);
            }
            At::AbortUnlock(id) => {
                let owner = self.thread.id;
                self.rendezvous(id).lock.release(owner);
            }
            At::Find(step, finder) => self.find(step, finder),
            At::Initialize(step, id) => self.initialize(step, id),
            At::RecvLocal(call, id) => self.recv_local(call, id),
            At::LocalValidate(call, id) => {
                if self.rendezvous(id).aborted {
                    self.serve(call, false);
                } else {
                    self.thread.then([Position::Rendezvous(At::LocalRecv(call, id))]);
                }
            }
            At::LocalRecv(call, id) => self.local_recv(call, id),
            At::FailDeferred(id) => {
                let rendezvous = self.rendezvous(id);
                rendezvous.cancelled = true;
                let deferred = std::mem::take(&mut rendezvous.deferred);
                for &call in deferred.iter().rev() {
                    self.serve(call, false);
                }
            }
            At::Cleanup(step) => {
                let found = self.process.table.iter().position(|(other, _)| *other == step);
                if let Some(index) = found {
                    let (_, id) = self.process.table.remove(index);
                    self.thread.then([Position::Rendezvous(At::AbortLocal(id))]);
                }
            }
        }
    }

    fn rendezvous(&mut self, id: RendezvousId) -> &mut Rendezvous {
        &mut self.process.rendezvous[usize::from(id)]
    }

    fn executing(&mut self, step: StepId) -> &mut Rendezvous {
        let id = self.process.execution(step).expect("its node runs").rendezvous;
        self.rendezvous(id)
    }

    fn validate(&mut self, step: StepId, node: NodeId) {
        if self.executing(step).aborted {
            self.node_done(step, node, false, false);
        } else if self.node(step, node).kind == NodeKind::Feed {
            self.thread.then([Position::Rendezvous(At::Feed(step, node))]);
        } else {
            self.thread.then([Position::Rendezvous(At::Register(step, node))]);
        }
    }

    /// Registers the call of a `_Recv`. With an error it is told to abort instead, which, without a cancel function, leaves
    /// nothing but the remembered status (and, with `sticky-cancel`, the wish to cancel).
    fn register(&mut self, step: StepId, node: NodeId) {
        let call = self.model.recv_call(step, self.id, node);
        let rendezvous = self.process.execution(step).expect("its node runs").rendezvous;
        let mut record = ClientCall::receive(call, rendezvous);
        let sticky = self.model.variant() == Variant::StickyCancel;
        let registered = self.rendezvous(rendezvous);
        if registered.aborted {
            record.failed = true;
            record.wanted = sticky;
        } else {
            insert(&mut registered.active, call);
        }
        let index = self.process.client_calls.partition_point(|other| other.id < call);
        self.process.client_calls.insert(index, record);
        let check = self.model.variant() == Variant::NoSendAfterAbort;
        self.thread.then([
            Position::Rpc(rpc::At::Install(call)),
            Position::Rpc(rpc::At::Start(call)),
        ]);
        if check {
            self.thread.then([Position::Rpc(rpc::At::CheckBeforeSend(call))]);
        }
    }

    fn deregister(&mut self, call: CallId) {
        let record = self.process.client_call(call).expect("the call is not over");
        let (rendezvous, ok) = (record.rendezvous.expect("a receive is registered"), !record.failed);
        remove(&mut self.rendezvous(rendezvous).active, call);
        self.process.remove_client_call(call);
        let (step, node) = self.model.recv_node(call);
        self.node_done(step, node, ok, false);
    }

    fn send_local(&mut self, step: StepId, node: NodeId) {
        let call = self.model.send_call(step, self.id, node);
        let rendezvous = self.executing(step);
        if rendezvous.local_aborted {
            return self.node_done(step, node, false, true);
        }
        let waiter = call.filter(|&call| remove(&mut rendezvous.waiters, call));
        if let (Some(call), None) = (call, waiter) {
            insert(&mut rendezvous.values, call);
        }
        self.node_done(step, node, true, true);
        if let Some(call) = waiter {
            self.serve(call, true);
        }
    }

    fn abort_local(&mut self, id: RendezvousId) {
        let rendezvous = self.rendezvous(id);
        rendezvous.local_aborted = true;
        rendezvous.values.clear();
        let waiters = std::mem::take(&mut rendezvous.waiters);
        self.thread.then([Position::Rendezvous(At::AbortRemote(id))]);
        for &call in waiters.iter().rev() {
            self.serve(call, false);
        }
    }

    fn abort_remote(&mut self, id: RendezvousId) {
        let fail_deferred = self.model.fails_deferred();
        let owner = self.thread.id;
        let rendezvous = self.rendezvous(id);
        if std::mem::replace(&mut rendezvous.aborted, true) {
            return;
        }
        let active = std::mem::take(&mut rendezvous.active);
        let deferred = if fail_deferred {
            std::mem::take(&mut rendezvous.deferred)
        } else {
            List::new()
        };
        if !active.is_empty() {
            rendezvous.lock.acquire(owner);
        }
        for &call in deferred.iter().rev() {
            self.serve(call, false);
        }
        if !active.is_empty() {
            self.thread.calls = active;
            self.thread.then([Position::Rendezvous(At::AbortNext(id))]);
        }
    }

    fn find(&mut self, step: StepId, finder: Finder) {
        let found = self
            .process
            .table
            .iter()
            .find(|(other, _)| *other == step)
            .map(|(_, id)| *id);
        // A process that was told that the step is cancelled answers its receives with the error.
        if let (Finder::Receive(call), true) = (finder, self.process.cancelled_steps & (1 << step) != 0) {
            return self.serve(call, false);
        }
        let id = found.unwrap_or_else(|| {
            let id = self.process.rendezvous.len() as RendezvousId;
            self.process.rendezvous.push(Rendezvous::new(step));
            let index = self.process.table.partition_point(|(other, _)| *other < step);
            self.process.table.insert(index, (step, id));
            id
        });
        let next = match finder {
            Finder::Execute => Position::Rendezvous(At::Initialize(step, id)),
            Finder::Receive(call) => Position::Rendezvous(At::RecvLocal(call, id)),
            Finder::AbortStep => Position::Worker(worker::At::SetTimer(step, id)),
        };
        self.thread.then([next]);
    }

    fn initialize(&mut self, step: StepId, id: RendezvousId) {
        let rendezvous = self.rendezvous(id);
        rendezvous.initialized = true;
        let deferred = std::mem::take(&mut rendezvous.deferred);
        self.thread.then([Position::Worker(worker::At::Root(step, id, 0))]);
        for &call in deferred.iter().rev() {
            self.thread.then([Position::Rendezvous(At::LocalValidate(call, id))]);
        }
    }

    fn recv_local(&mut self, call: CallId, id: RendezvousId) {
        let fail_deferred = self.model.fails_deferred();
        let rendezvous = self.rendezvous(id);
        if rendezvous.initialized {
            self.thread.then([Position::Rendezvous(At::LocalValidate(call, id))]);
        } else if rendezvous.cancelled || rendezvous.aborted && fail_deferred {
            self.serve(call, false);
        } else {
            insert(&mut rendezvous.deferred, call);
        }
    }

    fn local_recv(&mut self, call: CallId, id: RendezvousId) {
        let rendezvous = self.rendezvous(id);
        if rendezvous.local_aborted {
            self.serve(call, false);
        } else if remove(&mut rendezvous.values, call) {
            self.serve(call, true);
        } else {
            insert(&mut rendezvous.waiters, call);
        }
    }
}
