//! Lanes are shared, but never at the same time.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Lane, share};

proptest! {
    #[test]
    fn threads_that_live_at_the_same_time_never_share_a_lane(lives in vec((0usize..3, 0usize..60, 0usize..20), 0..60)) {
        let mut lanes: Vec<Lane> = lives
            .iter()
            .map(|&(process, from, length)| Lane { process, column: 0, from, to: from + length })
            .collect();
        let columns = share(&mut lanes, 3);
        for (index, one) in lanes.iter().enumerate() {
            prop_assert!(one.column < columns[one.process]);
            for other in &lanes[index + 1..] {
                let together = one.from <= other.to && other.from <= one.to;
                prop_assert!(!together || (one.process, one.column) != (other.process, other.column));
            }
        }
        // No more lanes than threads that live at once, with the rows between them.
        for (process, &count) in columns.iter().enumerate() {
            let crowd = |row: usize| {
                let here = lanes.iter().filter(|lane| lane.process == process);
                here.filter(|lane| lane.from <= row && row <= lane.to).count()
            };
            prop_assert!(count <= (0..=80).map(crowd).max().unwrap_or(0));
        }
    }
}
