//! Panics of a model. They are findings, so nothing is printed of them.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// True while this thread runs code of a model whose panic somebody takes.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of a model and takes its panic, of which nothing is printed.
///
/// # Errors
/// The panic's payload, if it panics.
pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(stand_in_front);
    let outer = TAKEN.replace(true);
    let ran = catch_unwind(AssertUnwindSafe(run));
    TAKEN.set(outer);
    ran
}

/// Installs the hook that keeps silent about panics that are taken, in front of those of other libraries. One that is installed later
/// stands before it, and prints what it likes.
pub(crate) fn stand_in_front() {
    let behind = take_hook();
    set_hook(Box::new(move |info| {
        if !TAKEN.get() {
            behind(info);
        }
    }));
}
