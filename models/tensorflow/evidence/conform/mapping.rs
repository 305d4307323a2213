//! The table: which label of the model each event of a trace stands for.
//!
//! Two kinds of rows. [`Means::Label`]: exactly one label runs there, on the thread that the trace thread stands for.
//! [`Means::Past`]: the function is left, so the labels that are named have run by then. Events without a row say where the labels
//! of their neighbours lie, and whose objects those are.

use super::trace::{Function, Mark};

/// Whose object an event names, found from the ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Owner {
    /// A call that this process sends: `RecvTensor` or `RunGraph`.
    Call,
    /// A request that this process serves.
    Request,
    /// The worker's own partition, which is called without an RPC.
    OwnPartition,
    /// The call of the client, `sess.run`.
    Client,
    /// The step's rendezvous, or nothing in particular.
    Step,
}

/// Where a label lies with respect to its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Between the thread's event before and this one: it was done when this was logged.
    Before,
    /// Between this one and the thread's next.
    After,
    /// Between the thread's event before and its next: a point is logged near its operation, before or after it.
    Around,
}

/// What a row says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Means {
    /// One run of this label.
    Label(&'static str),
    /// These labels are behind the thread.
    Past(&'static [&'static str]),
}

/// A row of the table.
pub(super) struct Row {
    pub(super) function: Function,
    pub(super) mark: Mark,
    pub(super) owner: Owner,
    pub(super) place: Place,
    pub(super) means: Means,
}

const fn label(function: Function, mark: Mark, owner: Owner, place: Place, name: &'static str) -> Row {
    Row {
        function,
        mark,
        owner,
        place,
        means: Means::Label(name),
    }
}

const fn past(function: Function, owner: Owner, labels: &'static [&'static str]) -> Row {
    Row {
        function,
        mark: Mark::Leave,
        owner,
        place: Place::Before,
        means: Means::Past(labels),
    }
}

/// A receive's handler, up to its answer if that comes at once.
const RECEIVING: &[&str] = &[
    "Worker.install_cancel",
    "Rendezvous.find_or_create",
    "RecvLocal.defer",
    "RecvLocal.validate",
    "RecvLocal.local",
    "Handler.clear_cancel",
    "Handler.respond",
];
/// A partition's start, with the answers to deferred receives.
const STARTING: &[&str] = &[
    "Worker.install_cancel",
    "Worker.install_cancel_local",
    "Rendezvous.find_or_create",
    "Rendezvous.initialize",
    "RecvLocal.validate",
    "RecvLocal.local",
    "Handler.clear_cancel",
    "Handler.respond",
    "Worker.schedule_root",
];
/// `StartAbort`, with the answers to waiting receives.
const ABORTING: &[&str] = &[
    "StartAbort.remote",
    "StartAbort.next_call",
    "Call.start_cancel",
    "StartAbort.unlock",
];
/// A cancel function that aborts the step.
const CANCELLING: &[&str] = &[
    "Worker.start_cancel",
    "Rendezvous.find_or_create",
    "AbortStep.delay",
    "Server.cancel_done",
    "Master.cancel_local_done",
];

use Function::{
    Cleanup, ClearCancel, Deregister, FindOrCreate, Initialize, RecvTensorHandler, RecvTensorIssue, Register,
    RunGraphHandler, RunGraphIssue, SetCancel, StartAbort, StartCancel, WhenDone,
};
use Mark::{Enter, Leave, Point};
use Place::{After, Around, Before};

/// The table.
pub(super) const TABLE: &[Row] = &[
    // The client's side of a call: its cancel function is installed, then the call is started before its function is left.
    label(SetCancel, Leave, Owner::Call, Before, "Call.install_cancel"),
    label(RecvTensorIssue, Leave, Owner::Call, Before, "Call.start"),
    label(RunGraphIssue, Leave, Owner::Call, Before, "Call.start"),
    label(StartCancel, Enter, Owner::Call, After, "Call.start_cancel"),
    label(ClearCancel, Point, Owner::Call, Around, "Call.clear_cancel"),
    // The server's side.
    label(SetCancel, Leave, Owner::Request, Before, "Worker.install_cancel"),
    label(StartCancel, Enter, Owner::Request, After, "Server.request_cancelled"),
    past(StartCancel, Owner::Request, CANCELLING),
    label(ClearCancel, Point, Owner::Request, Around, "Handler.clear_cancel"),
    past(RecvTensorHandler, Owner::Request, RECEIVING),
    past(RunGraphHandler, Owner::Request, STARTING),
    // The worker's own partition.
    label(
        SetCancel,
        Leave,
        Owner::OwnPartition,
        Before,
        "Worker.install_cancel_local",
    ),
    label(StartCancel, Enter, Owner::OwnPartition, After, "Master.cancel_local"),
    past(StartCancel, Owner::OwnPartition, CANCELLING),
    label(
        ClearCancel,
        Point,
        Owner::OwnPartition,
        Around,
        "Worker.clear_cancel_local",
    ),
    past(RunGraphHandler, Owner::OwnPartition, STARTING),
    // The client's call.
    label(SetCancel, Leave, Owner::Client, Before, "Master.install_cancel"),
    // The rendezvous.
    label(Register, Point, Owner::Call, Around, "Recv.register"),
    label(Deregister, Point, Owner::Call, Around, "Recv.deregister"),
    label(FindOrCreate, Point, Owner::Step, Around, "Rendezvous.find_or_create"),
    label(Initialize, Point, Owner::Step, Around, "Rendezvous.initialize"),
    label(StartAbort, Enter, Owner::Step, After, "StartAbort.local"),
    past(StartAbort, Owner::Step, ABORTING),
    label(Cleanup, Point, Owner::Step, Around, "Rendezvous.cleanup"),
    // The master.
    label(WhenDone, Point, Owner::Step, Around, "RunManyGraphs.when_done"),
];

/// The row of an event.
pub(super) fn row(function: Function, mark: Mark, owner: Owner) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.function == function && row.mark == mark && row.owner == owner)
}

/// Whether a trace shows every run of this label. `Server.request_cancelled` is shown only where it finds a callback; the search
/// knows.
pub(super) fn is_shown(label: &str) -> bool {
    TABLE
        .iter()
        .any(|row| matches!(row.means, Means::Label(name) if name == label))
}
