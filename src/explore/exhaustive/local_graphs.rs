//! Facts about each process on its own: computed once, looked up ever after.
//!
//! Processes share nothing, so what a label does depends on its process's state alone. A global state is a tuple of ids of
//! local states, and a transition between global states is a few look-ups here.

mod guarantees;
mod sets;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use self::sets::{ANY_FRAME, EMPTY, Sets, Unions};
use super::Reductions;
use super::interner::Interner;
use super::reduction::{Broken, Local, guarded};
use super::successors::Scratch;
use crate::explore::FindingKind;
use crate::machine::{FrameSet, GuaranteeSet, ProcessId, Reducible};

/// A transition of one process.
#[derive(Serialize, Deserialize)]
pub(super) struct LocalStep {
    /// The local state that it leads to.
    pub(super) to: u32,
    /// Number of its labels.
    pub(super) labels: u32,
    /// Content hash of `to`.
    pub(super) hash: u64,
    /// Frames that it sends, in order.
    pub(super) sent: Box<[Sent]>,
}

/// A frame on its way.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) to: ProcessId,
    pub(super) frame: u32,
}

/// Facts about a local state by itself.
pub(super) struct Known {
    /// Whether every client of the process has its answer.
    pub(super) settled: bool,
    /// Numbers per process: that of the set of frames that this one may still send to it.
    pub(super) may_send: Box<[u32]>,
}

/// The possible next steps in a local state, while only certain frames may arrive.
#[derive(Serialize, Deserialize)]
pub(super) struct Expansion {
    pub(super) steps: Box<[LocalStep]>,
    /// True if these steps alone are enough in every global state with this local state.
    pub(super) ample: bool,
    pub(super) broken: Box<[Broken]>,
}

impl Expansion {
    /// Bytes that its steps take.
    pub(super) fn bytes(&self) -> u64 {
        let step = |step: &LocalStep| size_of::<LocalStep>() + size_of_val(&*step.sent);
        self.steps.iter().map(step).sum::<usize>() as u64
    }
}

/// All local states and frames met so far.
pub(super) struct LocalGraphs<'m, M: Reducible> {
    pub(super) model: &'m M,
    pub(super) reductions: Reductions,
    pub(super) locals: Vec<Interner<M::Process, Known>>,
    /// Expansions per process: what follows from a local state and the frames that may still arrive, as the number of their set.
    pub(super) expansions: Vec<Interner<(u32, u32), Expansion>>,
    pub(super) frames: Interner<(ProcessId, M::Frame), ()>,
    pub(super) frame_sets: Sets<FrameSet>,
    pub(super) guarantee_sets: Sets<GuaranteeSet>,
}

/// Process, local state, and a frame or a set: what one search thread looks up most.
type Key = (ProcessId, u32, u32);

/// One search thread's memory: what deliveries lead to (process and frame arrived there, in which local state), which expansion belongs to
/// a local state and frames, and what a local state guarantees.
#[derive(Default)]
pub(super) struct Deliveries {
    known: FxHashMap<Key, (u32, u64)>,
    expansions: FxHashMap<Key, u32>,
    guarantees: FxHashMap<Key, (u32, bool)>,
    frame_unions: Unions,
    guarantee_unions: Unions,
}

impl Deliveries {
    /// Bytes that it takes, nearly.
    pub(super) fn bytes(&self) -> u64 {
        let known = self.known.capacity() * (size_of::<(Key, (u32, u64))>() + 1);
        let expansions = self.expansions.capacity() * (size_of::<(Key, u32)>() + 1);
        let guarantees = self.guarantees.capacity() * (size_of::<(Key, (u32, bool))>() + 1);
        (known + expansions + guarantees + self.frame_unions.bytes() + self.guarantee_unions.bytes()) as u64
    }

