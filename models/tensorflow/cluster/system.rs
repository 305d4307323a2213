//! The cluster as a [`Model`].

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Run, TensorFlow, View};
use crate::machine::{
    ClientStatus, Footprint, FrameSet, GuaranteeSet, Guarantees, Independence, Model, ObjectId, Pending, ProcessId,
    ThreadName, WaitFor,
};
use crate::models::tensorflow::mechanisms::cancellation::{self, Session};
use crate::models::tensorflow::mechanisms::dataset;
use crate::models::tensorflow::mechanisms::master::{self, Master};
use crate::models::tensorflow::mechanisms::queue::Queue;
use crate::models::tensorflow::mechanisms::rendezvous;
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::rpc;
use crate::models::tensorflow::mechanisms::worker;
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At, Process, RendezvousId, Thread, ThreadId};

impl Model for TensorFlow {
    type Process = Process;
    type Thread = ThreadId;
    type Frame = rpc::Frame;

    fn process_count(&self) -> usize {
        self.processes().len()
    }

    fn process_name(&self, process: ProcessId) -> String {
        self.processes()[process.index()].name.clone()
    }

    fn initial(&self, id: ProcessId) -> Process {
        let mut process = Process {
            variables: SmallVec::from_elem(0, self.variables(id).len()),
            ..Process::default()
        };
        if let Some(step) = self.first[id.index()] {
            process.master = Some(Master {
                step,
                ..Master::default()
            });
            process.spawn(Thread::new(ThreadId::Client, At::Master(master::At::Run(step))));
            if let Some(capacity) = self.circumstances().queue {
                let step = step + self.runner_from as u8;
                process.queue = Some(Queue::new(capacity));
                process.runner = Some(Master {
                    step,
                    ..Master::default()
                });
                process.spawn(Thread::new(ThreadId::Runner, At::Master(master::At::Run(step))));
            }
            if self.circumstances().cancel_steps() {
                process.session = Some(Session::default());
            }
            if self.circumstances().close {
                let mut closer = Thread::new(ThreadId::Closer, At::Session(cancellation::At::WaitIdle));
                let before = [
                    cancellation::At::Close,
                    cancellation::At::StartCancel,
                    cancellation::At::Cancelled,
                ];
                closer.then(before.map(At::Session));
                process.spawn(closer);
            }
        }
        if let Some(death) = self.death_of(id) {
            process.spawn(death);
        }
        self.initial_datasets(id, &mut process);
        process
    }

    fn threads(&self, id: ProcessId, process: &Process) -> Vec<Pending<ThreadId>> {
        process
            .threads
            .iter()
            .map(|thread| {
                View {
                    model: self,
                    id,
                    process,
                    thread,
                }
                .pending()
            })
            .collect()
    }

    fn apply(
        &self,
        id: ProcessId,
        process: &mut Process,
        thread: ThreadId,
        choice: u32,
        sent: &mut Vec<(ProcessId, rpc::Frame)>,
    ) {
        let thread = process.take_thread(thread);
        Run {
            model: self,
            id,
            process,
            thread,
            choice: choice as u8,
            sent,
        }
        .run();
        forget_unreferenced(process);
    }

    fn deliver(&self, _to: ProcessId, process: &mut Process, from: ProcessId, frame: rpc::Frame) {
        rpc::deliver(self, process, from, frame);
    }

    fn thread_name(&self, id: ProcessId, _state: &Process, thread: ThreadId) -> String {
        match thread {
            ThreadId::Client => "client".to_owned(),
            ThreadId::Runner => "queue_runner".to_owned(),
            ThreadId::Step(step) => format!("step:{}", self.step_name(step)),
            ThreadId::Node(step, node) => format!("pool:{}", self.node_name(id, step, node)),
            ThreadId::Done(step) => format!("pool:done({})", self.step_name(step)),
            ThreadId::Handler(call) => format!("pool:handle({})", self.call_name(call)),
            ThreadId::Arrival(call) => format!("server_cq:{}", self.call_name(call)),
            ThreadId::Cancelled(call) => format!("server_cq:cancelled({})", self.call_name(call)),
            ThreadId::Completion(call) => format!("client_cq:{}", self.call_name(call)),
            ThreadId::GetNext(step, node) => format!("iterator:{}", self.node_name(id, step, node)),
            ThreadId::Timer(step, number) => format!("timer{number}:{}", self.step_name(step)),
            ThreadId::Deadline(step) => format!("deadline:{}", self.step_name(step)),
            ThreadId::Closer => "closer".to_owned(),
            ThreadId::Death => "death".to_owned(),
            ThreadId::Dataset(name) => name.text(),
        }
    }

