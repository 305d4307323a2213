//! The visited states: exact tuples in append-only arrays, with parent and depth, and an index over them.
//!
//! A state belongs to a shard by its content, and the states of a shard are inserted by one search thread at a time, in an
//! order that does not depend on the number of search threads. So neither do ids and parents.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Number of shards, as a power of two.
const SHARD_BITS: u32 = 4;
/// Number of shards.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
/// Most states of one shard.
const SHARD_CAPACITY: u32 = 1 << (32 - SHARD_BITS);
/// States in one allocation of a shard.
const CHUNK: usize = 1 << 12;
/// The parent of the initial state.
pub(super) const NO_PARENT: u32 = u32::MAX;

/// Returns the shard that a state with this hash belongs to. The index uses the lowest and the highest bits.
pub(super) fn shard_of(hash: u64) -> usize {
    (hash >> 36) as usize % SHARDS
}

/// A state found by a transition, not inserted yet.
pub(super) struct Candidate<'a> {
    pub(super) tuple: &'a [u32],
    pub(super) hash: u64,
    pub(super) parent: u32,
    pub(super) depth: u32,
}

/// Part of the visited states.
pub(super) struct Shard {
    number: u32,
    width: usize,
    /// Records of `width + 2` numbers: the tuple, the parent, the depth.
    chunks: Vec<Vec<u32>>,
    len: u32,
    index: HashTable<u32>,
    /// States to expand, by depth. A state may stand in several; only the one with its depth counts.
    pub(super) frontier: BTreeMap<u32, Vec<u32>>,
}

impl Shard {
    pub(super) fn new(number: usize, width: usize) -> Self {
        Self {
            number: number as u32,
            width,
            chunks: Vec::new(),
            len: 0,
            index: HashTable::new(),
            frontier: BTreeMap::new(),
        }
    }

    fn record(chunks: &[Vec<u32>], width: usize, index: u32) -> &[u32] {
        let stride = width + 2;
        let start = (index as usize % CHUNK) * stride;
        &chunks[index as usize / CHUNK][start..start + stride]
    }

    /// Inserts a state, or moves it to a smaller depth. `hash_of` must give the hash of any stored tuple.
    pub(super) fn insert(&mut self, candidate: &Candidate<'_>, hash_of: impl Fn(&[u32]) -> u64) {
        let (width, stride) = (self.width, self.width + 2);
        let chunks = &self.chunks;
        let tuple_of = |index: u32| &Self::record(chunks, width, index)[..width];
        let same = |index: &u32| tuple_of(*index) == candidate.tuple;
        let id = |index: u32| (self.number << (32 - SHARD_BITS)) | index;
        match self
            .index
            .entry(candidate.hash, same, |index| hash_of(tuple_of(*index)))
        {
            Entry::Occupied(known) => {
                let index = *known.get();
                let start = (index as usize % CHUNK) * stride + width;
                let rest = &mut self.chunks[index as usize / CHUNK][start..start + 2];
                if candidate.depth < rest[1] {
                    rest[0] = candidate.parent;
                    rest[1] = candidate.depth;
                    self.frontier.entry(candidate.depth).or_default().push(id(index));
                }
            }
            Entry::Vacant(vacant) => {
                let index = self.len;
                assert!(
                    index < SHARD_CAPACITY - 1,
                    "a shard is full: the budget must stop the search before"
                );
                vacant.insert(index);
                if (index as usize).is_multiple_of(CHUNK) {
                    self.chunks.push(Vec::with_capacity(CHUNK * stride));
                }
                let chunk = &mut self.chunks[index as usize / CHUNK];
                chunk.extend_from_slice(candidate.tuple);
                chunk.extend([candidate.parent, candidate.depth]);
                self.len += 1;
                self.frontier.entry(candidate.depth).or_default().push(id(index));
            }
        }
    }

