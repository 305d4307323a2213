//! Batches from a queue that a queue runner fills, and clients over two epochs: each scenario has its sibling.

use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit};

use crate::support::scenario::prepared;
use crate::support::scenario_search::{names, search, siblings_differ};

#[test]
fn where_nothing_may_hang_the_sibling_hangs_and_the_reverse() {
    siblings_differ("epochs");
    siblings_differ("queue");
}

#[test]
fn what_the_queue_declares_covers_what_it_does() {
    let options = Options {
        reductions: Reductions::NONE,
        max_states: Some(6_000),
        ..Options::default()
    };
    for name in names("queue") {
        let audit = audit(prepared(&name).model(), &options, &AtomicBool::new(false));
        assert_eq!(audit.complaints, Vec::<String>::new(), "{name}");
        assert!(audit.process_states > 30, "{name}");
    }
}

#[test]
fn without_partial_order_two_dequeues_do_not_hang_with_one_pool_thread_either() {
    let plain = Reductions {
        partial_order: false,
        ..Reductions::ALL
    };
    let verdict = search("queue/two_dequeues_one_thread.toml", plain).verdict;
    assert!(verdict.complete);
    assert_eq!(verdict.hangs.len(), 0);
}
