//! The rendezvous of a step: receives, sends, aborts, and the clean-up.

use lastbatch_probe_format::holds::Site;
use lastbatch_probe_format::ring::{Function, Record};

use super::{ENTER, LEAVE, POINT, enter, event, holding, leave, record, text};
use crate::context::{Inside, context, during};
use crate::hooks::Call;
use crate::task::Asked;
use crate::{memory, mending, receives};

/// Returns the tensor of a key: `FROM;INCARNATION;TO;TENSOR;FRAME`.
fn tensor(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.split(|byte| *byte == b';').nth(3)?).ok()
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
        let holding = task.holding.as_ref().filter(|_| !context.cleans.get());
        let Some(holding) = holding else {
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
    context(|context| during(&context.cleans, true, || call.run()))
}
