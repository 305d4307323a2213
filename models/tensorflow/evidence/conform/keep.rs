//! The choice of a trace's events that are of its step: see [`super::plan`].

use std::collections::BTreeSet;

use super::ended::peer_ends;
use super::identity::Reader;
use super::plan::TraceThread;
use super::trace::{Function, Mark, TraceEvent};
use crate::machine::ProcessId;

/// Lists the objects of an event that only a step's own events can begin, and whether this event begins them.
fn objects(event: &TraceEvent) -> Vec<(&'static str, &str, bool)> {
    let ids = &event.ids;
    let begins_options = event.mark == Mark::Enter
        && match event.function {
            Function::RecvTensorIssue
            | Function::RecvTensorHandler
            | Function::RunGraphIssue
            | Function::RunGraphHandler => true,
            Function::SetCancel => ids.site.as_deref() == Some(CLIENT_SITE),
            _ => false,
        };
    let named = [
        ("opts", &ids.opts, begins_options),
        ("call", &ids.call, event.function == Function::Register),
        ("rz", &ids.rz, event.function == Function::FindOrCreate),
    ];
    let present = named.into_iter();
    present
        .filter_map(|(kind, id, begins)| id.as_deref().map(|id| (kind, id, begins)))
        .collect()
}

/// The only caller of `SetCancelCallback` that is not inside a traced function.
pub(super) const CLIENT_SITE: &str = "MasterSession::RunPartitionsHelper";

impl Reader<'_> {
    /// Drops what is not of this step and gives each other event its thread.
    pub(super) fn keep(&mut self) -> Result<Vec<(usize, usize)>, usize> {
        let events = &self.trace.events;
        let begun: BTreeSet<(&str, &str)> = events
            .iter()
            .flat_map(|event| {
                let begun = objects(event).into_iter().filter(|(.., begins)| *begins);
                begun.map(|(_, id, _)| (event.process.as_str(), id))
            })
            .collect();
        let ends = peer_ends(events);
        let mut kept = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let names = self.model.processes().iter();
            let Some(process) = names.map(|info| &info.name).position(|name| *name == event.process) else {
                return Err(index);
            };
            let stranger = objects(event)
                .into_iter()
                .find(|(_, id, _)| !begun.contains(&(event.process.as_str(), *id)));
            if let Some((_, id, _)) = stranger {
                let process = &event.process;
                let why = format!("{event}: {id} of {process} belongs to an earlier step: nothing begins it here");
                self.plan.dropped.push((event.line, why));
                continue;
            }
            if ends.get(event.process.as_str()).is_some_and(|&end| index >= end) {
                let why = format!("{event}: the process has learnt that another one has ended");
                self.plan.dropped.push((event.line, why));
                continue;
            }
            let process = ProcessId::new(process);
            let threads = &mut self.plan.threads;
            let place = threads
                .iter()
                .position(|thread| thread.process == process && thread.name == event.thread);
            let thread = place.unwrap_or_else(|| {
                threads.push(TraceThread {
                    process,
                    name: event.thread.clone(),
                    slots: Vec::new(),
                    events: Vec::new(),
                    ends_inside: false,
                });
                self.open.push(Vec::new());
                self.registering.push(None);
                threads.len() - 1
            });
            kept.push((index, thread));
        }
        Ok(kept)
    }

    /// Drops a `register` that the trace ends with on its thread: what it is for would be on the next line.
    pub(super) fn drop_unnamed(&mut self, mut kept: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        for thread in 0..self.plan.threads.len() {
            let Some(place) = kept.iter().rposition(|&(_, of)| of == thread) else {
                continue;
            };
            let event = &self.trace.events[kept[place].0];
            if event.function == Function::Register {
                let why = format!("{event}: the trace ends before it says for which tensor this is");
                self.plan.dropped.push((event.line, why));
                kept.remove(place);
            }
        }
        self.plan.dropped.sort();
        for &(index, thread) in &kept {
            self.plan.threads[thread].events.push(index);
        }
        kept
    }
}
