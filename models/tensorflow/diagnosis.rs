//! The reason why a client is stuck, and what stays behind when none is.
//!
//! The wait-for closure is read off a state at rest: the step thread waits for partitions, a partition for its unfinished nodes, a
//! receive for its peer's answer, and so on to something that nobody will ever do. `resolvers` says of each wait who could have ended it.

mod attempts;
mod ends;
mod pipeline;
mod resolvers;

use crate::machine::{Pending, ProcessId, Resolver, Term, WaitFor, WaitNode};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::context::View;
use crate::models::tensorflow::mechanisms::crash;
use crate::models::tensorflow::mechanisms::rpc::Rpc;
use crate::models::tensorflow::mechanisms::{Facts, pool};
use crate::models::tensorflow::process::{CallId, Process, StepId, Thread, ThreadId};

/// A walk along what waits for what.
struct Walk<'a> {
    model: &'a TensorFlow,
    system: &'a [&'a Process],
    graph: WaitFor,
    /// Partitions that are in the graph already, with their nodes.
    partitions: Vec<(ProcessId, StepId, usize)>,
    /// Threads that wait for a pipeline, or for the pool that it shares, with their nodes.
    threads: Vec<(ProcessId, ThreadId, usize)>,
    /// Those who could have ended each wait.
    resolvers: Vec<Resolver>,
}

impl TensorFlow {
    pub(in crate::models) fn why_stuck(&self, system: &[&Process], worker: ProcessId, client: usize) -> WaitFor {
        self.walk(system, worker, client).graph
    }

    pub(in crate::models) fn possible_resolvers(
        &self,
        system: &[&Process],
        worker: ProcessId,
        client: usize,
    ) -> Vec<Resolver> {
        self.walk(system, worker, client).resolvers
    }

    fn walk<'a>(&'a self, system: &'a [&'a Process], worker: ProcessId, client: usize) -> Walk<'a> {
        let mut walk = Walk {
            model: self,
            system,
            graph: WaitFor::default(),
            partitions: Vec::new(),
            threads: Vec::new(),
            resolvers: Vec::new(),
        };
        match client {
            0 => walk.client(worker, None),
            _ if self.has_queue() => walk.runner(worker),
            _ => walk.closer(worker),
        }
        walk
    }
}

