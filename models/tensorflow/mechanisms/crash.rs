//! A server that dies while a step runs, and perhaps comes back.
//!
//! With the process goes everything that it knew. Its peers learn of it when their connection breaks: calls that wait for its answer
//! fail, and requests of it that they serve are cancelled. A call that is started after that waits until the server is there again, since
//! TensorFlow's calls do not fail fast (`rpc/grpc_state.h:35`); it can still be cancelled. A server that comes back knows no session: it
//! answers `RunGraph` with an error (`session_mgr.cc:141`), but it parks a receive like that of any step that it has yet to start.

use crate::machine::{Access, Label, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::mechanisms::rpc::{self, Frame, Rpc};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{At as Position, Process, Thread, ThreadId};
use serde::{Deserialize, Serialize};

static DIES: Label = Label {
    name: "Process.dies",
    function: "the process ends",
    site: "operating system",
};
static RESTARTS: Label = Label {
    name: "Process.restarts",
    function: "a new process serves the same address",
    site: "operating system",
};
static LOST: Label = Label {
    name: "Connection.lost",
    function: "the connection to a peer breaks",
    site: "grpc core",
};

/// Positions in the death of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The process ends.
    Dies,
    /// Another one takes its place.
    Restarts,
    /// A peer (the number of its process) learns of it.
    Lost(u8),
}

/// What a process knows of the others, and they of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Connections {
    /// The process is dead.
    pub down: bool,
    /// It has taken the place of one that died.
    pub restarted: bool,
    /// Peers that speak to the process that died, one bit each: what they send is lost.
    pub unaware: u32,
    /// Peers that are dead as far as this process knows, one bit each: calls to them wait.
    pub lost: u32,
}

fn bit(id: ProcessId) -> u32 {
    1 << id.0
}

impl View<'_> {
    /// Declares the operation of a position. While a process may still die, everything in it depends on that: see `View::pending`.
    pub(in crate::models) fn declare_death(&self, at: At) -> Declared {
        match at {
            At::Dies => Declared::new(&DIES, Object::Pool, Access::Write),
            At::Restarts => Declared::new(&RESTARTS, Object::Pool, Access::Write),
            At::Lost(peer) => Declared::new(&LOST, Object::Queue(ProcessId(peer.into())), Access::Write),
        }
    }
}

impl Run<'_> {
    /// Runs the operation of a position.
    pub(in crate::models) fn apply_death(&mut self, at: At) {
        match at {
            At::Dies => self.die(),
            At::Restarts => (self.process.connections.down, self.process.connections.restarted) = (false, true),
            At::Lost(peer) => {
                self.process.connections.unaware &= !(1 << peer);
                self.sent.push((ProcessId(peer.into()), Frame::Lost));
            }
        }
    }

    fn die(&mut self) {
        let model = self.model;
        let peers = (0..model.processes().len() as u8).filter(|&peer| ProcessId(peer.into()) != self.id);
        let (mut unaware, mut labels) = (0, Vec::new());
        if model.circumstances().death.as_ref().is_some_and(|death| death.restarts) {
            labels.push(Position::Death(At::Restarts));
        }
        for peer in peers {
            unaware |= 1 << peer;
            labels.push(Position::Death(At::Lost(peer)));
        }
        self.thread.stack.extend(labels.into_iter().rev());
        *self.process = Process {
            variables: smallvec::SmallVec::from_elem(0, self.process.variables.len()),
            // No step starts here any more, and what was here does not come again.
            started: u32::MAX,
            arrived: std::mem::take(&mut self.process.arrived),
            ..Process::default()
        };
        self.process.connections.down = true;
        self.process.connections.unaware = unaware;
    }
}

impl TensorFlow {
    /// The thread of the process that dies.
    pub(in crate::models) fn death_of(&self, id: ProcessId) -> Option<Thread> {
        self.is_mortal(id)
            .then(|| Thread::new(ThreadId::Death, Position::Death(At::Dies)))
    }
}

/// Whether what a peer sends gets nowhere.
pub(in crate::models) fn swallows(process: &Process, from: ProcessId) -> bool {
    process.connections.down || process.connections.unaware & bit(from) != 0
}

/// Whether calls to a peer wait for it to come back.
pub(in crate::models) fn is_lost(process: &Process, peer: ProcessId) -> bool {
    process.connections.lost & bit(peer) != 0
}

/// The connection to a peer breaks.
pub(in crate::models) fn lose(model: &TensorFlow, process: &mut Process, peer: ProcessId) {
    let returns = model.circumstances().death.as_ref().is_some_and(|death| death.restarts);
    if !returns {
        process.connections.lost |= bit(peer);
    }
    let mut over = Vec::new();
    for call in &mut process.client_calls {
        if model.call(call.id).server == peer && call.rpc == Rpc::Sent {
            (call.failed, call.rpc) = (true, Rpc::Complete);
            over.push(call.id);
        }
    }
    for call in over {
        process.spawn(rpc::completion(call));
    }
    let requests = process
        .server_calls
        .iter()
        .filter(|call| model.call(call.id).client == peer);
    for call in requests.map(|call| call.id).collect::<Vec<_>>() {
        rpc::reset(process, call);
    }
}
