//! The breadth-first search itself: buckets of equal depth, cut into batches, each expanded and then inserted.
//!
//! A batch is a fixed number of states in a fixed order, and so are its chunks; whichever search thread takes a chunk writes
//! what it finds into the chunk's own buffers. Then each shard takes its part of all buffers in the order of the chunks. So
//! ids of states, parents and counts are the same for any number of search threads.

mod reporter;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::reporter::Reporter;
use super::cycles;
use super::found::{BrokenAt, Found};
use super::local_graphs::LocalGraphs;
use super::reduction::Broken;
use super::store::{Candidate, NO_PARENT, SHARDS, Shard, Store, shard_of};
use super::successors::{Kind, Scratch, TrailStep, Transition, successors};
use super::{Options, Reductions, Status};
use crate::explore::FindingKind;
use crate::machine::{ProcessId, Reducible};

/// States expanded by one search thread in one go.
const CHUNK: usize = 512;
/// States expanded before any of their successors is inserted, and before budgets are looked at.
const BATCH: usize = CHUNK * 64;
/// A batch up to this size is not worth waking another thread for.
const SMALL: usize = 8 * CHUNK;

/// The result of a chunk's expansion, until it is taken over.
#[derive(Default)]
struct Chunk {
    /// States that are expanded, from the first on.
    expanded: usize,
    transitions: u64,
    found: Found,
    /// The successors, by shard; records of tuple, parent, depth and two halves of the hash.
    candidates: [Vec<u32>; SHARDS],
}

/// The place where a search stands: a bucket of states of one depth, of which the first are done.
pub(super) struct Place {
    pub(super) depth: u32,
    pub(super) states: Vec<u32>,
    /// Number of those that are expanded, with their successors inserted.
    pub(super) done: usize,
}

/// Looks at a search now and then while it runs.
pub(super) trait Keeper<M: Reducible> {
    /// Tells when the search should pause, if that is known.
    fn deadline(&self) -> Option<Instant> {
        None
    }
    /// Returns true if it is time to look.
    fn is_due(&self, _states: u64) -> bool {
        false
    }
    /// Looks, and returns false to end the search.
    fn keep(&mut self, _search: &Search<'_, M>, _place: &Place) -> bool {
        true
    }
}

/// Looks at nothing.
pub(super) struct NoKeeper;

impl<M: Reducible> Keeper<M> for NoKeeper {}

/// Bounds that end a search from outside.
pub(super) struct Limits<'a> {
    pub(super) options: &'a Options,
    pub(super) started: Instant,
    /// Time that the search had taken before this run.
    pub(super) before: Duration,
    pub(super) interrupt: &'a AtomicBool,
    /// Whether one state in which every client is sure to return is enough.
    pub(super) stop_at_first_return: bool,
}

impl<'a> Limits<'a> {
    /// Returns the bounds of a search that begins now, and of which no part ran before.
    pub(super) fn new(options: &'a Options, interrupt: &'a AtomicBool) -> Self {
        Self {
            options,
            started: Instant::now(),
            before: Duration::ZERO,
            interrupt,
            stop_at_first_return: false,
        }
    }

    fn is_up(&self) -> bool {
        let late = |seconds| self.started.elapsed().as_secs_f64() >= seconds;
        self.interrupt.load(Ordering::Relaxed) || self.options.max_time.is_some_and(late)
    }

    /// Returns what ends the search at this moment.
    fn now(&self) -> Option<String> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Some("interrupt".to_owned());
        }
        let seconds = self.options.max_time.filter(|_| self.is_up())?;
        Some(format!("max-time {seconds:.0}"))
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
pub(super) struct Search<'m, M: Reducible> {
    pub(super) graphs: LocalGraphs<'m, M>,
    pub(super) store: Store,
    pub(super) found: Found,
    pub(super) scratches: Vec<Scratch>,
    pub(super) transitions: u64,
    pub(super) depth: u32,
    pub(super) peak_bytes: u64,
    pub(super) stopped_by: Option<String>,
    /// The place where it goes on, if it was stopped before.
    pub(super) place: Option<Place>,
    /// The model can't even start.
    pub(super) initial_error: Option<String>,
}

impl<'m, M: Reducible> Search<'m, M> {
    /// Returns a search that knows the initial state.
    pub(super) fn new(model: &'m M, reductions: Reductions) -> Self {
        let mut search = Self {
            graphs: LocalGraphs::new(model, reductions),
            store: Store::new(model.process_count()),
            found: Found::default(),
            scratches: Vec::new(),
            transitions: 0,
            depth: 0,
            peak_bytes: 0,
            stopped_by: None,
            place: None,
            initial_error: None,
        };
        match search.graphs.initial() {
            Ok(tuple) => {
                let hash = search.graphs.hash_of(&tuple);
                let candidate = Candidate {
                    tuple: &tuple,
                    hash,
                    parent: NO_PARENT,
                    depth: 0,
                };
                search.store.shards[shard_of(hash)].insert(&candidate, |_| hash);
            }
            Err(message) => search.initial_error = Some(message),
        }
        search
    }

