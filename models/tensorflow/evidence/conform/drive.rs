//! Threads that run alone, towards what the trace needs next.
//!
//! A closure that waits in the pool is begun if it can run to its end, or if something asks for what it does. So it holds a pool thread
//! only while the trace's own threads do: whoever is held back is held back whole.

use super::plan::{Action, Slot, Subject};
use super::policy::{Policy, Want};
use super::position::{Context, Position, Refusal};
use crate::machine::{Event, Model, Pending, ProcessId};
use crate::models::tensorflow::cluster::CallKind;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::Facts;
use crate::models::tensorflow::mechanisms::context::View;
use crate::models::tensorflow::mechanisms::{executor, pool, rendezvous, rpc};
use crate::models::tensorflow::process::{CallId, NodeId, Process, Thread, ThreadId};

/// Closures that may be begun and left unended, for one event.
const BEGUN: usize = 2;

/// The reason to run a thread.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    /// It stands where it would do what a slot means.
    Slot(&'a Slot),
    /// It has what another thread wants.
    Want(Want),
    /// It ends, and nobody asks for it.
    End,
    /// It ends, or comes as far as it can.
    Far,
}

/// The outcome of a run towards a goal that was not reached: why, and the number of labels that ran.
struct Stopped {
    reason: Refusal,
    ran: usize,
}

