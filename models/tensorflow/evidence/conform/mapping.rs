//! The table: which label of the model each event of a trace stands for.
//!
//! Two kinds of rows. [`Means::Label`]: exactly one label runs there, on the thread that the trace thread stands for.
//! [`Means::Past`]: the function is left, so the labels that are named have run by then. Events without a row say where the labels
//! of their neighbours lie, and whose objects those are.

use super::trace::{Function, Mark};
use crate::machine::Label;
use crate::models::tensorflow::mechanisms::{master, rendezvous, rpc, worker};

/// The owner of the object that an event names, found from the ids.
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

/// The place where a label lies with respect to its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Between the thread's event before and this one: it was done when this was logged.
    Before,
    /// Between this one and the thread's next.
    After,
    /// Between the thread's event before and its next: a point is logged near its operation, before or after it.
    Around,
}

/// The meaning of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Means {
    /// One run of this label.
    Label(&'static Label),
    /// These labels are behind the thread.
    Past(&'static [&'static Label]),
}

/// A row of the table.
pub(super) struct Row {
    pub(super) function: Function,
    pub(super) mark: Mark,
    pub(super) owner: Owner,
    pub(super) place: Place,
    pub(super) means: Means,
}

const fn label(function: Function, mark: Mark, owner: Owner, place: Place, label: &'static Label) -> Row {
    Row {
        function,
        mark,
        owner,
        place,
        means: Means::Label(label),
    }
}

const fn past(function: Function, owner: Owner, labels: &'static [&'static Label]) -> Row {
    Row {
        function,
        mark: Mark::Leave,
        owner,
        place: Place::Before,
        means: Means::Past(labels),
    }
}

/// A receive's handler, up to its answer if that comes at once.
static RECEIVING: &[&Label] = &[
    &worker::INSTALL,
    &rendezvous::FIND,
    &rendezvous::RECV_LOCAL,
    &rendezvous::LOCAL_VALIDATE,
    &rendezvous::LOCAL_RECV,
    &rpc::SERVE_CLEAR,
    &rpc::RESPOND,
];
/// A partition's start, with the answers to deferred receives.
static STARTING: &[&Label] = &[
    &worker::INSTALL,
    &worker::INSTALL_LOCAL,
    &rendezvous::FIND,
    &rendezvous::INITIALIZE,
    &rendezvous::LOCAL_VALIDATE,
    &rendezvous::LOCAL_RECV,
    &rpc::SERVE_CLEAR,
    &rpc::RESPOND,
    &worker::ROOT,
];
/// `StartAbort`, with the answers to waiting receives.
static ABORTING: &[&Label] = &[
    &rendezvous::ABORT_REMOTE,
    &rendezvous::ABORT_NEXT,
    &rpc::CANCEL,
    &rendezvous::ABORT_UNLOCK,
];
/// A cancel function that aborts the step.
static CANCELLING: &[&Label] = &[
    &worker::CANCEL_MANAGER,
    &rendezvous::FIND,
    &worker::TIMER,
    &rpc::RELEASE,
    &worker::RELEASE_LOCAL,
];

use Function::{
    Cleanup, ClearCancel, Deregister, FindOrCreate, Initialize, RecvTensorHandler, RecvTensorIssue, Register,
    RunGraphHandler, RunGraphIssue, SetCancel, StartAbort, StartCancel, WhenDone,
};
use Mark::{Enter, Leave, Point};
use Place::{After, Around, Before};

/// The table.
pub(super) static TABLE: &[Row] = &[
    // The client's side of a call: its cancel function is installed, then the call is started before its function is left.
    label(SetCancel, Leave, Owner::Call, Before, &rpc::INSTALL),
    label(RecvTensorIssue, Leave, Owner::Call, Before, &rpc::START),
    label(RunGraphIssue, Leave, Owner::Call, Before, &rpc::START),
    label(StartCancel, Enter, Owner::Call, After, &rpc::CANCEL),
    label(ClearCancel, Point, Owner::Call, Around, &rpc::CLEAR),
    // The server's side.
    label(SetCancel, Leave, Owner::Request, Before, &worker::INSTALL),
    label(StartCancel, Enter, Owner::Request, After, &rpc::REQUEST_CANCELLED),
    past(StartCancel, Owner::Request, CANCELLING),
    label(ClearCancel, Point, Owner::Request, Around, &rpc::SERVE_CLEAR),
    past(RecvTensorHandler, Owner::Request, RECEIVING),
    past(RunGraphHandler, Owner::Request, STARTING),
    // The worker's own partition.
    label(SetCancel, Leave, Owner::OwnPartition, Before, &worker::INSTALL_LOCAL),
    label(StartCancel, Enter, Owner::OwnPartition, After, &worker::CANCEL_LOCAL),
    past(StartCancel, Owner::OwnPartition, CANCELLING),
    label(ClearCancel, Point, Owner::OwnPartition, Around, &worker::CLEAR_LOCAL),
    past(RunGraphHandler, Owner::OwnPartition, STARTING),
    // The client's call.
    label(SetCancel, Leave, Owner::Client, Before, &master::OPTIONS),
    // The rendezvous.
    label(Register, Point, Owner::Call, Around, &rendezvous::REGISTER),
    label(Deregister, Point, Owner::Call, Around, &rendezvous::DEREGISTER),
    label(FindOrCreate, Point, Owner::Step, Around, &rendezvous::FIND),
    label(Initialize, Point, Owner::Step, Around, &rendezvous::INITIALIZE),
    label(StartAbort, Enter, Owner::Step, After, &rendezvous::ABORT_LOCAL),
    past(StartAbort, Owner::Step, ABORTING),
    label(Cleanup, Point, Owner::Step, Around, &rendezvous::CLEANUP),
    // The master.
    label(WhenDone, Point, Owner::Step, Around, &master::WHEN_DONE),
];

/// Returns the row of an event.
pub(super) fn row(function: Function, mark: Mark, owner: Owner) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.function == function && row.mark == mark && row.owner == owner)
}

/// Returns true if a trace shows every run of this label. `Server.request_cancelled` is shown only where it finds a callback; the search
/// knows.
pub(super) fn is_shown(label: &'static Label) -> bool {
    TABLE.iter().any(|row| row.means == Means::Label(label))
}
