//! Running a recorded schedule with loom's threads: a turnstile lets one label through at a time, the one that comes next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::execution::{Director, Path, StateOf, Threads};
use super::roles::Roles;
use super::{LoomError, builder};
use crate::explore::driver::Execution;
use crate::explore::panic_text;
use crate::machine::{Event, Fragment, Model, Pending, ProcessId};

/// Runs the events of a schedule of `kernel` in their order, each by its thread, until none is left or the next one is impossible.
/// Returns that execution: it is over where nobody is let through any more, whether or not somebody could run.
///
/// # Errors
/// When the kernel does not fit, or loom gives up.
pub fn replay<M: Model + 'static>(
    kernel: &Arc<Fragment<M>>,
    events: &[Event],
) -> Result<Execution<Fragment<M>>, LoomError> {
    let roles = Arc::new(Roles::of(kernel)?);
    let turnstile = Arc::new(Turnstile {
        kernel: kernel.clone(),
        events: events.to_vec(),
        execution: Mutex::new(None),
    });
    let (shared, kernel) = (turnstile.clone(), kernel.clone());
    let run = move || Threads::run(&kernel, &roles, &shared);
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| builder().check(run))) {
        return Err(LoomError::Loom(panic_text(payload.as_ref())));
    }
    let mut execution = turnstile.execution.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(execution.take().expect("an execution always ends"))
}

struct Turnstile<M: Model> {
    kernel: Arc<Fragment<M>>,
    events: Vec<Event>,
    execution: Mutex<Option<Execution<Fragment<M>>>>,
}

impl<M: Model + 'static> Director<M> for Turnstile<M> {
    const EXPLORES: bool = false;

    fn choose(&self, path: &Path<M::Thread>, _: usize, _: u32) -> u32 {
        // Of several threads one is let through, so this is the outcome of its label.
        self.events
            .get(path.taken.len())
            .and_then(|event| event.choice)
            .unwrap_or(0)
    }

    fn admits(&self, state: &StateOf<M>, process: ProcessId, pending: &Pending<M::Thread>, ran: usize) -> bool {
        self.events.get(ran).is_some_and(|expected| {
            let choice = expected.choice.unwrap_or(0);
            state.event(self.kernel.as_ref(), process, pending, choice) == *expected
        })
    }

    fn is_known(&self, _: &Path<M::Thread>) -> bool {
        false
    }

    fn over(&self, execution: Execution<Fragment<M>>) {
        *self.execution.lock().unwrap_or_else(PoisonError::into_inner) = Some(execution);
    }
}
