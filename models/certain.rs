//! When a client is sure to return: from there on nothing is left to find out.
//!
//! The predicate is an inductive invariant: every label of every process keeps it, and at rest it says that the client has returned.
//! The audit of the exhaustive engine checks both on every state that it meets. It may be false too often, never true too often, and it
//! asks for no number and no design of the job, only for what the state itself makes certain:
//!
//! - the step has failed, so that the client leaves its loop;
//! - every `RunGraph` call is complete on the master's side, or has its cancel function installed while a cancellation is still to
//!   come: the loop of `RunManyGraphs` that the first error starts, which waits for nobody;
//! - the worker's own partition has ended, or has failed with every receive of it sure to complete: it is complete, or has its cancel
//!   function installed while the `StartAbort` that will cancel it is still to come, or is not validated yet while the rendezvous
//!   carries the error.

use super::TensorFlow;
use super::cluster::CallKind;
use super::executor::Execution;
use super::graph::NodeKind;
use super::process::{At, CallId, Process, StepId, Thread, ThreadId};
use super::rendezvous::At as R;
use super::rpc::{At as C, ClientCall, Frame, Rpc};
use crate::machine::{FrameSet, ProcessId};

impl TensorFlow {
    /// Whether the client of this process is sure to return, whatever is run next.
    pub(super) fn client_is_sure_to_return(&self, id: ProcessId, process: &Process) -> bool {
        let Some(master) = &process.master else { return true };
        if master.returned {
            return true;
        }
        let step = master.step;
        if process.thread(ThreadId::Step(step)).is_none() {
            return master.outcome == Some(false);
        }
        let execution = process.execution(step);
        let fails = master.failed || execution.is_some_and(|execution| execution.failed);
        let ends = match execution {
            Some(execution) => self.is_sure_to_end(id, process, execution),
            None => process.started & (1 << step) != 0,
        };
        fails && ends && self.are_sure_to_complete(process, step, master.failed)
    }

    /// The `RunGraph` calls.
    fn are_sure_to_complete(&self, process: &Process, step: StepId, cancelling: bool) -> bool {
        let mut calls = (0..self.partitions(step)).filter_map(|partition| self.run_graph_of(step, partition));
        calls.all(|id| {
            process.client_call(id).is_none_or(|call| {
                let to_come = !cancelling || pending_cancel(process, id);
                is_over(call) || call.installed && to_come
            })
        })
    }

    /// The worker's own partition.
    fn is_sure_to_end(&self, id: ProcessId, process: &Process, execution: &Execution) -> bool {
        let step = execution.step;
        if process.thread(ThreadId::Done(step)).is_some() {
            return true;
        }
        let state = &process.rendezvous[usize::from(execution.rendezvous)];
        let aborting = state.aborted || process.threads.iter().flat_map(|thread| &thread.stack).any(|at| {
            matches!(at, At::Rendezvous(R::AbortLocal(of) | R::AbortRemote(of)) if *of == execution.rendezvous)
        });
        let roots_to_come = |at: &At| matches!(at, At::Worker(super::worker::At::Root(of, ..)) if *of == step);
        if !execution.failed || !aborting || process.threads.iter().flat_map(|thread| &thread.stack).any(roots_to_come) {
            return false;
        }
        let nodes = process.threads.iter().all(|thread| self.is_harmless(id, thread, step, state.aborted));
        let calls = process.client_calls.iter().all(|call| {
            let info = self.call(call.id);
            let own = info.step == step && matches!(info.kind, CallKind::RecvTensor { .. });
            let to_come = call.installed
                && (state.active.contains(&call.id) || pending_cancel(process, call.id));
            !own || is_over(call) || to_come
        });
        nodes && calls
    }

    /// Whether a thread of the partition starts no receive that nobody would cancel.
    fn is_harmless(&self, id: ProcessId, thread: &Thread, step: StepId, aborted: bool) -> bool {
        let receives = |node| matches!(self.node(step, id, node).kind, NodeKind::Recv { .. });
        let waiting = match thread.id {
            ThreadId::Node(of, node) if of == step => {
                let listed = thread.inline.iter().chain(&thread.dispatch).any(|&node| receives(node));
                thread.at() == At::PoolTake && receives(node) || listed
            }
            _ => false,
        };
        thread.stack.iter().all(|at| match at {
            At::Rendezvous(R::Validate(of, _)) => *of != step || aborted,
            At::Rendezvous(R::Register(of, _)) => *of != step,
            _ => true,
        }) && (!waiting || aborted)
    }
}

impl TensorFlow {
    /// Of the frames that others may send to a process, those whose arrival can make a difference to its clients: not the answer to a
    /// call that is sure to be cancelled, and to end with the error that the step has already.
    pub(super) fn frames_that_make_a_difference(&self, process: &Process, mut frames: FrameSet) -> FrameSet {
        for call in &process.client_calls {
            let info = self.call(call.id);
            let fails = match info.kind {
                CallKind::RunGraph { .. } => {
                    process.master.as_ref().is_some_and(|master| master.step == info.step && master.failed)
                }
                // Only `StartAbort` cancels a receive, and then it has latched its error.
                _ => true,
            };
            if fails && call.installed && pending_cancel(process, call.id) {
                frames.remove(Frame::Response(call.id, true).number());
            }
        }
        frames
    }

    /// Whether one process may still ask something of another, as opposed to answering or cancelling.
    pub(super) fn still_requests(&self, from: ProcessId, process: &Process, to: ProcessId) -> bool {
        let frames = self.frames_to(from, process, to);
        let mut calls = (0..).zip(self.calls());
        calls.any(|(call, info)| {
            info.client == from && info.server == to && frames.contains(Frame::Request(call).number())
        })
    }
}

/// Complete on the client's side, or never to be sent and so complete once it is started.
fn is_over(call: &ClientCall) -> bool {
    matches!(call.rpc, Rpc::Marked | Rpc::Complete)
}

/// Whether a thread is about to cancel the call.
fn pending_cancel(process: &Process, call: CallId) -> bool {
    process.threads.iter().any(|thread| {
        thread.calls.contains(&call) || thread.stack.contains(&At::Rpc(C::Cancel(call)))
    })
}
