//! The breadth-first search itself: buckets of equal depth, cut into batches, each expanded and then inserted.
//!
//! A batch is a fixed number of states in a fixed order, and so are its chunks; whichever search thread takes a chunk writes
//! what it finds into the chunk's own buffers. Then each shard takes its part of all buffers in the order of the chunks. So
//! ids of states, parents and counts are the same for any number of search threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::found::{BrokenAt, Found};
use super::memo::Memo;
use super::reduction::Broken;
use super::store::{Candidate, NO_PARENT, SHARDS, Shard, Store, shard_of};
use super::successors::{Kind, Scratch, TrailStep, successors};
use super::{Options, Reductions, Status};
use crate::explore::FindingKind;
use crate::machine::Model;

/// States expanded by one search thread in one go.
const CHUNK: usize = 512;
/// States expanded before any of their successors is inserted, and before budgets are looked at.
const BATCH: usize = CHUNK * 64;
/// A batch up to this size is not worth waking another thread for.
const SMALL: usize = 8 * CHUNK;
/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// The candidates that one chunk has found, by shard; records of tuple, parent, depth and two halves of the hash.
type Buffers = [Vec<u32>; SHARDS];

#[derive(Default)]
struct Worker {
    scratch: Scratch,
    transitions: u64,
    found: Found,
}

/// What ends a search from outside.
pub(super) struct Limits<'a> {
    pub(super) options: &'a Options,
    pub(super) started: Instant,
    pub(super) interrupt: &'a AtomicBool,
    /// Whether one state in which every client is sure to return is enough.
    pub(super) stop_at_first_return: bool,
}

impl Limits<'_> {
    fn now(&self) -> Option<String> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Some("interrupt".to_owned());
        }
        let seconds = self.options.max_time?;
        (self.started.elapsed().as_secs_f64() >= seconds).then(|| format!("max-time {seconds}"))
    }

    fn after_batch(&self, states: u64, bytes: u64) -> Option<String> {
        let options = self.options;
        match (options.max_states, options.max_memory) {
            (Some(most), _) if states > most => Some(format!("max-states {most}")),
            (_, Some(most)) if bytes > most => Some(format!("max-memory {most}")),
            _ => self.now(),
        }
    }
}

/// A search and all that it knows.
pub(super) struct Search<'m, M: Model> {
    pub(super) memo: Memo<'m, M>,
    pub(super) store: Store,
    pub(super) found: Found,
    pub(super) scratches: Vec<Scratch>,
    pub(super) transitions: u64,
    pub(super) depth: u32,
    pub(super) peak_bytes: u64,
    pub(super) stopped_by: Option<String>,
    /// The model can't even start.
    pub(super) stillborn: Option<String>,
}

impl<'m, M: Model> Search<'m, M> {
    /// Searches until nothing is left or a limit is reached.
    pub(super) fn run(
        model: &'m M,
        reductions: Reductions,
        limits: &Limits<'_>,
        progress: &mut dyn FnMut(&Status),
    ) -> Self {
        let mut search = Self {
            memo: Memo::new(model, reductions),
            store: Store::new(model.process_count()),
            found: Found::default(),
            scratches: Vec::new(),
            transitions: 0,
            depth: 0,
            peak_bytes: 0,
            stopped_by: None,
            stillborn: None,
        };
        match search.memo.initial() {
            Ok(tuple) => {
                let hash = search.memo.hash_of(&tuple);
                let candidate = Candidate {
                    tuple: &tuple,
                    hash,
                    parent: NO_PARENT,
                    depth: 0,
                };
                search.store.shards[shard_of(hash)].insert(&candidate, |_| hash);
                search.levels(limits, progress);
            }
            Err(message) => search.stillborn = Some(message),
        }
        search
    }

    /// The same, with nobody to tell how far it is: for those who look at what a search met, not at its verdict.
    pub(super) fn unwatched(model: &'m M, options: &Options, interrupt: &AtomicBool) -> Self {
        let limits = Limits {
            options,
            started: Instant::now(),
            interrupt,
            stop_at_first_return: false,
        };
        Self::run(model, options.reductions, &limits, &mut |_| {})
    }

    fn levels(&mut self, limits: &Limits<'_>, progress: &mut dyn FnMut(&Status)) {
        let mut workers: Vec<Worker> = (0..limits.options.threads.max(1)).map(|_| Worker::default()).collect();
        let mut buffers: Vec<Buffers> = Vec::new();
        let mut reported = Instant::now();
        while let Some((depth, bucket)) = self.store.next_bucket() {
            let mut left = bucket.len();
            for batch in bucket.chunks(BATCH) {
                self.stopped_by = self.expand(batch, depth, &mut workers, &mut buffers, limits);
                if self.stopped_by.is_some() {
                    break;
                }
                self.depth = self.depth.max(depth);
                self.insert(workers.len(), &mut buffers, batch.len());
                left -= batch.len();
                let caches: u64 = workers.iter().map(|worker| worker.scratch.deliveries.bytes()).sum();
                let bytes =
                    self.store.bytes() + self.memo.bytes() + caches + bytes_of(&buffers) + (bucket.len() * 4) as u64;
                self.peak_bytes = self.peak_bytes.max(bytes);
                self.stopped_by = limits.after_batch(self.store.len(), bytes);
                if self.store.is_nearly_full() {
                    self.stopped_by = Some("the largest number of states that can be stored".to_owned());
                }
                if reported.elapsed() >= REPORT_EVERY {
                    reported = Instant::now();
                    progress(&Status {
                        states: self.store.len(),
                        frontier: self.store.waiting() + left as u64,
                        depth: u64::from(depth),
                        bytes,
                        elapsed: limits.started.elapsed(),
                    });
                }
                if self.stopped_by.is_some() {
                    break;
                }
            }
            let hang = workers.iter().any(|worker| !worker.found.hangs.is_empty());
            if self.stopped_by.is_none() && limits.options.stop_at_first_hang && hang {
                self.stopped_by = Some("first hang".to_owned());
            }
            let returns = workers.iter().any(|worker| worker.found.returns.is_some());
            if self.stopped_by.is_none() && limits.stop_at_first_return && returns {
                self.stopped_by = Some("first return".to_owned());
            }
            if self.stopped_by.is_some() {
                break;
            }
        }
        for worker in workers {
            self.transitions += worker.transitions;
            self.found.merge(worker.found);
            self.scratches.push(worker.scratch);
        }
    }

