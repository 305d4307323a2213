//! Condition variables whose waiters are data.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A condition variable: who waits for it. `T` names a thread.
///
/// A wait is two labels of the waiting thread. The one that finds its predicate false parks ([`Condvar::wait`]): giving the
/// mutex back and parking are one step, as they are in the original. The next one takes the mutex again and looks again;
/// its guard is [`Condvar::may_wake`] (and that the mutex is free, where it is held across labels), and it begins with
/// [`Condvar::wake`]. Where nobody notifies, that guard stays false: a wake-up that went to somebody else, or came before
/// the wait, is lost here as it is there.
///
/// Who notifies needs not hold the mutex. [`Condvar::notify_one`] wakes any one of the waiters: which one is an outcome of
/// the notifying label, [`Condvar::outcomes`] of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Condvar<T> {
    /// Sorted, so that nothing tells in which order they parked.
    waiters: SmallVec<[T; 2]>,
}

impl<T> Default for Condvar<T> {
    fn default() -> Self {
        Self {
            waiters: SmallVec::new(),
        }
    }
}

/// Wake-ups of a thread although nobody notified it, as POSIX allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum SpuriousWakeups {
    /// It may, at any moment. A lost wake-up is then made good some time: a model that hangs without them may not hang with them.
    Possible,
    /// It never does: the weaker promise, on which no program may rely to be woken.
    Never,
}

impl<T: Copy + Ord + std::fmt::Debug> Condvar<T> {
    /// Parks `thread`.
    ///
    /// # Panics
    /// If it waits already: its guard must have been [`Condvar::may_wake`].
    pub fn wait(&mut self, thread: T) {
        match self.waiters.binary_search(&thread) {
            Ok(_) => panic!("{thread:?} waits twice for one condition variable"),
            Err(place) => self.waiters.insert(place, thread),
        }
    }

    /// Returns true if `thread` is parked and not notified.
    pub fn is_waiting(&self, thread: T) -> bool {
        self.waiters.binary_search(&thread).is_ok()
    }

    /// Returns true if `thread` may go on: the guard of the label after a wait.
    pub fn may_wake(&self, thread: T, spurious: SpuriousWakeups) -> bool {
        spurious == SpuriousWakeups::Possible || !self.is_waiting(thread)
    }

    /// Wakes `thread`. It waits no longer, notified or not.
    pub fn wake(&mut self, thread: T) {
        self.waiters.retain(|waiter| *waiter != thread);
    }

    /// Returns the number of outcomes of [`Condvar::notify_one`], at least 1: without waiters it does nothing.
    pub fn outcomes(&self) -> u32 {
        self.waiters.len().max(1) as u32
    }

    /// Wakes one waiter, if there is one: the one with number `outcome` in ascending order.
    ///
    /// # Panics
    /// If there are waiters, but none with this number.
    pub fn notify_one(&mut self, outcome: u32) {
        if !self.waiters.is_empty() {
            self.waiters.remove(outcome as usize);
        }
    }

    /// Wakes every waiter.
    pub fn notify_all(&mut self) {
        self.waiters.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(waiters: &[u8]) -> Condvar<u8> {
        let mut condvar = Condvar::default();
        waiters.iter().for_each(|waiter| condvar.wait(*waiter));
        condvar
    }

    #[test]
    fn a_notification_before_the_wait_wakes_nobody() {
        let mut condvar = Condvar::default();
        condvar.notify_all();
        condvar.notify_one(0);
        condvar.wait(1);
        assert!(!condvar.may_wake(1, SpuriousWakeups::Never));
    }

    #[test]
    fn notify_one_wakes_any_one_waiter_and_leaves_the_others() {
        for outcome in 0..with(&[4, 2, 9]).outcomes() {
            let mut condvar = with(&[4, 2, 9]);
            condvar.notify_one(outcome);
            let woken: Vec<u8> = [2, 4, 9]
                .into_iter()
                .filter(|thread| !condvar.is_waiting(*thread))
                .collect();
            assert_eq!(woken, [[2, 4, 9][outcome as usize]]);
        }
    }

    #[test]
    fn notify_all_wakes_everyone_who_waits_and_nobody_who_comes_later() {
        let mut condvar = with(&[1, 2]);
        condvar.notify_all();
        condvar.wait(3);
        let waiting = [1, 2, 3].map(|thread| condvar.is_waiting(thread));
        assert_eq!(waiting, [false, false, true]);
    }

    #[test]
    fn a_thread_that_wakes_by_itself_takes_no_notification_with_it() {
        let mut condvar = with(&[1, 2]);
        assert!(condvar.may_wake(1, SpuriousWakeups::Possible));
        condvar.wake(1);
        assert_eq!(condvar.outcomes(), 1);
        condvar.notify_one(0);
        assert!(!condvar.is_waiting(2));
    }

    #[test]
    fn the_order_of_parking_cannot_be_seen() {
        assert_eq!(with(&[1, 2, 3]), with(&[3, 1, 2]));
    }
}
