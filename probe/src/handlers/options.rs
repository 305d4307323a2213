//! `CallOptions`: a cancel function is installed, cleared, and called.

use std::sync::OnceLock;

use lastbatch_probe_format::holds::Site;
use lastbatch_probe_format::ring::{Function, Record};

use super::{ENTER, LEAVE, POINT, enter, event, leave, record};
use crate::context::{Cancelling, Inside, context, during};
use crate::hooks::Call;
use crate::task::{Asked, say};
use crate::{memory, mending, partitions, receives};

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
    if let Some(task) = asked.task() {
        task.conditions.mended(step);
    }
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
