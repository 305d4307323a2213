//! A hang by fewer events and fewer context switches.
//!
//! A *guide* is a list of moves; the model follows it as far as it can ([`Walk::follow`]), then runs on by a fixed policy until it is
//! at rest ([`Walk::settle`]). Taking moves out of the guide puts them off: what then still happens, happens late, and often it does
//! not happen at all. A candidate is taken if the same client hangs with the same signature and it is smaller: by events, then by
//! context switches, then by the length of its guide. So nothing is taken on trust, and all is deterministic.

use thiserror::Error;

use super::Impossible;
use super::causes::Causes;
use super::guide::{Move, Walk, events_of, moves_of, switches};
use crate::machine::{Event, Model, ProcessId, Signature, System, panics};

/// A run that is longer than this many times the one that was given is no improvement, and is given up.
const LONGEST: usize = 2;
/// Labels that a run may take to come to rest after its schedule ended.
const MOST_TO_REST: usize = 100_000;
/// Rounds in which everything is tried; each must have found something for the next to begin.
const MOST_ROUNDS: usize = 16;
/// Labels that all runs together may take before the most expensive kind of candidate is no longer tried.
const MOST_LABELS: usize = 1_000_000;

/// The size of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Size {
    /// Events, up to rest.
    pub events: usize,
    /// Number of times that another thread runs than the one before.
    pub switches: usize,
}

/// The result of minimising a schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Minimised {
    /// The events of the smaller schedule, up to rest.
    pub events: Vec<Event>,
    /// The size of the schedule that was given, run on to rest.
    pub before: Size,
    /// The size of this one.
    pub after: Size,
    /// Number of runs of the model.
    pub runs: usize,
}

/// The reason why a schedule can't be minimised.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MinimiseError {
    /// It can't be followed.
    #[error(transparent)]
    Impossible(#[from] Impossible),
    /// The model does not come to rest.
    #[error("the model does not come to rest within {MOST_TO_REST} labels after the schedule")]
    Restless,
    /// Its client has its answer in the end.
    #[error("{client} does not wait with signature {signature} when the system is at rest")]
    NoHang {
        /// The client.
        client: String,
        /// The signature's name.
        signature: String,
    },
}

/// Makes a schedule smaller that ends in a hang of `client` with `signature`.
///
/// # Errors
/// When it is no such schedule.
pub fn minimise<M: Model>(
    model: &M,
    events: &[Event],
    client: &str,
    signature: &Signature,
) -> Result<Minimised, MinimiseError> {
    let no_hang = || MinimiseError::NoHang {
        client: client.to_owned(),
        signature: signature.id(),
    };
    let moves = moves_of(model, System::initial(model), events)?;
    let mut walk = Walk::new(model);
    walk.follow(&moves);
    // A client is named after the step that it runs: it has this name in the end, not always at the start.
    let client = walk.system().client(model, client).ok_or_else(no_hang)?;
    if !walk.settle(MOST_TO_REST) {
        return Err(MinimiseError::Restless);
    }
    let run = walk.moves().to_vec();
    let before = size(&run);
    let mut search = Minimiser {
        model,
        client,
        signature,
        most: run.len() * LONGEST,
        runs: 1,
        labels: 0,
        guide: run.clone(),
        run,
    };
    if !search.hangs(&walk) {
        return Err(no_hang());
    }
    search.rounds();
    let after = size(&search.run);
    // Fewer events may have cost switches. Who asks for less wants less of both.
    if after.switches > before.switches {
        search.run = search.only_grouped(walk.moves());
    }
    Ok(Minimised {
        events: events_of(model, &search.run),
        before,
        after: size(&search.run),
        runs: search.runs,
    })
}

fn size<T: Copy + Eq>(run: &[Move<T>]) -> Size {
    Size {
        events: run.len(),
        switches: switches(run),
    }
}

struct Minimiser<'a, M: Model> {
    model: &'a M,
    client: (ProcessId, usize),
    signature: &'a Signature,
    /// Labels after which a candidate is given up.
    most: usize,
    runs: usize,
    /// Labels of all runs together.
    labels: usize,
    /// The guide of the best run.
    guide: Vec<Move<M::Thread>>,
    /// The best run.
    run: Vec<Move<M::Thread>>,
}

