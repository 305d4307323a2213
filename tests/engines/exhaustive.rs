//! The exhaustive engine on the litmus models: verdicts, shortest schedules, the same on any number of threads.

use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit, search};
use lastbatch::explore::{Answer, Verdict};
use lastbatch::machine::{Event, Reducible, SpuriousWakeups, System};
use lastbatch::models::litmus::busy_client::BusyClient;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::lost_wakeup::LostWakeup;
use lastbatch::models::litmus::one_condvar::OneCondvar;
use lastbatch::models::litmus::ping::Ping;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::rendezvous::Rendezvous;

fn run<M: Reducible>(model: &M, options: &Options) -> Verdict {
    search(model, options, &AtomicBool::new(false), &mut |_| {})
}

const SETTINGS: [Reductions; 4] = [
    Reductions::NONE,
    Reductions {
        forget_dead: true,
        ..Reductions::NONE
    },
    Reductions {
        partial_order: true,
        ..Reductions::NONE
    },
    ALL_WITH_LEAKS,
];

/// Leaks are what comes after the clients have returned: what stops before is not used.
pub(super) const ALL_WITH_LEAKS: Reductions = Reductions {
    leaks: true,
    ..Reductions::ALL
};

/// Returns what no reduction and no number of threads may change: verdict, hangs with their shortest lengths, and leaks.
pub(super) fn essence(verdict: &Verdict) -> (Answer, bool, Vec<(String, usize)>, Vec<String>) {
    let hangs = verdict
        .hangs
        .iter()
        .map(|hang| (hang.signature.to_string(), hang.length))
        .collect();
    (verdict.answer, verdict.complete, hangs, verdict.leaks.clone())
}

/// Runs a schedule by its names and returns where it ends.
fn replay<M: Reducible>(model: &M, events: &[Event]) -> System<M::Process> {
    let mut system = System::initial(model);
    for event in events {
        let enabled = system.enabled(model);
        let choice = event.choice.unwrap_or(0);
        let (id, pending) = enabled
            .iter()
            .find(|(id, pending)| system.event(model, *id, pending, choice) == *event)
            .unwrap_or_else(|| panic!("{event:?} can't run"));
        system.step(model, *id, pending, choice).unwrap();
    }
    system
}

/// Checks everything that must hold on every model and returns (signature, length) of each hang.
fn check<M: Reducible>(model: &M, comes_to_rest: bool) -> Vec<(String, usize)> {
    for reductions in [Reductions::NONE, SETTINGS[1]] {
        let options = Options {
            reductions,
            ..Options::default()
        };
        assert_eq!(
            audit(model, &options, &AtomicBool::new(false)).complaints,
            Vec::<String>::new()
        );
    }
    let reference = run(
        model,
        &Options {
            reductions: Reductions::NONE,
            ..Options::default()
        },
    );
    assert_eq!(reference.findings, []);
    assert!(reference.complete);
    for reductions in SETTINGS {
        let one = run(
            model,
            &Options {
                reductions,
                ..Options::default()
            },
        );
        let mut two = run(
            model,
            &Options {
                reductions,
                threads: 2,
                ..Options::default()
            },
        );
        two.seconds = one.seconds;
        two.peak_bytes = one.peak_bytes;
        assert_eq!(one, two, "one and two threads, {reductions:?}");
        assert_eq!(essence(&one), essence(&reference), "{reductions:?}");
        for hang in &one.hangs {
            let end = replay(model, &hang.events);
            let states: Vec<&M::Process> = end.processes.iter().collect();
            if comes_to_rest {
                assert!(end.enabled(model).is_empty(), "a schedule ends where nothing can run");
            }
            let clients = end.clients(model);
            let (process, client, _) = clients
                .iter()
                .find(|(_, _, status)| status.name == hang.client && !status.returned)
                .expect("the client has not returned");
            assert_eq!(model.wait_for(&states, *process, *client), hang.wait_for);
            assert_eq!(hang.wait_for.signature(), hang.signature);
        }
    }
    essence(&reference).2
}