impl Walk<'_> {
    pub(in crate::models) fn process(&self, id: ProcessId) -> &Process {
        self.system[id.index()]
    }

    /// Adds a waiting place that `from` waits for, and returns its index.
    pub(in crate::models) fn push(
        &mut self,
        from: Option<usize>,
        id: ProcessId,
        label: impl Into<Term>,
        object: &str,
        cause: Option<String>,
        detail: &str,
    ) -> usize {
        let info = &self.model.processes()[id.index()];
        let node = WaitNode {
            role: info.role.clone().into(),
            label: label.into(),
            object: object.into(),
            cause: cause.map(Term::from),
            detail: format!("{}: {detail}", info.name),
        };
        self.graph.push(from, node)
    }

    /// Follows whoever closes the session of a worker.
    fn closer(&mut self, worker: ProcessId) {
        let session = self.process(worker).session.as_ref();
        let running = session.is_some_and(|session| session.running > 0);
        let (object, text) = if running {
            ("num_running_", "Session.close waits until no step runs")
        } else {
            (
                "worker sessions",
                "Session.close waits until every process has deleted the session",
            )
        };
        let root = self.push(None, worker, "MasterSession::Close", object, None, text);
        if self.unanswered(root, worker) {
            return;
        }
        if running {
            self.client(worker, Some(root));
        } else {
            self.blocked_threads(root, worker, None);
        }
    }

    /// Follows what closing a session waits for from other processes: answers to `CleanupGraph` and `DeleteWorkerSession`. Returns false
    /// if there is no such call.
    fn unanswered(&mut self, from: usize, worker: ProcessId) -> bool {
        let model = self.model;
        let calls = self.process(worker).client_calls.iter();
        let sent = calls.filter(|call| call.rpc == Rpc::Sent).map(|call| call.id);
        let of_session = |kind| match kind {
            CallKind::CleanupGraph => Some("Worker::CleanupGraphAsync"),
            CallKind::DeleteSession => Some("Worker::DeleteWorkerSessionAsync"),
            _ => None,
        };
        let found: Vec<_> = sent
            .filter_map(|call| Some((*model.call(call), of_session(model.call(call).kind)?)))
            .collect();
        for (info, function) in &found {
            if crash::is_lost(self.process(worker), info.server) {
                self.dead(from, info.server, function);
                continue;
            }
            let node = self.push(Some(from), info.server, *function, "handler", None, "does not answer");
            self.blocked_threads(node, info.server, None);
        }
        !found.is_empty()
    }

    fn client(&mut self, worker: ProcessId, from: Option<usize>) {
        let client = self.process(worker).thread(ThreadId::Client);
        if client.is_some_and(|client| client.at().is_of_pipeline()) {
            let text = "the client closes its session";
            let root = self.push(None, worker, "MasterSession::Close", "session", None, text);
            return self.pipeline_thread(root, worker, ThreadId::Client);
        }
        let master = self.process(worker).master.as_ref().expect("clients live on workers");
        let waits = (master.step, master.pending);
        self.waits_for_step(worker, waits, from);
    }

    /// Follows the queue runner of a worker.
    fn runner(&mut self, worker: ProcessId) {
        let runner = self.process(worker).runner.as_ref().expect("the queue has a runner");
        let waits = (runner.step, runner.pending);
        self.waits_for_step(worker, waits, None);
    }

    fn waits_for_step(&mut self, worker: ProcessId, (step, pending): (StepId, u16), from: Option<usize>) {
        let name = self.model.step_name(step);
        let text = match pending {
            0 => format!("every partition of {name} has answered, but none saw that it was the last"),
            _ => format!("sess.run of {name} waits in RunPartitionsHelper for {pending} unanswered partition(s)"),
        };
        let function = "MasterSession::RunPartitionsHelper";
        let root = self.push(from, worker, function, "BlockingCounter", None, &text);
        self.answers(root, pending);
        let model = self.model;
        for partition in 0..model.partitions(step) {
            match model.run_graph_of(step, partition) {
                None => self.partition(root, worker, step),
                Some(call) => {
                    let state = self.process(worker).client_call(call).map(|call| call.rpc);
                    if state == Some(Rpc::Sent) {
                        self.remote_partition(root, call);
                    }
                }
            }
        }
        if !self.graph.edges.iter().any(|(from, _)| *from == root) {
            self.blocked_threads(root, worker, None);
        }
    }

    /// Follows a `RunGraph` that was sent and not answered.
    fn remote_partition(&mut self, from: usize, call: CallId) {
        let info = *self.model.call(call);
        if self.process(info.server).execution(info.step).is_some() {
            return self.partition(from, info.server, info.step);
        }
        if crash::is_lost(self.process(info.client), info.server) {
            return self.dead(from, info.server, "Worker::RunGraphAsync");
        }
        let text = format!("RunGraph of {} is not answered", self.model.step_name(info.step));
        let function = "Worker::RunGraphAsync";
        let node = self.push(Some(from), info.server, function, "RunGraph handler", None, &text);
        self.blocked_threads(node, info.server, None);
    }

    /// Follows a partition that has started and not ended: its unanswered receives, and threads of it that can't go on.
    fn partition(&mut self, from: usize, id: ProcessId, step: StepId) {
        let mut known = self.partitions.iter();
        if let Some((_, _, known)) = known.find(|(other, of, _)| *other == id && *of == step) {
            return self.graph.edges.push((from, *known));
        }
        let Some(execution) = self.process(id).execution(step) else {
            return;
        };
        let step_name = self.model.step_name(step);
        let failed = match execution.failed {
            true => "; it has failed and aborted already",
            false => "",
        };
        let ended = self.process(id).thread(ThreadId::Done(step)).is_some();
        let text = match execution.outstanding {
            0 if ended => format!("the callback of the partition of {step_name} has not run{failed}"),
            0 => format!(
                "no node of the partition of {step_name} is outstanding, but none saw that it was the last{failed}"
            ),
            nodes => format!("the partition of {step_name} waits for {nodes} unfinished node(s){failed}"),
        };
        let node = self.push(Some(from), id, "ExecutorState", "outstanding nodes", None, &text);
        self.partitions.push((id, step, node));
        self.last_node(node);
        let (model, process) = (self.model, self.system[id.index()]);
        for call in process.client_calls.iter().filter(|call| call.rpc == Rpc::Sent) {
            let info = model.call(call.id);
            if info.step == step && matches!(info.kind, CallKind::RecvTensor { .. }) {
                self.receive(node, id, call.id);
            }
        }
        self.attempts(node, id, step);
        // Of whichever step: one that flushes a queue may hold nodes of another one.
        let of = if self.model.has_queue() { None } else { Some(step) };
        self.blocked_threads(node, id, of);
    }

    /// Follows a receive that was sent and not answered.
    fn receive(&mut self, from: usize, id: ProcessId, call: CallId) {
        let info = *self.model.call(call);
        let name = self.model.call_name(call);
        let record = self.process(id).client_call(call).expect("an unanswered call is kept");
        let lost = record.failed && record.installed;
        let mut text = format!(
            "_Recv of {name} waits for {}",
            self.model.processes()[info.server.index()].name
        );
        let mut label = Term::from("_Recv");
        if self.is_missed(id, record) {
            text += "; it found no abort and was registered after the abort had gone through the calls";
            label = Term::from("_Recv (registered after the abort)");
        } else if lost {
            text +=
                "; it was told to abort before its cancel function was installed, and sent its request all the same";
            let key = "_Recv (its cancel found no function)";
            label = Term::worded(key, "_Recv (cancelled before its callback was installed)");
        }
        let node = self.push(Some(from), id, label, "RecvTensor answer", None, &text);
        self.answer_or_cancel(node, id, call);
        let rendezvous = &self.system[info.server.index()].rendezvous;
        if rendezvous.iter().any(|rendezvous| rendezvous.deferred.contains(&call)) {
            let cause = self.why_not_started(info.server, info.step);
            let text = format!("the receive of {name} is parked until the step starts there: {cause}");
            let function = "BaseRemoteRendezvous::RecvLocalAsync";
            let leaf = self.push(Some(node), info.server, function, "deferred_calls_", Some(cause), &text);
            self.start_or_cleanup(leaf, call);
        } else if crash::is_lost(self.process(id), info.server) {
            self.dead(node, info.server, "Worker::RecvTensorAsync");
        } else if rendezvous.iter().any(|rendezvous| rendezvous.waiters.contains(&call)) {
            self.value(node, info.server, info.step, &name);
        } else {
            self.blocked_threads(node, info.server, None);
        }
    }

    /// Follows a call to a process that has died.
    fn dead(&mut self, from: usize, id: ProcessId, function: &str) {
        let cause = "the process has died, and calls wait for it to come back";
        self.push(Some(from), id, function, "process", Some(cause.to_owned()), cause);
    }

    /// Follows a receive that waits in a local table.
    fn value(&mut self, from: usize, id: ProcessId, step: StepId, name: &str) {
        let running = self.process(id).execution(step).is_some();
        let cause = (!running).then(|| "the partition that would send it has ended".to_owned());
        let text = format!("the receive of {name} waits for its _Send");
        let node = self.push(Some(from), id, "LocalRendezvousImpl::RecvAsync", "value", cause, &text);
        self.sender(node, running);
        if running {
            self.partition(node, id, step);
        }
    }

    /// Tells why a process never runs a step.
    fn why_not_started(&self, id: ProcessId, step: StepId) -> String {
        let worker = self.model.steps()[usize::from(step)].worker;
        let master = self.process(worker).master.as_ref();
        let process = self.process(id);
        if master.is_some_and(|master| master.step == step && master.never_sent.contains(id.index())) {
            "never started: its RunGraph was cancelled before it was sent".to_owned()
        } else if process.connections.restarted {
            "never started: the process died, and the one that came back does not know the session".to_owned()
        } else if process.dropped.contains(usize::from(step)) {
            "never started: its RunGraph was dropped together with its reset".to_owned()
        } else if process.started.contains(usize::from(step)) {
            "started and cleaned up; this receive came to a fresh rendezvous afterwards".to_owned()
        } else {
            "never started: its RunGraph does not arrive".to_owned()
        }
    }

    /// Threads that are not enabled: what each waits for.
    fn blocked_threads(&mut self, from: usize, id: ProcessId, step: Option<StepId>) {
        let (model, process) = (self.model, self.system[id.index()]);
        for thread in &process.threads {
            let pending = self.pending(id, thread);
            // Threads of a pipeline are told where something waits for them.
            let waits_by_design = match thread.id {
                ThreadId::Client | ThreadId::Runner | ThreadId::Step(_) => true,
                ThreadId::Dataset(name) => !name.is_pooled(),
                _ => false,
            };
            if pending.enabled || waits_by_design || step.is_some_and(|step| self.step_of(thread) != Some(step)) {
                continue;
            }
            let in_pipeline = thread.at().is_of_pipeline() || thread.is_at(&pool::TAKE);
            if in_pipeline && (process.datasets.is_some() || model.sleeps_in_two()) {
                self.pipeline_thread(from, id, thread.id);
                continue;
            }
            let object = model.describe_object(model.object_of(pending.operation.object));
            let kind = object.split(':').next().unwrap_or_default().to_owned();
            let label = pending.operation.label;
            let text = format!(
                "{:?} waits at {} ({}) for {object}",
                thread.id, label.name, label.function
            );
            let cause = Some("held by a thread that can't go on".to_owned());
            let node = self.push(Some(from), id, label.function, &kind, cause, &text);
            self.holder(node, id, pending.operation.object);
        }
    }

    /// Returns the next step of a thread.
    pub(super) fn pending(&self, id: ProcessId, thread: &Thread) -> Pending<ThreadId> {
        self.view(id, thread)
            .pending(&Facts::of(self.model, id, self.process(id)))
    }

    fn view<'b>(&'b self, id: ProcessId, thread: &'b Thread) -> View<'b> {
        View {
            model: self.model,
            id,
            process: self.process(id),
            thread,
        }
    }

    fn step_of(&self, thread: &Thread) -> Option<StepId> {
        let about = thread.id.role().about;
        about.step.or(about.call.map(|call| self.model.call(call).step))
    }
}

#[cfg(test)]
mod tests;