impl<M: Model> Minimiser<'_, M> {
    /// Returns true if the client hangs as it should in a state at rest.
    fn hangs(&self, walk: &Walk<'_, M>) -> bool {
        let states: Vec<&M::Process> = walk.system().processes.iter().collect();
        let wait_for = || self.model.wait_for(&states, self.client.0, self.client.1);
        !walk.has_returned(self.client) && wait_for().signature() == *self.signature
    }

    /// Runs a guide to rest; `None` if that is no hang of the right kind. A model that panics on the way is none, too.
    fn follow(&mut self, guide: &[Move<M::Thread>]) -> Option<Vec<Move<M::Thread>>> {
        self.runs += 1;
        self.labels += guide.len();
        let run = || {
            let mut walk = Walk::new(self.model);
            walk.follow(guide);
            (walk.settle(self.most) && self.hangs(&walk)).then(|| walk.moves().to_vec())
        };
        panics::catch(run).ok().flatten()
    }

    /// Takes a guide if its run is smaller.
    fn attempt(&mut self, guide: Vec<Move<M::Thread>>) -> bool {
        let Some(run) = self.follow(&guide) else {
            return false;
        };
        let better = (size(&run), guide.len()) < (size(&self.run), self.guide.len());
        if better {
            self.guide = guide;
            self.run = run;
        }
        better
    }

    fn rounds(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let before = (size(&self.run), self.guide.len());
            self.drop_segments();
            self.drop_tails();
            self.drop_moves();
            self.put_off();
            self.group();
            if (size(&self.run), self.guide.len()) == before {
                return;
            }
        }
    }

    /// Tries delta debugging over context switches: without some of the stretches in which one thread runs.
    fn drop_segments(&mut self) {
        let mut chunk = segments(&self.guide).len().div_ceil(2);
        while chunk > 0 {
            let mut start = 0;
            loop {
                let segments = segments(&self.guide);
                if start >= segments.len() {
                    break;
                }
                let end = (start + chunk).min(segments.len());
                let mut guide = self.guide.clone();
                guide.drain(segments[start].start..segments[end - 1].end);
                if !self.attempt(guide) {
                    start = end;
                }
            }
            chunk /= 2;
        }
    }

    /// Tries the run without the last moves of a thread: as many of them as can go.
    fn drop_tails(&mut self) {
        let mut movers: Vec<(ProcessId, M::Thread)> = Vec::new();
        for made in &self.guide {
            if !movers.contains(&made.mover()) {
                movers.push(made.mover());
            }
        }
        for mover in movers {
            let count = self.guide.iter().filter(|made| made.mover() == mover).count();
            for kept in 0..count {
                let mut seen = 0;
                let mut guide = self.guide.clone();
                guide.retain(|made| {
                    let mine = made.mover() == mover;
                    seen += usize::from(mine);
                    !mine || seen <= kept
                });
                if self.attempt(guide) {
                    break;
                }
            }
        }
    }

    /// Tries the run without one move.
    fn drop_moves(&mut self) {
        let mut index = self.guide.len();
        while index > 0 {
            index = (index - 1).min(self.guide.len().saturating_sub(1));
            if self.guide.is_empty() {
                return;
            }
            let mut guide = self.guide.clone();
            guide.remove(index);
            self.attempt(guide);
        }
    }

    /// Tries the run with the last moves of a thread put off until another stretch has ended: what they would have set going may then find
    /// that the step is over. Long schedules have too many ways for that: the bound ends it.
    fn put_off(&mut self) {
        let mut from = 0;
        while from < self.run.len() && self.labels < MOST_LABELS {
            let mover = self.run[from].mover();
            let (tail, others): (Vec<_>, Vec<_>) = self.run[from..].iter().partition(|made| made.mover() == mover);
            let ends: Vec<usize> = segments(&others).into_iter().map(|segment| segment.end).collect();
            let better = ends.into_iter().any(|end| {
                let guide = [&self.run[..from], &others[..end], &tail, &others[end..]].concat();
                self.attempt_run(guide)
            });
            if !better {
                from += 1;
            }
        }
    }

    /// Moves independent events together: first all at once, then one stretch after the other.
    fn group(&mut self) {
        let grouped = grouped(self.model, &self.run);
        self.attempt_run(grouped);
        let mut index = 0;
        loop {
            let segments = segments(&self.run);
            if index >= segments.len() {
                return;
            }
            let mover = self.run[segments[index].start].mover();
            let next = (index + 1..segments.len()).find(|&next| self.run[segments[next].start].mover() == mover);
            let joined = next.is_some_and(|next| {
                let (this, next) = (segments[index].clone(), segments[next].clone());
                let run = &self.run;
                let earlier = [
                    &run[..this.end],
                    &run[next.clone()],
                    &run[this.end..next.start],
                    &run[next.end..],
                ];
                let later = [
                    &run[..this.start],
                    &run[this.end..next.start],
                    &run[this],
                    &run[next.start..],
                ];
                let (earlier, later) = (earlier.concat(), later.concat());
                self.attempt_run(earlier) || self.attempt_run(later)
            });
            if !joined {
                index += 1;
            }
        }
    }

    /// Takes a guide that is a whole run, if that is smaller than the best one, whatever the lengths of the guides.
    fn attempt_run(&mut self, guide: Vec<Move<M::Thread>>) -> bool {
        let found = self.follow(&guide).filter(|run| size(run) < size(&self.run));
        let better = found.is_some();
        if let Some(run) = found {
            self.guide.clone_from(&run);
            self.run = run;
        }
        better
    }

    /// Returns the given run with fewer switches, if that can be, and no other events.
    fn only_grouped(&mut self, given: &[Move<M::Thread>]) -> Vec<Move<M::Thread>> {
        self.run = given.to_vec();
        self.guide = given.to_vec();
        self.group();
        std::mem::take(&mut self.run)
    }
}

