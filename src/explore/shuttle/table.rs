//! The table by which the coroutines tell the scheduler what they do, and how they run the driver.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shuttle::sync as engine;
use shuttle_engine::current;
use shuttle_engine::scheduler::TaskId;

use super::strategy::Chooser;
use crate::explore::driver::{Runtime, Standing};

/// The table that scheduler and coroutines share; shuttle does not see it.
pub(super) struct TaskTable(Mutex<Tasks>);

pub(super) struct Tasks {
    /// The meaning of each task of the running execution.
    slots: Vec<Option<Arc<Known>>>,
    /// The task that is running a label: nobody else goes on before it has.
    pub(super) inside: Option<TaskId>,
    pub(super) chooser: Chooser,
}

/// A thread of the model as the scheduler knows it.
pub(super) struct Known {
    pub(super) identity: u64,
    standing: AtomicU8,
}

impl Known {
    pub(super) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            0 => Standing::Waits,
            1 => Standing::Runs,
            _ => Standing::Ends,
        }
    }
}

impl TaskTable {
    pub(super) fn new(chooser: Chooser) -> Self {
        Self(Mutex::new(Tasks {
            slots: Vec::new(),
            inside: None,
            chooser,
        }))
    }

    pub(super) fn posted(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// Begins a new execution.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.inside = None;
    }

    pub(super) fn known(&self, task: TaskId) -> Option<&Arc<Known>> {
        self.slots.get(usize::from(task)).and_then(Option::as_ref)
    }

    fn slot(&mut self, task: usize, slot: &Slot) {
        if self.slots.len() <= task {
            self.slots.resize_with(task + 1, || None);
        }
        self.slots[task] = Some(Arc::clone(&slot.known));
    }
}

/// shuttle's coroutines and locks.
pub(super) struct Coroutines {
    table: Arc<TaskTable>,
}

pub(super) struct Slot {
    known: Arc<Known>,
    woken: engine::Condvar,
}

impl Coroutines {
    pub(super) fn new(table: &Arc<TaskTable>) -> Self {
        Self {
            table: Arc::clone(table),
        }
    }

    /// Lets others run before the next operation.
    fn step_out(&self) {
        self.table.posted().inside = None;
    }

    /// Lets only the calling task go on until the next lock is taken: the label is one step.
    fn step_in(&self) {
        self.table.posted().inside = Some(current::me());
    }
}

impl Runtime for Coroutines {
    type Lock = engine::Mutex<()>;
    type Guard<'a> = engine::MutexGuard<'a, ()>;
    type Slot = Slot;

    fn lock(&self) -> Self::Lock {
        engine::Mutex::new(())
    }

    fn slot(&self, identity: u64) -> Slot {
        Slot {
            known: Arc::new(Known {
                identity,
                standing: AtomicU8::new(0),
            }),
            woken: engine::Condvar::new(),
        }
    }

    fn acquire<'a>(&self, lock: &'a Self::Lock) -> Self::Guard<'a> {
        self.step_out();
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.step_in();
        guard
    }

    fn wait<'a>(&self, slot: &Slot, _lock: &'a Self::Lock, guard: Self::Guard<'a>) -> Self::Guard<'a> {
        self.step_out();
        let guard = slot.woken.wait(guard).unwrap_or_else(PoisonError::into_inner);
        self.step_in();
        guard
    }

    fn notify(&self, slot: &Slot) {
        slot.woken.notify_one();
    }

    fn spawn(&self, slot: &Slot, body: Box<dyn FnOnce() + Send>) {
        let handle = shuttle::thread::spawn(body);
        let task = usize::from(handle.thread().id());
        self.table.posted().slot(task, slot);
    }

    fn adopt(&self, slot: &Slot) {
        let task = usize::from(current::me());
        self.table.posted().slot(task, slot);
        self.step_in();
    }

    fn choose(&self, outcomes: u32) -> u32 {
        self.table.posted().chooser.choose(outcomes)
    }

    fn note(&self, slot: &Slot, standing: Standing) {
        let number = match standing {
            Standing::Waits => 0,
            Standing::Runs => 1,
            Standing::Ends => 2,
        };
        slot.known.standing.store(number, Ordering::Relaxed);
    }
}
