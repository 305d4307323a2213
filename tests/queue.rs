//! Batches from a queue that a queue runner fills, and clients over two epochs: every scenario comes out as it says, completely, and each
//! has its sibling.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Verdict;
use lastbatch::explore::exhaustive::{Options, Reductions, audit};
use lastbatch::run::{Labels, prepare};
use lastbatch::scenario::{ExpectedAnswer, Judgement, Scenario};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn load(name: &str) -> Scenario {
    Scenario::load(&root().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("plain names"));
    let mut files: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    files.sort();
    files.into_iter().map(|name| format!("{folder}/{name}")).collect()
}

fn search(name: &str, reductions: Reductions) -> (Scenario, Verdict) {
    let scenario = load(name);
    let prepared = prepare(scenario.clone(), scenario.hash()).unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        reductions,
        ..Options::default()
    };
    let verdict = prepared.search(&options, true, &AtomicBool::new(false), &mut |_| {});
    for hang in &verdict.hangs {
        let mut schedule = prepared.schedule_of(hang);
        let replayed = prepared.verify(&mut schedule, &mut Labels::new());
        assert_eq!(replayed.broken_promise(&schedule), None, "{name}");
    }
    (scenario, verdict)
}

fn holds(name: &str) {
    let (scenario, verdict) = search(name, Reductions::ALL);
    let judgement = Judgement::of(scenario.document.expect.as_ref(), &verdict);
    assert_eq!(judgement, Judgement::Holds, "{name}: {:?}", verdict.answer);
    assert!(verdict.complete, "{name}");
}

macro_rules! scenarios {
    ($($test:ident: $folder:literal / $name:ident,)*) => {
        $(#[test] fn $test() { holds(concat!($folder, "/", stringify!($name), ".toml")); })*

        #[test]
        fn every_scenario_has_a_test() {
            let mut listed = vec![$(concat!($folder, "/", stringify!($name), ".toml")),*];
            listed.sort_unstable();
            assert_eq!([files("epochs"), files("queue")].concat(), listed);
        }
    };
}

scenarios! {
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
    for folder in ["epochs", "queue"] {
        for name in files(folder) {
            let scenario = load(&name);
            let sibling = scenario.document.sibling.as_ref().expect("each has one");
            let other = load(&format!("{folder}/{sibling}"));
            let hangs = [&scenario, &other].map(|scenario| {
                let expect = scenario.document.expect.as_ref().expect("each expects something");
                expect.verdict == ExpectedAnswer::Hang
            });
            assert_ne!(hangs[0], hangs[1], "{name} and {sibling}");
        }
    }
}

#[test]
fn what_the_queue_declares_covers_what_it_does() {
    let options = Options {
        reductions: Reductions::NONE,
        max_states: Some(6_000),
        ..Options::default()
    };
    for name in files("queue") {
        let scenario = load(&name);
        let prepared = prepare(scenario.clone(), scenario.hash()).unwrap_or_else(|error| panic!("{error}"));
        let audit = audit(&prepared.model, &options, &AtomicBool::new(false));
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
    let (_, verdict) = search("queue/two_dequeues_one_thread.toml", plain);
    assert!(verdict.complete);
    assert_eq!(verdict.hangs.len(), 0);
}
