//! One execution under loom: every role is a loom thread that runs labels.
//!
//! **What loom sees.** Each process has a loom mutex, its *gate*. A thread takes the gate of its process, looks whether one of its
//! labels can run, runs it, and lets go. So whatever one thread does to the state of its process is ordered, in loom's eyes, with
//! whatever another one does to it. Gates are not nested, and no scheduling point lies between taking one and letting go: nobody
//! ever waits for a gate.
//!
//! **What it does not see.** The state itself lies behind a mutex of the standard library, which is never contended, since loom runs
//! one thread at a time. And frames: one is delivered at once, with the label that sends it. A delivery commutes with whatever can run
//! at the receiver ([`Model::deliver`]), so no order of the two is lost. It does not commute with a group's choice of whom to take up;
//! a frame for a process with groups is therefore delivered under that process's gate, a moment later.
//!
//! **Waiting.** A thread with nothing to run parks, under its gate. Whoever changes the process looks who of the parked could run now,
//! and wakes these. So the threads that loom can run are those of the kernel that can run.
//!
//! **Rest.** When the last thread parks, the execution is over, whether its clients have returned or not: a hang is an outcome, and
//! the exploration goes on. loom itself never sees a deadlock.
//!
//! **Beginning.** loom knows what a thread does next only once it has come to its first scheduling point, and would explore every
//! order in which threads come there. So the first thread holds all gates until every other one waits at its own, and only then is
//! exploration switched on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loom::thread;

use super::roles::Roles;
use crate::explore::driver::{Ended, Execution, Taken};
use crate::machine::{Fragment, Model, Pending, ProcessId, System, panics, run_label};
use crate::schedule::Found;

pub(super) type StateOf<M> = System<<Fragment<M> as Model>::Process>;

/// The director of an execution: decides what a choice comes to, and hears how the execution ended.
pub(super) trait Director<M: Model>: Send + Sync + 'static {
    /// Whether loom explores other orders, or runs only one.
    const EXPLORES: bool;

    /// Returns the outcome of the next choice of `role`.
    fn choose(&self, path: &Path<M::Thread>, role: usize, outcomes: u32) -> u32;

    /// Returns true if the thread may run its label now; a replay holds back all but one.
    fn admits(&self, state: &StateOf<M>, process: ProcessId, pending: &Pending<M::Thread>, ran: usize) -> bool;

    /// Returns true if what follows these labels has been explored before, at the end of another path of loom.
    fn is_known(&self, progress: &Path<M::Thread>) -> bool;

    /// Ends the execution.
    fn over(&self, execution: Execution<Fragment<M>>);
}

/// The path by which an execution has come to where it is.
pub(super) struct Path<T> {
    /// The labels in order: who ran, with which outcome.
    pub(super) taken: Vec<Taken<T>>,
    /// The choices that each role has made.
    pub(super) made: Vec<Vec<u32>>,
    /// Roles that had a turn, and what came of it.
    pub(super) turns: Vec<(usize, Turn)>,
}

/// The outcome of a role's turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Turn {
    /// It came to its gate.
    Came,
    /// It ran a label.
    Ran,
    /// It delivered frames.
    Delivered,
    /// It had nothing to run.
    Parked,
}

/// State that the threads of one execution share.
pub(super) struct Threads<M: Model, D> {
    kernel: Arc<Fragment<M>>,
    roles: Arc<Roles<M::Thread>>,
    director: Arc<D>,
    gates: Vec<loom::sync::Mutex<()>>,
    inner: Mutex<Inner<M>>,
}

struct Inner<M: Model> {
    state: StateOf<M>,
    path: Path<M::Thread>,
    /// Frames under way, by sender and receiver.
    connections: Vec<VecDeque<M::Frame>>,
    /// Handles of the roles' threads.
    threads: Vec<thread::Thread>,
    /// Number of those that have begun.
    begun: usize,
    parked: Vec<bool>,
    skipped: bool,
    over: bool,
}

