//! The choice of the next thread.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rustc_hash::FxHasher;

use super::board::Board;
use crate::explore::driver::Execution;
use crate::explore::strategy::{Repertoire, Strategy};
use crate::machine::{Model, ProcessId, Ready};

/// The strategies that the sampler runs.
pub(super) const REPERTOIRE: Repertoire = Repertoire {
    engine: "sample",
    names: "random, pct:DEPTH, hold:COUNT or portfolio",
    has: |strategy| matches!(strategy, Strategy::Random | Strategy::Pct(_) | Strategy::Hold(_)),
    portfolio: &[
        Strategy::Random,
        Strategy::Hold(1),
        Strategy::Hold(2),
        Strategy::Pct(3),
        Strategy::Hold(3),
        Strategy::Pct(5),
    ],
};

/// The source of every random choice of an execution.
pub(super) type Generator = Xoshiro256PlusPlus;

/// Returns the generator of an execution.
pub(super) fn generator(seed: u64, number: u64) -> Generator {
    let first: u64 = Generator::seed_from_u64(seed).random();
    Generator::seed_from_u64(first.wrapping_add(number))
}

/// The first execution, as far as others are planned by it.
pub(super) struct Shape<T> {
    labels: usize,
    /// The threads that ran, each once.
    threads: Vec<(ProcessId, T)>,
}

