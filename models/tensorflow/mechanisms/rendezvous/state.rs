//! The state of a rendezvous, what footprints may rely on in it, and how people read it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Object;
use crate::machine::{Lock, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::context::Inventory;
use crate::models::tensorflow::process::{ANY_RENDEZVOUS, CallId, List, Process, RendezvousId, StepId, ThreadId};
use crate::models::tensorflow::release::Status;

/// `RpcRemoteRendezvous` with its `LocalRendezvousImpl`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Rendezvous {
    /// The step that it stands for.
    pub step: StepId,
    /// The remote half's mutex, while `StartAbort` holds it.
    pub lock: Lock<ThreadId>,
    /// Whether `session_` is set.
    pub initialized: bool,
    /// Whether `status_` carries an error.
    pub aborted: bool,
    /// Whether that error is derived.
    pub derived: bool,
    /// `active_`: calls that this process sent, sorted.
    pub active: List,
    /// `deferred_calls_`, sorted: the order in which `Initialize` serves them is that of their arrival, but they do not touch
    /// each other.
    pub deferred: List,
    /// Whether the local table carries an error.
    pub local_aborted: bool,
    /// Whether that error is derived.
    pub local_derived: bool,
    /// Calls whose value waits in the local table, sorted. A key stands for one call.
    pub values: List,
    /// Peers' receives that wait in the local table, sorted.
    pub waiters: List,
    /// `remember-cancelled-steps`: the master said that the step is cancelled.
    pub cancelled: bool,
    /// `tf-2`: whether the step's cancellation manager has cancelled the calls that it knows.
    pub swept: bool,
}

impl Rendezvous {
    /// Returns a fresh one, as `FindOrCreate` makes it.
    pub fn new(step: StepId) -> Self {
        Self {
            step,
            lock: Lock::default(),
            initialized: false,
            aborted: false,
            derived: false,
            active: List::new(),
            deferred: List::new(),
            local_aborted: false,
            local_derived: false,
            values: List::new(),
            waiters: List::new(),
            cancelled: false,
            swept: false,
        }
    }

    /// Returns `status_` of the remote half.
    pub fn status(&self) -> Status {
        Status::of(self.aborted, self.derived)
    }

    /// Returns `status_` of the local table.
    pub fn local_status(&self) -> Status {
        Status::of(self.local_aborted, self.local_derived)
    }

    pub(super) fn outputs_words(&self) -> &'static str {
        if self.local_aborted {
            "finds the rendezvous aborted where it takes the fetched values: the partition fails after all"
        } else {
            "takes the fetched values"
        }
    }

    pub(super) fn abort_words(&self, model: &TensorFlow) -> String {
        if self.aborted {
            return "aborts the rendezvous once more, which changes nothing".to_owned();
        }
        if model.variant().splits_mutexes() {
            return "aborts the rendezvous, and has yet to turn to its calls".to_owned();
        }
        match model.call_names(&self.active).as_str() {
            "none" => "aborts the rendezvous, which has no active call".to_owned(),
            active => format!("aborts the rendezvous and goes on to cancel its active calls: {active}"),
        }
    }

    pub(super) fn calls_words(&self, model: &TensorFlow) -> String {
        format!(
            "turns to the calls of the rendezvous: {}",
            model.call_names(&self.active)
        )
    }

    pub(super) fn initialize_words(&self, model: &TensorFlow) -> String {
        match model.call_names(&self.deferred).as_str() {
            "none" => "initializes the rendezvous".to_owned(),
            parked => format!("initializes the rendezvous, and so takes up the parked receives: {parked}"),
        }
    }

    pub(super) fn receive_words(&self, model: &TensorFlow, call: CallId) -> String {
        let call = model.call_words(call);
        if self.initialized {
            format!("finds the rendezvous ready for {call}")
        } else if self.cancelled || self.aborted && model.fails_deferred() {
            format!("answers {call} with the error")
        } else {
            format!("parks {call} until the step starts here")
        }
    }
}

/// Final facts of a rendezvous: aborted, initialized.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(in crate::models) struct State {
    /// The local table carries an error.
    pub(in crate::models) local_aborted: bool,
    /// The remote half carries an error.
    pub(in crate::models) aborted: bool,
    /// The session is set.
    pub(in crate::models) initialized: bool,
}

/// Final facts of each rendezvous, and which of them stand for a step for good.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(in crate::models) struct Facts {
    states: SmallVec<[State; 2]>,
    /// Step and rendezvous. Where a step is cleaned up, another rendezvous may stand for it later.
    table: SmallVec<[(StepId, RendezvousId); 2]>,
    /// Steps of which an abort may miss a receive, so that another one is of use.
    may_miss: SmallVec<[StepId; 1]>,
}