impl<M, D> Threads<M, D>
where
    M: Model + 'static,
    D: Director<M>,
{
    /// Runs one execution; called on loom's first thread, which is the first role.
    pub(super) fn run(kernel: &Arc<Fragment<M>>, roles: &Arc<Roles<M::Thread>>, director: &Arc<D>) {
        let processes = kernel.process_count();
        let count = roles.names.len();
        let threads = Arc::new(Self {
            kernel: kernel.clone(),
            roles: roles.clone(),
            director: director.clone(),
            gates: (0..processes).map(|_| loom::sync::Mutex::new(())).collect(),
            inner: Mutex::new(Inner {
                state: System::initial(kernel.as_ref()),
                path: Path {
                    taken: Vec::new(),
                    made: vec![Vec::new(); count],
                    turns: Vec::new(),
                },
                connections: vec![VecDeque::new(); processes * processes],
                threads: vec![thread::current()],
                begun: 0,
                parked: vec![false; count],
                skipped: !D::EXPLORES,
                over: false,
            }),
        });
        threads.begin(count);
        // A kernel in which nobody can run is over with its beginning.
        if count > 0 {
            threads.role(0);
        }
    }

    /// Brings every thread but this one to its first scheduling point, then lets loom explore.
    fn begin(self: &Arc<Self>, count: usize) {
        let gates: Vec<_> = self.gates.iter().map(|gate| gate.lock()).collect();
        for role in 0..count {
            let mut inner = self.inner();
            inner.parked[role] = self.candidates(&inner, role).is_empty();
        }
        for role in 1..count {
            let shared = self.clone();
            let handle = thread::spawn(move || {
                shared.arrive(count);
                shared.role(role);
            });
            self.inner().threads.push(handle.thread().clone());
        }
        while self.inner().begun + 1 < count {
            thread::park();
        }
        drop(gates);
        if D::EXPLORES {
            loom::explore();
        }
        let mut inner = self.inner();
        if inner.parked.iter().all(|parked| *parked) {
            self.end(&mut inner, Ended::AtRest);
        }
    }

    fn arrive(&self, count: usize) {
        let mut inner = self.inner();
        inner.begun += 1;
        if inner.begun + 1 == count {
            inner.threads[0].unpark();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<M>> {
        // A label that panics is caught before it could leave the state locked; the state is not used after that.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn role(&self, role: usize) {
        let process = self.roles.processes[role];
        loop {
            while self.waits(role) {
                thread::park();
            }
            if self.inner().over {
                return;
            }
            self.note(&mut self.inner(), role, Turn::Came);
            let gate = self.gates[process.index()].lock();
            let mut inner = self.inner();
            if inner.over {
                return;
            }
            let Some((pending, choice)) = self.next(&mut inner, role) else {
                self.note(&mut inner, role, Turn::Parked);
                self.park(&mut inner, role);
                continue;
            };
            let receiver = self.label(&mut inner, role, &pending, choice);
            if let Some(receiver) = receiver.filter(|_| !inner.over) {
                drop(inner);
                drop(gate);
                let _gate = self.gates[receiver.index()].lock();
                let mut inner = self.inner();
                self.deliver(&mut inner, process, receiver);
                self.note(&mut inner, role, Turn::Delivered);
            } else if !inner.over && self.candidates(&inner, role).is_empty() {
                // This look at the state was under the gate, too.
                self.park(&mut inner, role);
            }
        }
    }

    fn waits(&self, role: usize) -> bool {
        let inner = self.inner();
        inner.parked[role] && !inner.over
    }

    /// Returns the labels that a role could run now.
    fn candidates(&self, inner: &Inner<M>, role: usize) -> Vec<Pending<M::Thread>> {
        let process = self.roles.processes[role];
        let state = &inner.state.processes[process.index()];
        let mut threads = self.kernel.threads(process, state);
        threads.retain(|pending| {
            pending.enabled
                && self.roles.number(&self.kernel, process, state, pending.thread) == role
                && self
                    .director
                    .admits(&inner.state, process, pending, inner.path.taken.len())
        });
        threads
    }

    fn next(&self, inner: &mut Inner<M>, role: usize) -> Option<(Pending<M::Thread>, u32)> {
        let mut candidates = self.candidates(inner, role);
        let pending = match candidates.len() {
            0 => return None,
            1 => candidates.remove(0),
            many => candidates.swap_remove(self.choose(inner, role, many as u32) as usize),
        };
        let choice = match pending.operation.choices {
            1 => 0,
            outcomes => self.choose(inner, role, outcomes),
        };
        Some((pending, choice))
    }

    fn choose(&self, inner: &mut Inner<M>, role: usize, outcomes: u32) -> u32 {
        let outcome = self.director.choose(&inner.path, role, outcomes);
        inner.path.made[role].push(outcome);
        outcome
    }

    /// Runs a label under its process's gate; returns who is still to get the frame that it sent.
    fn label(&self, inner: &mut Inner<M>, role: usize, pending: &Pending<M::Thread>, choice: u32) -> Option<ProcessId> {
        let process = self.roles.processes[role];
        inner.path.taken.push(Taken {
            process,
            thread: pending.thread,
            choice,
        });
        let local = &mut inner.state.processes[process.index()];
        let run = || run_label(self.kernel.as_ref(), process, local, pending, choice);
        let failure = match panics::catch(run) {
            Ok(Ok(sent)) => {
                let mut receiver = None;
                if let Some((to, frame)) = sent.into_iter().next() {
                    let connection = self.connection(process, to);
                    inner.connections[connection].push_back(frame);
                    receiver = Some(to).filter(|to| self.kernel.has_groups(*to));
                    if receiver.is_none() {
                        self.deliver(inner, process, to);
                    }
                }
                self.wake(inner);
                self.note(inner, role, Turn::Ran);
                return receiver;
            }
            Ok(Err(violation)) => Found::Contract(violation),
            Err(payload) => Found::panic(payload.as_ref()),
        };
        self.end(inner, Ended::Failed(failure));
        None
    }

    fn connection(&self, from: ProcessId, to: ProcessId) -> usize {
        from.index() * self.gates.len() + to.index()
    }

    /// Delivers what is under way on a connection.
    fn deliver(&self, inner: &mut Inner<M>, from: ProcessId, to: ProcessId) {
        let connection = self.connection(from, to);
        while let Some(frame) = inner.connections[connection].pop_front() {
            let local = &mut inner.state.processes[to.index()];
            self.kernel.deliver(to, local, from, frame);
        }
        self.wake(inner);
    }

    /// Wakes whoever is parked and could run now.
    fn wake(&self, inner: &mut Inner<M>) {
        for role in 0..inner.parked.len() {
            if inner.parked[role] && !self.candidates(inner, role).is_empty() {
                inner.parked[role] = false;
                inner.threads[role].unpark();
            }
        }
    }

    fn park(&self, inner: &mut Inner<M>, role: usize) {
        inner.parked[role] = true;
        if inner.parked.iter().all(|parked| *parked) {
            self.end(inner, Ended::AtRest);
        }
    }

    /// Records a turn. Where the labels so far lead to what was explored before, the rest of this execution is not explored again.
    fn note(&self, inner: &mut Inner<M>, role: usize, turn: Turn) {
        inner.path.turns.push((role, turn));
        if turn == Turn::Ran && !inner.skipped && self.director.is_known(&inner.path) {
            inner.skipped = true;
            loom::skip_branch();
        }
    }

    /// Ends the execution. In which order the threads then leave is nothing to explore.
    fn end(&self, inner: &mut Inner<M>, ended: Ended) {
        if !inner.skipped {
            inner.skipped = true;
            loom::skip_branch();
        }
        inner.over = true;
        self.director.over(Execution {
            taken: std::mem::take(&mut inner.path.taken),
            ended,
            system: inner.state.clone(),
            followed: None,
        });
        for (thread, _) in inner.threads.iter().zip(&inner.parked).filter(|(_, parked)| **parked) {
            thread.unpark();
        }
    }
}
