//! The master's step: its calls to servers, its own partition, and the loop in which it cancels them.

use std::ffi::CStr;
use std::sync::OnceLock;

use lastbatch_probe_format::holds::Site;
use lastbatch_probe_format::ring::{Function, Record};
use lastbatch_probe_format::steps::BATCH;

use super::{ENTER, LEAVE, POINT, event, holding, leave, record, text};
use crate::context::{Cancelling, Context, Inside, context, during};
use crate::hooks::Call;
use crate::task::{Asked, Task};
use crate::{memory, partitions};

/// `SessionMgr::WorkerNameFromServerDef`: the server of this process learns its name.
pub(crate) unsafe fn worker_name(asked: &Asked, call: Call) -> usize {
    let result = call.run();
    let name = unsafe { memory::string(call.words[0]) };
    asked.named(&String::from_utf8_lossy(name));
    result
}

/// `MasterSession::Run`: a step of the master, on this thread until it has its answer.
pub(crate) unsafe fn run(asked: &Asked, call: Call) -> usize {
    let Some(task) = asked.task() else { return call.run() };
    record(asked, event(Function::Run, ENTER, 0, call.words[1]));
    context(|context| {
        context.run.set(0);
        let result = during(&context.runs, true, || call.run());
        let step = context.run.replace(0);
        let (code, _) = unsafe { memory::status(call.words[0]) };
        let batch = task.conditions.slot(step).is_some_and(|slot| slot.marked(BATCH));
        partitions::ends(step, batch);
        task.conditions.end(step, code);
        record(
            asked,
            Record {
                code,
                ..event(Function::Run, LEAVE, step, call.words[1])
            },
        );
        result
    })
}

/// `GrpcRemoteWorker::RegisterGraphAsync`: the graph of a server is registered, which tells who that is.
pub(crate) unsafe fn register_graph(asked: &Asked, call: Call) -> usize {
    if holding(asked).is_some() {
        let [worker, request, ..] = call.words;
        if let Some(bytes) = unsafe { serialized(asked, request) } {
            partitions::registers(worker, &bytes);
        }
    }
    call.run()
}

/// Serializes a `RegisterGraphRequest` by the functions of the library.
unsafe fn serialized(asked: &Asked, request: usize) -> Option<Vec<u8>> {
    const SIZE: &CStr = c"_ZNK10tensorflow20RegisterGraphRequest12ByteSizeLongEv";
    const WRITE: &CStr = c"_ZNK6google8protobuf11MessageLite16SerializeToArrayEPvi";
    static FUNCTIONS: OnceLock<Option<(usize, usize)>> = OnceLock::new();
    let find = || Some((asked.objects.function(SIZE)?, asked.objects.function(WRITE)?));
    let (size, write) = (*FUNCTIONS.get_or_init(find))?;
    // SAFETY: the two functions of this message, the second with a buffer that is as long as the first says.
    unsafe {
        let length = memory::call(size, [request, 0, 0, 0, 0, 0]);
        let mut bytes = vec![0u8; length];
        memory::call(write, [request, bytes.as_mut_ptr() as usize, length, 0, 0, 0]);
        Some(bytes)
    }
}

/// Notes that the master issues the call of a partition, if this thread runs a step.
fn issues(
    task: &Task,
    context: &Context,
    step: u64,
    options: usize,
    to: Result<usize, &'static str>,
) -> Option<&'static str> {
    if !context.runs.get() {
        return None;
    }
    task.conditions.begin(step);
    partitions::issues(context, step, options, to)
}

/// `GrpcRemoteWorker::RunGraphAsync`: the master calls a server.
pub(crate) unsafe fn run_graph_call(asked: &Asked, call: Call) -> usize {
    let Some(task) = asked.task() else { return call.run() };
    let [worker, options, request, ..] = call.words;
    let step = unsafe { memory::step_of_run_graph(request) };
    context(|context| {
        let server = issues(task, context, step, options, Ok(worker));
        let other = worker as u64;
        record(
            asked,
            Record {
                other,
                ..event(Function::RunGraphCall, ENTER, step, options)
            },
        );
        let run = || during(&context.inside, Inside::RunGraphCall, || call.run());
        let result = during(&context.server, server, || during(&context.step, step, run));
        record(
            asked,
            Record {
                other,
                ..event(Function::RunGraphCall, LEAVE, step, options)
            },
        );
        leave(asked, Site::StartRunGraph, server, step);
        result
    })
}

/// `Worker::DoRunGraph`: a partition of this process is run, for a request or for the master of this process.
pub(crate) unsafe fn run_graph_handler(asked: &Asked, call: Call) -> usize {
    let Some(task) = asked.task() else { return call.run() };
    let [_, options, request, ..] = call.words;
    let step = unsafe { memory::step_of_run_graph(request) };
    context(|context| {
        issues(task, context, step, options, Err(task.name));
        record(asked, event(Function::RunGraphHandler, ENTER, step, options));
        let run = || during(&context.inside, Inside::RunGraphHandler, || call.run());
        let result = during(&context.step, step, run);
        record(asked, event(Function::RunGraphHandler, LEAVE, step, options));
        result
    })
}

/// `RunManyGraphs::WhenDone`: the call of a partition is over; the first error cancels all calls, in their order.
pub(crate) unsafe fn when_done(asked: &Asked, call: Call) -> usize {
    if asked.task().is_none() {
        return call.run();
    }
    let [calls, partition, status, ..] = call.words;
    context(|context| {
        let step = partitions::step_of(context.cleared.get()).unwrap_or(0);
        let (code, message) = unsafe { memory::status(status) };
        let (number, text) = (partition as i32, text(asked, message));
        record(
            asked,
            Record {
                number,
                code,
                text,
                ..event(Function::WhenDone, POINT, step, calls)
            },
        );
        during(&context.cancelling, Some(Cancelling { step, next: 0 }), || call.run())
    })
}