/// Returns the stretches in which one thread runs.
fn segments<T: Copy + Eq>(moves: &[Move<T>]) -> Vec<std::ops::Range<usize>> {
    let mut segments: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, made) in moves.iter().enumerate() {
        match segments.last_mut() {
            Some(last) if moves[last.start].mover() == made.mover() => last.end = index + 1,
            _ => segments.push(index..index + 1),
        }
    }
    segments
}

/// Returns the same events in an order that nobody can tell from theirs, with long stretches: a thread goes on while nothing that had to
/// come before is missing; then comes the one that can go on longest.
fn grouped<M: Model>(model: &M, run: &[Move<M::Thread>]) -> Vec<Move<M::Thread>> {
    let causes = Causes::of(model, run);
    let mut left: Vec<usize> = (0..run.len()).collect();
    let mut order = Vec::with_capacity(run.len());
    while !left.is_empty() {
        let mut best: Vec<usize> = Vec::new();
        let mut movers: Vec<(ProcessId, M::Thread)> = Vec::new();
        for &event in &left {
            let mover = run[event].mover();
            if movers.contains(&mover) {
                continue;
            }
            movers.push(mover);
            let stretch = stretch(&causes, run, &left, mover);
            if stretch.len() > best.len() {
                best = stretch;
            }
        }
        left.retain(|event| !best.contains(event));
        order.extend(best.iter().map(|&event| run[event]));
    }
    order
}

/// Returns the events that a thread can do next, one after the other, with nobody between.
fn stretch<T: Copy + Eq>(causes: &Causes, run: &[Move<T>], left: &[usize], mover: (ProcessId, T)) -> Vec<usize> {
    let mut stretch: Vec<usize> = Vec::new();
    for &event in left.iter().filter(|&&event| run[event].mover() == mover) {
        let missing = |earlier: &&usize| causes.is_before(**earlier, event) && !stretch.contains(earlier);
        if left.iter().find(missing).is_some() {
            break;
        }
        stretch.push(event);
    }
    stretch
}
