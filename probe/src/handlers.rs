//! What the hooks do: each handler is named after its hook, gets its words, and calls the real function once.
//!
//! # Safety
//! Every handler is given the words of a call of its function in a known build, so what they point to is alive and laid out as
//! [`crate::memory`] says, for as long as the handler runs.

use std::ffi::CStr;
use std::sync::OnceLock;

use lastbatch_probe_format::holds::Site;
use lastbatch_probe_format::ring::{Function, Record};
use lastbatch_probe_format::steps::BATCH;

use crate::context::{Cancelling, Context, Inside, context, during};
use crate::holding::Holding;
use crate::hooks::Call;
use crate::task::{Asked, Task, say};
use crate::{memory, mending, partitions, receives};

/// Marks of an event.
const ENTER: u8 = 0;
const LEAVE: u8 = 1;
const POINT: u8 = 2;

/// Starts the record of an event.
fn event(function: Function, mark: u8, step: u64, one: usize) -> Record {
    let function = function as u8;
    Record {
        function,
        mark,
        step,
        one: one as u64,
        ..Record::default()
    }
}

fn record(asked: &Asked, event: Record) {
    if let Some(task) = asked.task() {
        task.recorder.record(event);
    }
}

fn text(asked: &Asked, text: &[u8]) -> u32 {
    asked.task().map_or(0, |task| task.recorder.text(text))
}

fn holding(asked: &Asked) -> Option<&Holding> {
    asked.task()?.holding.as_ref()
}

/// Waits at the entry of a point about a subject, if a rule says so.
fn enter(asked: &Asked, site: Site, subject: Option<&str>, step: u64) {
    if let (Some(holding), Some(subject)) = (holding(asked), subject) {
        holding.enter(site, subject, step);
    }
}

/// Lets those go who wait for a point about a subject.
fn leave(asked: &Asked, site: Site, subject: Option<&str>, step: u64) {
    if let (Some(holding), Some(subject)) = (holding(asked), subject) {
        holding.leave(site, subject, step);
    }
}

/// Returns the tensor of a key: `FROM;INCARNATION;TO;TENSOR;FRAME`.
fn tensor(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.split(|byte| *byte == b';').nth(3)?).ok()
}

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

/// The constructor of `CallOptions`.
pub(crate) unsafe fn new_options(asked: &Asked, call: Call) -> usize {
    if asked.mend {
        mending::forget(call.words[0]);
    }
    call.run()
}

/// `CallOptions::SetCancelCallback`.
pub(crate) unsafe fn set_cancel(asked: &Asked, call: Call) -> usize {
    let options = call.words[0];
    context(|context| {
        let inside = context.inside.get();
        // The client's options: `RunPartitionsHelper` installs theirs once all calls of its step are issued.
        let client = inside == Inside::Nothing && context.runs.get();
        let step = if client { context.run.get() } else { context.step.get() };
        let site = match inside {
            Inside::ReceiveCall => Some((Site::InstallReceive, context.tensor.get())),
            Inside::RunGraphCall => Some((Site::InstallRunGraph, context.server.get())),
            _ => None,
        };
        if let Some((site, subject)) = site {
            enter(asked, site, subject, step);
        }
        record(
            asked,
            Record {
                number: inside as i32,
                ..event(Function::SetCancel, ENTER, step, options)
            },
        );
        let result = call.run();
        record(asked, event(Function::SetCancel, LEAVE, step, options));
        if asked.mend && mending::forget(options) {
            carry_out(asked, options, step);
        }
        if let Some((site, subject)) = site {
            leave(asked, site, subject, step);
        }
        match inside {
            Inside::ReceiveCall => {
                enter(asked, Site::StartReceive, context.tensor.get(), step);
                receives::leave_window(context);
            }
            Inside::RunGraphCall => enter(asked, Site::StartRunGraph, context.server.get(), step),
            _ => {}
        }
        result
    })
}