    fn object_name(&self, _id: ProcessId, _state: &Process, object: ObjectId) -> String {
        self.describe_object(self.object_of(object))
    }

    fn object_values(&self, _id: ProcessId, process: &Process) -> Vec<(ObjectId, u64)> {
        let mut values = Vec::new();
        // Dying changes everything, and is the one label that does not declare all that it changes.
        if process.connections.down {
            return values;
        }
        let mut add = |object, value: u64| values.push((self.object(object), value));
        add(Object::Pool, hash(&process.pool));
        // Not the numbers of the rendezvous: they change when another one is dropped.
        let known: SmallVec<[_; 4]> = process.table.iter().map(|(step, _)| *step).collect();
        add(Object::Table, hash(&(known, process.cancelled_steps)));
        add(Object::Variables, hash(&process.variables));
        for (index, _) in self.processes().iter().enumerate() {
            add(
                Object::Queue(ProcessId::new(index)),
                u64::from(process.busy_queues >> index & 1),
            );
        }
        for rendezvous in &process.rendezvous {
            // One object a step: where a step has several rendezvous, only the one in the table is checked.
            if process.table.iter().any(|(step, id)| {
                *step == rendezvous.step && std::ptr::eq(&process.rendezvous[usize::from(*id)], rendezvous)
            }) {
                let local = (rendezvous.local_aborted, &rendezvous.values, &rendezvous.waiters);
                add(Object::Local(rendezvous.step), hash(&local));
                let half = hash(&(
                    rendezvous.lock,
                    rendezvous.aborted,
                    rendezvous.cancelled,
                    &rendezvous.active,
                ));
                let session = hash(&(rendezvous.initialized, &rendezvous.deferred));
                match self.session_object(rendezvous.step) {
                    Object::Remote(step) => add(Object::Remote(step), hash(&(half, session))),
                    object => {
                        add(Object::Remote(rendezvous.step), half);
                        add(object, session);
                    }
                }
            }
        }
        for execution in &process.executions {
            add(Object::Frames(execution.step), hash(&execution.pending));
            add(Object::Status(execution.step), hash(&execution.failed));
            add(Object::Outstanding(execution.step), u64::from(execution.outstanding));
            add(
                Object::Cancellation(execution.step),
                hash(&(execution.cancelling, &execution.callbacks)),
            );
        }
        if let Some(queue) = &process.queue {
            add(Object::FifoQueue, hash(queue));
        }
        for master in process.master.iter().chain(&process.runner) {
            add(
                self.client_object(master.step),
                hash(&(master.returned, master.outcome)),
            );
            // `RunManyGraphs` lives on the stack of the step thread.
            if process.thread(ThreadId::Step(master.step)).is_some() {
                add(Object::RunMany(master.step), hash(&(master.lock, master.failed)));
                add(Object::Counter(master.step), u64::from(master.pending));
                add(Object::LocalOptions(master.step), hash(&master.local));
            }
            if let Some(session) = &process.session {
                let registered = (session.closed, session.running, session.cancelling, session.registered);
                add(Object::Session, hash(&registered));
                add(
                    Object::ClientOptions(master.step),
                    hash(&(session.installed, session.wanted, session.lock)),
                );
            }
        }
        for (object, value) in process.datasets.iter().flat_map(|datasets| dataset::values(datasets)) {
            add(Object::Dataset(object), value);
        }
        for call in &process.client_calls {
            // Not the number of its rendezvous, which changes when another one is dropped.
            let options = (call.installed, call.wanted, call.failed, call.unchecked);
            add(Object::Call(call.id), hash(&(options, call.rpc)));
        }
        for call in &process.server_calls {
            add(Object::Call(call.id), hash(call));
        }
        values
    }

    fn clients(&self, _id: ProcessId, process: &Process) -> Vec<ClientStatus> {
        let status = |master: &Master| ClientStatus {
            name: format!("{} sess.run", self.steps()[usize::from(master.step)].name),
            returned: master.returned,
        };
        let run = process.master.iter().map(status);
        let fill = process.runner.iter().map(status);
        let closer = process.session.iter().filter(|_| self.circumstances().close);
        let close = closer.map(|session| ClientStatus {
            name: "session.close".to_owned(),
            returned: session.close_returned,
        });
        run.chain(close).chain(fill).collect()
    }

    fn wait_for(&self, system: &[&Process], process: ProcessId, client: usize) -> WaitFor {
        self.why_stuck(system, process, client)
    }

