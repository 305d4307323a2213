//! Findings of a search so far, each kind once, with the state that shows it on the shortest path.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::local_graphs::LocalGraphs;
use super::reduction::{Broken, guarded};
use super::successors::TrailStep;
use crate::explore::FindingKind;
use crate::machine::{ProcessId, Reducible, Signature};

/// The place where a hang was found: the order says which of several with one signature is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct HangAt {
    pub(super) depth: u32,
    pub(super) fingerprint: u128,
    pub(super) process: ProcessId,
    pub(super) client: usize,
    pub(super) name: String,
    pub(super) state: u32,
}

/// The place where something of the model failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BrokenAt {
    pub(super) depth: u32,
    pub(super) fingerprint: u128,
    pub(super) state: u32,
    /// Steps that were done after that state.
    pub(super) trail: Vec<TrailStep>,
    pub(super) failure: Broken,
}

/// Findings of one search thread, or of all.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) hangs: BTreeMap<Signature, HangAt>,
    pub(super) leaks: BTreeSet<String>,
    pub(super) outcomes: BTreeSet<String>,
    /// A state in which every client is sure to return: that with the smallest id.
    pub(super) returns: Option<u32>,
    pub(super) broken: BTreeMap<(FindingKind, String), BrokenAt>,
}

impl Found {
    /// Takes over what another search thread has found.
    pub(super) fn merge(&mut self, other: Found) {
        other
            .hangs
            .into_iter()
            .for_each(|(signature, at)| self.hang(signature, at));
        self.leaks.extend(other.leaks);
        self.outcomes.extend(other.outcomes);
        other.returns.into_iter().for_each(|state| self.returns(state));
        other.broken.into_values().for_each(|at| self.broken(at));
    }

    fn hang(&mut self, signature: Signature, at: HangAt) {
        if self.hangs.get(&signature).is_none_or(|known| at < *known) {
            self.hangs.insert(signature, at);
        }
    }

    /// Notes a state in which every client is sure to return.
    pub(super) fn returns(&mut self, state: u32) {
        self.returns = Some(self.returns.map_or(state, |known| known.min(state)));
    }

    /// Notes a failure.
    pub(super) fn broken(&mut self, at: BrokenAt) {
        let key = (at.failure.kind, at.failure.message.clone());
        let rank = |at: &BrokenAt| (at.depth, at.fingerprint, at.trail.len());
        if self.broken.get(&key).is_none_or(|known| rank(&at) < rank(known)) {
            self.broken.insert(key, at);
        }
    }

    /// Notes that `client` of `process` can't return from the state `state`.
    pub(super) fn stuck<M: Reducible>(
        &mut self,
        graphs: &LocalGraphs<'_, M>,
        (state, depth, tuple): (u32, u32, &[u32]),
        (process, client, name): (ProcessId, usize, &str),
    ) {
        let wait_for = guarded(|| graphs.model.wait_for(&graphs.states(tuple), process, client));
        let at = HangAt {
            depth,
            fingerprint: graphs.fingerprint(tuple),
            process,
            client,
            name: name.to_owned(),
            state,
        };
        match wait_for.map(|wait_for| wait_for.signature()) {
            Ok(signature) => self.hang(signature, at),
            Err(message) => self.failed_in(message, state, depth, at.fingerprint),
        }
    }

    /// Looks at a state in which nothing can happen any more.
    pub(super) fn terminal<M: Reducible>(
        &mut self,
        graphs: &LocalGraphs<'_, M>,
        state: u32,
        depth: u32,
        tuple: &[u32],
    ) {
        let (model, states) = (graphs.model, graphs.states(tuple));
        let clients = guarded(|| {
            let clients = ProcessId::all(states.len()).zip(&states).flat_map(|(id, state)| {
                let numbered = (0..).zip(model.clients(id, state));
                numbered.map(move |(client, status)| (id, client, status))
            });
            clients.collect::<Vec<_>>()
        });
        let failed = match clients {
            Ok(clients) if clients.iter().all(|(.., status)| status.returned) => {
                let ended = guarded(|| (model.leaks(&states), model.outcome(&states)));
                let noted = ended.map(|(leaks, outcome)| {
                    self.leaks.extend(leaks);
                    self.outcomes.extend(outcome);
                });
                noted.err()
            }
            Ok(clients) => {
                for (process, client, status) in clients.iter().filter(|(.., status)| !status.returned) {
                    self.stuck(graphs, (state, depth, tuple), (*process, *client, &status.name));
                }
                None
            }
            Err(message) => Some(message),
        };
        if let Some(message) = failed {
            self.failed_in(message, state, depth, graphs.fingerprint(tuple));
        }
    }

    fn failed_in(&mut self, message: String, state: u32, depth: u32, fingerprint: u128) {
        self.broken(BrokenAt {
            depth,
            fingerprint,
            state,
            trail: Vec::new(),
            failure: Broken::new(FindingKind::Panic, message),
        });
    }
}
