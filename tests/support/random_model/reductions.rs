//! What a random model says about itself to the reductions.

use super::*;

impl Independence for Random {
    type Facts = ();

    fn facts(&self, _: ProcessId, _: &State) {}

    fn footprint(&self, process: ProcessId, state: &State, (): &(), thread: u8) -> Arc<Footprint> {
        Arc::new({
            let mut footprint = Footprint::new();
            for op in self.rest(process, state, thread) {
                footprint.insert(op.object(thread), op.access());
            }
            footprint
        })
    }

    fn delivery_footprint(&self, process: ProcessId, state: &State, (): &(), _frames: &FrameSet) -> Arc<Footprint> {
        Arc::new({
            let other = &self.programs[1 - process.index()];
            let tasks = other
                .iter()
                .flatten()
                .filter(|op| matches!(op, Op::SendTask(_)))
                .count();
            let mut footprint = Footprint::new();
            if usize::from(state.tasks_arrived) < tasks {
                TASK.iter()
                    .for_each(|op| footprint.insert(op(1).object(TASKS), op(1).access()));
            }
            footprint
        })
    }

    fn may_send(&self, _: ProcessId, _: &Self::Process, _: ProcessId) -> FrameSet {
        FrameSet::Any
    }

    fn frame_set(&self, _: &Self::Frame) -> FrameSet {
        FrameSet::Any
    }

    fn name(&self, _: ProcessId, _: Self::Thread) -> Option<ThreadName> {
        None
    }

    fn permits_come_back(&self, _: ProcessId, _: ObjectId) -> bool {
        let closures = self
            .programs
            .iter()
            .flatten()
            .filter(|program| program.first() == Some(&Op::Start));
        closures.flatten().all(|op| !op.waits())
    }

    fn eliminate_dead(&self, process: ProcessId, state: &mut State) {
        let receives = |thread: u8| self.rest(process, state, thread).contains(&Op::Recv);
        if !Self::threads_of(state).any(receives) {
            state.arrived = 0;
        }
    }
}

impl Guarantees for Random {
    fn guarantees(&self, _: ProcessId, _: &Self::Process, _: &GuaranteeSet) -> GuaranteeSet {
        GuaranteeSet::default()
    }

    fn is_inevitable(&self, process: ProcessId, state: &Self::Process, _: &GuaranteeSet) -> bool {
        self.clients(process, state).iter().all(|client| client.returned)
    }
}
