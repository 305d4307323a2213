//! Transitions between global states.

use serde::{Deserialize, Serialize};

use super::local_graphs::{Deliveries, Expansion, LocalGraphs};
use super::reduction::Broken;
use crate::machine::{ProcessId, Reducible};

/// A compressed path that runs through more local steps than this is cut in two, so that free cycles end.
const LONGEST_PATH: usize = 256;

/// A step of one process in a global transition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct TrailStep {
    pub(super) process: ProcessId,
    /// Expansion of the state before it.
    pub(super) expansion: u32,
    /// Index of the step in its expansion.
    pub(super) step: u32,
}

/// A transition that was just computed; lives in the scratch space.
pub(super) struct Transition<'a> {
    pub(super) tuple: &'a [u32],
    pub(super) hash: u64,
    pub(super) labels: u32,
    pub(super) trail: &'a [TrailStep],
}

/// The kind of state that was expanded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Something can happen.
    Open,
    /// Nothing is enabled anywhere.
    Terminal,
    /// Every client has its answer, and nobody asked what stays behind.
    Settled,
    /// Something of the model failed here.
    Broken,
}

/// Scratch space of one search thread.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) deliveries: Deliveries,
    tuple: Vec<u32>,
    numbers: Vec<u32>,
    hash: u64,
    labels: u32,
    trail: Vec<TrailStep>,
}

/// Calls `emit` for every explored transition of the global state `tuple`, in a fixed order, and `broken` for everything
/// that fails in it, with the steps that had been done.
pub(super) fn successors<M: Reducible>(
    graphs: &LocalGraphs<'_, M>,
    scratch: &mut Scratch,
    tuple: &[u32],
    mut emit: impl FnMut(Transition<'_>),
    mut broken: impl FnMut(&Broken, &[TrailStep]),
) -> Kind {
    if graphs.is_settled(&mut scratch.deliveries, tuple) {
        return Kind::Settled;
    }
    let mut kind = Kind::Terminal;
    let mut alone = None;
    let mut numbers = std::mem::take(&mut scratch.numbers);
    numbers.clear();
    for process in 0..tuple.len() {
        let (number, expansion) = graphs.next(&mut scratch.deliveries, process, tuple);
        numbers.push(number);
        if !expansion.steps.is_empty() && kind == Kind::Terminal {
            kind = Kind::Open;
        }
        if !expansion.broken.is_empty() {
            expansion.broken.iter().for_each(|failure| broken(failure, &[]));
            kind = Kind::Broken;
        }
        // Of several processes that may go first alone, the one with the fewest ways to.
        let fewest = alone.is_none_or(|(_, steps)| expansion.steps.len() < steps);
        if expansion.ample && fewest {
            alone = Some((process, expansion.steps.len()));
        }
    }
    if kind == Kind::Terminal {
        scratch.numbers = numbers;
        return kind;
    }
    let hash = graphs.hash_of(tuple);
    for (process, &number) in numbers.iter().enumerate() {
        if alone.is_some_and(|(alone, _)| alone != process) {
            continue;
        }
        for step in 0..graphs.expansion(process, number).steps.len() {
            scratch.tuple.clear();
            scratch.tuple.extend_from_slice(tuple);
            scratch.hash = hash;
            scratch.labels = 0;
            scratch.trail.clear();
            let done = scratch
                .take(graphs, process, number, step)
                .and_then(|()| scratch.follow(graphs));
            match done {
                Ok(()) => emit(Transition {
                    tuple: &scratch.tuple,
                    hash: scratch.hash,
                    labels: scratch.labels,
                    trail: &scratch.trail,
                }),
                Err(failure) => {
                    broken(&failure, &scratch.trail);
                    kind = Kind::Broken;
                }
            }
        }
    }
    scratch.numbers = numbers;
    kind
}

impl Scratch {
    fn place<M: Reducible>(&mut self, graphs: &LocalGraphs<'_, M>, process: usize, to: u32, hash: u64) {
        let before = graphs.locals[process].get(self.tuple[process]).content.short();
        self.hash = self.hash.wrapping_sub(before).wrapping_add(hash);
        self.tuple[process] = to;
    }

    fn take<M: Reducible>(
        &mut self,
        graphs: &LocalGraphs<'_, M>,
        process: usize,
        expansion: u32,
        step: usize,
    ) -> Result<(), Box<Broken>> {
        let local = &graphs.expansion(process, expansion).steps[step];
        self.trail.push(TrailStep {
            process: ProcessId::new(process),
            expansion,
            step: step as u32,
        });
        self.labels += local.labels;
        self.place(graphs, process, local.to, local.hash);
        for sent in &local.sent {
            let to = sent.to.index();
            let (after, hash) = graphs.deliver(&mut self.deliveries, sent.to, self.tuple[to], sent.frame)?;
            self.place(graphs, to, after, hash);
        }
        Ok(())
    }

    /// Follows free steps with one outcome, in whatever process: they are the only ones that would be explored.
    fn follow<M: Reducible>(&mut self, graphs: &LocalGraphs<'_, M>) -> Result<(), Box<Broken>> {
        if !graphs.reductions.partial_order {
            return Ok(());
        }
        let only = |expansion: &Expansion| expansion.ample && expansion.steps.len() == 1 && expansion.broken.is_empty();
        for _ in 0..LONGEST_PATH {
            if graphs.is_settled(&mut self.deliveries, &self.tuple) {
                return Ok(());
            }
            let mut free = None;
            for process in 0..self.tuple.len() {
                let (number, expansion) = graphs.next(&mut self.deliveries, process, &self.tuple);
                if only(expansion) {
                    free = Some((process, number));
                    break;
                }
            }
            match free {
                Some((process, number)) => self.take(graphs, process, number, 0)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}