    fn outcome(&self, system: &[&Process]) -> Option<String> {
        Some(self.how_it_ended(system))
    }

    fn leaks(&self, system: &[&Process]) -> Vec<String> {
        self.left_behind(system)
    }
}

impl Independence for TensorFlow {
    fn footprint(&self, id: ProcessId, process: &Process, thread: ThreadId) -> Arc<Footprint> {
        Arc::new(self.future_of(id, process, thread))
    }

    fn delivery_footprint(&self, id: ProcessId, process: &Process, frames: &FrameSet) -> Arc<Footprint> {
        Arc::new(self.arrivals_at(id, process, frames))
    }

    fn may_send(&self, from: ProcessId, process: &Process, to: ProcessId) -> FrameSet {
        self.frames_to(from, process, to)
    }

    fn frame_set(&self, frame: &rpc::Frame) -> FrameSet {
        FrameSet::one(frame.number())
    }

    fn name(&self, _: ProcessId, _: Self::Thread) -> Option<ThreadName> {
        None
    }

    fn permits_come_back(&self, id: ProcessId, _object: ObjectId) -> bool {
        // No closure of a step waits for anything but a mutex, and mutexes are held across labels that wait for nothing but further
        // mutexes, always in the same order: RunManyGraphs > CallOptions of the worker's partition; rendezvous > a call's options.
        // Some uses of a pipeline or of a queue are the exception, and a process that dies takes its threads with it.
        !self.pool_may_block(id) && !self.is_mortal(id)
    }

    fn eliminate_dead(&self, id: ProcessId, process: &mut Process) {
        self.forget_dead_of(id, process);
    }
}

impl Guarantees for TensorFlow {
    fn guarantees(&self, id: ProcessId, process: &Process, assumed: &GuaranteeSet) -> GuaranteeSet {
        self.promises_of(id, process, assumed)
    }

    fn is_inevitable(&self, id: ProcessId, process: &Process, assumed: &GuaranteeSet) -> bool {
        self.client_is_sure_to_return(id, process, assumed)
    }
}

impl TensorFlow {
    fn node_name(&self, id: ProcessId, step: u8, node: u16) -> String {
        let name = &self.node(step, id, node).name;
        if self.steps().len() > 1 {
            format!("{}/{name}", self.step_name(step))
        } else {
            name.clone()
        }
    }
}

pub(in crate::models) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Drops rendezvous that nothing refers to and numbers the others in the order of their steps, so that the numbers say nothing
/// about the past.
fn forget_unreferenced(process: &mut Process) {
    // What waits in a rendezvous keeps it.
    let waited_for = |state: &Rendezvous| !state.deferred.is_empty() || !state.waiters.is_empty();
    let mut used: SmallVec<[bool; 4]> = process.rendezvous.iter().map(waited_for).collect();
    visit_rendezvous(process, &mut |id| used[usize::from(*id)] = true);
    let mut order: SmallVec<[usize; 4]> = (0..used.len()).filter(|&index| used[index]).collect();
    order.sort_by_key(|&index| process.rendezvous[index].step);
    if order.len() == used.len() && order.iter().copied().eq(0..used.len()) {
        return;
    }
    process.rendezvous = order.iter().map(|&index| process.rendezvous[index].clone()).collect();
    visit_rendezvous(process, &mut |id| {
        let place = order.iter().position(|&index| index == usize::from(*id));
        *id = place.expect("a rendezvous in use is kept") as RendezvousId;
    });
}

fn visit_rendezvous(process: &mut Process, visit: &mut impl FnMut(&mut RendezvousId)) {
    use rendezvous::At as R;
    for (_, id) in &mut process.table {
        visit(id);
    }
    for execution in &mut process.executions {
        visit(&mut execution.rendezvous);
    }
    for call in &mut process.client_calls {
        if let Some(id) = &mut call.rendezvous {
            visit(id);
        }
    }
    for at in process.threads.iter_mut().flat_map(|thread| &mut thread.stack) {
        match at {
            At::Rendezvous(
                R::AbortLocal(id)
                | R::AbortRemote(id)
                | R::AbortNext(id)
                | R::AbortUnlock(id)
                | R::Initialize(_, id)
                | R::RecvLocal(_, id)
                | R::LocalValidate(_, id)
                | R::LocalRecv(_, id)
                | R::FailDeferred(id),
            )
            | At::Worker(worker::At::Root(_, id, _) | worker::At::SetTimer(_, id)) => visit(id),
            _ => {}
        }
    }
}
