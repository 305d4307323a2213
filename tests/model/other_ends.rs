//! Steps that end otherwise than by themselves, and what a step leaves on variables: every scenario comes out as it says, completely.

use lastbatch::explore::exhaustive::Reductions;
use lastbatch::scenario::Judgement;

use crate::support::scenario::load;
use crate::support::scenario_search::{holds, scenarios, search, siblings_differ};

scenarios! { holds, ["other_ends", "variables"];
    close_after_last_step: "other_ends" / close_after_last_step,
    close_after_server_died: "other_ends" / close_after_server_died,
    one_server_server_node_fails: "other_ends" / one_server_server_node_fails,
    one_server_worker_node_fails: "other_ends" / one_server_worker_node_fails,
    server_dies: "other_ends" / server_dies,
    server_dies_with_timeout: "other_ends" / server_dies_with_timeout,
    server_node_fails: "other_ends" / server_node_fails,
    server_restarts: "other_ends" / server_restarts,
    server_restarts_with_timeout: "other_ends" / server_restarts_with_timeout,
    session_close: "other_ends" / session_close,
    session_close_sticky_cancel: "other_ends" / session_close_sticky_cancel,
    timeout_last_batch: "other_ends" / timeout_last_batch,
    timeout_last_batch_sticky_cancel: "other_ends" / timeout_last_batch_sticky_cancel,
    timeout_one_server: "other_ends" / timeout_one_server,
    timeout_one_server_sticky_cancel: "other_ends" / timeout_one_server_sticky_cancel,
    worker_node_fails: "other_ends" / worker_node_fails,
    last_batch: "variables" / last_batch,
    node_fails: "variables" / node_fails,
    ordinary_step: "variables" / ordinary_step,
    two_workers: "variables" / two_workers,
    two_workers_last_batch: "variables" / two_workers_last_batch,
}

#[test]
fn where_nothing_may_hang_the_sibling_hangs_and_the_reverse() {
    siblings_differ("other_ends");
}

#[test]
fn that_the_last_batch_applies_nothing_fails_where_a_node_fails_after_others_were_applied() {
    let judgement = search("variables/node_fails.toml", Reductions::ALL).judged_by(&load("variables/last_batch.toml"));
    assert!(matches!(judgement, Judgement::Fails(_)), "{judgement:?}");
}
