//! One stuck client beside a busy one: the system never comes to rest, and still a client can wait for ever.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{label, pending, value, waits};
use crate::machine::{
    Access, ClientStatus, Footprint, FrameSet, GuaranteeSet, Guarantees, Independence, Label, Model, ObjectId, Pending,
    ProcessId, ThreadName, WaitFor,
};

static TAKE_TURN: Label = label("Client.take_turn", "busy_client:1");
static PASS_TURN: Label = label("Client.pass_turn", "busy_client:2");

const TURN: ObjectId = ObjectId(0);

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct BusyClient {
    /// Whether a client that is done passes the turn to the other one, or keeps it.
    pub fair: bool,
}

/// Whose turn it is, and whether each client is being served.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct State {
    turn: u8,
    served: [bool; 2],
}

impl Model for BusyClient {
    type Process = State;
    type Thread = u8;
    type Frame = ();

    fn process_count(&self) -> usize {
        1
    }

    fn process_name(&self, _: ProcessId) -> String {
        "host".to_owned()
    }

    fn initial(&self, _: ProcessId) -> State {
        State::default()
    }

    fn threads(&self, _: ProcessId, state: &State) -> Vec<Pending<u8>> {
        let one = |client: u8| {
            let label = if state.served[usize::from(client)] {
                &PASS_TURN
            } else {
                &TAKE_TURN
            };
            pending(client, label, TURN.0, Access::Write, state.turn == client)
        };
        (0..2).map(one).collect()
    }

    fn apply(&self, _: ProcessId, state: &mut State, client: u8, _: u32, _: &mut Vec<(ProcessId, ())>) {
        let served = &mut state.served[usize::from(client)];
        *served = !*served;
        if !*served && self.fair {
            state.turn = 1 - client;
        }
    }

    fn deliver(&self, _: ProcessId, _: &mut State, _: ProcessId, (): ()) {}

    fn thread_name(&self, _: ProcessId, _: &State, client: u8) -> String {
        format!("client{client}")
    }

    fn object_name(&self, _: ProcessId, _: &State, _: ObjectId) -> String {
        "turn".to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![(TURN, value(&state.turn))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        let client = |client: usize| ClientStatus {
            name: format!("client{client}"),
            returned: state.served[client],
        };
        (0..2).map(client).collect()
    }

    fn wait_for(&self, _: &[&State], _: ProcessId, _: usize) -> WaitFor {
        let mut closure = WaitFor::default();
        let cause = Some("kept by the other client");
        closure.push(None, waits("host", TAKE_TURN.name, "turn", cause));
        closure
    }

    fn outcome(&self, _: &[&Self::Process]) -> Option<String> {
        None
    }

    fn leaks(&self, _: &[&Self::Process]) -> Vec<String> {
        Vec::new()
    }
}

impl Independence for BusyClient {
    fn footprint(&self, _: ProcessId, _: &State, _: u8) -> Arc<Footprint> {
        Arc::new(Footprint::new().with(TURN, Access::Write))
    }

    fn delivery_footprint(&self, _: ProcessId, _: &State, _frames: &FrameSet) -> Arc<Footprint> {
        Arc::new(Footprint::new())
    }

    fn may_send(&self, _: ProcessId, _: &Self::Process, _: ProcessId) -> FrameSet {
        FrameSet::Any
    }

    fn frame_set(&self, _: &Self::Frame) -> FrameSet {
        FrameSet::Any
    }

    fn name(&self, _: ProcessId, _: Self::Thread) -> Option<ThreadName> {
        None
    }

    fn permits_come_back(&self, _: ProcessId, _: ObjectId) -> bool {
        false
    }

    fn eliminate_dead(&self, _: ProcessId, _: &mut Self::Process) {}
}

impl Guarantees for BusyClient {
    fn guarantees(&self, _: ProcessId, _: &Self::Process, _: &GuaranteeSet) -> GuaranteeSet {
        GuaranteeSet::default()
    }

    fn is_inevitable(&self, process: ProcessId, state: &Self::Process, _: &GuaranteeSet) -> bool {
        self.clients(process, state).iter().all(|client| client.returned)
    }
}
