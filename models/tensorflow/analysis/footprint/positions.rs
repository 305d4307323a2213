//! What a thread at a position may do next, and what that leads to.

use super::Future;
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::mechanisms::cancellation;
use crate::models::tensorflow::mechanisms::crash;
use crate::models::tensorflow::mechanisms::dataset;
use crate::models::tensorflow::mechanisms::executor;
use crate::models::tensorflow::mechanisms::iterator;
use crate::models::tensorflow::mechanisms::master;
use crate::models::tensorflow::mechanisms::rendezvous::{self, Finder};
use crate::models::tensorflow::mechanisms::rpc;
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At, StepId, Thread, ThreadId};

impl Future<'_> {
    pub(super) fn thread(&mut self, thread: &Thread) {
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
            for &node in &thread.inline {
                self.node(step, node);
            }
        }
        // Whoever flushes a queue may complete nodes of another step.
        let hands_out = |at: &At| match at {
            At::Executor(executor::At::Dispatch(step) | executor::At::Outstanding(step, ..)) => Some(*step),
            _ => None,
        };
        if let Some(step) = thread.stack.iter().rev().find_map(hands_out) {
            for &node in &thread.dispatch {
                self.node(step, node);
            }
        }
        for &call in &thread.calls {
            self.cancels(call);
        }
    }

    pub(super) fn position(&mut self, at: At, id: ThreadId) {
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
            ) => {
                if let At::Iterator(iterator::At::Schedule(..)) = at {
                    self.model.read_future(self.process, &mut self.footprint);
                }
                self.node_done(step, node);
            }
            At::Dataset(at) => {
                self.model.dataset_future(self.process, id, at, &mut self.footprint);
                if let dataset::At::Resource(dataset::iterator_resource::At::MakeIterator(step, node)) = at {
                    self.node_done(step, node);
                }
            }
            At::Session(at) => self.session(at),
            At::Queue(_) => self.flushes(),
            // That of a process that may still die is everything; after that, its peers learn of it.
            At::Death(crash::At::Lost(peer)) => self.uses(Object::Queue(ProcessId(peer.into())), Access::Write),
            At::Death(crash::At::Dies | crash::At::Restarts) => self.uses(Object::Pool, Access::Write),
        }
    }

    fn session(&mut self, at: cancellation::At) {
        use cancellation::At as S;
        match at {
            S::Enter(step) => {
                self.uses(Object::Session, Access::Write);
                self.uses(Object::Client, Access::Write);
                self.step_thread(step);
            }
            S::Refused(_) => self.uses(Object::Client, Access::Write),
            // A timeout that was remembered cancels now.
            S::Install(step) => self.times_out(step),
            S::Clear(step) | S::Release(step) => {
                self.uses(Object::ClientOptions(step), Access::Write);
            }
            S::Register(step) => {
                self.uses(Object::Session, Access::Write);
                self.when_done(step, false);
            }
            S::Deregister(_) | S::Leave(_) | S::Cancelled | S::WaitIdle => {
                self.uses(Object::Session, Access::Write);
            }
            S::Timeout(step) => self.times_out(step),
            S::CancelAll(step) => self.when_done(step, false),
            S::Close | S::StartCancel => {
                self.uses(Object::Session, Access::Write);
                for step in 0..self.model.steps().len() as StepId {
                    if self.model.steps()[usize::from(step)].worker == self.id {
                        self.when_done(step, false);
                    }
                }
            }
        }
    }

    pub(super) fn executor(&mut self, at: executor::At) {
        use executor::At as E;
        match at {
            E::Kernel(step, node) => {
                self.uses(Object::Variables, Access::Commuting);
                self.node_done(step, node);
            }
            E::Propagate(step, node, _) => self.node_done(step, node),
            E::Outstanding(step, ..) | E::Look(step) | E::CountOut(step, _) => self.counts_out(step),
            E::Dispatch(_) => self.uses(Object::Pool, Access::Write),
            E::Latch(step) => self.fails(step),
            E::Cancel(step) | E::Cancelled(step) => self.cancels_callbacks(step),
            E::Finish(step) | E::Barrier(step) => self.finishes(step),
        }
    }

    pub(super) fn rendezvous(&mut self, at: rendezvous::At) {
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
                self.uses(Object::Remote(step), Access::Commuting);
                self.node_done(step, node);
            }
            R::AbortLocal(id) | R::AbortRemote(id) => self.aborts(step_of(id), Some(id)),
            R::AbortNext(_) | R::AbortUnlock(_) => {}
            R::Find(step, Finder::Execute) => self.executes(step),
            R::Find(step, Finder::Receive(call)) => {
                self.uses(Object::Table, Access::Commuting);
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

    pub(super) fn rpc(&mut self, at: rpc::At) {
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
                self.cancels_callbacks(self.model.call(call).step);
                self.cancellation(call);
            }
            C::Release(_) => {}
            C::HandlerInstall(call) | C::ServeClear(call) | C::Respond(call, _) => {
                self.uses(Object::Call(call), Access::Write);
            }
        }
    }

    pub(super) fn worker(&mut self, at: worker::At) {
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
            W::CancelManager(step) => self.cancels_callbacks(step),
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

    pub(super) fn master(&mut self, at: master::At) {
        use master::At as M;
        match at {
            M::Run(step) => self.client(step),
            M::Await(step) => self.client_after(step),
            M::Order(step) => self.step_thread(step),
            M::Options(step) | M::Return(step) => self.uses(self.model.client_object(step), Access::Write),
            M::Wait(step) => self.uses(Object::Counter(step), Access::Read),
            M::Cleanup(..) | M::CancelStep(..) => {}
            M::WhenDone(step, ok) => self.when_done(step, ok),
            M::Unlock(_) => {}
            M::Decrement(step) => self.uses(Object::Counter(step), Access::Commuting),
        }
    }
}
