//! Batches from a queue that a queue runner fills, and clients over two epochs: every scenario comes out as it says, completely, and each
//! has its sibling.

use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit};

use crate::support::scenario::prepared;
use crate::support::scenario_search::{holds, names, scenarios, search, siblings_differ};

scenarios! { holds, ["epochs", "queue"];
    two_epochs_of_batches_pass_through_a_queue_of_one_element: "queue" / two_epochs,
    a_queue_runner_whose_training_loop_has_failed_waits_for_room_for_ever: "queue" / runner_left_alone,
    two_dequeues_of_one_step_can_block_the_thread_that_cancels_them: "queue" / two_dequeues,
    with_one_pool_thread_they_cannot: "queue" / two_dequeues_one_thread,
    one_dequeue_cannot: "queue" / one_dequeue,
    a_coupled_client_with_one_server_ends_both_epochs: "epochs" / coupled,
    a_coupled_client_with_two_servers_can_hang_at_an_end: "epochs" / coupled_two_servers,
    a_decoupled_client_with_two_servers_ends_both_epochs: "epochs" / decoupled,
    a_queue_client_with_one_server_ends_both_epochs: "epochs" / queue,
    a_queue_client_that_fails_leaves_its_runner_alone: "epochs" / queue_left_alone,
}

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
        let audit = audit(&prepared(&name).model, &options, &AtomicBool::new(false));
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
