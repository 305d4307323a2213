//! Chains of decisive races.

use super::Race;

/// Joins races that begin where another one ends; each race is in one chain.
pub(super) fn chains(races: &[Race]) -> Vec<Vec<usize>> {
    let mut left: Vec<(usize, usize)> = races.iter().map(|race| (race.first, race.second)).collect();
    let mut chains = Vec::new();
    while !left.is_empty() {
        // Not in the middle of a chain, where there is such a race.
        let starts = |&(first, _): &(usize, usize)| left.iter().all(|&(_, second)| second != first);
        let start = left.iter().position(starts).unwrap_or(0);
        let (first, second) = left.remove(start);
        let mut chain = vec![first, second];
        while let Some(next) = left.iter().position(|&(first, _)| chain.last() == Some(&first)) {
            chain.push(left.remove(next).1);
        }
        chains.push(chain);
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Recording;

    fn race(first: usize, second: usize) -> Race {
        Race {
            first,
            second,
            otherwise: Recording::default(),
            second_there: 0,
            first_there: None,
        }
    }

    #[test]
    fn races_that_meet_become_a_chain_and_each_is_told_once() {
        let races = [race(3, 7), race(7, 9), race(5, 6), race(7, 8)];
        assert_eq!(chains(&races), [vec![3, 7, 9], vec![5, 6], vec![7, 8]]);
    }
}
