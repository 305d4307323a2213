//! The end of a process whose job is over, as the others see it: remains of a step that nobody waits for any more.
//!
//! A partition that began behind its cleanup waits for values that never come, until the processes of the job end. The model of a step has
//! no process that ends, so what follows is not compared.

use std::collections::BTreeMap;

use super::trace::{Function, Mark, TraceEvent};

/// Status code of a call whose peer has closed the connection.
const UNAVAILABLE: i32 = 14;

/// Returns where each process learns that another one has ended, as its job was over: with the call that ends by that, or with the first
/// request that is cancelled though its client, which does nothing any more, has not cancelled it. What follows is not of the step.
pub(super) fn peer_ends(events: &[TraceEvent]) -> BTreeMap<&str, usize> {
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if event.function == Function::StartAbort && event.ids.code == Some(UNAVAILABLE) {
            let end = ended_call(events, index);
            let known = ends.entry(event.process.as_str()).or_insert(end);
            *known = end.min(*known);
        }
    }
    for (index, event) in events.iter().enumerate() {
        let known = ends.get(event.process.as_str());
        let new = known.is_none_or(|&end| index < end);
        if new
            && event.function == Function::StartCancel
            && event.mark == Mark::Enter
            && is_by_end(events, &ends, index)
        {
            ends.insert(&event.process, index);
        }
    }
    ends
}

/// Returns the event with which the call ended because of which a thread aborts.
fn ended_call(events: &[TraceEvent], abort: usize) -> usize {
    let (process, thread) = (&events[abort].process, &events[abort].thread);
    let before = events[..abort].iter().enumerate().rev();
    let mut before = before.filter(|(_, other)| other.process == *process && other.thread == *thread);
    let ended = before.find(|(_, other)| other.function != Function::Deregister);
    let ended = ended.filter(|(_, other)| other.function == Function::ClearCancel);
    ended.map_or(abort, |(ended, _)| ended)
}

/// Returns true if a receive's request is cancelled because its client has ended.
fn is_by_end(events: &[TraceEvent], ends: &BTreeMap<&str, usize>, cancel: usize) -> bool {
    let event = &events[cancel];
    let mut before = events[..cancel].iter().rev();
    let begun = before.find(|other| {
        other.process == event.process && other.mark == Mark::Enter && begins(other, event.ids.opts.as_deref())
    });
    let Some(begun) = begun.filter(|begun| begun.function == Function::RecvTensorHandler) else {
        return false;
    };
    let Some(client) = &begun.ids.to else { return false };
    let end = ends.get(client.as_str()).copied().unwrap_or(events.len());
    let mut of_client = events[..end]
        .iter()
        .enumerate()
        .filter(|(_, other)| other.process == *client);
    let issued = of_client.clone().find(|(_, other)| {
        other.function == Function::RecvTensorIssue
            && other.ids.tensor == begun.ids.tensor
            && other.ids.from == begun.ids.from
    });
    let options = issued.and_then(|(_, issued)| issued.ids.opts.as_deref());
    of_client.all(|(index, other)| {
        let cancels = other.function == Function::StartCancel && other.ids.opts.as_deref() == options;
        index < cancel && !cancels
    })
}

/// Returns true if a handler begins these options.
fn begins(event: &TraceEvent, options: Option<&str>) -> bool {
    let handles = matches!(event.function, Function::RecvTensorHandler | Function::RunGraphHandler);
    handles && event.ids.opts.as_deref() == options
}