/// Carries out a cancel that came before these options had a cancel function.
fn carry_out(asked: &Asked, options: usize, step: u64) {
    static START_CANCEL: OnceLock<Option<usize>> = OnceLock::new();
    let find = || asked.objects.function(c"_ZN10tensorflow11CallOptions11StartCancelEv");
    let Some(function) = *START_CANCEL.get_or_init(find) else {
        return;
    };
    if mending::mended() == 0 {
        say("fix sticky-cancel: a cancel came before its cancel function, and is carried out; the first of this task");
    }
    record(asked, event(Function::Mended, POINT, step, options));
    // SAFETY: the real `StartCancel` of options that have just got their cancel function.
    unsafe { memory::call(function, [options, 0, 0, 0, 0, 0]) };
}

/// `CallOptions::ClearCancelCallback`.
pub(crate) unsafe fn clear_cancel(asked: &Asked, call: Call) -> usize {
    let options = call.words[0];
    context(|context| context.cleared.set(options));
    if asked.mend {
        mending::forget(options);
    }
    let result = call.run();
    record(asked, event(Function::ClearCancel, POINT, 0, options));
    result
}

/// `CallOptions::StartCancel`.
pub(crate) unsafe fn start_cancel(asked: &Asked, call: Call) -> usize {
    let options = call.words[0];
    context(|context| {
        let outermost = context.cancels.get() == 0;
        let of_master = outermost.then(|| context.cancelling.get()).flatten();
        let step = of_master.map_or(0, |cancelling| cancelling.step);
        let server = of_master.and_then(|cancelling| {
            let next = cancelling.next + 1;
            context.cancelling.set(Some(Cancelling { next, ..cancelling }));
            partitions::server(step, cancelling.next)
        });
        enter(asked, Site::CancelRunGraph, server, step);
        record(asked, event(Function::StartCancel, ENTER, step, options));
        if asked.mend {
            mending::cancelled(options);
        }
        let result = during(&context.cancels, context.cancels.get() + 1, || call.run());
        record(asked, event(Function::StartCancel, LEAVE, step, options));
        leave(asked, Site::CancelRunGraph, server, step);
        result
    })
}

/// `BaseRemoteRendezvous::RecvAsync`: a receive looks whether it was aborted, and issues its call.
pub(crate) unsafe fn receive(asked: &Asked, call: Call) -> usize {
    let Some(holding) = holding(asked) else {
        return call.run();
    };
    let [rendezvous, key, ..] = call.words;
    let name = tensor(unsafe { memory::parsed_key(key) }).and_then(|name| holding.tensor(name));
    let step = unsafe { memory::step_of_rendezvous(rendezvous) };
    context(|context| {
        enter(asked, Site::Validate, name, step);
        if holding.keeps_receives_whole() {
            receives::enter_window(context);
        }
        let run = || during(&context.tensor, name, || call.run());
        let result = during(&context.step, step, run);
        receives::leave_window(context);
        result
    })
}

/// `BaseRemoteRendezvous::Send`; its result is a `Status`, so `this` is its second word.
pub(crate) unsafe fn send(asked: &Asked, call: Call) -> usize {
    if let Some(holding) = holding(asked) {
        let [_, rendezvous, key, ..] = call.words;
        if let Some(name) = tensor(unsafe { memory::parsed_key(key) }) {
            holding.sent(unsafe { memory::step_of_rendezvous(rendezvous) }, name);
        }
    }
    call.run()
}

/// `BaseRemoteRendezvous::RegisterCall`.
pub(crate) unsafe fn register(asked: &Asked, call: Call) -> usize {
    let [rendezvous, receive, ..] = call.words;
    if asked.mend {
        mending::reuse(receive);
    }
    if asked.task().is_none() {
        return call.run();
    }
    let step = unsafe { memory::step_of_rendezvous(rendezvous) };
    context(|context| {
        context.call.set(receive);
        let name = context.tensor.get();
        leave(asked, Site::Validate, name, step);
        enter(asked, Site::Register, name, step);
        let result = during(&context.step, step, || call.run());
        let other = receive as u64;
        record(
            asked,
            Record {
                other,
                ..event(Function::Register, POINT, step, rendezvous)
            },
        );
        leave(asked, Site::Register, name, step);
        result
    })
}

