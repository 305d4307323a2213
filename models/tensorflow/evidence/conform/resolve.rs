//! Objects of the model behind the names and numbers of a trace's events: see [`super::plan`].

use super::identity::{Options, Reader};
use super::mapping::Owner;
use super::plan::{Subject, calls};
use super::trace::{Function, Mark, TraceEvent};
use crate::machine::ProcessId;
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::process::CallId;

impl Reader<'_> {
    pub(super) fn partition(&mut self, event: &TraceEvent, thread: usize) -> Result<(Owner, Subject, bool), String> {
        let graphs = event.ids.mg.clone();
        let known = self
            .known(thread)
            .graphs
            .get_or_insert_with(|| graphs.clone().unwrap_or_default());
        if Some(&*known) != graphs.as_ref() {
            return Err(format!("the step has one set of RunGraph calls, {known}"));
        }
        let partition = event.ids.partition.unwrap_or_default();
        let step = &self.model.steps()[usize::from(self.plan.step)];
        let called = self.plan.order.get(usize::from(partition));
        let called = *called.ok_or_else(|| format!("the step has no partition {partition}"))?;
        let server = step.process_of[usize::from(called)];
        let subject = self
            .run_graphs(step.worker)
            .find(|&call| self.model.call(call).server == server)
            .map_or(Subject::Own, Subject::Call);
        Ok((Owner::Step, subject, event.ids.code != Some(0)))
    }

    /// Returns the remote partitions' `RunGraph` calls of a process's client, in the order of the master's loop.
    pub(super) fn run_graphs(&self, client: ProcessId) -> impl Iterator<Item = CallId> + '_ {
        let step = self.plan.step;
        let called = self.plan.order.iter();
        let calls = called.filter_map(move |&partition| self.model.run_graph_of(step, partition));
        calls.filter(move |&call| self.model.call(call).client == client)
    }

    pub(super) fn receive(&self, event: &TraceEvent, process: ProcessId, client: bool) -> Result<CallId, String> {
        let (from, to, tensor) = (&event.ids.from, &event.ids.to, &event.ids.tensor);
        let name = |id: ProcessId| Some(&self.model.processes()[id.index()].name);
        let graph = self.model.graph(self.plan.step);
        let found = calls(self.model, self.plan.step).find(|(_, info)| match info.kind {
            CallKind::RecvTensor { edge } => {
                name(info.server) == from.as_ref()
                    && name(info.client) == to.as_ref()
                    && Some(&graph.edges[usize::from(edge)].tensor) == tensor.as_ref()
                    && process == if client { info.client } else { info.server }
            }
            _ => false,
        });
        found.map(|(id, _)| id).ok_or_else(|| {
            let text = |id: &Option<String>| id.clone().unwrap_or_default();
            format!(
                "the graph has no tensor {} from {} to {}, with {} on this side",
                text(tensor),
                text(from),
                text(to),
                event.process
            )
        })
    }

    /// Finds the call that a `register` is for: the tensor of the thread's next `recvtensor-issue<`.
    pub(super) fn registered_call(&mut self, index: usize, thread: usize) -> Result<CallId, String> {
        let process = self.plan.threads[thread].process;
        let later = self.plan.threads[thread].events.iter().filter(|&&other| other > index);
        let events = later.map(|&other| self.event(other));
        let issue = events
            .take_while(|event| event.function != Function::Register)
            .find(|event| event.function == Function::RecvTensorIssue && event.mark == Mark::Enter)
            .ok_or("no recvtensor-issue< follows on its thread, which would say for which tensor it is")?;
        let call = self.receive(issue, process, true)?;
        self.registering[thread] = issue.ids.opts.clone();
        Ok(call)
    }

    /// Checks that a remote worker's id always stands for the same process.
    pub(super) fn check_worker(&mut self, event: &TraceEvent, thread: usize, call: CallId) -> Result<(), String> {
        let server = self.model.call(call).server;
        let Some(id) = event.ids.wk.clone() else { return Ok(()) };
        let known = *self.known(thread).workers.entry(id.clone()).or_insert(server);
        if known == server {
            return Ok(());
        }
        let name = |id: ProcessId| &self.model.processes()[id.index()].name;
        Err(format!("{id} stands for {} already, not {}", name(known), name(server)))
    }

    /// Notes `findorcreate`: one rendezvous a process, until it is cleaned up.
    pub(super) fn note_rendezvous(&mut self, event: &TraceEvent, thread: usize) -> Result<(), String> {
        let known = self.known(thread);
        if known.rendezvous.is_none() || known.cleaned {
            known.rendezvous.clone_from(&event.ids.rz);
        }
        self.check_rendezvous(event, thread)
    }

    /// Returns true if an event is of `GraphMgr::RecvOutputsAsync`, which a partition's callback runs before it answers. It finds the
    /// rendezvous that the partition has: no label of the model.
    pub(super) fn receives_outputs(&mut self, index: usize, thread: usize) -> bool {
        let mut later = self.plan.threads[thread].events.iter().filter(|&&other| other > index);
        let next = later.next().map(|&next| self.event(next).clone());
        if self.event(index).function != Function::FindOrCreate || !self.open[thread].is_empty() {
            return false;
        }
        let Some(next) = next else { return true };
        let id = next.ids.opts.clone().unwrap_or_default();
        next.function == Function::ClearCancel
            && match self.known(thread).options.get(&id).copied() {
                Some(Options::Own) => true,
                Some(Options::Request(call)) => matches!(self.model.call(call).kind, CallKind::RunGraph { .. }),
                _ => false,
            }
    }

    pub(super) fn check_rendezvous(&mut self, event: &TraceEvent, thread: usize) -> Result<(), String> {
        let known = self.known(thread);
        if known.cleaned || known.rendezvous == event.ids.rz {
            return Ok(());
        }
        let id = event.ids.rz.as_deref().unwrap_or_default();
        Err(match &known.rendezvous {
            Some(other) => format!("{id} is not the step's rendezvous here, which is {other}"),
            None => format!("{id} is used before FindOrCreate made it"),
        })
    }
}
