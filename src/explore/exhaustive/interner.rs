//! Interning: each distinct value gets a small id, and reading a value by its id takes no lock.

use std::hash::Hash;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use parking_lot::Mutex;

use super::content::Content;

/// Number of locks of an index: more than the threads that will ever search.
const LOCKS: usize = 16;
/// Length of the first chunk of a table, as a power of two; every further chunk is twice as long.
const FIRST_CHUNK: u32 = 8;
const CHUNKS: usize = 32 - FIRST_CHUNK as usize;

/// An interned value with what is known about it.
#[derive(Debug)]
pub(super) struct Interned<T, X> {
    /// The value.
    pub(super) value: T,
    /// Its hash.
    pub(super) content: Content,
    /// The value that was computed from it.
    pub(super) extra: OnceLock<X>,
}

type Chunk<T, X> = Box<[OnceLock<Interned<T, X>>]>;

/// A table of distinct values. Ids count from 0 in the order of arrival.
pub(super) struct Interner<T, X> {
    salt: u64,
    chunks: [OnceLock<Chunk<T, X>>; CHUNKS],
    len: AtomicU32,
    bytes: AtomicU64,
    index: [Mutex<HashTable<u32>>; LOCKS],
}

impl<T: Eq + Hash, X> Interner<T, X> {
    /// Returns an empty table; `salt` makes the hashes of equal values in different tables differ.
    pub(super) fn new(salt: u64) -> Self {
        Self {
            salt,
            chunks: std::array::from_fn(|_| OnceLock::new()),
            len: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
            index: std::array::from_fn(|_| Mutex::new(HashTable::new())),
        }
    }

    /// Returns the number of values.
    pub(super) fn len(&self) -> u32 {
        self.len.load(Ordering::Acquire)
    }

    /// Bytes that the table takes, nearly.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Adds to the account what was allocated for an `extra`.
    pub(super) fn account(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn place(id: u32) -> (usize, usize) {
        let shifted = u64::from(id) + (1 << FIRST_CHUNK);
        let chunk = shifted.ilog2() - FIRST_CHUNK;
        (chunk as usize, (shifted - (1 << (chunk + FIRST_CHUNK))) as usize)
    }

    /// Returns the value with this id.
    pub(super) fn get(&self, id: u32) -> &Interned<T, X> {
        let (chunk, offset) = Self::place(id);
        self.chunks[chunk]
            .get()
            .and_then(|chunk| chunk[offset].get())
            .expect("an id is handed out after its value is in place")
    }

    /// Returns the id of a value, a new one if it was not met before.
    pub(super) fn intern(&self, value: T) -> (u32, u64) {
        let content = Content::of(self.salt, &value);
        let short = content.short();
        let mut index = self.index[(short >> 40) as usize % LOCKS].lock();
        let same = |&id: &u32| {
            let known = self.get(id);
            known.content.hash == content.hash && known.value == value
        };
        match index.entry(short, same, |&id| self.get(id).content.short()) {
            TableEntry::Occupied(known) => (*known.get(), short),
            TableEntry::Vacant(vacant) => {
                let id = self.place_new(value, content);
                vacant.insert(id);
                (id, short)
            }
        }
    }

    fn place_new(&self, value: T, content: Content) -> u32 {
        let id = self.len.fetch_add(1, Ordering::AcqRel);
        let (chunk, offset) = Self::place(id);
        let chunk = self.chunks[chunk].get_or_init(|| {
            let length = 1_usize << (chunk as u32 + FIRST_CHUNK);
            (0..length).map(|_| OnceLock::new()).collect()
        });
        let entry = Interned {
            value,
            content,
            extra: OnceLock::new(),
        };
        let placed = chunk[offset].set(entry);
        debug_assert!(placed.is_ok(), "ids are unique");
        self.account(content.bytes + size_of::<OnceLock<Interned<T, X>>>() as u64 + 8);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn equal_values_get_one_id_and_ids_lead_back_to_values() {
        let interner: Interner<String, ()> = Interner::new(1);
        let ids: Vec<u32> = (0..5_000).map(|n| interner.intern(format!("value {n}")).0).collect();
        assert_eq!(interner.len(), 5_000);
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(interner.get(*id).value, format!("value {n}"));
            assert_eq!(interner.intern(format!("value {n}")).0, *id);
        }
        assert_eq!(interner.len(), 5_000);
    }
}
