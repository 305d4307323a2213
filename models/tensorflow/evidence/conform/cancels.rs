//! The calls that cancellations are of: `StartCancel` may come before anything in the trace begins the call's `CallOptions`.
//!
//! - `RunManyGraphs` cancels the calls of all partitions, issued or not.
//! - `StartAbort` cancels a receive that is registered, issued or not.
//! - `RegisterCall` of an aborted rendezvous cancels the call that it would have registered. `register` is recorded when it has
//!   returned, so such a cancellation stands directly before it.
//!
//! The object that a call's options are in may have served an earlier call. So a cancellation of options that are unknown, or whose call
//! is complete, is of what begins them next.

use super::identity::{Options, Reader};
use super::trace::{Function, Mark, TraceEvent};
use crate::models::tensorflow::cluster::CallKind;

impl Reader<'_> {
    /// Returns true if an event is of a cancellation inside `RegisterCall`: it is a part of that label.
    pub(super) fn is_told(&mut self, index: usize, thread: usize) -> bool {
        let event = self.event(index);
        if event.function != Function::StartCancel || !self.open[thread].is_empty() {
            return false;
        }
        let later = self.plan.threads[thread].events.iter().filter(|&&other| other > index);
        let mut later = later.map(|&other| self.event(other));
        if event.mark == Mark::Enter {
            let left = later.next();
            if left.is_none_or(|left| (left.function, left.mark) != (Function::StartCancel, Mark::Leave)) {
                return false;
            }
        }
        if later.next().is_none_or(|next| next.function != Function::Register) {
            return false;
        }
        let registered = later.find(|next| next.function == Function::RecvTensorIssue);
        registered.is_some_and(|issued| issued.ids.opts == event.ids.opts)
    }

    /// Returns true if nothing has begun the options that an event names, and something will.
    pub(super) fn is_stale(&mut self, event: &TraceEvent, thread: usize) -> bool {
        let id = event.ids.opts.clone().unwrap_or_default();
        !self.known(thread).options.contains_key(&id)
    }

    /// Returns true if an event is of a cancellation of a request whose cancel function is taken out, or inside of one: it finds nothing, or
    /// it is of the object's next use, in a later step.
    pub(super) fn finds_nothing(&mut self, event: &TraceEvent, thread: usize) -> bool {
        let cancels = event.function == Function::StartCancel;
        if self.in_vain.contains(&thread) {
            if cancels && event.mark == Mark::Leave {
                self.in_vain.remove(&thread);
            }
            return true;
        }
        let Some(id) = event.ids.opts.as_ref().filter(|_| cancels && event.mark == Mark::Enter) else {
            return false;
        };
        let known = self.known(thread);
        let over = known.ended.contains(id) && matches!(known.options.get(id), Some(Options::Request(_)));
        over && self.in_vain.insert(thread)
    }

    /// Finds out what a cancellation is of, and notes it.
    pub(super) fn cancelled(&mut self, index: usize, event: &TraceEvent, thread: usize) -> Result<(), String> {
        let Some(id) = event.ids.opts.clone() else {
            return Ok(());
        };
        let aborts = self.open[thread].last().map(|open| open.function) == Some(Function::StartAbort);
        let known = self.known(thread);
        let ended = known.ended.contains(&id);
        let kept = match known.options.get(&id).copied() {
            None => false,
            Some(Options::Call(call)) if self.is_receive(call) => !ended,
            Some(_) => !aborts,
        };
        if kept {
            return Ok(());
        }
        if let Some(options) = self.begun_next(index, &id, thread)? {
            self.known(thread).options.insert(id.clone(), options);
            self.known(thread).ended.remove(&id);
        }
        Ok(())
    }

    fn is_receive(&self, call: u16) -> bool {
        matches!(self.model.call(call).kind, CallKind::RecvTensor { .. })
    }

    /// Returns what these options are begun for next in the process.
    fn begun_next(&mut self, index: usize, id: &str, thread: usize) -> Result<Option<Options>, String> {
        let (process, mut issued) = (self.plan.threads[thread].process, self.known(thread).issued);
        let name = self.event(index).process.clone();
        for later in index + 1..self.trace.events.len() {
            let event = self.event(later);
            if event.process != name || event.mark != Mark::Enter {
                continue;
            }
            if event.ids.opts.as_deref() == Some(id)
                && let Some(options) = self.begun(event, process, issued)?
            {
                return Ok(Some(options));
            }
            issued += usize::from(event.function == Function::RunGraphIssue);
        }
        Ok(None)
    }
}
