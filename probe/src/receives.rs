//! Receives that are not held stay whole: an abort comes before a receive looks, or after it has its cancel function.
//!
//! Without this a receive that no rule is about may lose its cancel by chance, and the job would hang otherwise than it was asked to.

use crate::context::Context;
use crate::memory::SharedLock;

/// Shared by receives that are being issued, taken by aborts.
static WINDOW: SharedLock = SharedLock::new();

/// Begins a receive, unless this thread is in an abort.
pub(crate) fn enter_window(context: &Context) {
    if !context.in_window.get() && context.aborts.get() == 0 {
        WINDOW.share();
        context.in_window.set(true);
    }
}

/// Ends a receive, or gives up its wholeness.
pub(crate) fn leave_window(context: &Context) {
    if context.in_window.replace(false) {
        WINDOW.release();
    }
}

/// Runs an abort while no receive is being issued. A thread that issues one itself has nothing to wait for.
pub(crate) fn abort(context: &Context, run: impl FnOnce() -> usize) -> usize {
    let alone = !context.in_window.get() && context.aborts.get() == 0;
    if alone {
        WINDOW.take();
    }
    context.aborts.set(context.aborts.get() + 1);
    let result = run();
    context.aborts.set(context.aborts.get() - 1);
    if alone {
        WINDOW.release();
    }
    result
}
