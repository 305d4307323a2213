//! One stuck client beside a busy one: the system never comes to rest, and still a client can wait for ever.

use serde::{Deserialize, Serialize};

use super::{Litmus, label, pending, status, value, waits};
use crate::machine::{Access, ClientStatus, Footprint, Label, ObjectId, Pending, ProcessId, WaitFor};

static TAKE_TURN: Label = label("Client.take_turn", "busy_client:1");
static PASS_TURN: Label = label("Client.pass_turn", "busy_client:2");

const TURN: ObjectId = ObjectId(0);

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct BusyClient {
    /// Whether a client that is done passes the turn to the other one, or keeps it.
    pub fair: bool,
}

/// The client whose turn it is, and whether each client is being served.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct State {
    turn: u8,
    served: [bool; 2],
}

impl Litmus for BusyClient {
    type State = State;
    type Thread = u8;
    type Frame = ();

    fn initial(&self) -> State {
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

    fn thread_name(&self, client: u8) -> String {
        format!("client{client}")
    }

    fn object_name(&self, _: ObjectId) -> String {
        "turn".to_owned()
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<(ObjectId, u64)> {
        vec![(TURN, value(&state.turn))]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        let client = |client: usize| status(&format!("client{client}"), state.served[client]);
        (0..2).map(client).collect()
    }

    fn wait_for(&self, _: &[&State], _: ProcessId, _: usize) -> WaitFor {
        let mut closure = WaitFor::default();
        let cause = Some("kept by the other client");
        closure.push(None, waits("host", TAKE_TURN.name, "turn", cause));
        closure
    }

    fn footprint(&self, _: ProcessId, _: &State, _: u8) -> Footprint {
        Footprint::new().with(TURN, Access::Write)
    }
}
