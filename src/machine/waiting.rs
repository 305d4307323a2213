//! Waiting places when a client is stuck: who waits for whom, and the signature of that.

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

/// A name in a waiting place: the key that signatures are made of, and the words that people read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Term {
    key: String,
    words: String,
}

impl Term {
    /// Returns a term that people read otherwise than its key, which never changes: the ids of signatures are hashes of keys.
    pub fn worded(key: &str, words: &str) -> Self {
        Self {
            key: key.to_owned(),
            words: words.to_owned(),
        }
    }
}

impl<T: Into<String>> From<T> for Term {
    /// Returns a term whose words are its key.
    fn from(words: T) -> Self {
        let words = words.into();
        Self {
            key: words.clone(),
            words,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// One waiting place in a wait-for closure.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct WaitNode {
    /// The role of the process, as in `worker` or `ps`: part of the signature.
    pub role: Term,
    /// The waiting place, as a label or function name: part of the signature.
    pub label: Term,
    /// The kind of object that it waits for: part of the signature.
    pub object: Term,
    /// The reason why nobody will provide it, on the last nodes only (`never started: cancelled before it was sent`): part of the
    /// signature.
    pub cause: Option<Term>,
    /// Detail for people, with process and object ids: not part of the signature.
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

    /// Returns the signature: the chains from the client to each cause, without ids, each once, in canonical order.
    pub fn signature(&self) -> Signature {
        let mut chains = Vec::new();
        if !self.nodes.is_empty() {
            self.walk(0, &mut Vec::new(), &mut chains);
        }
        chains.sort();
        chains.dedup();
        Signature { chains }
    }

    fn walk(&self, node: usize, path: &mut Vec<usize>, chains: &mut Vec<Vec<Term>>) {
        let again = path.contains(&node);
        path.push(node);
        let next: Vec<usize> = self
            .edges
            .iter()
            .filter(|(from, _)| *from == node)
            .map(|(_, to)| *to)
            .collect();
        if next.is_empty() || again {
            let mut chain: Vec<Term> = path.iter().map(|&index| self.nodes[index].canonical()).collect();
            if again {
                chain.push("which waits for the above: a cycle".into());
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
    /// Returns the waiting place as one term, without ids.
    fn canonical(&self) -> Term {
        let joined = |part: fn(&Term) -> &str| {
            let [role, label, object] = [&self.role, &self.label, &self.object].map(part);
            let cause = self.cause.as_ref().map(|cause| format!(" ({})", part(cause)));
            format!("{role}: {label} waits for {object}{}", cause.unwrap_or_default())
        };
        Term {
            key: joined(|term| &term.key),
            words: joined(|term| &term.words),
        }
    }
}

/// The common part of two hangs that are the same bug: chains of waiting places without ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Signature {
    /// Each chain leads from the client to a cause.
    chains: Vec<Vec<Term>>,
}

impl Signature {
    /// Names the signature: eight hexadecimal digits of a hash of its key, whatever its words are.
    pub fn id(&self) -> String {
        format!("{:08x}", xxhash_rust::xxh3::xxh3_64(self.key().as_bytes()) >> 32)
    }

    /// Returns the chains as schedules spell them: by their keys, which never change.
    pub fn key(&self) -> String {
        self.joined(|term| &term.key)
    }

    fn joined(&self, part: fn(&Term) -> &str) -> String {
        let chain = |chain: &Vec<Term>| chain.iter().map(part).collect::<Vec<_>>().join(" -> ");
        self.chains.iter().map(chain).collect::<Vec<_>>().join(" | ")
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(|term| &term.words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(cause: Term) -> WaitFor {
        let mut waits = WaitFor::default();
        let node = |role: &str, label: &str, object: &str, cause| WaitNode {
            role: role.into(),
            label: label.into(),
            object: object.into(),
            cause,
            detail: String::new(),
        };
        let client = waits.push(None, node("worker", "Step.wait", "counter", None));
        waits.push(Some(client), node("ps", "Recv.parked", "table", Some(cause)));
        waits
    }

    #[test]
    fn words_change_what_is_read_and_not_the_id() {
        let (before, after) = (
            waits("never sent".into()),
            waits(Term::worded("never sent", "not sent in time")),
        );
        let (before, after) = (before.signature(), after.signature());
        assert_eq!(before.id(), after.id());
        assert_eq!(
            after.to_string(),
            "worker: Step.wait waits for counter -> ps: Recv.parked waits for table (not sent in time)"
        );
        assert_ne!(before.id(), waits("sent twice".into()).signature().id());
    }
}
