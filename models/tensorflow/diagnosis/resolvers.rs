//! The threads that could have ended a wait, and why they can't any more.

use super::Walk;
use crate::machine::{Describe, Label, ObjectId, ProcessId, Resolver};
use crate::models::tensorflow::mechanisms::rpc::ClientCall;
use crate::models::tensorflow::mechanisms::{rendezvous, rpc};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::CallId;

impl Walk<'_> {
    fn resolver(&mut self, node: usize, who: String, why_not: &str) {
        self.settled(node, who, why_not, Vec::new());
    }

    fn settled(&mut self, node: usize, who: String, why_not: &str, by: Vec<(ProcessId, &'static Label, Object)>) {
        let by = by.into_iter();
        self.resolvers.push(Resolver {
            node,
            who,
            why_not: why_not.to_owned(),
            settled_by: by
                .map(|(process, label, object)| (process, label.name, self.model.object(object)))
                .collect(),
        });
    }

    /// Adds who could help: the client: every partition must answer.
    pub(super) fn answers(&mut self, node: usize, pending: u16) {
        let who = "an answer of every partition (RunManyGraphs::WhenDone)".to_owned();
        self.resolver(node, who, &format!("{pending} of them never will"));
    }

    /// Adds who could help: a partition: its last node must end.
    pub(super) fn last_node(&mut self, node: usize) {
        let who = "the last unfinished node of the partition (ExecutorState::NodeDone)".to_owned();
        self.resolver(node, who, "what it waits for never comes");
    }

    /// Adds who could help: a receive that was sent: its answer, or a cancellation on this side.
    pub(super) fn answer_or_cancel(&mut self, node: usize, id: ProcessId, call: CallId) {
        let model = self.model;
        let name = model.call_words(call);
        let server = &model.processes()[model.call(call).server.index()].name;
        let who = format!("the answer of {server} to {name} (Call::SendResponse)");
        self.resolver(node, who, "the request is not answered there");
        let record = self.process(id).client_call(call).expect("an unanswered call is kept");
        let who = format!("a cancellation of {name} (CallOptions::StartCancel)");
        if record.failed {
            let why_not = "it came before the cancel function was installed and is not repeated, since a rendezvous is aborted only once";
            let step = model.call(call).step;
            let by = vec![
                (id, &rpc::CANCEL, rpc::Object::Call(call).into()),
                (id, &rendezvous::REGISTER, rendezvous::Object::Remote(step).into()),
            ];
            self.settled(node, who, why_not, by);
        } else if self.is_missed(id, record) {
            let why_not =
                "the abort went through the calls before it was registered, and a rendezvous is aborted only once";
            let object = rendezvous::Object::Remote(model.call(call).step).into();
            self.settled(node, who, why_not, vec![(id, &rendezvous::ABORT_CALLS, object)]);
        } else {
            self.resolver(node, who, "nobody aborts this rendezvous any more");
        }
    }

    /// Returns true if a receive has seen no abort, and no abort has seen it.
    pub(super) fn is_missed(&self, id: ProcessId, record: &ClientCall) -> bool {
        let rendezvous = record
            .rendezvous
            .map(|rendezvous| &self.process(id).rendezvous[usize::from(rendezvous)]);
        !record.failed && rendezvous.is_some_and(|state| state.aborted && state.active.contains(&record.id))
    }

    /// Adds who could help: a parked receive: the step must start here, or clean up.
    pub(super) fn start_or_cleanup(&mut self, node: usize, call: CallId) {
        let model = self.model;
        let info = *model.call(call);
        let server = model.processes()[info.server.index()].name.clone();
        let cause = self.why_not_started(info.server, info.step);
        let who =
            format!("the start of the step on {server} (BaseRemoteRendezvous::Initialize takes up what is parked)");
        let worker = model.steps()[usize::from(info.step)].worker;
        let by = model.run_graph_call(info.step, info.server).map(|run_graph| {
            vec![
                (worker, &rpc::CANCEL, rpc::Object::Call(run_graph).into()),
                (info.server, &rpc::READ, rpc::Object::Call(run_graph).into()),
            ]
        });
        self.settled(node, who, &cause, by.unwrap_or_default());
        let who = format!("an abort of the rendezvous on {server} (BaseRemoteRendezvous::StartAbort)");
        self.resolver(node, who, "it does not touch deferred_calls_");
        let who = format!("the step's CleanupGraph to {server}");
        self.resolver(node, who, "it is sent when every partition has answered");
    }

    /// Adds who could help: a receive in the local table: its value must be sent.
    pub(super) fn sender(&mut self, node: usize, running: bool) {
        let who = "the _Send of the value (LocalRendezvousImpl::Send)".to_owned();
        let why_not = match running {
            true => "its node never runs",
            false => "its partition has ended",
        };
        self.resolver(node, who, why_not);
    }

    /// Adds who could help: a thread that can't run: whoever holds what it waits for.
    pub(super) fn holder(&mut self, node: usize, id: ProcessId, object: ObjectId) {
        let held = self.model.locks(id, self.process(id)).into_iter();
        let owner = held.filter(|(held, _)| *held == object).map(|(_, owner)| owner).next();
        match owner {
            Some(owner) => {
                let who = self.model.thread_words(id, self.process(id), owner);
                self.resolver(node, who, "it holds the lock and can't go on");
            }
            None => self.resolver(node, "another thread".to_owned(), "none is left that would"),
        }
    }
}
