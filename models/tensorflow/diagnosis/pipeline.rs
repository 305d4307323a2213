//! A pipeline that does not answer, as part of who waits for what.

use super::Walk;
use crate::machine::{Model, ProcessId};
use crate::models::tensorflow::mechanisms::context::Waits;
use crate::models::tensorflow::process::ThreadId;

impl Walk<'_> {
    /// Follows a thread that waits in a pipeline, or for a thread of the pool that the pipeline shares, and all that it waits for.
    pub(super) fn pipeline_thread(&mut self, from: usize, id: ProcessId, thread: ThreadId) {
        if let Some((_, _, known)) = self.threads.iter().find(|(of, other, _)| *of == id && *other == thread) {
            return self.graph.edges.push((from, *known));
        }
        let Some(live) = self.process(id).thread(thread) else {
            return;
        };
        let pending = self.pending(id, live);
        let label = pending.operation.label;
        let object = self
            .model
            .describe_object(self.model.object_of(pending.operation.object));
        let kind = object.split(':').next().unwrap_or_default().to_owned();
        let name = self.model.thread_name(id, self.process(id), thread);
        let mut waits = live.at().waits(&self.view(id, live));
        if let Waits::For(others) = &mut waits {
            others.retain(|other| *other != thread && self.process(id).thread(*other).is_some());
        }
        let cause = match &waits {
            Waits::InVain(cause) => Some((*cause).to_owned()),
            Waits::For(others) if others.is_empty() => Some("nobody is there to go on with it".to_owned()),
            Waits::For(_) => None,
        };
        let reason = cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        let text = format!(
            "{name} waits at {} ({}) for {object}{reason}",
            label.name, label.function
        );
        let node = self.push(Some(from), id, label.function, &kind, cause, &text);
        self.threads.push((id, thread, node));
        if let Waits::For(others) = waits {
            for other in others {
                self.pipeline_thread(node, id, other);
            }
        }
    }
}