    /// Expands a batch into `buffers`, one a chunk. Returns why it was given up, if it was.
    fn expand(
        &self,
        batch: &[u32],
        depth: u32,
        workers: &mut [Worker],
        buffers: &mut Vec<Buffers>,
        limits: &Limits<'_>,
    ) -> Option<String> {
        let chunks = batch.len().div_ceil(CHUNK);
        while buffers.len() < chunks {
            buffers.push(Buffers::default());
        }
        let tasks = Mutex::new(batch.chunks(CHUNK).zip(buffers.iter_mut()));
        let stopped = Mutex::new(None);
        let work = |worker: &mut Worker| {
            loop {
                let Some((chunk, buffers)) = tasks.lock().next() else {
                    return;
                };
                if let Some(reason) = limits.now() {
                    *stopped.lock() = Some(reason);
                    return;
                }
                self.expand_chunk(chunk, depth, worker, buffers);
            }
        };
        match workers {
            [only] => work(only),
            [first, ..] if batch.len() <= SMALL => work(first),
            all => std::thread::scope(|scope| {
                for worker in all {
                    scope.spawn(|| work(worker));
                }
            }),
        }
        stopped.into_inner()
    }

    fn expand_chunk(&self, chunk: &[u32], depth: u32, worker: &mut Worker, buffers: &mut Buffers) {
        for &state in chunk {
            let tuple = self.store.get(state).tuple;
            let Worker {
                scratch,
                transitions,
                found,
            } = worker;
            let kind = successors(
                &self.memo,
                scratch,
                tuple,
                |transition| {
                    *transitions += 1;
                    let buffer = &mut buffers[shard_of(transition.hash)];
                    buffer.extend_from_slice(transition.tuple);
                    let (low, high) = (transition.hash as u32, (transition.hash >> 32) as u32);
                    buffer.extend([state, depth + transition.labels, low, high]);
                },
                |failure, trail| found.broken(self.broken_at(state, depth, tuple, failure, trail)),
            );
            match kind {
                Kind::Terminal => found.terminal(&self.memo, state, depth, tuple),
                Kind::Settled => found.returns(state),
                Kind::Open | Kind::Broken => {}
            }
        }
    }

    fn broken_at(&self, state: u32, depth: u32, tuple: &[u32], failure: &Broken, trail: &[TrailStep]) -> BrokenAt {
        BrokenAt {
            depth,
            fingerprint: self.memo.fingerprint(tuple),
            state,
            trail: trail.to_vec(),
            failure: failure.clone(),
        }
    }

    /// Inserts what a batch of `expanded` states has found, shard by shard.
    fn insert(&mut self, threads: usize, buffers: &mut [Buffers], expanded: usize) {
        let (memo, width) = (&self.memo, self.memo.locals.len());
        let chunks = &buffers[..expanded.div_ceil(CHUNK)];
        let tasks = Mutex::new(self.store.shards.iter_mut().enumerate());
        let work = || {
            loop {
                let Some((number, shard)) = tasks.lock().next() else {
                    return;
                };
                chunks
                    .iter()
                    .for_each(|chunk| insert_all(memo, width, shard, &chunk[number]));
            }
        };
        if threads == 1 || expanded <= SMALL {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            });
        }
        buffers.iter_mut().flatten().for_each(Vec::clear);
    }

    /// Notes that the engine contradicts itself.
    pub(super) fn internal(&mut self, message: String) {
        self.found.broken(BrokenAt {
            depth: 0,
            fingerprint: 0,
            state: NO_PARENT,
            trail: Vec::new(),
            failure: Broken {
                kind: FindingKind::Internal,
                message,
                event: None,
            },
        });
    }
}

fn bytes_of(buffers: &[Buffers]) -> u64 {
    buffers
        .iter()
        .flatten()
        .map(|buffer| buffer.capacity() as u64 * 4)
        .sum()
}

fn insert_all<M: Model>(memo: &Memo<'_, M>, width: usize, shard: &mut Shard, records: &[u32]) {
    for record in records.chunks_exact(width + 4) {
        let (tuple, rest) = record.split_at(width);
        let candidate = Candidate {
            tuple,
            hash: u64::from(rest[2]) | u64::from(rest[3]) << 32,
            parent: rest[0],
            depth: rest[1],
        };
        shard.insert(&candidate, |stored| memo.hash_of(stored));
    }
}
