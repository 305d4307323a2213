//! The cluster as a [`Model`].

use std::sync::Arc;

use smallvec::SmallVec;

use super::TensorFlow;
use crate::machine::{
    ClientStatus, Footprint, FrameSet, GuaranteeSet, Guarantees, Independence, Model, ObjectId, Pending, ProcessId,
    Ready, ThreadName, WaitFor,
};
use crate::models::tensorflow::analysis::Outlook;
use crate::models::tensorflow::mechanisms::cancellation::Session;
use crate::models::tensorflow::mechanisms::closing;
use crate::models::tensorflow::mechanisms::context::{Inventory, Item, Next, Run, Spawned, View, Wanted};
use crate::models::tensorflow::mechanisms::master::{self, Master};
use crate::models::tensorflow::mechanisms::pool;
use crate::models::tensorflow::mechanisms::queue::Queue;
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::{Facts, executor, list_objects, rpc};
use crate::models::tensorflow::process::{Process, RendezvousId, Thread, ThreadId};

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
        let start = |process: &mut Process, name, places: &[_]| {
            let mut thread = Thread::new(name);
            thread.then(places.iter().copied());
            process.spawn(thread);
        };
        if let Some(step) = self.first[id.index()] {
            process.master = Some(Master::new(step));
            start(&mut process, ThreadId::Client, &[master::run(step)]);
            if let Some(capacity) = self.faults().queue {
                let step = step + self.runner_from as u16;
                process.queue = Some(Queue::new(capacity));
                process.runner = Some(Master::new(step));
                start(&mut process, ThreadId::Runner, &[master::run(step)]);
            }
            process.session = self.faults().cancel_steps().then(|| Session {
                deleting: self.delete_session_calls(id).count() as u16,
                ..Session::default()
            });
            if self.faults().close {
                start(&mut process, ThreadId::Closer, &closing::close(self, id));
            }
        }
        if let Some(death) = self.death_of(id) {
            process.spawn(death);
        }
        self.initial_datasets(id, &mut process);
        process
    }

    fn threads(&self, id: ProcessId, process: &Process) -> Vec<Pending<ThreadId>> {
        let facts = Facts::of(self, id, process);
        let view = |thread| View {
            model: self,
            id,
            process,
            thread,
        };
        let mut waiting: Option<Pending<ThreadId>> = None;
        let mut listed = Vec::with_capacity(process.threads.len());
        for thread in &process.threads {
            let waits = pool::takes(thread.at());
            let pending = match &waiting {
                Some(other) if waits => pool::pending_like(other, &view(thread)),
                _ => view(thread).pending(&facts),
            };
            if waits && waiting.is_none() {
                waiting = Some(pending.clone());
            }
            listed.push(pending);
        }
        listed
    }

    fn ready(&self, id: ProcessId, process: &Process, ready: &mut Vec<Ready<ThreadId>>) {
        // Guards and outcomes look at no fact.
        let facts = Facts::default();
        let is_busy = pool::is_busy(self, process);
        for thread in &process.threads {
            // In a large partition most threads wait for a pool thread.
            if is_busy && pool::takes(thread.at()) {
                continue;
            }
            let view = View {
                model: self,
                id,
                process,
                thread,
            };
            ready.extend(view.ready(&facts));
        }
    }

    fn apply(
        &self,
        id: ProcessId,
        process: &mut Process,
        thread: ThreadId,
        choice: u32,
        sent: &mut Vec<(ProcessId, rpc::Frame)>,
    ) {
        let said = cfg!(debug_assertions).then(|| Said::of(self, id, process, thread));
        let (place, taken) = process.take_thread(thread);
        let run = Run {
            model: self,
            id,
            process,
            place,
            thread: taken,
            choice,
            sent,
            spawned: Spawned::new(),
        };
        let spawned = run.run();
        if let Some(said) = said {
            said.check(process, thread, &spawned, sent);
        }
        eliminate_unreferenced(process);
    }

    fn deliver(&self, _to: ProcessId, process: &mut Process, from: ProcessId, frame: rpc::Frame) {
        rpc::deliver(self, process, from, frame);
    }

    fn thread_name(&self, id: ProcessId, _state: &Process, thread: ThreadId) -> String {
        self.thread_text(id, thread)
    }

    fn object_name(&self, _id: ProcessId, _state: &Process, object: ObjectId) -> String {
        self.describe_object(self.object_of(object))
    }

    fn object_values(&self, id: ProcessId, process: &Process) -> Vec<(ObjectId, u64)> {
        let mut wanted = Wanted::Values(Vec::new());
        // Dying changes everything, and is the one label that does not declare all that it changes.
        if !process.connections.down {
            list_objects(self, id, process, &mut Inventory::new(self, &mut wanted));
        }
        match wanted {
            Wanted::Values(values) => values,
            Wanted::Texts(_) | Wanted::Owners(_) => Vec::new(),
        }
    }

    fn clients(&self, _id: ProcessId, process: &Process) -> Vec<ClientStatus> {
        let status = |master: &Master| ClientStatus {
            name: format!("{} sess.run", self.steps()[usize::from(master.step)].name),
            returned: master.returned,
        };
        let run = process.master.iter().map(status);
        let fill = process.runner.iter().map(status);
        let closer = process.session.iter().filter(|_| self.faults().close);
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
    type Facts = Outlook;

    fn facts(&self, id: ProcessId, process: &Process) -> Outlook {
        Outlook::new(self, id, process)
    }

    fn footprint(&self, _: ProcessId, process: &Process, outlook: &Outlook, thread: ThreadId) -> Arc<Footprint> {
        outlook.of_thread(self, process.thread(thread).expect("a live thread"))
    }

    fn delivery_footprint(
        &self,
        _: ProcessId,
        process: &Process,
        outlook: &Outlook,
        frames: &FrameSet,
    ) -> Arc<Footprint> {
        outlook.of_delivery(self, process, frames)
    }

    fn may_send(&self, from: ProcessId, process: &Process, to: ProcessId) -> FrameSet {
        self.frames_that_may_come(from, process, to)
    }

    fn frame_set(&self, frame: &rpc::Frame) -> FrameSet {
        FrameSet::one(frame.number())
    }

    fn name(&self, _: ProcessId, thread: ThreadId) -> Option<ThreadName> {
        self.footprints.name(thread)
    }

    fn permits_come_back(&self, id: ProcessId, _object: ObjectId) -> bool {
        // No closure of a step waits for anything but a mutex, and mutexes are held across labels that wait for nothing but further
        // mutexes, always in the same order: RunManyGraphs > CallOptions of the worker's partition; rendezvous > a call's options.
        // Some uses of a pipeline or of a queue are the exception, and a process that dies takes its threads with it.
        !self.pool_may_block(id) && !self.is_mortal(id)
    }

    fn eliminate_dead(&self, id: ProcessId, process: &mut Process) {
        self.eliminate_dead_of(id, process);
    }
}

