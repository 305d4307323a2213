//! `CapturedFunction` (`kernels/data/captured_function.cc`): a function of the pipeline runs on the compute pool of the process.
//!
//! Two closures, one after the other: the kernels, and the executor's callback, which goes through the pool as that of any executor does.
//! A function has a cancellation manager of its own that nobody cancels, and no rendezvous, so that the step and the pipeline share the
//! pool and nothing else.

use serde::{Deserialize, Serialize};

use super::{IteratorId, Name, Tree, parallel_interleave, parallel_map, tree};
use crate::machine::{Access, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::Pc as AnyPc;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use crate::models::tensorflow::mechanisms::pool::Object as PoolObject;
use crate::models::tensorflow::mechanisms::room::Mechanism;
use crate::models::tensorflow::process::{Process, ThreadId};

labels! {
    RUN = "Function.schedule", "CapturedFunction::RunAsync, RunWithBorrowedArgs (ExecutorState::RunAsync)", "captured_function.cc:416";
    FINISH = "Function.finish", "ExecutorState::Finish", "executor.cc:2365";
    NOTIFY = "Function.notify", "CapturedFunction::RunWithBorrowedArgs (Notify)", "captured_function.cc:324";
    AWAIT = "Function.await", "CapturedFunction::RunWithBorrowedArgs (WaitForNotification)", "captured_function.cc:328";
}

program_counter! { CapturedFunction;
    /// The caller schedules the kernels.
    Run(id: IteratorId, function: Call) => RUN,
    /// The kernels have run: the callback is scheduled.
    Finish(id: IteratorId, function: Call) => FINISH,
    /// The callback notifies a worker.
    Notify(id: IteratorId, worker: u8) => NOTIFY,
    /// A worker waits for that.
    Await(id: IteratorId, worker: u8) => AWAIT,
}

objects! { CapturedFunction;
    /// The notifications for which the workers of `parallel_interleave` wait.
    Opened(IteratorId) = "opened" per Iterator,
}

/// The purpose of a function's call. A file is opened once by an iterator, and a call of `map` has a number of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Call {
    /// `MakeIteratorFromInputElement`, for a worker of `parallel_interleave`, who waits.
    File {
        /// The worker.
        worker: u8,
        /// The file that it was given.
        file: u8,
    },
    /// The call of `map` with this number.
    Map(u16),
}

impl Call {
    /// Returns the call without what only a run knows.
    pub(in crate::models) fn erased(self) -> Self {
        match self {
            Call::File { .. } => self,
            Call::Map(_) => Call::Map(u16::MAX),
        }
    }

    /// Returns the closures that can complete the call.
    pub(super) fn closures(self, id: IteratorId) -> Vec<ThreadId> {
        [Name::Body(id, self), Name::Callback(id, self)]
            .map(ThreadId::Dataset)
            .to_vec()
    }
}

/// Calls a function.
pub(super) fn run(id: IteratorId, function: Call) -> AnyPc {
    Pc::Run(id, function).into()
}

/// Returns the body of a function's callback.
fn callback(id: IteratorId, function: Call) -> Vec<AnyPc> {
    match function {
        Call::File { worker, .. } => vec![Pc::Notify(id, worker).into()],
        Call::Map(number) => parallel_map::completes(id, number).to_vec(),
    }
}

/// Returns the workers whose notification has come.
fn opened(tree: &Tree) -> Vec<usize> {
    let workers = tree.interleave.workers.iter().enumerate();
    workers
        .filter(|(_, worker)| worker.opened)
        .map(|(number, _)| number)
        .collect()
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        for tree in super::trees(process).filter(|tree| tree.has_input) {
            inventory.value(Object::Opened(tree.id), &opened(tree));
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        match self.0 {
            Pc::Run(..) | Pc::Finish(..) => context.uses(PoolObject::Pool, context.model.push_access()),
            // Only the worker looks at its notification, and cannot before it is notified.
            Pc::Notify(id, _) => context.uses(Object::Opened(id), Access::BothMover),
            Pc::Await(id, worker) => {
                let opened = context.uses(Object::Opened(id), Access::BothMover);
                opened.when(|view| view.tree(id).interleave.workers[usize::from(worker)].opened)
            }
        }
    }

    fn next(self, next: &mut Next<'_>) {
        match self.0 {
            Pc::Run(id, function) => {
                next.schedule(
                    ThreadId::Dataset(Name::Body(id, function)),
                    &[Pc::Finish(id, function).into()],
                );
                match function {
                    Call::File { worker, .. } => next.then([Pc::Await(id, worker)]),
                    Call::Map(_) => parallel_map::next_of_next_call(next, id),
                }
            }
            Pc::Finish(id, function) => {
                next.schedule(ThreadId::Dataset(Name::Callback(id, function)), &callback(id, function));
            }
            Pc::Notify(..) => {}
            Pc::Await(id, worker) => next.then(parallel_interleave::next_of_opened(id, worker)),
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Run(id, function) => {
                run.schedule(
                    ThreadId::Dataset(Name::Body(id, function)),
                    &[Pc::Finish(id, function).into()],
                );
                match function {
                    Call::File { worker, .. } => run.then([Pc::Await(id, worker)]),
                    Call::Map(_) => parallel_map::next_call(run, id),
                }
            }
            Pc::Finish(id, function) => {
                run.schedule(ThreadId::Dataset(Name::Callback(id, function)), &callback(id, function));
            }
            Pc::Notify(id, worker) => tree(run, id).interleave.workers[usize::from(worker)].opened = true,
            Pc::Await(id, worker) => parallel_interleave::file_is_opened(run, id, worker),
        }
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        match self.0 {
            Pc::Run(_, Call::File { .. }) => "hands the function that opens its file to the pool".to_owned(),
            Pc::Run(_, Call::Map(number)) => format!("hands the function that parses batch {number} to the pool"),
            Pc::Finish(..) => "has run the function, whose callback goes to the pool".to_owned(),
            Pc::Notify(_, worker) => format!("notifies worker thread {worker}"),
            Pc::Await(..) => "finds the function done".to_owned(),
        }
    }

    fn waits(self, view: &View<'_>) -> Waits {
        match self.0 {
            Pc::Await(id, worker) => {
                let file = view.tree(id).interleave.workers[usize::from(worker)].file;
                Waits::For(Call::File { worker, file }.closures(id))
            }
            Pc::Run(..) | Pc::Finish(..) | Pc::Notify(..) => Waits::HELD,
        }
    }

    fn erased(self) -> Self {
        Self(match self.0 {
            Pc::Run(id, function) => Pc::Run(id, function.erased()),
            Pc::Finish(id, function) => Pc::Finish(id, function.erased()),
            other => other,
        })
    }
}
