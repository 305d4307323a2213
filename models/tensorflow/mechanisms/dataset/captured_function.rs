//! `CapturedFunction` (`tf-data.md` sections 6 and 7; `kernels/data/captured_function.cc`): a function of the pipeline runs on the
//! compute pool of the process.
//!
//! Two closures, one after the other (`tf-data.md` 10.D.6): the kernels, and the executor's callback, which goes through the pool
//! as that of any executor does. A function has a cancellation manager of its own that nobody cancels, and no rendezvous, so that the
//! step and the pipeline share the pool and nothing else.

use super::{At as Stage, IteratorId, Name, Object, parallel_map};
use crate::machine::{Access, Label};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::mechanisms::pool;
use crate::models::tensorflow::objects::Object as Any;
use crate::models::tensorflow::process::{At as Position, ThreadId};
use serde::{Deserialize, Serialize};

static RUN: Label = Label {
    name: "Function.schedule",
    function: "CapturedFunction::RunAsync, RunWithBorrowedArgs (ExecutorState::RunAsync)",
    site: "captured_function.cc:416",
};
static FINISH: Label = Label {
    name: "Function.finish",
    function: "ExecutorState::Finish",
    site: "executor.cc:2365",
};
static NOTIFY: Label = Label {
    name: "Function.notify",
    function: "CapturedFunction::RunWithBorrowedArgs (Notify)",
    site: "captured_function.cc:324",
};
static AWAIT: Label = Label {
    name: "Function.await",
    function: "CapturedFunction::RunWithBorrowedArgs (WaitForNotification)",
    site: "captured_function.cc:327",
};

/// What a function is called for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Call {
    /// `MakeIteratorFromInputElement`, for this worker of `parallel_interleave`, who waits.
    File(u8),
    /// The call of `map` with this number.
    Map(u16),
}

/// Positions in a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The caller schedules the kernels.
    Run(IteratorId, Call),
    /// The kernels have run: the callback is scheduled.
    Finish(IteratorId, Call),
    /// The callback notifies a worker.
    Notify(IteratorId, u8),
    /// A worker waits for that.
    Await(IteratorId, u8),
}

impl View<'_> {
    pub(super) fn declare_function(&self, at: At) -> Declared {
        // Only the worker looks at its notification, and cannot before it is notified.
        let opened = |label, id| Declared::new(label, Any::Dataset(Object::Opened(id)), Access::BothMover);
        match at {
            At::Run(..) => Declared::new(&RUN, Any::Pool, self.model.push_access()),
            At::Finish(..) => Declared::new(&FINISH, Any::Pool, self.model.push_access()),
            At::Notify(id, _) => opened(&NOTIFY, id),
            At::Await(id, worker) => {
                opened(&AWAIT, id).when(self.tree(id).interleave.workers[usize::from(worker)].opened)
            }
        }
    }
}

impl Run<'_> {
    pub(super) fn apply_function(&mut self, at: At) {
        match at {
            At::Run(id, call) => {
                self.schedule(Name::Body(id, call), &[Stage::Function(At::Finish(id, call))]);
                match call {
                    Call::File(worker) => self.goes_to(Stage::Function(At::Await(id, worker))),
                    Call::Map(_) => self.next_call(id),
                }
            }
            At::Finish(id, call) => {
                let callback = Name::Callback(id, call);
                match call {
                    Call::File(worker) => self.schedule(callback, &[Stage::Function(At::Notify(id, worker))]),
                    Call::Map(number) => {
                        let completes = [
                            parallel_map::At::Completed(id, number),
                            parallel_map::At::Notify(id, number),
                        ];
                        self.schedule(callback, &completes.map(Stage::Map));
                    }
                }
            }
            At::Notify(id, worker) => self.tree(id).interleave.workers[usize::from(worker)].opened = true,
            At::Await(id, worker) => self.file_is_opened(id, worker),
        }
    }

    /// Puts a closure into the pool of the process.
    pub(super) fn schedule(&mut self, name: Name, body: &[Stage]) {
        let (size, pooled) = (self.model.pool_size(), self.thread.is_pooled());
        let body: Vec<Position> = body.iter().copied().map(Position::Dataset).collect();
        pool::schedule(self.process, size, pooled, ThreadId::Dataset(name), &body);
    }
}