#[test]
fn locks_taken_crosswise_hang_after_two_labels_and_locks_taken_in_order_never_do() {
    let hangs = check(&CrossedLocks { crosswise: true }, true);
    assert_eq!(hangs.len(), 1);
    assert_eq!(hangs[0].1, 2);
    assert!(hangs[0].0.contains("a cycle"), "{hangs:?}");
    assert_eq!(check(&CrossedLocks { crosswise: false }, true), []);
}

#[test]
fn a_wakeup_between_check_and_park_is_lost_unless_the_check_is_under_the_lock() {
    let hangs = check(&LostWakeup { recheck: false }, true);
    assert_eq!(hangs.len(), 1);
    assert_eq!(hangs[0].1, 4);
    assert!(hangs[0].0.contains("notified before it parked"), "{hangs:?}");
    assert_eq!(check(&LostWakeup { recheck: true }, true), []);
}

#[test]
fn one_wakeup_for_two_kinds_of_waiters_can_go_to_the_wrong_one_and_waking_all_cannot() {
    let model = |notify_all, spurious| OneCondvar { notify_all, spurious };
    let hangs = check(&model(false, SpuriousWakeups::Never), true);
    assert_eq!(hangs.len(), 1, "{hangs:?}");
    assert!(hangs[0].0.contains("its wake-up went to another waiter"), "{hangs:?}");
    assert_eq!(check(&model(true, SpuriousWakeups::Never), true), []);
}

#[test]
fn wakeups_without_a_notification_make_a_lost_one_good() {
    for notify_all in [false, true] {
        let spurious = SpuriousWakeups::Possible;
        assert_eq!(check(&OneCondvar { notify_all, spurious }, false), []);
    }
}

#[test]
fn a_rendezvous_that_nobody_fills_keeps_its_receiver_waiting() {
    let hangs = check(&Rendezvous { failure_is_sent: false }, true);
    assert_eq!(hangs.len(), 1);
    assert_eq!(hangs[0].1, 3);
    assert_eq!(check(&Rendezvous { failure_is_sent: true }, true), []);
}

#[test]
fn a_client_that_never_gets_its_turn_hangs_although_the_system_never_rests() {
    let hangs = check(&BusyClient { fair: false }, false);
    assert_eq!(hangs.len(), 1);
    assert_eq!(hangs[0].1, 0, "it can't return from the start");
    assert_eq!(check(&BusyClient { fair: true }, false), []);
}

#[test]
fn a_closure_that_waits_in_a_pool_of_one_thread_hangs_and_in_a_pool_of_two_does_not() {
    let hangs = check(
        &Pool {
            servers: 1,
            independent: 1,
            consumer: true,
        },
        true,
    );
    assert_eq!(hangs.len(), 1, "{hangs:?}");
    assert_eq!(
        hangs[0].1, 1,
        "it hangs as soon as the waiting closure has the only thread"
    );
    assert_eq!(
        check(
            &Pool {
                servers: 2,
                independent: 1,
                consumer: true
            },
            true
        ),
        []
    );
    assert_eq!(
        check(
            &Pool {
                servers: 1,
                independent: 3,
                consumer: false
            },
            true
        ),
        []
    );
}

#[test]
fn independent_closures_of_a_pool_are_explored_in_one_order_only() {
    let pool = Pool {
        servers: 2,
        independent: 5,
        consumer: false,
    };
    let verdict = run(&pool, &Options::default());
    assert_eq!(
        verdict.states, 2,
        "the first closure from the start, then all others: {verdict:?}"
    );
    let all = run(
        &pool,
        &Options {
            reductions: Reductions::NONE,
            ..Options::default()
        },
    );
    assert!(all.states > 200, "{}", all.states);
    assert_eq!(verdict.depth, all.depth);
}

#[test]
fn a_call_that_is_dropped_with_its_reset_hangs_and_one_that_is_answered_does_not() {
    let hangs = check(
        &Ping {
            reset_is_answered: false,
        },
        true,
    );
    assert_eq!(hangs.len(), 1);
    assert_eq!(hangs[0].1, 4);
    assert_eq!(
        check(
            &Ping {
                reset_is_answered: true
            },
            true
        ),
        []
    );
}
