//! The order of closures in a pool of one thread.
//!
//! Whoever is no thread of the pool pushes to the back, so closures of outsiders run in the order in which they were pushed. The trace
//! shows when they ran. So a request that the trace shows handled before a closure was pushed before it.

use super::drive::Goal;
use super::plan::Slot;
use super::policy::Want;
use super::position::{Context, Position, Refusal};
use crate::machine::{Event, Label, Model, Pending, ProcessId};
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::mechanisms::pool::ComputePool;
use crate::models::tensorflow::mechanisms::{executor, pool, rendezvous, rpc, worker};
use crate::models::tensorflow::process::{CallId, Thread, ThreadId};

impl Context<'_> {
    /// Returns true if a thread pushes to the back of the deque of a pool of one thread.
    pub(super) fn is_outsider(&self, thread: &Thread) -> bool {
        self.model.pool_size() == 1 && !thread.is_pooled()
    }

    /// Returns true if a thread is about to push a closure to the back that the trace shows only later.
    pub(super) fn pushes_late(&self, at: &Position, id: ProcessId, thread: &Thread) -> bool {
        let ends = thread.is_at(&executor::FINISH);
        let hands = || thread.is_at(&executor::DISPATCH) && self.shown_from(at, id, thread).is_some();
        self.is_outsider(thread) && (ends || hands())
    }

    /// Runs a thread to its end, as that of a request that has arrived: it hands it to its handler.
    pub(super) fn run_out(
        &self,
        at: &mut Position,
        id: ProcessId,
        thread: ThreadId,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        while let Some(pending) = self.pending(at, id, thread) {
            self.advance(at, id, &pending, events)?;
        }
        Ok(())
    }

    /// Ends the completion that keeps a client's completion queue, where the trace shows the next one.
    pub(super) fn free_queue(
        &self,
        at: &mut Position,
        id: ProcessId,
        slot: &Slot,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let Some((label, call)) = slot.action.of_call() else {
            return Ok(());
        };
        let server = self.model.call(call).server;
        let keeps = |thread: &&Thread| match thread.id {
            ThreadId::Completion(other) => self.model.call(other).server == server && !thread.is_at(&rpc::QUEUE_TAKE),
            _ => false,
        };
        let threads = &at.system.processes[id.index()].threads;
        let keeper = threads.iter().find(keeps).map(|thread| thread.id);
        match keeper.filter(|_| label == &rpc::CLEAR) {
            Some(keeper) => self.run_out(at, id, keeper, events),
            None => Ok(()),
        }
    }

    /// Brings some thread to do what another one waits for.
    pub(super) fn satisfy(&self, at: &mut Position, id: ProcessId, want: Want, events: &mut Vec<Event>) -> bool {
        if want != Want::Latched {
            return self.attain(at, id, Goal::Want(want), (None, None), events);
        }
        let aborts = |slot: &Slot| slot.action.is(&rendezvous::ABORT_LOCAL);
        for (index, thread) in self.plan.threads.iter().enumerate() {
            let next = self.next(at, index).filter(|slot| thread.process == id && aborts(slot));
            let Some(slot) = next.filter(|_| at.runs[index].is_none()) else {
                continue;
            };
            if self.attain(at, id, Goal::Slot(slot), (Some(index), None), events) {
                return true;
            }
        }
        false
    }

    /// Lets a handler install the service's cancel callback: a cancellation that the trace shows has found it.
    pub(super) fn uncover(
        &self,
        at: &mut Position,
        id: ProcessId,
        slot: &Slot,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let Some((label, call)) = slot.action.of_call() else {
            return Ok(());
        };
        let has_callback = |at: &Position| {
            let record = at.system.processes[id.index()].server_call(call);
            record.is_none_or(|record| record.callback)
        };
        while label == &rpc::REQUEST_CANCELLED && !has_callback(at) {
            let handler = self.pending(at, id, ThreadId::Handler(call));
            match handler.filter(|handler| handler.operation.label != &worker::INSTALL) {
                Some(handler) => self.advance(at, id, &handler, events)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Hands the requests to their handlers that the trace shows handled before the closure that a label is about to push.
    pub(super) fn accept_first(
        &self,
        at: &mut Position,
        id: ProcessId,
        pending: &Pending<ThreadId>,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let label = pending.operation.label;
        if label != &executor::FINISH && label != &executor::DISPATCH {
            return Ok(());
        }
        let thread = at.system.processes[id.index()].thread(pending.thread);
        let Some(thread) = thread.filter(|thread| self.is_outsider(thread)) else {
            return Ok(());
        };
        let Some(pushed) = self.shown_from(at, id, thread) else {
            return Ok(());
        };
        for (_, call) in self.requests(at, id, pushed) {
            self.run_out(at, id, ThreadId::Arrival(call), events)?;
        }
        Ok(())
    }

    /// Lists requests that have arrived and that the trace shows handled before a line, in its order.
    fn requests(&self, at: &Position, id: ProcessId, before: usize) -> Vec<(usize, CallId)> {
        let threads = at.system.processes[id.index()].threads.iter();
        let mut requests: Vec<(usize, CallId)> = threads
            .filter_map(|thread| match thread.id {
                ThreadId::Arrival(call) => Some((self.line_of(at, id, &worker::INSTALL, call)?, call)),
                _ => None,
            })
            .filter(|(line, _)| *line < before)
            .collect();
        requests.sort_unstable();
        requests
    }

    /// Returns the next line that the trace has for a label of a call in a process.
    pub(super) fn line_of(&self, at: &Position, id: ProcessId, wanted: &'static Label, call: CallId) -> Option<usize> {
        let means = |slot: &&Slot| slot.action.of_call() == Some((wanted, call));
        self.slots_left(at, id).filter(means).map(|slot| slot.line).min()
    }

    /// Returns the line before which the closure that a thread is about to push does not end; `None` if it could run to its end now.
    pub(super) fn shown_from(&self, at: &Position, id: ProcessId, thread: &Thread) -> Option<usize> {
        let node = match thread.dispatch.first() {
            Some(&node) if thread.is_at(&executor::DISPATCH) => node,
            _ => return self.answers(at, id),
        };
        let mut then = at.clone();
        let mut name = ThreadId::Node(self.plan.step, node);
        let process = &mut then.system.processes[id.index()];
        self.model.apply(id, process, thread.id, 0, &mut Vec::new());
        // As if the pool had nothing else to do.
        process.pool = ComputePool::default();
        process.pool.push(1, false, name);
        // What it pushes comes before everything else: a pool thread pushes to the front.
        let stopped = loop {
            self.try_whole(&mut then, id, name);
            match then.system.processes[id.index()].thread(name) {
                Some(stopped) => break stopped,
                None => name = self.taken_next(&then, id)?,
            }
        };
        let subject = stopped.at().subject();
        let receives = |node| self.receive_of(id, node);
        let sends = |node| self.model.send_call(self.plan.step, id, node);
        let line = match (subject.node, subject.call) {
            (_, Some(call)) => self.line_of(at, id, stopped.at().label(), call),
            (Some(node), _) if receives(node).is_some() => self.line_of(at, id, &rendezvous::REGISTER, receives(node)?),
            (Some(node), _) => sends(node).and_then(|call| Some(self.line_of(at, id, &worker::INSTALL, call)? + 1)),
            _ => None,
        };
        Some(line.unwrap_or_default())
    }

    /// Returns the closure that the pool would run next.
    fn taken_next(&self, at: &Position, id: ProcessId) -> Option<ThreadId> {
        let threads = self.model.threads(id, &at.system.processes[id.index()]);
        let next = threads
            .iter()
            .find(|next| next.enabled && next.operation.label == &pool::TAKE);
        next.map(|next| next.thread)
    }

    /// Returns the line that shows the callback of the partition.
    fn answers(&self, at: &Position, id: ProcessId) -> Option<usize> {
        let ends = |slot: &&Slot| match slot.action.of_call() {
            Some((label, call)) if label == &rpc::SERVE_CLEAR => {
                matches!(self.model.call(call).kind, CallKind::RunGraph { .. })
            }
            _ => slot.action.is(&worker::CLEAR_LOCAL),
        };
        self.slots_left(at, id).filter(ends).map(|slot| slot.line).min()
    }
}
