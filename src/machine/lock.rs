//! Locks that are held across labels.

use serde::{Deserialize, Serialize};

/// A mutex whose owner is data, so that others wait for it visibly. `T` names the owning thread.
///
/// A lock that is taken and released within one label needs no object of its own: the label is already atomic. This is for
/// a lock region that contains further labels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Lock<T> {
    owner: Option<T>,
}

impl<T> Default for Lock<T> {
    fn default() -> Self {
        Self { owner: None }
    }
}

impl<T: Copy + PartialEq + std::fmt::Debug> Lock<T> {
    /// Returns the holder.
    pub fn owner(&self) -> Option<T> {
        self.owner
    }

    /// Returns true if nobody holds it: the guard of every label that takes it, for one label or for several.
    pub fn is_free(&self) -> bool {
        self.owner.is_none()
    }

    /// Takes the lock for `thread`.
    ///
    /// # Panics
    /// If it is held: the thread's guard must have been [`Lock::is_free`].
    pub fn acquire(&mut self, thread: T) {
        assert!(
            self.owner.is_none(),
            "{thread:?} takes a lock that {:?} holds",
            self.owner
        );
        self.owner = Some(thread);
    }

    /// Releases the lock.
    ///
    /// # Panics
    /// If `thread` does not hold it.
    pub fn release(&mut self, thread: T) {
        assert_eq!(
            self.owner,
            Some(thread),
            "{thread:?} releases a lock that it does not hold"
        );
        self.owner = None;
    }
}
