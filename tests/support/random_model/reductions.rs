//! What a random model says about itself to the reductions.

use lastbatch::says_nothing;

use super::*;

impl Independence for Random {
    says_nothing!(facts may_send frame_set name);

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
    says_nothing!(guarantees is_inevitable);
}
