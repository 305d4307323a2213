//! Why a pipeline does not answer: its part of [`crate::models::tensorflow::diagnosis`].

use super::captured_function::{self, Call};
use super::{At, IteratorId, Name, Tree, parallel_interleave, parallel_map, prefetch, teardown};
use crate::machine::ProcessId;
use crate::models::tensorflow::diagnosis::Walk;
use crate::models::tensorflow::process::{At as Position, ThreadId};

/// Who could help a thread that waits, or why nobody can.
enum Waits {
    For(Vec<ThreadId>),
    InVain(&'static str),
}

impl Walk<'_> {
    /// A thread that waits in a pipeline, or for a thread of the pool that the pipeline shares, and all that it waits for.
    pub(in crate::models) fn pipeline_thread(&mut self, from: usize, id: ProcessId, thread: ThreadId) {
        if let Some((_, _, known)) = self.threads.iter().find(|(of, other, _)| *of == id && *other == thread) {
            return self.graph.edges.push((from, *known));
        }
        let Some(live) = self.process(id).thread(thread) else {
            return;
        };
        let (at, pending) = (live.at(), self.pending(id, live));
        let label = pending.operation.label;
        let object = self
            .model
            .describe_object(self.model.object_of(pending.operation.object));
        let kind = object.split(':').next().unwrap_or_default().to_owned();
        let name = crate::machine::Model::thread_name(self.model, id, self.process(id), thread);
        let mut waits = self.waits_for(id, at);
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
        let node = self.node(id, label.function, &kind, cause, text);
        let node = self.graph.push(Some(from), node);
        self.threads.push((id, thread, node));
        if let Waits::For(others) = waits {
            for other in others {
                self.pipeline_thread(node, id, other);
            }
        }
    }

    fn waits_for(&self, id: ProcessId, at: Position) -> Waits {
        let process = self.process(id);
        let Some(datasets) = process.datasets.as_deref() else {
            return Waits::InVain("it has no pipeline");
        };
        let tree = |id: IteratorId| datasets.tree(id).expect("the iterator is not destroyed");
        let one = |name| Waits::For(vec![ThreadId::Dataset(name)]);
        let at = match at {
            Position::PoolTake => return Waits::For(self.pool_holders(id)),
            Position::Dataset(at) => at,
            _ => return Waits::InVain("held by a thread that can't go on"),
        };
        match at {
            At::Map(parallel_map::At::GetNext(id) | parallel_map::At::Join(id)) => one(Name::Runner(id)),
            At::Map(parallel_map::At::Await(id)) => {
                let number = tree(id).map.taken.as_ref().map(|taken| taken.number);
                Waits::For(number.map_or_else(Vec::new, |number| call(tree(id), Call::Map(number))))
            }
            At::Map(parallel_map::At::Destroy(id)) => Waits::For(in_flight(tree(id), process)),
            At::Map(parallel_map::At::Runner(_)) => Waits::InVain("its results are full, and nobody takes one"),
            At::Prefetch(prefetch::At::GetNext(id) | prefetch::At::Join(id)) => one(Name::Prefetch(id)),
            At::Prefetch(prefetch::At::WaitForSlot(_)) => Waits::InVain("its buffer is full, and nobody takes from it"),
            At::Interleave(parallel_interleave::At::GetNext(id)) => {
                let workers = &tree(id).interleave.workers;
                if workers.iter().any(|worker| !worker.outputs.is_empty()) {
                    return Waits::InVain("an element is there, but nobody has signalled the condition variable");
                }
                let producing = (0u8..).zip(workers).filter(|(_, worker)| worker.producing);
                Waits::For(
                    producing
                        .map(|(number, _)| ThreadId::Dataset(Name::Worker(id, number)))
                        .collect(),
                )
            }
            At::Interleave(parallel_interleave::At::Join(id, worker)) => one(Name::Worker(id, worker)),
            At::Interleave(_) => Waits::InVain("nobody gives it a file or takes from its buffer"),
            At::Function(captured_function::At::Await(id, worker)) => Waits::For(call(tree(id), Call::File(worker))),
            At::Teardown(teardown::At::Delete | teardown::At::Create) => {
                Waits::For(datasets.sessions.owner().into_iter().collect())
            }
            _ => Waits::InVain("held by a thread that can't go on"),
        }
    }

    /// The closures that run on the pool and do not end.
    fn pool_holders(&self, id: ProcessId) -> Vec<ThreadId> {
        let threads = self.process(id).threads.iter();
        let running = threads.filter(|thread| thread.is_pooled() && thread.at() != Position::PoolTake);
        running.map(|thread| thread.id).collect()
    }
}

/// Who can complete a call of a function: its closures, or for `map` the runner that has not called it yet.
fn call(tree: &Tree, call: Call) -> Vec<ThreadId> {
    let closures = [Name::Body(tree.id, call), Name::Callback(tree.id, call)];
    let mut threads: Vec<ThreadId> = closures.into_iter().map(ThreadId::Dataset).collect();
    if let Call::Map(number) = call
        && (tree.runner.number..tree.runner.end).contains(&number)
    {
        threads.push(ThreadId::Dataset(Name::Runner(tree.id)));
    }
    threads
}

/// Who can complete the calls that the destructor of `map` waits for.
fn in_flight(tree: &Tree, process: &crate::models::tensorflow::process::Process) -> Vec<ThreadId> {
    let closure = |id: ThreadId| match id {
        ThreadId::Dataset(Name::Body(of, Call::Map(_)) | Name::Callback(of, Call::Map(_))) => of == tree.id,
        ThreadId::Dataset(Name::Runner(of)) => of == tree.id && tree.runner.number < tree.runner.end,
        _ => false,
    };
    process
        .threads
        .iter()
        .map(|thread| thread.id)
        .filter(|id| closure(*id))
        .collect()
}
