//! What threads may still do: footprints for partial-order reduction, and what can no longer matter.

use super::TensorFlow;
use super::process::{Process, ThreadId};
use crate::machine::{Access, Footprint, ObjectId, ProcessId};

impl TensorFlow {
    pub(super) fn future_of(&self, _id: ProcessId, _process: &Process, _thread: ThreadId) -> Footprint {
        self.everything()
    }

    pub(super) fn arrivals_at(&self, _id: ProcessId, _process: &Process) -> Footprint {
        self.everything()
    }

    pub(super) fn forget_dead_of(&self, _id: ProcessId, _process: &mut Process) {}

    fn everything(&self) -> Footprint {
        let mut all = Footprint::new();
        for number in 0..1024 {
            all.insert(ObjectId(number), Access::Write);
        }
        all
    }
}