impl Facts {
    pub(super) fn of(model: &TensorFlow, id: ProcessId, process: &Process) -> Self {
        let state = |state: &Rendezvous| State {
            local_aborted: state.local_aborted,
            aborted: state.aborted,
            initialized: state.initialized,
        };
        let steps = process.table.iter().map(|(step, _)| *step);
        let stays = |(step, _): &&(StepId, RendezvousId)| !model.cleans_up_after(*step);
        Self {
            states: process.rendezvous.iter().map(state).collect(),
            table: process.table.iter().filter(stays).copied().collect(),
            may_miss: steps.filter(|step| model.may_miss(id, process, *step)).collect(),
        }
    }

    /// Returns what is final in this rendezvous of a step, or in the one that stands for the step whatever happens.
    pub(in crate::models) fn state(&self, step: StepId, id: RendezvousId) -> State {
        let known = if id == ANY_RENDEZVOUS {
            self.table.iter().find(|(other, _)| *other == step).map(|(_, id)| *id)
        } else {
            Some(id)
        };
        let state = known.and_then(|id| self.states.get(usize::from(id)));
        state.copied().unwrap_or_default()
    }

    /// Returns true if the step's rendezvous is aborted on both halves and stays so: nothing can abort the step any more.
    pub(in crate::models) fn is_settled(&self, step: StepId) -> bool {
        let state = self.state(step, ANY_RENDEZVOUS);
        !self.may_miss.contains(&step) && state.local_aborted && state.aborted
    }
}

/// Adds to a sorted list.
pub(super) fn insert(list: &mut List, item: u16) {
    if let Err(index) = list.binary_search(&item) {
        list.insert(index, item);
    }
}

/// Removes an item from a sorted list and returns true if it was there.
pub(super) fn remove(list: &mut List, item: u16) -> bool {
    list.binary_search(&item).map(|index| list.remove(index)).is_ok()
}

/// Lists the objects of every rendezvous. A step may have a second rendezvous after a cleanup; its objects are those of the one in the
/// table, or where there is none there, of the one that is left.
pub(super) fn list(model: &TensorFlow, process: &Process, inventory: &mut Inventory<'_>) {
    // Not the numbers of the rendezvous: they change when another one is dropped.
    let known: SmallVec<[StepId; 4]> = process.table.iter().map(|(step, _)| *step).collect();
    inventory.add(Object::Table, &(&known, &process.cancelled_steps), || {
        let names = |steps: &mut dyn Iterator<Item = StepId>| {
            let names: Vec<&str> = steps.map(|step| model.step_name(step)).collect();
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        let table = format!("rendezvous of {}", names(&mut known.iter().copied()));
        if process.cancelled_steps.is_empty() {
            return table;
        }
        let all = 0..model.steps().len() as StepId;
        let cancelled = names(&mut all.filter(|step| process.cancelled_steps.contains(usize::from(*step))));
        format!("{table}; cancelled: {cancelled}")
    });
    for (id, rendezvous) in (0..).zip(&process.rendezvous) {
        let step = rendezvous.step;
        inventory.lock(Object::Remote(step), rendezvous.lock.owner());
        match process.table.iter().find(|(of, _)| *of == step) {
            Some((_, of)) if *of == id => list_one(model, rendezvous, true, inventory),
            Some(_) => {}
            None => list_one(model, rendezvous, false, inventory),
        }
    }
}

fn list_one(model: &TensorFlow, rendezvous: &Rendezvous, in_table: bool, inventory: &mut Inventory<'_>) {
    let step = rendezvous.step;
    let session_object = model.session_object(step);
    let local = (rendezvous.local_status(), &rendezvous.values, &rendezvous.waiters);
    let half = (
        rendezvous.lock,
        rendezvous.status(),
        (rendezvous.cancelled, rendezvous.swept),
        &rendezvous.active,
    );
    let session = (rendezvous.initialized, &rendezvous.deferred);
    if in_table {
        inventory.value(Object::Local(step), &local);
        if session_object == Object::Remote(step) {
            inventory.value(Object::Remote(step), &(half, session));
        } else {
            inventory.value(Object::Remote(step), &half);
            inventory.value(session_object, &session);
        }
    }
    let names = |calls: &List| model.call_names(calls);
    let open = |aborted| if aborted { "aborted" } else { "open" };
    inventory.text(Object::Local(step), || {
        let (values, waiters) = (names(&rendezvous.values), names(&rendezvous.waiters));
        format!(
            "{}; values: {values}; waiting receives: {waiters}",
            open(rendezvous.local_aborted)
        )
    });
    let remote = || {
        let gone = if in_table { "" } else { "; no longer in the table" };
        format!(
            "{}{gone}; active calls: {}",
            open(rendezvous.aborted),
            names(&rendezvous.active)
        )
    };
    let session = || {
        let not = if rendezvous.initialized { "" } else { "not " };
        format!("{not}initialized; parked receives: {}", names(&rendezvous.deferred))
    };
    if session_object == Object::Remote(step) {
        inventory.text(Object::Remote(step), || format!("{}; {}", remote(), session()));
    } else {
        inventory.text(Object::Remote(step), remote);
        inventory.text(session_object, session);
    }
}