impl<T> Default for Shape<T> {
    fn default() -> Self {
        Self {
            labels: 0,
            threads: Vec::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Shape<T> {
    pub(super) fn of<M: Model<Thread = T>>(execution: &Execution<M>) -> Self {
        let mut seen = HashSet::new();
        let mut threads: Vec<(ProcessId, T)> = execution.taken.iter().map(|one| (one.process, one.thread)).collect();
        threads.retain(|thread| seen.insert(*thread));
        Self {
            labels: execution.taken.len(),
            threads,
        }
    }
}

/// A part of the system that runs only where nobody else can.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held<T> {
    Process(ProcessId),
    Thread(ProcessId, T),
}

impl<T: Copy + Eq> Held<T> {
    fn process(self) -> ProcessId {
        match self {
            Self::Process(process) | Self::Thread(process, _) => process,
        }
    }

    fn holds(self, process: ProcessId, thread: T) -> bool {
        match self {
            Self::Process(held) => held == process,
            Self::Thread(of, held) => of == process && held == thread,
        }
    }
}

/// The threads of a process that can run and are not held.
#[derive(Clone, Copy, Default)]
struct Free {
    count: u32,
    /// The one with the highest priority, and that; 0 if there is none.
    top: (u64, u32),
}

/// The plan of one execution.
pub(super) struct Policy<T> {
    pub(super) generator: Generator,
    /// The key that makes the priorities of threads. Without one each thread is as likely as any other.
    priorities: Option<u64>,
    /// The numbers of labels after which the thread whose turn it is is held from then on; the next one last.
    changes: Vec<usize>,
    /// The earliest first.
    held: Vec<Held<T>>,
    /// Whether what is held is let go for good where nobody else can run. Otherwise it only runs its next label.
    lets_go: bool,
    /// By process.
    free: Vec<Free>,
}

impl<T: Copy + Eq + Hash> Policy<T> {
    /// Returns the policy of no execution yet.
    pub(super) fn new(processes: usize) -> Self {
        Self {
            generator: Generator::seed_from_u64(0),
            priorities: None,
            changes: Vec::new(),
            held: Vec::new(),
            lets_go: false,
            free: vec![Free::default(); processes],
        }
    }

    /// Begins an execution.
    pub(super) fn begin<M: Model<Thread = T>>(
        &mut self,
        strategy: &Strategy,
        generator: Generator,
        shape: &Shape<T>,
        board: &Board<'_, M>,
    ) {
        self.generator = generator;
        self.priorities = None;
        self.changes.clear();
        self.held.clear();
        match strategy {
            Strategy::Pct(depth) => {
                self.lets_go = false;
                self.priorities = Some(self.generator.random());
                if shape.labels > 0 {
                    let change = |_| self.generator.random_range(0..shape.labels);
                    self.changes.extend((1..*depth).map(change));
                    self.changes.sort_unstable_by(|one, other| other.cmp(one));
                }
            }
            Strategy::Hold(count) => {
                self.lets_go = true;
                // Any number of processes is as likely.
                let part: f64 = self.generator.random();
                let processes = board.processes().filter(|_| self.generator.random_bool(part));
                self.held.extend(processes.map(Held::Process));
                if !shape.threads.is_empty() {
                    let thread = |_| shape.threads[self.generator.random_range(0..shape.threads.len())];
                    let threads = (0..*count).map(thread);
                    self.held
                        .extend(threads.map(|(process, thread)| Held::Thread(process, thread)));
                }
            }
            _ => {}
        }
        board.processes().for_each(|process| self.look(board, process));
    }

    /// Takes in which threads of a process can run.
    pub(super) fn look<M: Model<Thread = T>>(&mut self, board: &Board<'_, M>, process: ProcessId) {
        let ready = board.ready(process);
        let mut free = Free::default();
        if self.priorities.is_none() && self.held.is_empty() {
            free.count = ready.len() as u32;
        } else {
            for (index, one) in (0..).zip(ready) {
                if self.is_held(process, one.thread) {
                    continue;
                }
                free.count += 1;
                let priority = self.priorities.map_or(1, |key| priority(key, process, one.thread));
                free.top = free.top.max((priority, index));
            }
        }
        self.free[process.index()] = free;
    }

    fn is_held(&self, process: ProcessId, thread: T) -> bool {
        self.held.iter().any(|held| held.holds(process, thread))
    }

    /// Picks the thread that goes on after this many labels; none where nobody can.
    pub(super) fn next<M: Model<Thread = T>>(
        &mut self,
        board: &Board<'_, M>,
        labels: usize,
    ) -> Option<(ProcessId, Ready<T>)> {
        loop {
            let Some((process, ready)) = self.pick(board) else {
                let (index, process, ready) = self.of_held(board)?;
                if !self.lets_go {
                    return Some((process, ready));
                }
                self.held.remove(index);
                self.look(board, process);
                continue;
            };
            if self.changes.last().is_none_or(|change| *change > labels) {
                return Some((process, ready));
            }
            self.changes.pop();
            self.held.push(Held::Thread(process, ready.thread));
            self.look(board, process);
        }
    }

    /// Picks among the threads that are not held.
    fn pick<M: Model<Thread = T>>(&mut self, board: &Board<'_, M>) -> Option<(ProcessId, Ready<T>)> {
        if self.priorities.is_some() {
            let tops = self.free.iter().enumerate().filter(|(_, free)| free.count > 0);
            let (process, free) = tops.max_by_key(|(_, free)| free.top)?;
            let process = ProcessId::new(process);
            return Some((process, board.ready(process)[free.top.1 as usize]));
        }
        let count: u32 = self.free.iter().map(|free| free.count).sum();
        if count == 0 {
            return None;
        }
        let mut place = self.generator.random_range(0..count);
        let before = |free: &Free| {
            let here = place < free.count;
            place -= if here { 0 } else { free.count };
            here
        };
        let process = self.free.iter().position(before).expect("the counts add up");
        let process = ProcessId::new(process);
        let ready = board.ready(process);
        if ready.len() == self.free[process.index()].count as usize {
            return Some((process, ready[place as usize]));
        }
        let mut free = ready.iter().filter(|one| !self.is_held(process, one.thread));
        free.nth(place as usize).map(|one| (process, *one))
    }

    /// Picks who goes on where everybody who can run is held: the earliest hold that holds somebody, or any where holds are let go.
    fn of_held<M: Model<Thread = T>>(&mut self, board: &Board<'_, M>) -> Option<(usize, ProcessId, Ready<T>)> {
        let holds = self.held.iter().enumerate();
        let ready = holds.filter_map(|(index, held)| {
            let process = held.process();
            let mut ready = board.ready(process).iter();
            let one = ready.find(|one| held.holds(process, one.thread))?;
            Some((index, process, *one))
        });
        let ready: Vec<_> = ready.collect();
        match (self.lets_go, ready.as_slice()) {
            (_, []) => None,
            (false, [first, ..]) => Some(*first),
            (true, several) => Some(several[self.generator.random_range(0..several.len())]),
        }
    }
}

/// Returns the priority of a thread, at least 1.
fn priority(key: u64, process: ProcessId, thread: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    (key, process, thread).hash(&mut hasher);
    // The hasher's low bits are weak.
    let mixed = hasher.finish() ^ key;
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)) | 1
}
