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

/// Expanded states over which the growth of a search is measured, at least.
const WINDOW: u64 = 4 * BATCH as u64;

/// The candidates that one chunk has found, by shard; records of tuple, parent, depth and two halves of the hash.
type Buffers = [Vec<u32>; SHARDS];

/// What one search thread knows and has found.
#[derive(Default)]
pub(super) struct Worker {
    scratch: Scratch,
    transitions: u64,
    found: Found,
}

/// Where a search stands: a bucket of states of one depth, of which the first are done.
pub(super) struct Place {
    pub(super) depth: u32,
    pub(super) states: Vec<u32>,
    /// How many are expanded, with their successors inserted.
    pub(super) done: usize,
}

/// A search between two chunks, when everything that was found is inserted.
pub(super) struct Moment<'a, 'm, M: Model> {
    pub(super) search: &'a Search<'m, M>,
    pub(super) place: &'a Place,
    workers: &'a [Worker],
}

impl<M: Model> Moment<'_, '_, M> {
    pub(super) fn transitions(&self) -> u64 {
        let own: u64 = self.workers.iter().map(|worker| worker.transitions).sum();
        self.search.transitions + own
    }

    /// What all threads have found together.
    pub(super) fn found(&self) -> Found {
        let mut found = self.search.found.clone();
        self.workers.iter().for_each(|worker| found.merge(worker.found.clone()));
        found
    }

    /// Every delivery that a thread knows, some several times.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = (u8, u32, u32, u32)> {
        self.workers.iter().flat_map(|worker| worker.scratch.deliveries.all())
    }
}

/// Looks at a search now and then while it runs.
pub(super) trait Keeper<M: Model> {
    /// When the search should pause at the next chunk, if that is known.
    fn deadline(&self) -> Option<Instant>;
    /// Whether it is time to look.
    fn is_due(&self, states: u64) -> bool;
    /// Looks; false ends the search.
    fn keep(&mut self, moment: &Moment<'_, '_, M>) -> bool;
}

/// Looks at nothing.
pub(super) struct NoKeeper;

impl<M: Model> Keeper<M> for NoKeeper {
    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn is_due(&self, _states: u64) -> bool {
        false
    }

    fn keep(&mut self, _moment: &Moment<'_, '_, M>) -> bool {
        true
    }
}

/// What ends a search from outside.
pub(super) struct Limits<'a> {
    pub(super) options: &'a Options,
    pub(super) started: Instant,
    /// Time that the search had taken before this run.
    pub(super) before: Duration,
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
    /// Where it goes on, if it was stopped before.
    pub(super) place: Option<Place>,
    /// The model can't even start.
    pub(super) stillborn: Option<String>,
}