    /// Searches with nobody to tell how far it is: for those who look at what a search met, not at its verdict.
    pub(super) fn unwatched(model: &'m M, options: &Options, interrupt: &AtomicBool) -> Self {
        let mut search = Self::new(model, options.reductions);
        search.run(&Limits::new(options, interrupt), &mut |_| {}, &mut NoKeeper);
        search
    }

    /// Searches until nothing is left or a limit is reached, and once more without partial order where the model may run for ever. Returns
    /// the search that counts, and whether the model may.
    pub(super) fn completed(
        mut self,
        limits: &Limits<'_>,
        progress: &mut dyn FnMut(&Status),
        keeper: &mut dyn Keeper<M>,
    ) -> (Self, bool) {
        self.run(limits, progress, keeper);
        let cyclic = self.stopped_by.is_none() && cycles::possible(&self);
        if !cyclic || !self.graphs.reductions.partial_order {
            return (self, cyclic);
        }
        // A free thread that runs for ever may keep the reduced search from ever looking at another one.
        let without = Reductions {
            partial_order: false,
            ..self.graphs.reductions
        };
        let (model, peak_bytes) = (self.graphs.model, self.peak_bytes);
        drop(self);
        let (mut search, cyclic) = Self::new(model, without).completed(limits, progress, keeper);
        search.peak_bytes = search.peak_bytes.max(peak_bytes);
        (search, cyclic)
    }

    /// Searches until nothing is left or a limit is reached.
    fn run(&mut self, limits: &Limits<'_>, progress: &mut dyn FnMut(&Status), keeper: &mut dyn Keeper<M>) {
        self.scratches
            .resize_with(limits.options.threads.max(1), Scratch::default);
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut reporter = Reporter::new(self.store.len());
        while self.stopped_by.is_none() {
            let place = self.place.take().or_else(|| {
                let (depth, states) = self.store.next_bucket()?;
                Some(Place { depth, states, done: 0 })
            });
            let Some(mut place) = place else { break };
            while place.done < place.states.len() && self.stopped_by.is_none() {
                let report = reporter.due();
                let pause = keeper.deadline().map_or(report, |deadline| deadline.min(report));
                self.advance(&mut place, &mut chunks, limits, pause);
                let left = (place.states.len() - place.done) as u64;
                reporter.report(self, left, place.depth, limits, progress);
                if (self.stopped_by.is_some() || keeper.is_due(self.store.len())) && !keeper.keep(self, &place) {
                    self.stopped_by = Some("a checkpoint that could not be written".to_owned());
                }
            }
            if self.stopped_by.is_none() && limits.options.stop_at_first_hang && !self.found.hangs.is_empty() {
                self.stopped_by = Some("first hang".to_owned());
            }
            if self.stopped_by.is_none() && limits.stop_at_first_return && self.found.returns.is_some() {
                self.stopped_by = Some("first return".to_owned());
            }
        }
    }

    /// Expands and inserts the rest of a batch, or what there is time for before `pause`. Budgets are looked at where the batch ends,
    /// wherever it was cut: so they stop every run of a search at the same place.
    fn advance(&mut self, place: &mut Place, chunks: &mut Vec<Chunk>, limits: &Limits<'_>, pause: Instant) {
        let end = ((place.done / BATCH + 1) * BATCH).min(place.states.len());
        let batch = &place.states[place.done..end];
        let mut scratches = std::mem::take(&mut self.scratches);
        let stop = || limits.is_up() || Instant::now() >= pause;
        self.expand(batch, place.depth, &mut scratches, chunks, &stop);
        self.scratches = scratches;
        let expanded = self.take_over(batch.len(), chunks);
        if expanded > 0 {
            self.depth = self.depth.max(place.depth);
            place.done += expanded;
        }
        let caches: u64 = self.scratches.iter().map(|scratch| scratch.deliveries.bytes()).sum();
        let tables = self.store.bytes() + self.graphs.bytes();
        let bytes = tables + caches + bytes_of(chunks) + (place.states.len() * 4) as u64;
        self.peak_bytes = self.peak_bytes.max(bytes);
        self.stopped_by = if place.done == end {
            limits.after_batch(self.store.len(), bytes)
        } else {
            limits.now()
        };
        if self.store.is_nearly_full() {
            self.stopped_by = Some("the largest number of states that can be stored".to_owned());
        }
    }