impl Guarantees for TensorFlow {
    fn guarantees(&self, id: ProcessId, process: &Process, assumed: &GuaranteeSet) -> GuaranteeSet {
        self.guarantees_of(id, process, assumed)
    }

    fn is_inevitable(&self, id: ProcessId, process: &Process, assumed: &GuaranteeSet) -> bool {
        self.return_is_inevitable(id, process, assumed)
    }
}

/// The announcement, before a label runs, of what the label may do.
struct Said {
    label: &'static crate::machine::Label,
    /// Items that the thread has before it already, and those that may follow.
    items: Vec<Item>,
    names: Vec<ThreadId>,
    sent: Vec<(ProcessId, rpc::Frame)>,
}

impl Said {
    fn of(model: &TensorFlow, id: ProcessId, process: &Process, thread: ThreadId) -> Self {
        let facts = Facts::of(model, id, process);
        let thread = process.thread(thread).expect("only live threads run");
        let mut next = Next::new(model, id, &facts);
        next.follow(Item::Pc(thread.at()));
        next.items.extend(executor::items(thread));
        // Nodes that a thread carries, or comes to carry, may begin or go to the pool at once.
        let carried: Vec<Item> = next
            .items
            .iter()
            .copied()
            .filter(|item| matches!(item, Item::Node(..)))
            .collect();
        carried.into_iter().for_each(|node| next.follow(node));
        Self {
            label: thread.at().label(),
            items: next.items.into_iter().map(Item::erased).collect(),
            names: next.names.into_iter().map(ThreadId::erased).collect(),
            sent: next.sent,
        }
    }

    /// Compares with what the label did.
    ///
    /// # Panics
    /// If it did something that was not said.
    fn check(&self, process: &Process, thread: ThreadId, spawned: &[ThreadId], sent: &[(ProcessId, rpc::Frame)]) {
        let label = self.label;
        for name in spawned {
            assert!(
                self.names.contains(&name.erased()),
                "{label} started {name:?}, which its next() does not say"
            );
        }
        for frame in sent {
            assert!(
                self.sent.contains(frame),
                "{label} sent {frame:?}, which its next() does not say"
            );
        }
        let threads = spawned.iter().chain([&thread]).filter_map(|name| process.thread(*name));
        for item in threads.flat_map(executor::items).map(Item::erased) {
            assert!(
                self.items.contains(&item),
                "{label} went on to {item:?}, which its next() does not say"
            );
        }
    }
}

/// Drops rendezvous that nothing refers to and numbers the others in the order of their steps, so that the numbers say nothing
/// about the past.
fn eliminate_unreferenced(process: &mut Process) {
    // What waits in a rendezvous keeps it.
    let waited_for = |state: &Rendezvous| !state.deferred.is_empty() || !state.waiters.is_empty();
    let mut used: SmallVec<[bool; 4]> = process.rendezvous.iter().map(waited_for).collect();
    // Mostly the table and the executions keep all of them, in order: then nobody else need be asked.
    visit_owned(process, &mut |id| used[usize::from(*id)] = true);
    let in_order = process.rendezvous.is_sorted_by_key(|state| state.step);
    if in_order && used.iter().all(|&used| used) {
        return;
    }
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

fn visit_owned(process: &mut Process, visit: &mut impl FnMut(&mut RendezvousId)) {
    for (_, id) in &mut process.table {
        visit(id);
    }
    for execution in &mut process.executions {
        visit(&mut execution.rendezvous);
    }
}

fn visit_rendezvous(process: &mut Process, visit: &mut impl FnMut(&mut RendezvousId)) {
    visit_owned(process, visit);
    for call in &mut process.client_calls {
        if let Some(id) = &mut call.rendezvous {
            visit(id);
        }
    }
    for pc in process.threads.iter_mut().flat_map(|thread| &mut thread.stack) {
        if let Some(id) = pc.rendezvous_mut() {
            visit(id);
        }
    }
}

#[cfg(test)]
mod tests;