    /// Returns the records of all states, in order, in parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[u32]> {
        self.chunks.iter().map(Vec::as_slice)
    }

    /// Adds records as [`Shard::parts`] gave them, without anything to expand.
    pub(super) fn restore(&mut self, records: &[u32], hash_of: impl Fn(&[u32]) -> u64) {
        for record in records.chunks_exact(self.width + 2) {
            let tuple = &record[..self.width];
            let candidate = Candidate {
                tuple,
                hash: hash_of(tuple),
                parent: record[self.width],
                depth: record[self.width + 1],
            };
            self.insert(&candidate, &hash_of);
        }
    }

    fn bytes(&self) -> u64 {
        let frontier: usize = self.frontier.values().map(|bucket| bucket.capacity() * 4 + 64).sum();
        (self.chunks.len() * CHUNK * (self.width + 2) * 4 + self.index.allocation_size() + frontier) as u64
    }
}

/// A stored state.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) tuple: &'a [u32],
    pub(super) parent: u32,
    pub(super) depth: u32,
}

/// All visited states.
pub(super) struct Store {
    pub(super) shards: Vec<Shard>,
}

impl Store {
    pub(super) fn new(width: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|number| Shard::new(number, width)).collect(),
        }
    }

    /// Returns the state with this id.
    pub(super) fn get(&self, id: u32) -> Stored<'_> {
        let shard = &self.shards[(id >> (32 - SHARD_BITS)) as usize];
        let record = Shard::record(&shard.chunks, shard.width, id & (SHARD_CAPACITY - 1));
        Stored {
            tuple: &record[..shard.width],
            parent: record[shard.width],
            depth: record[shard.width + 1],
        }
    }

    /// Returns the id of a stored tuple.
    pub(super) fn find(&self, tuple: &[u32], hash: u64) -> Option<u32> {
        let shard = &self.shards[shard_of(hash)];
        let same = |index: &u32| &Shard::record(&shard.chunks, shard.width, *index)[..shard.width] == tuple;
        let index = *shard.index.find(hash, same)?;
        Some((shard.number << (32 - SHARD_BITS)) | index)
    }

    /// Returns the number of states.
    pub(super) fn len(&self) -> u64 {
        self.shards.iter().map(|shard| u64::from(shard.len)).sum()
    }

    /// Returns true if a shard has little room left.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.shards.iter().any(|shard| shard.len > SHARD_CAPACITY / 16 * 15)
    }

    /// Returns the ids of all states, shard by shard.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.shards
            .iter()
            .flat_map(|shard| (0..shard.len).map(|index| (shard.number << (32 - SHARD_BITS)) | index))
    }

    /// Returns a number in `0..len()` for a state, in the order of [`Store::ids`].
    pub(super) fn rank(&self, starts: &[u64], id: u32) -> usize {
        (starts[(id >> (32 - SHARD_BITS)) as usize] + u64::from(id & (SHARD_CAPACITY - 1))) as usize
    }

    /// Returns the rank of the first state of each shard.
    pub(super) fn starts(&self) -> Vec<u64> {
        let mut next = 0;
        let start = |shard: &Shard| {
            let start = next;
            next += u64::from(shard.len);
            start
        };
        self.shards.iter().map(start).collect()
    }

    /// Returns the states of the least depth that are still to be expanded, taken out of the frontier.
    pub(super) fn next_bucket(&mut self) -> Option<(u32, Vec<u32>)> {
        let depth = self
            .shards
            .iter()
            .filter_map(|shard| shard.frontier.keys().next().copied())
            .min()?;
        let mut bucket = Vec::new();
        for shard in &mut self.shards {
            bucket.extend(shard.frontier.remove(&depth).unwrap_or_default());
        }
        bucket.retain(|id| self.get(*id).depth == depth);
        Some((depth, bucket))
    }

    /// Returns the number of states still to be expanded, some counted twice.
    pub(super) fn waiting(&self) -> u64 {
        let waiting = |shard: &Shard| shard.frontier.values().map(|bucket| bucket.len() as u64).sum::<u64>();
        self.shards.iter().map(waiting).sum()
    }

    /// Bytes that all tables take.
    pub(super) fn bytes(&self) -> u64 {
        self.shards.iter().map(Shard::bytes).sum()
    }
}