/// `BaseRemoteRendezvous::DeregisterCall`.
pub(crate) unsafe fn deregister(asked: &Asked, call: Call) -> usize {
    let [rendezvous, receive, ..] = call.words;
    let step = unsafe { memory::step_of_rendezvous(rendezvous) };
    let other = receive as u64;
    record(
        asked,
        Record {
            other,
            ..event(Function::Deregister, POINT, step, rendezvous)
        },
    );
    call.run()
}

/// `BaseRemoteRendezvous::StartAbort`.
pub(crate) unsafe fn start_abort(asked: &Asked, call: Call) -> usize {
    let Some(task) = asked.task() else { return call.run() };
    let [rendezvous, status, ..] = call.words;
    let step = unsafe { memory::step_of_rendezvous(rendezvous) };
    let (code, message) = unsafe { memory::status(status) };
    let text = text(asked, message);
    context(|context| {
        record(
            asked,
            Record {
                code,
                text,
                ..event(Function::StartAbort, ENTER, step, rendezvous)
            },
        );
        let Some(holding) = &task.holding else {
            let result = call.run();
            record(asked, event(Function::StartAbort, LEAVE, step, rendezvous));
            return result;
        };
        holding.aborting(step);
        if !context.in_window.get() && context.aborts.get() == 0 {
            holding.enter(Site::Abort, task.name, step);
        }
        let result = if holding.keeps_receives_whole() {
            receives::abort(context, || call.run())
        } else {
            call.run()
        };
        record(asked, event(Function::StartAbort, LEAVE, step, rendezvous));
        holding.leave(Site::Abort, task.name, step);
        result
    })
}

/// `BaseRemoteRendezvous::Initialize`; its result is a `Status`.
pub(crate) unsafe fn initialize(asked: &Asked, call: Call) -> usize {
    let rendezvous = call.words[1];
    let step = unsafe { memory::step_of_rendezvous(rendezvous) };
    record(asked, event(Function::Initialize, POINT, step, rendezvous));
    call.run()
}

/// `BaseRendezvousMgr::FindOrCreate`.
pub(crate) unsafe fn find_or_create(asked: &Asked, call: Call) -> usize {
    let rendezvous = call.run();
    record(
        asked,
        event(Function::FindOrCreate, POINT, call.words[1] as u64, rendezvous),
    );
    rendezvous
}

/// `GrpcRemoteWorker::RecvTensorAsync`: a receive is sent.
pub(crate) unsafe fn receive_call(asked: &Asked, call: Call) -> usize {
    let [worker, options, request, ..] = call.words;
    let (step, key) = unsafe { memory::receive(request) };
    context(|context| {
        mending::learn(context.call.replace(0), options);
        let (other, text) = (worker as u64, text(asked, key));
        record(
            asked,
            Record {
                other,
                text,
                ..event(Function::ReceiveCall, ENTER, step, options)
            },
        );
        let run = || during(&context.inside, Inside::ReceiveCall, || call.run());
        let result = during(&context.step, step, run);
        record(asked, event(Function::ReceiveCall, LEAVE, step, options));
        leave(asked, Site::StartReceive, context.tensor.get(), step);
        result
    })
}

/// `GrpcWorker::GrpcRecvTensorAsync`: a receive of a peer is served.
pub(crate) unsafe fn receive_handler(asked: &Asked, call: Call) -> usize {
    let [_, options, request, ..] = call.words;
    let (step, key) = unsafe { memory::receive(request) };
    context(|context| {
        let text = text(asked, key);
        record(
            asked,
            Record {
                text,
                ..event(Function::ReceiveHandler, ENTER, step, options)
            },
        );
        let run = || during(&context.inside, Inside::ReceiveHandler, || call.run());
        let result = during(&context.step, step, run);
        record(asked, event(Function::ReceiveHandler, LEAVE, step, options));
        result
    })
}

/// `Worker::AbortStep`.
pub(crate) unsafe fn abort_step(asked: &Asked, call: Call) -> usize {
    record(asked, event(Function::AbortStep, POINT, call.words[1] as u64, 0));
    call.run()
}

/// `Worker::CleanupGraphAsync`.
pub(crate) unsafe fn cleanup(asked: &Asked, call: Call) -> usize {
    let step = unsafe { memory::step_of_cleanup(call.words[1]) };
    record(asked, event(Function::Cleanup, POINT, step, 0));
    call.run()
}
