//! Steps that end otherwise than by themselves, and what a step leaves on variables: every scenario comes out as it says, completely.

#[allow(dead_code, reason = "the tests of queues use the rest")]
mod searched;

use lastbatch::explore::exhaustive::Reductions;
use lastbatch::scenario::Judgement;
use searched::{files, holds, search, siblings_differ};

macro_rules! scenarios {
    ($($test:ident: $folder:literal,)*) => {
        $(#[test] fn $test() { holds(concat!($folder, "/", stringify!($test), ".toml")); })*

        #[test]
        fn every_scenario_has_a_test() {
            let mut listed = vec![$(concat!($folder, "/", stringify!($test), ".toml")),*];
            listed.sort();
            assert_eq!([files("other_ends"), files("variables")].concat(), listed);
        }
    };
}

scenarios! {
    one_server_server_node_fails: "other_ends",
    one_server_worker_node_fails: "other_ends",
    server_dies: "other_ends",
    server_dies_with_timeout: "other_ends",
    server_node_fails: "other_ends",
    server_restarts: "other_ends",
    server_restarts_with_timeout: "other_ends",
    session_close: "other_ends",
    session_close_sticky_cancel: "other_ends",
    timeout_last_batch: "other_ends",
    timeout_last_batch_sticky_cancel: "other_ends",
    timeout_one_server: "other_ends",
    timeout_one_server_sticky_cancel: "other_ends",
    worker_node_fails: "other_ends",
    last_batch: "variables",
    node_fails: "variables",
    ordinary_step: "variables",
    two_workers: "variables",
    two_workers_last_batch: "variables",
}

#[test]
fn where_nothing_may_hang_the_sibling_hangs_and_the_reverse() {
    siblings_differ("other_ends");
}

#[test]
fn that_the_last_batch_applies_nothing_fails_where_a_node_fails_after_others_were_applied() {
    let (last_batch, _) = search("variables/last_batch.toml", Reductions::ALL);
    let (_, verdict) = search("variables/node_fails.toml", Reductions::ALL);
    let judgement = Judgement::of(last_batch.document.expect.as_ref(), &verdict);
    assert!(matches!(judgement, Judgement::Fails(_)), "{judgement:?}");
}
