//! Content hashes: the same on every run and every thread, unlike ids, which depend on who came first.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

/// The hash of a value's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Content {
    /// 128 bits of xxh3.
    pub(super) hash: u128,
    /// Number of bytes that were hashed: our measure of the memory that the value takes.
    pub(super) bytes: u64,
}

impl Content {
    /// Hashes `value`; `salt` tells tables apart.
    pub(super) fn of(salt: u64, value: &impl Hash) -> Self {
        let mut hasher = Adapter {
            inner: Xxh3::with_seed(salt),
            bytes: 0,
        };
        value.hash(&mut hasher);
        Self {
            hash: hasher.inner.digest128(),
            bytes: hasher.bytes,
        }
    }

    /// Returns the half that the tables use.
    pub(super) fn short(self) -> u64 {
        self.hash as u64
    }
}

struct Adapter {
    inner: Xxh3,
    bytes: u64,
}

impl Hasher for Adapter {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.inner.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.inner.digest()
    }
}
