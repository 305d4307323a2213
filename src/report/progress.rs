//! The progress of a search for people.

use std::time::Duration;

use super::grouped;
use crate::explore::driver::StatisticsStatus;
use crate::explore::exhaustive::Status;
use crate::scenario::Size;

/// Tells how far a search of every state is.
pub fn states_text(status: &Status) -> String {
    let Status {
        states,
        frontier,
        depth,
        elapsed,
        ..
    } = *status;
    let seconds = elapsed.as_secs_f64();
    let left = status.left.map(|left| left as f64 * seconds / expanded(status) as f64);
    let left = left.map_or_else(String::new, |left| format!(", about {} left", duration(left)));
    format!(
        "{} states, {}/s{left}, frontier {}, depth {depth}, {}, {}",
        grouped(states),
        rate(states, elapsed),
        grouped(frontier),
        Size(status.bytes),
        duration(seconds),
    )
}

/// Returns the number of states that were expanded.
pub fn expanded(status: &Status) -> u64 {
    status.states.saturating_sub(status.frontier).max(1)
}

/// Tells how far an engine is that runs executions.
pub fn executions_text(status: &StatisticsStatus) -> String {
    let StatisticsStatus {
        executions,
        outcomes,
        hangs,
        elapsed,
        ..
    } = *status;
    format!(
        "{} executions, {}/s, {} outcomes, {hangs} kinds of hang, {}",
        grouped(executions),
        rate(executions, elapsed),
        grouped(outcomes),
        duration(elapsed.as_secs_f64()),
    )
}

fn rate(count: u64, elapsed: Duration) -> String {
    let rate = count as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    grouped(rate as u64)
}

/// Returns a duration in the two largest units that matter.
fn duration(seconds: f64) -> String {
    let seconds = seconds as u64;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{} h {minutes} min", grouped(hours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_of_a_search_is_told_with_separators_and_the_time_that_is_left() {
        let status = Status {
            states: 814_756,
            frontier: 14_756,
            depth: 120,
            bytes: 52 << 20,
            elapsed: Duration::from_secs(10),
            left: Some(8_000_000),
        };
        assert_eq!(
            states_text(&status),
            "814,756 states, 81,475/s, about 1 min 40 s left, frontier 14,756, depth 120, 52MiB, 10 s"
        );
    }

    #[test]
    fn long_searches_are_told_in_hours() {
        assert_eq!(
            [0.4, 59.9, 60.0, 7_384.0].map(duration),
            ["0 s", "59 s", "1 min 0 s", "2 h 3 min"]
        );
    }
}
