//! Who waits for whom when a client is stuck, and the signature of that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A client and whether it has its answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ClientStatus {
    /// Name, as in `worker0 sess.run`.
    pub name: String,
    /// True once the client has the answer to everything that it asked for.
    pub returned: bool,
}

/// One waiting place in a wait-for closure.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct WaitNode {
    /// The role of the process, as in `worker` or `ps`: part of the signature.
    pub role: String,
    /// What waits there, as a label or function name: part of the signature.
    pub label: String,
    /// The kind of object that it waits for: part of the signature.
    pub object: String,
    /// Why nobody will provide it, on the last nodes only (`never started: cancelled before it was sent`): part of the signature.
    pub cause: Option<String>,
    /// The same for people, with process and object ids: not part of the signature.
    pub detail: String,
}

/// The wait-for closure from a stuck client: nodes, and edges from a waiting place to what it waits for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct WaitFor {
    /// Node 0 is the client.
    pub nodes: Vec<WaitNode>,
    /// Pairs of indices into `nodes`.
    pub edges: Vec<(usize, usize)>,
}

impl WaitFor {
    /// Adds a node that `from` waits for and returns its index.
    pub fn push(&mut self, from: Option<usize>, node: WaitNode) -> usize {
        let index = self.nodes.len();
        self.nodes.push(node);
        if let Some(from) = from {
            self.edges.push((from, index));
        }
        index
    }

    /// The signature: the chains from the client to each cause, without ids, each once, in canonical order.
    pub fn signature(&self) -> Signature {
        let mut chains = Vec::new();
        if !self.nodes.is_empty() {
            self.walk(0, &mut Vec::new(), &mut chains);
        }
        chains.sort();
        chains.dedup();
        Signature { chains }
    }

    fn walk(&self, node: usize, path: &mut Vec<usize>, chains: &mut Vec<Vec<String>>) {
        let again = path.contains(&node);
        path.push(node);
        let next: Vec<usize> = self
            .edges
            .iter()
            .filter(|(from, _)| *from == node)
            .map(|(_, to)| *to)
            .collect();
        if next.is_empty() || again {
            let mut chain: Vec<String> = path.iter().map(|&index| self.nodes[index].canonical()).collect();
            if again {
                chain.push("which waits for the above: a cycle".to_owned());
            }
            chains.push(chain);
        } else {
            for to in next {
                self.walk(to, path, chains);
            }
        }
        path.pop();
    }
}

impl WaitNode {
    fn canonical(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {} waits for {} ({cause})", self.role, self.label, self.object),
            None => format!("{}: {} waits for {}", self.role, self.label, self.object),
        }
    }
}

/// What two hangs have in common when they are the same bug: chains of waiting places without ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Signature {
    /// Each chain leads from the client to a cause.
    pub chains: Vec<Vec<String>>,
}

impl Signature {
    /// A short stable name: eight hexadecimal digits of a hash of the chains.
    pub fn id(&self) -> String {
        let text = self.to_string();
        format!("{:08x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()) >> 32)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, chain) in self.chains.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            f.write_str(&chain.join(" -> "))?;
        }
        Ok(())
    }
}
