//! Steps that end otherwise than by themselves, and what a step leaves on variables: each scenario has its sibling.

use lastbatch::explore::exhaustive::Reductions;
use lastbatch::scenario::Judgement;

use crate::support::scenario::load;
use crate::support::scenario_search::{search, siblings_differ};

#[test]
fn where_nothing_may_hang_the_sibling_hangs_and_the_reverse() {
    siblings_differ("other_ends");
}

#[test]
fn that_the_last_batch_applies_nothing_fails_where_a_node_fails_after_others_were_applied() {
    let judgement = search("variables/node_fails.toml", Reductions::ALL).judged_by(&load("variables/last_batch.toml"));
    assert!(matches!(judgement, Judgement::Fails(_)), "{judgement:?}");
}
