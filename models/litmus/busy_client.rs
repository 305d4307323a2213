//! One stuck client beside a busy one: the system never comes to rest, and still a client can wait for ever.

use serde::{Deserialize, Serialize};

use super::{Litmus, Step, chain, label, status, step, value, waits};
use crate::machine::{Access, ClientStatus, Label, ObjectId, ProcessId, WaitFor};

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

    const OBJECTS: &[&str] = &["turn"];
    const THREADS: &str = "client";

    fn all_threads(&self, _: ProcessId) -> Vec<u8> {
        vec![0, 1]
    }

    fn next(&self, state: &State, client: u8) -> Option<Step> {
        let served = state.served[usize::from(client)];
        let label = if served { &PASS_TURN } else { &TAKE_TURN };
        Some(step(label, TURN, Access::Write, state.turn == client))
    }

    fn apply(&self, state: &mut State, client: u8, _: u32) -> Option<(ProcessId, ())> {
        let served = &mut state.served[usize::from(client)];
        *served = !*served;
        if !*served && self.fair {
            state.turn = 1 - client;
        }
        None
    }

    fn object_values(&self, _: ProcessId, state: &State) -> Vec<u64> {
        vec![value(&state.turn)]
    }

    fn clients(&self, _: ProcessId, state: &State) -> Vec<ClientStatus> {
        let client = |client: usize| status(&format!("client{client}"), state.served[client]);
        (0..2).map(client).collect()
    }

    fn wait_for(&self, _: &[&State], _: usize) -> WaitFor {
        let cause = "kept by the other client";
        chain([waits("host", TAKE_TURN.name, "turn", Some(cause))])
    }
}
