//! Attempts on a queue as part of who waits for what.

use super::Walk;
use crate::machine::ProcessId;
use crate::models::tensorflow::mechanisms::queue::AttemptKind;
use crate::models::tensorflow::process::StepId;

impl Walk<'_> {
    /// Attempts on the queue that nobody will complete.
    pub(super) fn attempts(&mut self, from: usize, id: ProcessId, step: StepId) {
        let Some(queue) = &self.process(id).queue else { return };
        let mut waiting: Vec<AttemptKind> = queue.waiting(step).map(|attempt| attempt.kind).collect();
        waiting.dedup();
        for kind in waiting {
            let (function, cause) = match kind {
                AttemptKind::Dequeue => ("FIFOQueue::TryDequeue", "nobody fills or closes the queue any more"),
                AttemptKind::Enqueue | AttemptKind::Close => {
                    ("FIFOQueue::TryEnqueue", "nobody empties the queue any more")
                }
            };
            let text = format!(
                "an attempt of {} waits in the queue: {cause}",
                self.model.step_name(step)
            );
            self.push(Some(from), id, function, "attempts", Some(cause.to_owned()), &text);
        }
    }
}