impl<'m, M: Model> Search<'m, M> {
    /// A search that knows the initial state.
    pub(super) fn new(model: &'m M, reductions: Reductions) -> Self {
        let mut search = Self {
            memo: Memo::new(model, reductions),
            store: Store::new(model.process_count()),
            found: Found::default(),
            scratches: Vec::new(),
            transitions: 0,
            depth: 0,
            peak_bytes: 0,
            stopped_by: None,
            place: None,
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
            }
            Err(message) => search.stillborn = Some(message),
        }
        search
    }

    /// Searches with nobody to tell how far it is: for those who look at what a search met, not at its verdict.
    pub(super) fn unwatched(model: &'m M, options: &Options, interrupt: &AtomicBool) -> Self {
        let limits = Limits {
            options,
            started: Instant::now(),
            before: Duration::ZERO,
            interrupt,
            stop_at_first_return: false,
        };
        let mut search = Self::new(model, options.reductions);
        search.run(&limits, &mut |_| {}, &mut NoKeeper);
        search
    }

    /// Searches until nothing is left or a limit is reached.
    pub(super) fn run(&mut self, limits: &Limits<'_>, progress: &mut dyn FnMut(&Status), keeper: &mut dyn Keeper<M>) {
        // What was remembered before an earlier end serves the first thread again.
        let mut earlier = std::mem::take(&mut self.scratches).into_iter();
        let worker = |_| Worker {
            scratch: earlier.next().unwrap_or_default(),
            ..Worker::default()
        };
        let mut workers: Vec<Worker> = (0..limits.options.threads.max(1)).map(worker).collect();
        let mut buffers: Vec<Buffers> = Vec::new();
        let mut reporter = Reporter::new(self.store.len());
        while self.stopped_by.is_none() {
            let place = self.place.take().or_else(|| {
                let (depth, states) = self.store.next_bucket()?;
                Some(Place { depth, states, done: 0 })
            });
            let Some(mut place) = place else { break };
            while place.done < place.states.len() && self.stopped_by.is_none() {
                self.advance(&mut place, &mut workers, &mut buffers, limits, keeper.deadline());
                let left = (place.states.len() - place.done) as u64;
                reporter.report(self, left, place.depth, limits, progress);
                if self.stopped_by.is_some() || keeper.is_due(self.store.len()) {
                    let moment = Moment {
                        search: self,
                        place: &place,
                        workers: &workers,
                    };
                    if !keeper.keep(&moment) {
                        self.stopped_by = Some("a checkpoint that could not be written".to_owned());
                    }
                }
            }
            let mut found = workers.iter().map(|worker| &worker.found).chain([&self.found]);
            let hang = found.clone().any(|found| !found.hangs.is_empty());
            let returns = found.any(|found| found.returns.is_some());
            if self.stopped_by.is_none() && limits.options.stop_at_first_hang && hang {
                self.stopped_by = Some("first hang".to_owned());
            }
            if self.stopped_by.is_none() && limits.stop_at_first_return && returns {
                self.stopped_by = Some("first return".to_owned());
            }
        }
        for worker in workers {
            self.transitions += worker.transitions;
            self.found.merge(worker.found);
            self.scratches.push(worker.scratch);
        }
    }

    /// Expands and inserts the rest of a batch, or so much of it as there is time for before `deadline`. Budgets are looked at where
    /// the batch ends, wherever it was cut: so they stop every run of a search at the same place.
    fn advance(
        &mut self,
        place: &mut Place,
        workers: &mut [Worker],
        buffers: &mut Vec<Buffers>,
        limits: &Limits<'_>,
        deadline: Option<Instant>,
    ) {
        let end = ((place.done / BATCH + 1) * BATCH).min(place.states.len());
        let batch = &place.states[place.done..end];
        let (expanded, stopped) = self.expand(batch, place.depth, workers, buffers, limits, deadline);
        self.stopped_by = stopped;
        if expanded > 0 {
            self.depth = self.depth.max(place.depth);
            self.insert(workers.len(), buffers, expanded);
            place.done += expanded;
        }
        let caches: u64 = workers.iter().map(|worker| worker.scratch.deliveries.bytes()).sum();
        let tables = self.store.bytes() + self.memo.bytes();
        let bytes = tables + caches + bytes_of(buffers) + (place.states.len() * 4) as u64;
        self.peak_bytes = self.peak_bytes.max(bytes);
        if self.stopped_by.is_none() && place.done == end {
            self.stopped_by = limits.after_batch(self.store.len(), bytes);
        }
        if self.store.is_nearly_full() {
            self.stopped_by = Some("the largest number of states that can be stored".to_owned());
        }
    }

    /// Expands chunks of a batch, in their order, into `buffers`. Returns how many states that were, and why it was given up, if it was.
    fn expand(
        &self,
        batch: &[u32],
        depth: u32,
        workers: &mut [Worker],
        buffers: &mut Vec<Buffers>,
        limits: &Limits<'_>,
        deadline: Option<Instant>,
    ) -> (usize, Option<String>) {
        let chunks = batch.len().div_ceil(CHUNK);
        while buffers.len() < chunks {
            buffers.push(Buffers::default());
        }
        let tasks = Mutex::new((0, batch.chunks(CHUNK).zip(buffers.iter_mut())));
        let stopped = Mutex::new(None);
        let work = |worker: &mut Worker| {
            loop {
                let (chunk, buffers) = {
                    let mut tasks = tasks.lock();
                    // Every pause comes after some progress.
                    let pauses = tasks.0 > 0 && deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    if let Some(reason) = limits.now() {
                        *stopped.lock() = Some(reason);
                        return;
                    }
                    match tasks.1.next() {
                        Some(task) if !pauses => {
                            tasks.0 += task.0.len();
                            task
                        }
                        _ => return,
                    }
                };
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
        (tasks.into_inner().0, stopped.into_inner())
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

/// Tells now and then how far a search is.
struct Reporter {
    reported: Instant,
    /// States expanded, and stored, by this run: now, and some time ago.
    now: (u64, u64),
    then: (u64, u64),
    middle: (u64, u64),
}

impl Reporter {
    fn new(stored: u64) -> Self {
        Self {
            reported: Instant::now(),
            now: (0, stored),
            then: (0, stored),
            middle: (0, stored),
        }
    }

    fn report<M: Model>(
        &mut self,
        search: &Search<'_, M>,
        left: u64,
        depth: u32,
        limits: &Limits<'_>,
        progress: &mut dyn FnMut(&Status),
    ) {
        let (states, frontier) = (search.store.len(), search.store.waiting() + left);
        self.now = (states.saturating_sub(frontier), states);
        if self.now.0 >= self.middle.0 + WINDOW {
            self.then = std::mem::replace(&mut self.middle, self.now);
        }
        if self.reported.elapsed() < REPORT_EVERY {
            return;
        }
        self.reported = Instant::now();
        progress(&Status {
            states,
            frontier,
            left: self.left(frontier),
            depth: u64::from(depth),
            bytes: search.peak_bytes,
            elapsed: limits.before + limits.started.elapsed(),
        });
    }

    /// If each state that is expanded goes on to bring as many new ones as those of late did, and these are fewer than one, the
    /// frontier brings a geometric series of states.
    fn left(&self, frontier: u64) -> Option<u64> {
        let expanded = self
            .now
            .0
            .checked_sub(self.then.0)
            .filter(|expanded| *expanded >= WINDOW)?;
        let growth = (self.now.1 - self.then.1) as f64 / expanded as f64;
        (growth < 1.0).then(|| (frontier as f64 / (1.0 - growth)) as u64)
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
