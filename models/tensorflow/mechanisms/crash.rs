//! The crash of a server while a step runs, and perhaps its restart.
//!
//! With the process goes everything that it knew. Its peers learn of it when their connection breaks: calls that wait for its answer
//! fail, and requests of it that they serve are cancelled. A call that is started after that waits until the server is there again, since
//! TensorFlow's calls do not fail fast (`rpc/grpc_state.h:35`); it can still be cancelled. A server that comes back knows no session: it
//! answers `RunGraph` with an error (`session_mgr.cc:124`). Its devices have new incarnations: it answers a receive with an error, too
//! (`worker.cc:404`). `CleanupGraph` and `DeleteWorkerSession` find nothing and succeed (`session_mgr.cc:108`).

use serde::{Deserialize, Serialize};

use super::context::{Context, Declared, Next, Run, View};
use super::pool::Object as PoolObject;
use super::room::Mechanism;
use super::rpc::{self, Frame, Object as RpcObject};
use crate::machine::{Access, BitSet, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::process::{Process, StepId, Thread, ThreadId};

labels! {
    DIES = "Process.dies", "the process ends", "operating system";
    RESTARTS = "Process.restarts", "a new process serves the same address", "operating system";
    LOST = "Connection.lost", "the connection to a peer breaks", "grpc core";
}

program_counter! { Crash;
    /// The process ends.
    Dies => DIES,
    /// Another one takes its place.
    Restarts => RESTARTS,
    /// A peer learns of it.
    Lost(peer: ProcessId) => LOST,
}

objects! { Crash; }

/// Knowledge of a process about the others' connections, and theirs about its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Connections {
    /// The process is dead.
    pub down: bool,
    /// It has taken the place of one that died.
    pub restarted: bool,
    /// Peers that speak to the process that died: what they send is lost.
    pub unaware: BitSet,
    /// Peers that are dead as far as this process knows: calls to them wait.
    pub lost: BitSet,
}

/// The fact that the process has taken the place of one that died.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(in crate::models) struct Facts(bool);

impl Facts {
    pub(super) fn restarted(self) -> bool {
        self.0
    }
}

impl Mechanism for Counter {
    type Facts = Facts;

    fn facts(_model: &TensorFlow, _id: ProcessId, process: &Process) -> Facts {
        Facts(process.connections.restarted)
    }

    /// While a process may still die, everything in it depends on that: see [`View::pending`].
    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        match self.0 {
            Pc::Dies | Pc::Restarts => context.uses(PoolObject::Pool, Access::Write),
            Pc::Lost(peer) => context.uses(RpcObject::Queue(peer), Access::Write),
        }
    }

    fn next(self, next: &mut Next<'_>) {
        match self.0 {
            Pc::Dies => next.then(afterwards(next.model, next.id)),
            Pc::Restarts => {}
            Pc::Lost(peer) => next.send(peer, Frame::Lost),
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        match self.0 {
            Pc::Dies => die(run),
            Pc::Restarts => (run.process.connections.down, run.process.connections.restarted) = (false, true),
            Pc::Lost(peer) => {
                run.process.connections.unaware.remove(peer.index());
                run.send(peer, Frame::Lost);
            }
        }
    }

    fn words(self, view: &View<'_>, _choice: u32) -> String {
        match self.0 {
            Pc::Dies => "dies with all that it knows".to_owned(),
            Pc::Restarts => "is replaced by a new one at the same address".to_owned(),
            Pc::Lost(peer) => format!(
                "is no longer connected with {}",
                view.model.processes()[peer.index()].name
            ),
        }
    }
}

/// Lists what follows the death of a process.
fn afterwards(model: &TensorFlow, id: ProcessId) -> Vec<Pc> {
    let restarts = model.restarts().then_some(Pc::Restarts);
    let peers = model.process_ids().filter(|&peer| peer != id);
    restarts.into_iter().chain(peers.map(Pc::Lost)).collect()
}

fn die(run: &mut Run<'_>) {
    let model = run.model;
    let mut process = Process {
        variables: smallvec::SmallVec::from_elem(0, run.process.variables.len()),
        arrived: std::mem::take(&mut run.process.arrived),
        ..Process::default()
    };
    // No step starts here any more, and what was here does not come again.
    for step in 0..model.steps().len() as StepId {
        process.started.insert(usize::from(step));
    }
    for peer in model.process_ids().filter(|&peer| peer != run.id) {
        process.connections.unaware.insert(peer.index());
    }
    process.connections.down = true;
    *run.process = process;
    run.then(afterwards(model, run.id));
}

impl TensorFlow {
    /// Returns the thread of the process that dies.
    pub(in crate::models) fn death_of(&self, id: ProcessId) -> Option<Thread> {
        let mut thread = Thread::new(ThreadId::Death);
        thread.then([Pc::Dies]);
        self.is_mortal(id).then_some(thread)
    }
}

/// Returns true if what a peer sends gets nowhere.
pub(super) fn swallows(process: &Process, from: ProcessId) -> bool {
    process.connections.down || process.connections.unaware.contains(from.index())
}

/// Returns true if calls to a peer wait for it to come back.
pub(in crate::models) fn is_lost(process: &Process, peer: ProcessId) -> bool {
    process.connections.lost.contains(peer.index())
}

/// Breaks the connection to a peer.
pub(super) fn lose(model: &TensorFlow, process: &mut Process, peer: ProcessId) {
    if !model.restarts() {
        process.connections.lost.insert(peer.index());
    }
    rpc::lost_answers(model, process, peer);
    let requests = process
        .server_calls
        .iter()
        .filter(|call| model.call(call.id).client == peer);
    for call in requests.map(|call| call.id).collect::<Vec<_>>() {
        rpc::reset(process, call);
    }
}

#[cfg(test)]
mod tests;