    /// Expands chunks of a batch, in their order, until none is left or it is time to stop; at least one state, so that there is some
    /// progress between any two pauses.
    fn expand(
        &self,
        batch: &[u32],
        depth: u32,
        scratches: &mut [Scratch],
        chunks: &mut Vec<Chunk>,
        stop: &(impl Fn() -> bool + Sync),
    ) {
        let count = batch.len().div_ceil(CHUNK).max(chunks.len());
        chunks.resize_with(count, Chunk::default);
        let tasks = Mutex::new(batch.chunks(CHUNK).zip(chunks.iter_mut()));
        let work = |scratch: &mut Scratch| {
            loop {
                let Some((states, chunk)) = tasks.lock().next() else {
                    return;
                };
                for &state in states {
                    self.expand_state(state, depth, scratch, chunk);
                    if stop() {
                        return;
                    }
                }
            }
        };
        match scratches {
            [only] => work(only),
            [first, ..] if batch.len() <= SMALL => work(first),
            all => std::thread::scope(|scope| {
                for scratch in all {
                    scope.spawn(|| work(scratch));
                }
            }),
        }
    }

    fn expand_state(&self, state: u32, depth: u32, scratch: &mut Scratch, chunk: &mut Chunk) {
        let tuple = self.store.get(state).tuple;
        let (candidates, found) = (&mut chunk.candidates, &mut chunk.found);
        let emit = |transition: Transition<'_>| {
            chunk.transitions += 1;
            let candidates = &mut candidates[shard_of(transition.hash)];
            candidates.extend_from_slice(transition.tuple);
            let (low, high) = (transition.hash as u32, (transition.hash >> 32) as u32);
            candidates.extend([state, depth + transition.labels, low, high]);
        };
        let broken = |failure: &Broken, trail: &[TrailStep]| {
            found.broken(BrokenAt {
                depth,
                fingerprint: self.graphs.fingerprint(tuple),
                state,
                trail: trail.to_vec(),
                failure: failure.clone(),
            });
        };
        match successors(&self.graphs, scratch, tuple, emit, broken) {
            Kind::Terminal => chunk.found.terminal(&self.graphs, state, depth, tuple),
            Kind::Settled => chunk.found.returns(state),
            Kind::Open | Kind::Broken => {}
        }
        chunk.expanded += 1;
    }

    /// Takes over what the expansion of a batch has brought, up to the first state that is not expanded: as if one thread had expanded
    /// one state after the other. Returns the number of states.
    fn take_over(&mut self, length: usize, chunks: &mut [Chunk]) -> usize {
        let mut expanded = 0;
        let mut whole = 0;
        for chunk in chunks.iter_mut() {
            if expanded < length && expanded == whole * CHUNK {
                expanded += chunk.expanded;
                whole += 1;
                self.transitions += chunk.transitions;
                self.found.merge(std::mem::take(&mut chunk.found));
            }
        }
        self.insert(expanded, &chunks[..whole]);
        for chunk in chunks {
            (chunk.expanded, chunk.transitions, chunk.found) = (0, 0, Found::default());
            chunk.candidates.iter_mut().for_each(Vec::clear);
        }
        expanded
    }

    /// Inserts the successors of `expanded` states, shard by shard.
    fn insert(&mut self, expanded: usize, chunks: &[Chunk]) {
        let (graphs, width) = (&self.graphs, self.graphs.locals.len());
        let tasks = Mutex::new(self.store.shards.iter_mut().enumerate());
        let work = || {
            loop {
                let Some((number, shard)) = tasks.lock().next() else {
                    return;
                };
                chunks
                    .iter()
                    .for_each(|chunk| insert_all(graphs, width, shard, &chunk.candidates[number]));
            }
        };
        if self.scratches.len() == 1 || expanded <= SMALL {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..self.scratches.len() {
                    scope.spawn(work);
                }
            });
        }
    }

    /// Returns every delivery that the search met: process, local state, frame, and the local state that it leads to.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = (ProcessId, u32, u32, u32)> {
        self.scratches.iter().flat_map(|scratch| scratch.deliveries.all())
    }

    /// Notes that the engine contradicts itself.
    pub(super) fn internal(&mut self, message: String) {
        self.found.broken(BrokenAt {
            depth: 0,
            fingerprint: 0,
            state: NO_PARENT,
            trail: Vec::new(),
            failure: Broken::new(FindingKind::Internal, message),
        });
    }
}

fn bytes_of(chunks: &[Chunk]) -> u64 {
    let all = chunks.iter().flat_map(|chunk| &chunk.candidates);
    all.map(|candidates| candidates.capacity() as u64 * 4).sum()
}

fn insert_all<M: Reducible>(graphs: &LocalGraphs<'_, M>, width: usize, shard: &mut Shard, records: &[u32]) {
    for record in records.chunks_exact(width + 4) {
        let (tuple, rest) = record.split_at(width);
        let candidate = Candidate {
            tuple,
            hash: u64::from(rest[2]) | u64::from(rest[3]) << 32,
            parent: rest[0],
            depth: rest[1],
        };
        shard.insert(&candidate, |stored| graphs.hash_of(stored));
    }
}
