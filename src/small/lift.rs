//! The traits of the machine for small models.

use std::sync::Arc;

use super::{SmallModel, waits};
use crate::machine::{
    ClientStatus, Describe, Footprint, FrameKind, FrameSet, FrameText, GuaranteeSet, Guarantees, Independence, Model,
    ObjectId, Pending, ProcessId, WaitFor,
};
use crate::says_nothing;

/// Returns the name of a thread: its debug form without brackets, as in `consumer1`.
pub(super) fn thread_name<M: SmallModel>(thread: M::Thread) -> String {
    let name = format!("{thread:?}")
        .to_lowercase()
        .replace(['(', ')', '"'], "")
        .replace(", ", ".");
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("thread{name}"),
        false => name,
    }
}

/// Returns the threads that have to end.
pub(super) fn clients<M: SmallModel>(model: &M, process: ProcessId) -> impl Iterator<Item = M::Thread> {
    let threads = SmallModel::threads(model, process).into_iter();
    threads.filter(move |thread| model.must_end(process, *thread))
}

impl<M: SmallModel> Model for M {
    type Process = M::State;
    type Thread = M::Thread;
    type Frame = M::Frame;

    says_nothing!(outcome leaks);

    fn process_count(&self) -> usize {
        M::PROCESSES.len()
    }

    fn process_name(&self, process: ProcessId) -> String {
        M::PROCESSES[process.index()].to_owned()
    }

    fn initial(&self, process: ProcessId) -> M::State {
        SmallModel::initial(self, process)
    }

    fn threads(&self, process: ProcessId, state: &M::State) -> Vec<Pending<M::Thread>> {
        let threads = SmallModel::threads(self, process).into_iter();
        let pending = |thread| {
            let step = self.next(process, state, thread)?;
            Some(Pending {
                thread,
                operation: step.operation,
                enabled: step.enabled,
            })
        };
        threads.filter_map(pending).collect()
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut M::State,
        thread: M::Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, M::Frame)>,
    ) {
        let step = self.next(process, state, thread);
        let step = step.expect("a thread that runs has a next step");
        sent.extend((step.effect)(state, choice));
    }

    fn deliver(&self, to: ProcessId, state: &mut M::State, from: ProcessId, frame: M::Frame) {
        SmallModel::deliver(self, to, state, from, frame);
    }

    fn thread_name(&self, _: ProcessId, _: &M::State, thread: M::Thread) -> String {
        thread_name::<M>(thread)
    }

    fn object_name(&self, _: ProcessId, _: &M::State, object: ObjectId) -> String {
        M::OBJECTS[object.index()].to_owned()
    }

    fn object_values(&self, process: ProcessId, state: &M::State) -> Vec<(ObjectId, u64)> {
        let values = self.objects(process, state);
        (0..)
            .map(ObjectId)
            .zip(values.iter().map(|object| object.value()))
            .collect()
    }

    fn clients(&self, process: ProcessId, state: &M::State) -> Vec<ClientStatus> {
        let status = |thread| {
            let name = thread_name::<M>(thread);
            ClientStatus {
                name: match M::PROCESSES {
                    [_] => name,
                    several => format!("{} {name}", several[process.index()]),
                },
                returned: self.next(process, state, thread).is_none(),
            }
        };
        clients(self, process).map(status).collect()
    }

    fn wait_for(&self, system: &[&M::State], process: ProcessId, client: usize) -> WaitFor {
        let thread = clients(self, process).nth(client);
        waits::closure(self, system, process, thread.expect("a client of this process"))
    }
}

/// Nothing is known of what commutes but the next operations themselves: whoever lives may do anything to its process. What a frame lets a
/// thread do is as unknown, so processes that hear of others are no more independent.
impl<M: SmallModel> Independence for M {
    says_nothing!(facts may_send frame_set name permits_come_back eliminate_dead);

    fn footprint(&self, _: ProcessId, _: &M::State, (): &(), _: M::Thread) -> Arc<Footprint> {
        Arc::new(Footprint::everything())
    }

    fn delivery_footprint(&self, _: ProcessId, _: &M::State, (): &(), _: &FrameSet) -> Arc<Footprint> {
        match M::PROCESSES {
            [_] => Arc::default(),
            _ => Arc::new(Footprint::everything()),
        }
    }
}

impl<M: SmallModel> Guarantees for M {
    says_nothing!(guarantees);

    /// Where no thread lives, none will: nobody is left to start one.
    fn is_inevitable(&self, process: ProcessId, state: &M::State, _: &GuaranteeSet) -> bool {
        Model::threads(self, process, state).is_empty()
    }
}

impl<M: SmallModel> Describe for M {
    fn describe_objects(&self, process: ProcessId, state: &M::State) -> Vec<(ObjectId, String)> {
        let objects = self.objects(process, state);
        let words = objects.iter().map(|object| object.words());
        (0..).map(ObjectId).zip(words).collect()
    }

    fn describe_frame(&self, frame: &M::Frame) -> FrameText {
        FrameText {
            name: format!("{frame:?}"),
            kind: FrameKind::Request,
        }
    }

    fn words(&self, _: ProcessId, _: &M::State, pending: &Pending<M::Thread>, choice: u32) -> String {
        let (label, choices) = (pending.operation.label, pending.operation.choices);
        let outcome = if choices > 1 {
            format!(", outcome {choice}")
        } else {
            String::new()
        };
        match label.function {
            words if words != label.name => format!("{words}{outcome}"),
            _ => format!("does {}{outcome}", label.name),
        }
    }

    fn thread_words(&self, _: ProcessId, _: &M::State, thread: M::Thread) -> String {
        thread_name::<M>(thread)
    }
}
