//! Frames on their way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Changes, Driver, Found, Model, ProcessId, Runtime, guarded};

impl<M: Model + 'static, R: Runtime> Driver<M, R> {
    /// Delivers what is on its way to a process.
    pub(super) fn deliver(self: &Arc<Self>, to: ProcessId) {
        let guard = self.runtime.acquire(&self.monitors[to.index()].lock);
        match self.arrive(to) {
            Ok(None) => {}
            Ok(Some(changes)) => {
                self.wake(&changes);
                drop(guard);
                self.start_all(to, changes);
            }
            Err(found) => {
                drop(guard);
                self.end(self.failed(found), usize::MAX);
            }
        }
    }

    pub(super) fn has_mail(&self, id: ProcessId) -> bool {
        let mut connections = self.connections[id.index()].iter();
        connections.any(|connection| !connection.is_empty())
    }

    /// Delivers, under the lock of a process, what has been sent to it, in the order of each sender. None if nothing has.
    pub(super) fn arrive(&self, id: ProcessId) -> Result<Option<Changes<M, R>>, Found> {
        if !self.has_mail(id) || self.over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut local = self.monitors[id.index()].local();
        guarded(|| {
            for (from, connection) in self.connections[id.index()].iter().enumerate() {
                while let Some(frame) = connection.pop() {
                    let from = ProcessId::new(from);
                    self.model.deliver(id, &mut local.state, from, frame);
                }
            }
            Ok(Some(self.refresh(id, &mut local)))
        })
    }
}
