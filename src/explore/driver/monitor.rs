//! A process behind its lock: its state, and where its threads wait.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Runtime, Standing};
use crate::machine::{Model, Pending, ProcessId};

/// A process.
pub(super) struct ProcessMonitor<M: Model, R: Runtime> {
    pub(super) lock: R::Lock,
    /// Touched only by who holds `lock`, or when nobody can run.
    local: Mutex<Local<M, R>>,
}

/// The state of a process.
pub(super) struct Local<M: Model, R: Runtime> {
    pub(super) state: M::Process,
    /// Its live threads, as the model lists them in this state.
    pub(super) pending: Vec<Pending<M::Thread>>,
    /// The place where they wait.
    places: Vec<(M::Thread, Arc<Place<R>>)>,
}

/// The place where one thread waits.
pub(super) struct Place<R: Runtime> {
    pub(super) slot: R::Slot,
    /// Whether its thread is no longer counted as active and waits to be woken. Changes under the lock of its process.
    pub(super) parked: AtomicBool,
    /// Whether its thread is not live any more. Changes under the lock of its process.
    gone: AtomicBool,
}

/// The number of threads that could run, or do not know yet that they can't.
#[derive(Debug, Default)]
pub(super) struct ActiveCount(AtomicUsize);

impl ActiveCount {
    /// Notes that a thread starts, or is woken: said by who does it, before.
    pub(super) fn enter(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes that the calling thread is about to wait or to end. Returns true if it is the last one.
    pub(super) fn leave(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

/// The consequences of a change of a state.
pub(super) struct Changes<M: Model, R: Runtime> {
    /// Threads to start.
    pub(super) started: Vec<(M::Thread, Arc<Place<R>>)>,
    /// Threads to wake.
    pub(super) woken: Vec<Arc<Place<R>>>,
}

impl<R: Runtime> Place<R> {
    fn new(runtime: &R, process: ProcessId, thread: impl Hash) -> Self {
        let mut identity = rustc_hash::FxHasher::default();
        (process, thread).hash(&mut identity);
        Self {
            slot: runtime.slot(identity.finish()),
            parked: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

impl<M: Model, R: Runtime> ProcessMonitor<M, R> {
    pub(super) fn new(runtime: &R, state: M::Process) -> Self {
        Self {
            lock: runtime.lock(),
            local: Mutex::new(Local {
                state,
                pending: Vec::new(),
                places: Vec::new(),
            }),
        }
    }

    /// Returns the state. The caller holds the lock, or knows that nobody can run.
    pub(super) fn local(&self) -> MutexGuard<'_, Local<M, R>> {
        self.local.lock().expect("no panic under it")
    }

    /// Locks the state, unless somebody has it.
    pub(super) fn try_local(&self) -> Option<MutexGuard<'_, Local<M, R>>> {
        self.local.try_lock().ok()
    }
}

impl<M: Model, R: Runtime> Local<M, R> {
    /// Looks at the threads after the state or the turn has changed.
    pub(super) fn refresh(
        &mut self,
        (model, runtime, active): (&M, &R, &ActiveCount),
        process: ProcessId,
        allows: impl Fn(M::Thread) -> bool,
    ) -> Changes<M, R> {
        self.pending = model.threads(process, &self.state);
        let mut changes = Changes {
            started: Vec::new(),
            woken: Vec::new(),
        };
        let mut wake = |place: &Arc<Place<R>>| {
            if place.parked.swap(false, Ordering::Relaxed) {
                active.enter();
                changes.woken.push(Arc::clone(place));
            }
        };
        let pending = &self.pending;
        self.places.retain(|(thread, place)| {
            let lives = pending.iter().any(|pending| pending.thread == *thread);
            if !lives {
                place.gone.store(true, Ordering::Relaxed);
                runtime.note(&place.slot, Standing::Ends);
                wake(place);
            }
            lives
        });
        for pending in pending {
            let runs = pending.enabled && allows(pending.thread);
            let standing = if runs { Standing::Runs } else { Standing::Waits };
            if let Some((_, place)) = self.places.iter().find(|(thread, _)| *thread == pending.thread) {
                runtime.note(&place.slot, standing);
                if runs {
                    wake(place);
                }
                continue;
            }
            let place = Arc::new(Place::new(runtime, process, pending.thread));
            runtime.note(&place.slot, standing);
            active.enter();
            self.places.push((pending.thread, Arc::clone(&place)));
            changes.started.push((pending.thread, place));
        }
        changes
    }

    /// Returns every thread that has a place.
    pub(super) fn places(&self) -> impl Iterator<Item = &Arc<Place<R>>> {
        self.places.iter().map(|(_, place)| place)
    }
}
