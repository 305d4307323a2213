//! The state of a thread: the hooked functions that it is in. Who installs a cancel function follows from the hooked function that its thread is in.

use std::cell::Cell;

/// The hooked function that a thread is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Inside {
    /// None of these.
    #[default]
    Nothing,
    /// `GrpcRemoteWorker::RecvTensorAsync`.
    ReceiveCall,
    /// `GrpcRemoteWorker::RunGraphAsync`.
    RunGraphCall,
    /// `Worker::DoRunGraph`.
    RunGraphHandler,
    /// `GrpcWorker::GrpcRecvTensorAsync`.
    ReceiveHandler,
}

/// A master's loop over the calls that it cancels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cancelling {
    /// The step.
    pub(crate) step: u64,
    /// Number of the partition that comes next.
    pub(crate) next: usize,
}

/// The state of a thread.
#[derive(Default)]
pub(crate) struct Context {
    /// The function that it is in.
    pub(crate) inside: Cell<Inside>,
    /// The step that this is about.
    pub(crate) step: Cell<u64>,
    /// The tensor of the receive that it issues, if a rule is about it.
    pub(crate) tensor: Cell<Option<&'static str>>,
    /// The call of the receive that it registered last.
    pub(crate) call: Cell<usize>,
    /// The server whose `RunGraph` it issues.
    pub(crate) server: Cell<Option<&'static str>>,
    /// Whether it shares the window of [`crate::receives`].
    pub(crate) in_window: Cell<bool>,
    /// How many aborts it is in.
    pub(crate) aborts: Cell<u32>,
    /// Whether it cleans up after a step: that aborts the step's rendezvous, of which nobody waits for anything any more.
    pub(crate) cleans: Cell<bool>,
    /// How many cancels it is in.
    pub(crate) cancels: Cell<u32>,
    /// Whether it runs a master's step.
    pub(crate) runs: Cell<bool>,
    /// The step that it runs, once known.
    pub(crate) run: Cell<u64>,
    /// The options that it cleared last.
    pub(crate) cleared: Cell<usize>,
    /// The loop over calls that it is in.
    pub(crate) cancelling: Cell<Option<Cancelling>>,
}

thread_local! {
    static CONTEXT: Context = const { Context::new() };
}

impl Context {
    const fn new() -> Self {
        Self {
            inside: Cell::new(Inside::Nothing),
            step: Cell::new(0),
            tensor: Cell::new(None),
            call: Cell::new(0),
            server: Cell::new(None),
            in_window: Cell::new(false),
            aborts: Cell::new(0),
            cleans: Cell::new(false),
            cancels: Cell::new(0),
            runs: Cell::new(false),
            run: Cell::new(0),
            cleared: Cell::new(0),
            cancelling: Cell::new(None),
        }
    }
}

/// Uses the state of this thread.
pub(crate) fn context<T>(by: impl FnOnce(&Context) -> T) -> T {
    // Nothing in it has a destructor, so it is there until the thread has ended.
    CONTEXT.with(by)
}

/// Runs something while a field has another value.
pub(crate) fn during<T: Copy, R>(field: &Cell<T>, value: T, run: impl FnOnce() -> R) -> R {
    let before = field.replace(value);
    let result = run();
    field.set(before);
    result
}
