//! The point of no return of a schedule.

use super::NoReturn;
use super::oracle::{Oracle, Prospect};
use crate::machine::Reducible;
use crate::schedule::{Move, Walk};

/// Returns the first event after which the client can't return; `None` if it is not proved that it can't where the schedule ends.
///
/// Whoever can return from a state can return from every state before it, along the same way. So the states of a schedule are
/// first such, then not, and halving finds the border. What the bound left undecided is taken for neither: then the border is only
/// known to lie between two events.
pub(super) fn no_return<M: Reducible>(oracle: &mut Oracle<'_, M>, moves: &[Move<M::Thread>]) -> Option<NoReturn> {
    let mut states = Vec::with_capacity(moves.len() + 1);
    let mut walk = Walk::new(oracle.model);
    states.push(walk.system().clone());
    for made in moves {
        walk.attempt(made);
        states.push(walk.system().clone());
    }
    let mut answers = vec![None; states.len()];
    let mut can = |number: usize| {
        *answers[number].get_or_insert_with(|| match oracle.ask(&states[number]) {
            Prospect::Can(_) => Some(true),
            Prospect::Cannot => Some(false),
            Prospect::Undecided => None,
        })
    };
    let last = states.len() - 1;
    if can(last) != Some(false) {
        return None;
    }
    let cannot_from = border(0, last, |number| can(number) == Some(false));
    if cannot_from == 0 {
        return Some(NoReturn::Event(0));
    }
    if can(cannot_from - 1) == Some(true) {
        return Some(NoReturn::Event(cannot_from));
    }
    // Something was undecided: the last state from which it certainly can.
    let not_shown_from = border(0, cannot_from - 1, |number| can(number) != Some(true));
    Some(NoReturn::Between(not_shown_from.saturating_sub(1), cannot_from))
}

/// Returns the first number in `low..=high` for which `holds`, which is true from there on, and true for `high` in any case.
fn border(mut low: usize, mut high: usize, mut holds: impl FnMut(usize) -> bool) -> usize {
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
