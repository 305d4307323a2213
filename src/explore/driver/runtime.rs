//! The engine's loan to the driver: locks, places to wait, threads and choices.

/// The threads and locks of an engine.
///
/// The driver uses them in a way that every engine can follow: locks nest nowhere, each thread waits in a place of its own (so it
/// never matters which of several waiters is woken), nobody tries a lock, and nobody parks.
pub trait Runtime: Send + Sync + 'static {
    /// The lock of one process. What it guards lies elsewhere, where the engine does not see it.
    type Lock: Send + Sync;
    /// Proof that a lock is held; dropping it releases the lock.
    type Guard<'a>;
    /// The place where one thread waits: a condition variable of its own.
    type Slot: Send + Sync;

    /// Returns a new lock.
    fn lock(&self) -> Self::Lock;

    /// Returns a place for one thread. `identity` is the same for the same thread of the model in every execution.
    fn slot(&self, identity: u64) -> Self::Slot;

    /// Pauses a thread before it takes the lock for its next label.
    fn pause(&self, _slot: &Self::Slot) {}

    /// Takes a lock: the one point of a label at which an engine may let others run first.
    fn acquire<'a>(&self, lock: &'a Self::Lock) -> Self::Guard<'a>;

    /// Releases the lock, waits for [`Runtime::notify`] and takes the lock again. It may return early; it must not miss a
    /// notification by one who holds the lock.
    fn wait<'a>(&self, slot: &Self::Slot, lock: &'a Self::Lock, guard: Self::Guard<'a>) -> Self::Guard<'a>;

    /// Wakes who waits in this place, if anyone does. The caller holds the lock that the waiter gave up.
    fn notify(&self, slot: &Self::Slot);

    /// Starts a thread that has `slot`. It may begin at any time.
    fn spawn(&self, slot: &Self::Slot, body: Box<dyn FnOnce() + Send>);

    /// Gives the calling thread `slot` from now on.
    fn adopt(&self, _slot: &Self::Slot) {}

    /// Returns one of `outcomes` (at least two) outcomes of a label.
    fn choose(&self, outcomes: u32) -> u32;

    /// Says what the thread in `slot` would do if it had its turn now. An engine may use it to leave out turns in which nothing happens.
    fn note(&self, _slot: &Self::Slot, _standing: Standing) {}
}

/// The prospect of a thread's next turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nothing: its guard is false.
    Waits,
    /// Run its label.
    Runs,
    /// End.
    Ends,
}
