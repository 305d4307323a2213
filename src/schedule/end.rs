//! The state in which a run ended.

use crate::machine::{Model, Signature, System, WaitFor};

/// The state in which a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct End {
    /// Number of threads that could still run; with none the system is at rest.
    pub enabled: usize,
    /// Every client.
    pub clients: Vec<ClientEnd>,
    /// Leaks: what stays behind, where every client has its answer and the system is at rest.
    pub leaks: Vec<String>,
}

/// A client in the state in which a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientEnd {
    /// Its name.
    pub name: String,
    /// Whether it has its answer.
    pub returned: bool,
    /// Whom it waits for, where it has none.
    pub waits: Option<(Signature, WaitFor)>,
}

impl End {
    /// Describes a state.
    pub fn of<M: Model>(model: &M, system: &System<M::Process>) -> Self {
        let processes: Vec<&M::Process> = system.processes.iter().collect();
        let enabled = system.enabled(model).len();
        let mut clients = Vec::new();
        for (process, number, status) in system.clients(model) {
            let waits = (!status.returned).then(|| model.wait_for(&processes, process, number));
            clients.push(ClientEnd {
                name: status.name,
                returned: status.returned,
                waits: waits.map(|waits| (waits.signature(), waits)),
            });
        }
        let over = enabled == 0 && clients.iter().all(|client| client.returned);
        let leaks = if over { model.leaks(&processes) } else { Vec::new() };
        Self {
            enabled,
            clients,
            leaks,
        }
    }

    /// Returns true if no thread can run any more.
    pub fn at_rest(&self) -> bool {
        self.enabled == 0
    }

    /// Returns the clients that wait here and have their answer in a later state.
    pub(crate) fn returning(&self, later: &Self) -> Vec<String> {
        let clients = self.clients.iter().zip(&later.clients);
        let returning = clients.filter(|(now, later)| !now.returned && later.returned);
        returning.map(|(now, _)| now.name.clone()).collect()
    }

    /// Returns the hang of a client, if it waits.
    pub fn hang_of(&self, client: &str) -> Option<&(Signature, WaitFor)> {
        let found = self.clients.iter().find(|candidate| candidate.name == client);
        found.and_then(|client| client.waits.as_ref())
    }
}