impl Context<'_> {
    /// Returns a thread's next label.
    pub(super) fn pending(&self, at: &Position, id: ProcessId, thread: ThreadId) -> Option<Pending<ThreadId>> {
        let process = &at.system.processes[id.index()];
        let view = View {
            model: self.model,
            id,
            process,
            thread: process.thread(thread)?,
        };
        Some(view.pending(&Facts::of(self.model, id, process)))
    }

    /// Returns true if a thread that runs alone would come to the goal. `of`: the trace's thread that it would be.
    pub(super) fn would_reach(
        &self,
        at: &mut Position,
        id: ProcessId,
        thread: ThreadId,
        goal: Goal<'_>,
        of: Option<usize>,
    ) -> bool {
        let process = at.system.processes[id.index()].clone();
        let runs = at.runs.clone();
        if let Some(of) = of {
            at.runs[of] = Some(thread);
        }
        let reached = self.drive(at, id, thread, goal, None).is_ok();
        at.system.processes[id.index()] = process;
        at.runs = runs;
        reached
    }

    /// Runs a thread to its end if it comes there alone. Returns true if it did.
    pub(super) fn run_whole(
        &self,
        at: &mut Position,
        id: ProcessId,
        thread: ThreadId,
        events: &mut Vec<Event>,
    ) -> Result<bool, Refusal> {
        if !self.would_reach(at, id, thread, Goal::End, None) {
            return Ok(false);
        }
        let ran = self.drive(at, id, thread, Goal::End, Some(events));
        ran.map(|()| true).map_err(|stopped| stopped.reason)
    }

    /// Runs a thread alone as far as nobody has to ask for it, without what it sends.
    pub(super) fn try_whole(&self, at: &mut Position, id: ProcessId, thread: ThreadId) {
        let _ = self.drive(at, id, thread, Goal::End, None);
    }

    /// Runs the labels of one thread until it reaches the goal. Without `events` nothing that it sends arrives.
    fn drive(
        &self,
        at: &mut Position,
        id: ProcessId,
        thread: ThreadId,
        goal: Goal<'_>,
        mut events: Option<&mut Vec<Event>>,
    ) -> Result<(), Stopped> {
        let mut ran = 0;
        let stop = |reason: String, ran| Err(Stopped { reason, ran });
        loop {
            let Some(pending) = self.pending(at, id, thread) else {
                return match goal {
                    Goal::End | Goal::Far => Ok(()),
                    _ => stop("it ends before".to_owned(), ran),
                };
            };
            let state = at.system.processes[id.index()].thread(thread);
            let state = state.expect("a pending thread lives");
            let hands_over = match goal {
                Goal::Slot(slot) if self.means(slot, id, &pending, state) => return Ok(()),
                Goal::Want(Want::Validated(call)) if self.registers(id, state) == Some(call) => return Ok(()),
                Goal::Want(Want::Sent(call)) => self.sends(id, state) == Some(call),
                _ => false,
            };
            let choice = match self.policy(at, id, &pending) {
                _ if !pending.enabled => return stop("it waits".to_owned(), ran),
                Policy::Now(choice) => choice,
                Policy::Whole => 0,
                Policy::Demand(choice) if !matches!(goal, Goal::End) => choice,
                Policy::Demand(_) => return stop("nothing asks for it".to_owned(), ran),
                Policy::Shown => return stop("the trace does not have it there".to_owned(), ran),
                Policy::Hold(reason) | Policy::Wants(_, reason) => return stop(reason, ran),
            };
            let choice = self.chosen(id, state, &pending, goal).unwrap_or(choice);
            match &mut events {
                Some(events) => {
                    let done = self.run(at, id, &pending, choice, events);
                    done.map_err(|reason| Stopped { reason, ran })?;
                }
                None => {
                    let process = &mut at.system.processes[id.index()];
                    self.model.apply(id, process, thread, choice, &mut Vec::new());
                }
            }
            ran += 1;
            if hands_over {
                return Ok(());
            }
        }
    }

    /// Brings some thread of a process to a goal. `of`: the trace's thread that it must be, `pick`: which it must be.
    pub(super) fn attain(
        &self,
        at: &mut Position,
        id: ProcessId,
        goal: Goal<'_>,
        (of, pick): (Option<usize>, Option<ThreadId>),
        events: &mut Vec<Event>,
    ) -> bool {
        self.attain_with(at, id, goal, (of, pick), events, BEGUN)
    }

    fn attain_with(
        &self,
        at: &mut Position,
        id: ProcessId,
        goal: Goal<'_>,
        (of, pick): (Option<usize>, Option<ThreadId>),
        events: &mut Vec<Event>,
        begun: usize,
    ) -> bool {
        for thread in self.hopeful(at, id, goal) {
            let barred = self.runs_elsewhere(at, id, thread, of) || !self.may_be(at, of, thread);
            if barred || pick.is_some_and(|pick| pick != thread) || self.is_there(at, id, thread, goal) {
                continue;
            }
            if self.would_reach(at, id, thread, goal, of) {
                return self.drive(at, id, thread, goal, Some(events)).is_ok();
            }
        }
        if begun == 0 {
            return false;
        }
        let (length, before) = (events.len(), at.clone());
        for thread in self.waiting_closures(at, id) {
            let state = at.system.processes[id.index()].thread(thread);
            let begun = if state.is_some_and(|state| self.is_outsider(state)) {
                self.push_one(at, id, thread, events).then_some(begun)
            } else {
                self.begin(at, id, thread, events).then_some(begun - 1)
            };
            if begun.is_some_and(|begun| self.attain_with(at, id, goal, (of, pick), events, begun)) {
                return true;
            }
            events.truncate(length);
            *at = before.clone();
        }
        false
    }

    /// Runs a closure as far as it comes. Returns true if other closures begin by it.
    fn begin(&self, at: &mut Position, id: ProcessId, thread: ThreadId, events: &mut Vec<Event>) -> bool {
        let known: Vec<ThreadId> = self.thread_ids(at, id);
        let stopped = self.drive(at, id, thread, Goal::Far, Some(events));
        let ran = stopped.map_or_else(|stopped| stopped.ran, |()| 1);
        ran > 0 && self.thread_ids(at, id).iter().any(|thread| !known.contains(thread))
    }

    /// Lets a thread push one closure, which runs then, with all that it pushes, as far as nothing bars it. Returns true if it did.
    fn push_one(&self, at: &mut Position, id: ProcessId, thread: ThreadId, events: &mut Vec<Event>) -> bool {
        let pending = self.pending(at, id, thread).filter(|pending| pending.enabled);
        let pushed = pending.is_some_and(|pending| self.advance(at, id, &pending, events).is_ok());
        pushed && self.settle(at, events).is_ok()
    }

    /// Returns true if a thread stands at what a slot means already.
    fn is_there(&self, at: &Position, id: ProcessId, thread: ThreadId, goal: Goal<'_>) -> bool {
        let Goal::Slot(slot) = goal else { return false };
        let state = at.system.processes[id.index()].thread(thread);
        let pending = self.pending(at, id, thread);
        matches!((state, pending), (Some(state), Some(pending)) if self.means(slot, id, &pending, state))
    }

    fn thread_ids(&self, at: &Position, id: ProcessId) -> Vec<ThreadId> {
        let threads = at.system.processes[id.index()].threads.iter();
        threads.map(|thread| thread.id).collect()
    }

    /// Lists closures that wait for a pool thread, `_SOURCE` first, and threads that are about to push one.
    fn waiting_closures(&self, at: &Position, id: ProcessId) -> Vec<ThreadId> {
        let threads = at.system.processes[id.index()].threads.iter().rev();
        let waits = |thread: &&Thread| {
            let at_push = thread.is_at(&executor::FINISH) || thread.is_at(&executor::DISPATCH);
            let pushes = at_push && self.is_outsider(thread);
            pushes || thread.is_at(&pool::TAKE) && matches!(thread.id, ThreadId::Node(..))
        };
        threads.filter(waits).map(|thread| thread.id).collect()
    }

    /// Lists threads that may come to a goal, the likely ones first.
    pub(super) fn hopeful(&self, at: &Position, id: ProcessId, goal: Goal<'_>) -> Vec<ThreadId> {
        let process = &at.system.processes[id.index()];
        let node = self.wanted(id, goal);
        let carries = |thread: &&Thread| {
            node.is_some_and(|node| {
                thread.id == ThreadId::Node(self.plan.step, node)
                    || thread.inline.contains(&node)
                    || thread.dispatch.contains(&node)
            })
        };
        let (likely, others): (Vec<&Thread>, Vec<&Thread>) = process.threads.iter().partition(carries);
        let all = likely.into_iter().chain(others);
        all.filter(|thread| self.may_come_to(thread, goal))
            .map(|thread| thread.id)
            .collect()
    }

    /// Returns true if a thread of this kind may come to a goal.
    fn may_come_to(&self, thread: &Thread, goal: Goal<'_>) -> bool {
        let slot = match goal {
            Goal::Slot(slot) => slot,
            _ => return matches!(thread.id, ThreadId::Node(..)),
        };
        let Action::Run { label, subject, .. } = slot.action else {
            return false;
        };
        match (thread.id, subject) {
            (ThreadId::Handler(call), Subject::Call(wanted)) => {
                call == wanted || !matches!(self.model.call(call).kind, CallKind::RecvTensor { .. })
            }
            (ThreadId::Completion(call), Subject::Call(wanted)) if label == &rpc::CLEAR => call == wanted,
            (ThreadId::Arrival(_), _) => false,
            _ => true,
        }
    }

    /// Returns the node that a goal is about.
    fn wanted(&self, id: ProcessId, goal: Goal<'_>) -> Option<NodeId> {
        let (call, receives) = match goal {
            Goal::Slot(slot) => {
                let (label, call) = slot.action.of_call()?;
                (call, label == &rendezvous::REGISTER)
            }
            Goal::Want(Want::Validated(call)) => (call, true),
            Goal::Want(Want::Sent(call)) => (call, false),
            Goal::Want(Want::Latched) => return None,
            Goal::End | Goal::Far => return None,
        };
        let CallKind::RecvTensor { edge } = self.model.call(call).kind else {
            return None;
        };
        let wanted = if receives {
            NodeKind::Recv { edge }
        } else {
            NodeKind::Send { edge }
        };
        let partition = &self.model.graph(self.plan.step).partitions[self.model.partition(self.plan.step, id)];
        let place = partition.nodes.iter().position(|node| node.kind == wanted)?;
        Some(place as NodeId)
    }

    /// Chooses the root that a goal is about, where `_SOURCE` has the choice.
    fn chosen(&self, id: ProcessId, state: &Thread, pending: &Pending<ThreadId>, goal: Goal<'_>) -> Option<u32> {
        let roots = offered_roots(state, pending)?;
        let node = self.wanted(id, goal)?;
        let place = roots.iter().position(|&root| root == node)?;
        Some(place as u32)
    }

    /// Returns the receive that a thread is about to register.
    fn registers(&self, id: ProcessId, thread: &Thread) -> Option<CallId> {
        let node = thread
            .at()
            .subject()
            .node
            .filter(|_| thread.is_at(&rendezvous::REGISTER));
        node.and_then(|node| self.receive_of(id, node))
    }

    /// Returns the receive whose value a thread is about to hand over.
    fn sends(&self, id: ProcessId, thread: &Thread) -> Option<CallId> {
        let node = thread
            .at()
            .subject()
            .node
            .filter(|_| thread.is_at(&rendezvous::SEND_LOCAL));
        node.and_then(|node| self.model.send_call(self.plan.step, id, node))
    }

    /// Chooses among the roots that `_SOURCE` may go on with where no goal is about one: one that is run at once, else the receive that the
    /// trace shows first. `Err`: why it has to wait.
    pub(super) fn root_policy(
        &self,
        at: &Position,
        id: ProcessId,
        process: &Process,
        pending: &Pending<ThreadId>,
    ) -> Policy {
        let state = process.thread(pending.thread).expect("a pending thread lives");
        let Some(roots) = offered_roots(state, pending) else {
            return Policy::Now(0);
        };
        let keeps = pending.operation.label == &executor::OUTSTANDING;
        let free = |&node: &NodeId| match self.model.node(self.plan.step, id, node).kind {
            NodeKind::Recv { .. } => self.is_aborted(process),
            NodeKind::Send { .. } => matches!(self.send_policy(at, process, id, state.id, node), Policy::Now(_)),
            _ => true,
        };
        if let (false, Some(place)) = (keeps, roots.iter().position(free)) {
            return Policy::Now(place as u32);
        }
        let shown = |node: NodeId| {
            let call = self.receive_of(id, node)?;
            self.line_of(at, id, &rendezvous::REGISTER, call)
        };
        let first = (0..roots.len()).min_by_key(|&place| shown(roots[place]).unwrap_or(usize::MAX));
        let place = first.unwrap_or(0) as u32;
        if keeps {
            Policy::Now(place)
        } else {
            Policy::Demand(place)
        }
    }
}

/// Returns the roots among which `_SOURCE` has a choice.
fn offered_roots<'a>(state: &'a Thread, pending: &Pending<ThreadId>) -> Option<&'a [NodeId]> {
    let count = pending.operation.choices as usize;
    let nodes = if pending.operation.label == &executor::NEXT_ROOT {
        &state.inline
    } else if pending.operation.label == &executor::OUTSTANDING && count > 1 {
        &state.dispatch
    } else {
        return None;
    };
    nodes.get(..count)
}
