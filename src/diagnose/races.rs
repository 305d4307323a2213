//! Decisive races: which events had to fall in the order in which they fell.
//!
//! Two events of different threads *race* if one had to come before the other only because the schedule has it so: their operations
//! conflict, or the one made the other's outcome possible, and nothing that had to be between them is between. Such a pair is
//! **decisive** if this run exists: the schedule up to the first of the two; then, without it and what had to come after it, the
//! events up to the second; then the second, then the first; then the threads of all other events in the order of the schedule, each for
//! one label per turn, as far as they can run; and then some continuation in which the client returns. So one pair at a time is turned
//! round, and all other turns are kept: a thread that does something else by now does that when its turn comes.
//!
//! The same for outcomes: one label with several outcomes has another one, and all else is kept.

use super::oracle::{Oracle, Prospect};
use super::{Outcome, Race, Recording, record};
use crate::machine::{Describe, Reducible};
use crate::schedule::{Causes, Move, Walk, events_of};

/// A run in which one pair is turned round.
struct Reversed<'a, M: Reducible> {
    walk: Walk<'a, M>,
    /// Number of events that had run when the second had.
    second: usize,
    /// The first event in the other run, if it still happened.
    first: Option<usize>,
}

/// Returns every decisive race whose first event is among the first `until`.
pub(super) fn races<M: Describe + Reducible>(
    oracle: &mut Oracle<'_, M>,
    moves: &[Move<M::Thread>],
    until: usize,
) -> Vec<Race> {
    let model = oracle.model;
    let causes = Causes::of(model, moves);
    let mut races = Vec::new();
    let mut base = Walk::new(model);
    for first in 0..until {
        for second in first + 1..moves.len() {
            let other = moves[first].mover() != moves[second].mover();
            if !(other && causes.is_before(first, second) && causes.are_next(first, second)) {
                continue;
            }
            let Some(reversed) = reverse(&base, &causes, moves, first, second) else {
                continue;
            };
            if let Prospect::Can(rest) = oracle.ask(reversed.walk.system()) {
                let run = [reversed.walk.moves(), &rest].concat();
                races.push(Race {
                    first: first + 1,
                    second: second + 1,
                    otherwise: recorded(model, &run),
                    second_there: reversed.second,
                    first_there: reversed.first,
                });
            }
        }
        base.attempt(&moves[first]);
    }
    races
}

/// Returns the schedule with the second of two events before the first; `None` if it can't be done there.
fn reverse<'a, M: Reducible>(
    base: &Walk<'a, M>,
    causes: &Causes,
    moves: &[Move<M::Thread>],
    first: usize,
    second: usize,
) -> Option<Reversed<'a, M>> {
    let mut walk = base.clone();
    let mut waiting = vec![moves[first]];
    for (between, &made) in moves.iter().enumerate().take(second).skip(first + 1) {
        let blocked = waiting.iter().any(|earlier| earlier.mover() == made.mover());
        if blocked || causes.is_before(first, between) || !walk.attempt(&made) {
            waiting.push(made);
        }
    }
    if !walk.attempt(&moves[second]) {
        return None;
    }
    let second_there = walk.len();
    waiting.extend(&moves[second + 1..]);
    walk.follow_turns(&waiting);
    let same = |made: &Move<M::Thread>| {
        made.mover() == moves[first].mover() && made.label == moves[first].label && made.object == moves[first].object
    };
    let first_there = walk.moves()[second_there..].iter().position(same);
    Some(Reversed {
        walk,
        second: second_there,
        first: first_there.map(|index| second_there + index + 1),
    })
}

/// Returns every decisive outcome of the first `until` events.
pub(super) fn outcomes<M: Describe + Reducible>(
    oracle: &mut Oracle<'_, M>,
    moves: &[Move<M::Thread>],
    until: usize,
) -> Vec<Outcome> {
    let model = oracle.model;
    let mut outcomes = Vec::new();
    let mut base = Walk::new(model);
    for (index, made) in moves.iter().enumerate().take(until) {
        let choices = base.able(made).map_or(1, |pending| pending.operation.choices);
        for choice in (0..choices).filter(|choice| *choice != made.choice) {
            let mut walk = base.clone();
            walk.attempt(&Move { choice, ..*made });
            walk.follow_turns(&moves[index + 1..]);
            if let Prospect::Can(rest) = oracle.ask(walk.system()) {
                let run = [walk.moves(), &rest].concat();
                outcomes.push(Outcome {
                    event: index + 1,
                    instead: choice,
                    otherwise: recorded(model, &run),
                });
            }
        }
        base.attempt(made);
    }
    outcomes
}

/// Writes down a run that was made.
fn recorded<M: Describe>(model: &M, run: &[Move<M::Thread>]) -> Recording {
    record(model, &events_of(model, run)).expect("it ran")
}
