//! The bodies of the hooks: each handler is named after its hook, gets its words, and calls the real function once.
//!
//! # Safety
//! Every handler is given the words of a call of its function in a known build, so what they point to is alive and laid out as
//! [`crate::memory`] says, for as long as the handler runs.

mod master;
mod options;
mod rendezvous;

use lastbatch_probe_format::holds::Site;
use lastbatch_probe_format::ring::{Function, Record};

use crate::holding::Holding;
use crate::task::Asked;

pub(crate) use master::{register_graph, run, run_graph_call, run_graph_handler, when_done, worker_name};
pub(crate) use options::{clear_cancel, new_options, set_cancel, start_cancel};
pub(crate) use rendezvous::{
    abort_step, cleanup, deregister, find_or_create, initialize, receive, receive_call, receive_handler, register,
    send, start_abort,
};

/// Marks of an event.
const ENTER: u8 = 0;
const LEAVE: u8 = 1;
const POINT: u8 = 2;

/// Starts the record of an event.
fn event(function: Function, mark: u8, step: u64, one: usize) -> Record {
    let function = function as u8;
    Record {
        function,
        mark,
        step,
        one: one as u64,
        ..Record::default()
    }
}

fn record(asked: &Asked, event: Record) {
    if let Some(task) = asked.task() {
        task.recorder.record(event);
    }
}

fn text(asked: &Asked, text: &[u8]) -> u32 {
    asked.task().map_or(0, |task| task.recorder.text(text))
}

fn holding(asked: &Asked) -> Option<&Holding> {
    asked.task()?.holding.as_ref()
}

/// Waits at the entry of a point about a subject, if a rule says so.
fn enter(asked: &Asked, site: Site, subject: Option<&str>, step: u64) {
    if let (Some(holding), Some(subject)) = (holding(asked), subject) {
        holding.enter(site, subject, step);
    }
}

/// Lets those go who wait for a point about a subject.
fn leave(asked: &Asked, site: Site, subject: Option<&str>, step: u64) {
    if let (Some(holding), Some(subject)) = (holding(asked), subject) {
        holding.leave(site, subject, step);
    }
}