    /// Returns every delivery: process, local state, frame, and the local state it leads to.
    pub(super) fn all(&self) -> impl Iterator<Item = (ProcessId, u32, u32, u32)> {
        self.known
            .iter()
            .map(|((to, id, frame), (after, _))| (*to, *id, *frame, *after))
    }
}

impl<'m, M: Reducible> LocalGraphs<'m, M> {
    pub(super) fn new(model: &'m M, reductions: Reductions) -> Self {
        let processes = model.process_count();
        Self {
            model,
            reductions,
            locals: (0..processes)
                .map(|process| Interner::new(process as u64 + 1))
                .collect(),
            expansions: (0..processes).map(|_| Interner::new(0)).collect(),
            frames: Interner::new(0),
            frame_sets: Sets::new([FrameSet::Any]),
            guarantee_sets: Sets::new([]),
        }
    }

    /// Runs of one process alone, while only the frames of the set with this number may arrive.
    pub(super) fn local(&self, process: usize, frames: u32) -> Local<'m, M> {
        Local {
            model: self.model,
            process: ProcessId::new(process),
            reductions: self.reductions,
            frames: self.frame_sets.get(frames).clone(),
        }
    }

    pub(super) fn known(&self, process: usize, id: u32) -> &Known {
        let entry = self.locals[process].get(id);
        entry.extra.get_or_init(|| {
            let (from, state) = (ProcessId::new(process), &entry.value);
            let settled = guarded(|| self.model.clients(from, state).iter().all(|client| client.returned));
            let settled = settled.unwrap_or(false);
            let to = |to: usize| {
                if to == process || !self.reductions.partial_order {
                    return EMPTY;
                }
                // A model that fails here says nothing, which is sound; it fails again where that is reported.
                let frames = guarded(|| self.model.may_send(from, state, ProcessId::new(to)));
                self.frame_sets.number(frames.unwrap_or(FrameSet::Any))
            };
            let may_send = (0..self.locals.len()).map(to).collect();
            Known { settled, may_send }
        })
    }

    /// Returns the number of the set of frames that may still arrive at `process` while it does nothing.
    pub(super) fn frames_that_may_arrive(&self, cache: &mut Deliveries, process: usize, tuple: &[u32]) -> u32 {
        if !self.reductions.partial_order {
            return ANY_FRAME;
        }
        tuple.iter().enumerate().fold(EMPTY, |frames, (from, id)| {
            let more = self.known(from, *id).may_send[process];
            self.frame_sets.union(&mut cache.frame_unions, frames, more)
        })
    }

    /// Returns what can happen next in `process` in the global state `tuple`: number of the expansion, and itself.
    pub(super) fn next(&self, cache: &mut Deliveries, process: usize, tuple: &[u32]) -> (u32, &Expansion) {
        let key = (tuple[process], self.frames_that_may_arrive(cache, process, tuple));
        let table = &self.expansions[process];
        let number = cache
            .expansions
            .entry((ProcessId::new(process), key.0, key.1))
            .or_insert_with(|| table.intern(key).0);
        (*number, self.expansion(process, *number))
    }

    /// Returns the initial state as a tuple.
    pub(super) fn initial(&self) -> Result<Vec<u32>, String> {
        guarded(|| {
            let initial = |process: usize| {
                let id = ProcessId::new(process);
                let mut state = self.model.initial(id);
                if self.reductions.forget_dead {
                    self.model.eliminate_dead(id, &mut state);
                }
                self.locals[process].intern(state).0
            };
            (0..self.locals.len()).map(initial).collect()
        })
    }

    /// Returns the expansion with a number.
    pub(super) fn expansion(&self, process: usize, number: u32) -> &Expansion {
        let table = &self.locals[process];
        let expansions = &self.expansions[process];
        let entry = expansions.get(number);
        entry.extra.get_or_init(|| {
            let (id, frames) = entry.value;
            let raw = self.local(process, frames).expand(&table.get(id).value);
            let mut steps = Vec::with_capacity(raw.steps.len());
            for step in raw.steps {
                let (to, hash) = table.intern(step.state);
                let sent = step.sent.into_iter().map(|(to, frame)| {
                    let (frame, _) = self.frames.intern((ProcessId::new(process), frame));
                    Sent { to, frame }
                });
                steps.push(LocalStep {
                    to,
                    labels: step.path.len() as u32,
                    hash,
                    sent: sent.collect(),
                });
            }
            let expansion = Expansion {
                steps: steps.into(),
                ample: raw.ample,
                broken: raw.broken.into(),
            };
            expansions.account(expansion.bytes());
            expansion
        })
    }

    /// Returns the local state of `process` after `frame` has arrived in local state `id`, and its hash.
    pub(super) fn deliver(
        &self,
        deliveries: &mut Deliveries,
        to: ProcessId,
        id: u32,
        frame: u32,
    ) -> Result<(u32, u64), Box<Broken>> {
        if let Some(known) = deliveries.known.get(&(to, id, frame)) {
            return Ok(*known);
        }
        let table = &self.locals[to.index()];
        let state = table.get(id).value.clone();
        let arrived = guarded(|| {
            let mut state = self.arrive(to, state, frame);
            if self.reductions.forget_dead {
                self.model.eliminate_dead(to, &mut state);
            }
            state
        });
        let state = arrived.map_err(|message| Box::new(Broken::new(FindingKind::Panic, message)))?;
        let after = table.intern(state);
        deliveries.known.insert((to, id, frame), after);
        Ok(after)
    }

    /// Returns scratch space that remembers deliveries, told as by [`Deliveries::all`].
    pub(super) fn remembering(&self, known: impl Iterator<Item = (ProcessId, u32, u32, u32)>) -> Scratch {
        let mut scratch = Scratch::default();
        let hash = |to: ProcessId, after: u32| self.locals[to.index()].get(after).content.short();
        let known = known.map(|(to, id, frame, after)| ((to, id, frame), (after, hash(to, after))));
        scratch.deliveries.known.extend(known);
        scratch
    }

    /// Returns `state` of process `to` after `frame` has arrived, with nothing forgotten. Panics if the model does.
    pub(super) fn arrive(&self, to: ProcessId, mut state: M::Process, frame: u32) -> M::Process {
        let (from, content) = &self.frames.get(frame).value;
        self.model.deliver(to, &mut state, *from, content.clone());
        state
    }

    /// Returns the hash of a global state: the sum of its local ones, so that a transition changes it by a difference.
    pub(super) fn hash_of(&self, tuple: &[u32]) -> u64 {
        tuple.iter().enumerate().fold(0, |sum, (process, id)| {
            sum.wrapping_add(self.locals[process].get(*id).content.short())
        })
    }

    /// Returns 128 bits of a global state's content.
    pub(super) fn fingerprint(&self, tuple: &[u32]) -> u128 {
        let mut bytes = Vec::with_capacity(tuple.len() * 16);
        for (process, id) in tuple.iter().enumerate() {
            bytes.extend(self.locals[process].get(*id).content.hash.to_le_bytes());
        }
        xxhash_rust::xxh3::xxh3_128(&bytes)
    }

    /// Returns the local states themselves.
    pub(super) fn states(&self, tuple: &[u32]) -> Vec<&M::Process> {
        let state = |(process, id): (usize, &u32)| &self.locals[process].get(*id).value;
        tuple.iter().enumerate().map(state).collect()
    }

    /// Bytes that all tables take, nearly.
    pub(super) fn bytes(&self) -> u64 {
        let locals: u64 = self.locals.iter().map(Interner::bytes).sum();
        let expansions: u64 = self.expansions.iter().map(Interner::bytes).sum();
        let sets = self.frame_sets.bytes() + self.guarantee_sets.bytes();
        locals + expansions + self.frames.bytes() + sets
    }
}
