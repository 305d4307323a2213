//! The loop of a thread, and how an execution ends.

mod mail;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam::queue::SegQueue;

use super::execution::{Ended, Execution, Taken};
use super::limits::Limits;
use super::monitor::{ActiveCount, Changes, Local, Place, ProcessMonitor};
use super::{ForcedSchedule, Runtime, Standing};
use crate::machine::{Model, Pending, ProcessId, System, panics, run_label};
use crate::schedule::Found;

type Report<M> = Box<dyn FnOnce(Execution<M>) + Send>;

/// One execution while it runs.
pub struct Driver<M: Model, R: Runtime> {
    model: Arc<M>,
    runtime: Arc<R>,
    limits: Limits,
    monitors: Vec<ProcessMonitor<M, R>>,
    /// Frames on their way, first by receiver, then by sender.
    connections: Vec<Vec<SegQueue<M::Frame>>>,
    active: ActiveCount,
    forced_schedule: Option<ForcedSchedule<M>>,
    taken: Mutex<Vec<Taken<M::Thread>>>,
    over: AtomicBool,
    report: Mutex<Option<Report<M>>>,
}

/// Runs one execution of `model` on the threads of `runtime`. The calling thread is one of them. `report` is called once, by one of
/// the threads, when the execution is over; they all end soon after.
pub fn drive<M, R>(
    model: &Arc<M>,
    runtime: &Arc<R>,
    limits: Limits,
    forced_schedule: Option<ForcedSchedule<M>>,
    report: impl FnOnce(Execution<M>) + Send + 'static,
) where
    M: Model + 'static,
    R: Runtime,
{
    Arc::new(Driver::new(model, runtime, limits, forced_schedule, report)).run();
}

/// Runs code of the model; a panic of it is a failure like any other.
pub(super) fn guarded<T>(code: impl FnOnce() -> Result<T, Found>) -> Result<T, Found> {
    panics::catch(code).unwrap_or_else(|payload| Err(Found::panic(&*payload)))
}

/// The outcome of a thread's turn.
enum Turn<M: Model, R: Runtime> {
    /// Its guard is false.
    Waits,
    /// It does not live any more, or nobody does.
    Ends,
    /// A frame has come to its process meanwhile.
    Mail,
    /// It ran its label, the one of this number, which sent a frame to this process.
    Ran(usize, Changes<M, R>, Option<ProcessId>),
    /// Its label, the one of this number, failed.
    Failed(usize, Found),
}

