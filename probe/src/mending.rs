//! The mend `sticky-cancel`: `CallOptions` remember a cancel that came before their cancel function, and carry it out when that comes.
//!
//! In 1.12 such a cancel finds nothing to call, and is lost (`distributed_runtime/call_options.cc:24-30`). Every cancel is remembered by
//! the address of its options. Objects are freed and made again at one address, so an address is forgotten when options are constructed
//! there, and, as the calls of receives are pooled and keep their options, when a receive registers its call. It is forgotten, too, when
//! the cancel function is cleared: the call is over.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The place of the options in the call of a receive (`rpc/rpc_rendezvous_mgr.cc`, `RpcRecvTensorCall::opts_`), once learned; 0 before.
static OPTIONS: AtomicUsize = AtomicUsize::new(0);
/// The largest place that is believed.
const LARGEST: usize = 4096;
/// Cancels that came too early and were carried out.
static MENDED: AtomicUsize = AtomicUsize::new(0);
/// Addresses of options that were cancelled.
static CANCELLED: Mutex<Option<HashSet<usize>>> = Mutex::new(None);
/// How many there are, so that a look at none costs nothing.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn with_set<T>(by: impl FnOnce(&mut HashSet<usize>) -> T) -> T {
    // Nothing panics while it is locked.
    let mut set = CANCELLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let set = set.get_or_insert_default();
    let result = by(set);
    COUNT.store(set.len(), Ordering::Release);
    result
}

/// Notes that a cancel of these options begins: before it runs, so that one of the two finds the other.
pub(crate) fn cancelled(options: usize) {
    with_set(|set| set.insert(options));
}

/// Forgets what was asked of these options: they are new, or their call is over. Returns true if they were cancelled.
pub(crate) fn forget(options: usize) -> bool {
    COUNT.load(Ordering::Acquire) != 0 && with_set(|set| set.remove(&options))
}

/// Forgets what was asked of the options of a pooled call that is used again.
pub(crate) fn reuse(call: usize) {
    let place = OPTIONS.load(Ordering::Relaxed);
    if place != 0 {
        forget(call + place);
    }
}

/// Learns where a receive's call has its options.
pub(crate) fn learn(call: usize, options: usize) {
    let place = options.wrapping_sub(call);
    if call != 0 && place < LARGEST {
        OPTIONS.store(place, Ordering::Relaxed);
    }
}

/// Counts a cancel that came too early and is carried out now. Returns how many there were before.
pub(crate) fn mended() -> usize {
    MENDED.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that no other test uses.
    const OLD: usize = 0x1000;
    const NEW: usize = 0x2000;

    #[test]
    fn a_cancel_is_remembered_until_the_options_are_made_again() {
        cancelled(OLD);
        assert!(forget(OLD), "found by the install that comes later");
        assert!(!forget(OLD), "and once only");
        cancelled(OLD);
        forget(OLD);
        assert!(
            !forget(OLD),
            "options made at the address of others have nothing to remember"
        );
    }

    #[test]
    fn a_pooled_call_that_is_used_again_has_nothing_to_remember() {
        learn(NEW, NEW + 64);
        cancelled(NEW + 64);
        reuse(NEW);
        assert!(!forget(NEW + 64));
    }
}