impl<M: Model + 'static, R: Runtime> Driver<M, R> {
    /// Returns an execution that has not begun; see [`drive`].
    pub fn new(
        model: &Arc<M>,
        runtime: &Arc<R>,
        limits: Limits,
        forced_schedule: Option<ForcedSchedule<M>>,
        report: impl FnOnce(Execution<M>) + Send + 'static,
    ) -> Self {
        let ids = || ProcessId::all(model.process_count());
        let connections = ids().map(|_| ids().map(|_| SegQueue::new()).collect()).collect();
        Self {
            model: Arc::clone(model),
            runtime: Arc::clone(runtime),
            limits,
            monitors: ids()
                .map(|id| ProcessMonitor::new(&**runtime, model.initial(id)))
                .collect(),
            connections,
            active: ActiveCount::default(),
            forced_schedule,
            taken: Mutex::default(),
            over: AtomicBool::new(false),
            report: Mutex::new(Some(Box::new(report))),
        }
    }

    /// Runs it; the calling thread is one of its threads.
    pub fn run(self: &Arc<Self>) {
        // Nobody runs yet, so no lock is needed.
        if let Some(forced_schedule) = &self.forced_schedule {
            forced_schedule.advance(&self.model, &self.snapshot());
        }
        let mut first = Vec::new();
        for (index, monitor) in self.monitors.iter().enumerate() {
            let id = ProcessId::new(index);
            let changes = self.refresh(id, &mut monitor.local());
            first.extend(changes.started.into_iter().map(|(thread, place)| (id, thread, place)));
        }
        let Some((id, thread, place)) = first.pop() else {
            return self.end(Ended::AtRest, usize::MAX);
        };
        self.runtime.adopt(&place.slot);
        for (id, thread, place) in first {
            self.spawn(id, thread, place);
        }
        self.go(id, thread, &place);
    }

    /// Tells where every live thread stands, one line each, for an execution that does not get on.
    pub fn standings(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, monitor) in self.monitors.iter().enumerate() {
            let id = ProcessId::new(index);
            let process = self.model.process_name(id);
            let Some(local) = monitor.try_local() else {
                lines.push(format!("{process}: a label that does not end"));
                continue;
            };
            for pending in &local.pending {
                let thread = self.model.thread_name(id, &local.state, pending.thread);
                let object = self.model.object_name(id, &local.state, pending.operation.object);
                let waits = if pending.enabled { "" } else { ", waits" };
                lines.push(format!(
                    "{process} {thread}: {} on {object}{waits}",
                    pending.operation.label
                ));
            }
        }
        lines
    }

    fn spawn(self: &Arc<Self>, id: ProcessId, thread: M::Thread, place: Arc<Place<R>>) {
        let driver = Arc::clone(self);
        let own = Arc::clone(&place);
        let body = Box::new(move || driver.go(id, thread, &own));
        self.runtime.spawn(&place.slot, body);
    }

    /// Runs a thread from its start to its end.
    fn go(self: &Arc<Self>, id: ProcessId, thread: M::Thread, place: &Arc<Place<R>>) {
        let lock = &self.monitors[id.index()].lock;
        self.runtime.pause(&place.slot);
        let mut guard = self.runtime.acquire(lock);
        loop {
            match self.arrive(id) {
                Err(found) => {
                    drop(guard);
                    return self.end(self.failed(found), usize::MAX);
                }
                Ok(Some(changes)) => {
                    self.wake(&changes);
                    if !changes.started.is_empty() {
                        drop(guard);
                        self.start_all(id, changes);
                        guard = self.runtime.acquire(lock);
                        continue;
                    }
                }
                Ok(None) => {}
            }
            match self.turn(id, thread, place) {
                Turn::Mail => {}
                Turn::Ends => {
                    drop(guard);
                    if self.active.leave() {
                        self.end(Ended::AtRest, usize::MAX);
                    }
                    return;
                }
                Turn::Waits => {
                    if self.active.leave() {
                        drop(guard);
                        return self.end(Ended::AtRest, usize::MAX);
                    }
                    while place.parked.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed) {
                        guard = self.runtime.wait(&place.slot, lock, guard);
                    }
                    if self.over.load(Ordering::Relaxed) {
                        return;
                    }
                }
                Turn::Ran(number, changes, receiver) => {
                    self.wake(&changes);
                    drop(guard);
                    if number >= self.limits.labels {
                        return self.end(Ended::Cut, number);
                    }
                    self.start_all(id, changes);
                    if let Some(receiver) = receiver {
                        self.deliver(receiver);
                    }
                    self.advance();
                    if place.is_gone() {
                        if self.active.leave() {
                            self.end(Ended::AtRest, usize::MAX);
                        }
                        return;
                    }
                    self.runtime.pause(&place.slot);
                    guard = self.runtime.acquire(lock);
                }
                Turn::Failed(number, found) => {
                    drop(guard);
                    return self.end(self.failed(found), number);
                }
            }
        }
    }

    /// Takes a thread's turn while the thread holds the lock of its process.
    fn turn(&self, id: ProcessId, thread: M::Thread, place: &Place<R>) -> Turn<M, R> {
        let mut local = self.monitors[id.index()].local();
        if self.over.load(Ordering::Relaxed) || place.is_gone() {
            return Turn::Ends;
        }
        let pending = local.pending.iter().find(|pending| pending.thread == thread);
        let pending = pending.expect("a thread that is not gone is live");
        if !pending.enabled || !self.allows(id, thread) {
            place.parked.store(true, Ordering::Relaxed);
            return Turn::Waits;
        }
        let pending = pending.clone();
        let forced = self.forced_schedule.as_ref().and_then(ForcedSchedule::take);
        let choice = forced.unwrap_or_else(|| match pending.operation.choices {
            0 | 1 => 0,
            outcomes => self.runtime.choose(outcomes),
        });
        // A label and the frame that it sends get their place in the record together: whoever comes after it there has the frame.
        let (number, applied) = {
            let mut taken = self.taken.lock().expect("no panic under it");
            if self.has_mail(id) {
                return Turn::Mail;
            }
            taken.push(Taken {
                process: id,
                thread,
                choice,
            });
            let applied = guarded(|| self.apply(id, &mut local, &pending, choice));
            (taken.len(), applied)
        };
        let ran = applied.and_then(|receiver| guarded(|| Ok((self.refresh(id, &mut local), receiver))));
        match ran {
            Err(found) => Turn::Failed(number, found),
            Ok((changes, receiver)) => Turn::Ran(number, changes, receiver),
        }
    }

    /// Runs the label; queues the frame that it sends, and says for whom.
    fn apply(
        &self,
        id: ProcessId,
        local: &mut Local<M, R>,
        pending: &Pending<M::Thread>,
        choice: u32,
    ) -> Result<Option<ProcessId>, Found> {
        let sent = if self.limits.checked {
            run_label(&*self.model, id, &mut local.state, pending, choice).map_err(Found::Contract)?
        } else {
            let mut sent = Vec::new();
            self.model
                .apply(id, &mut local.state, pending.thread, choice, &mut sent);
            sent
        };
        let mut receiver = None;
        for (to, frame) in sent {
            self.connections[to.index()][id.index()].push(frame);
            receiver = Some(to);
        }
        Ok(receiver)
    }

    /// Ends the execution with a label that failed.
    fn failed(&self, found: Found) -> Ended {
        if let Some(forced_schedule) = &self.forced_schedule {
            forced_schedule.failed(found.clone(), self.snapshot());
        }
        Ended::Failed(found)
    }

    /// Wakes whose turn it is next, after a label of a forced schedule and its frames.
    fn advance(self: &Arc<Self>) {
        let Some(forced_schedule) = self
            .forced_schedule
            .as_ref()
            .filter(|forced_schedule| !forced_schedule.is_over())
        else {
            return;
        };
        // It is nobody's turn, so nothing changes while this thread looks.
        let next = forced_schedule.advance(&self.model, &self.snapshot());
        let monitors = match next {
            Some(process) => process.index()..process.index() + 1,
            None => 0..self.monitors.len(),
        };
        for index in monitors {
            let id = ProcessId::new(index);
            let monitor = &self.monitors[index];
            let guard = self.runtime.acquire(&monitor.lock);
            let changes = self.refresh(id, &mut monitor.local());
            self.wake(&changes);
            drop(guard);
            self.start_all(id, changes);
        }
    }

    fn allows(&self, id: ProcessId, thread: M::Thread) -> bool {
        self.forced_schedule
            .as_ref()
            .is_none_or(|forced_schedule| forced_schedule.allows(id, thread))
    }

    fn refresh(&self, id: ProcessId, local: &mut Local<M, R>) -> Changes<M, R> {
        let shared = (&*self.model, &*self.runtime, &self.active);
        local.refresh(shared, id, |thread| self.allows(id, thread))
    }

    /// Wakes them, under the lock of their process.
    fn wake(&self, changes: &Changes<M, R>) {
        for place in &changes.woken {
            self.runtime.notify(&place.slot);
        }
    }

    fn start_all(self: &Arc<Self>, id: ProcessId, changes: Changes<M, R>) {
        for (thread, place) in changes.started {
            self.spawn(id, thread, place);
        }
    }

    /// Returns the state of all processes. Nobody can run.
    fn snapshot(&self) -> System<M::Process> {
        System {
            processes: self
                .monitors
                .iter()
                .map(|monitor| monitor.local().state.clone())
                .collect(),
        }
    }

    /// Ends the execution with its first `labels` labels: reports it and wakes everybody to end.
    fn end(&self, ended: Ended, labels: usize) {
        if self.over.swap(true, Ordering::SeqCst) {
            return;
        }
        let report = self.report.lock().expect("no panic under it").take();
        if let Some(report) = report {
            let mut taken = std::mem::take(&mut *self.taken.lock().expect("no panic under it"));
            taken.truncate(labels);
            report(Execution {
                taken,
                ended,
                system: self.snapshot(),
                followed: self.forced_schedule.as_ref().and_then(ForcedSchedule::followed),
            });
        }
        for monitor in &self.monitors {
            for place in monitor.local().places() {
                self.runtime.note(&place.slot, Standing::Ends);
            }
        }
        for monitor in &self.monitors {
            let guard = self.runtime.acquire(&monitor.lock);
            let places: Vec<_> = monitor.local().places().cloned().collect();
            for place in places {
                self.runtime.notify(&place.slot);
            }
            drop(guard);
        }
    }
}
