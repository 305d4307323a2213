//! The exhaustive engine where it can't finish, or where the model is broken: what it found is kept, and it says so.

use std::sync::atomic::AtomicBool;

use lastbatch::explore::exhaustive::{Options, Reductions, audit, search};
use lastbatch::explore::{Answer, FindingKind, Verdict};
use lastbatch::machine::Reducible;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::pool::Pool;

use crate::support::fault_injection::{Copies, Fault};

fn run<M: Reducible>(model: &M, options: &Options) -> Verdict {
    search(model, options, &AtomicBool::new(false), &mut |_| {})
}

/// Builds a large system: unreduced, the product of three local graphs: large enough for several batches.
fn large(consumer: bool) -> Copies<Pool> {
    let model = Pool {
        servers: 2,
        independent: 3,
        consumer,
    };
    Copies {
        model,
        count: 3,
        fault: Fault::None,
    }
}

fn unreduced() -> Options {
    Options {
        reductions: Reductions::NONE,
        ..Options::default()
    }
}

fn crossed(fault: Fault) -> Copies<CrossedLocks> {
    Copies {
        model: CrossedLocks { crosswise: true },
        count: 2,
        fault,
    }
}

#[test]
fn a_large_search_is_the_same_on_one_thread_and_on_two() {
    let one = run(&large(false), &unreduced());
    let mut two = run(
        &large(false),
        &Options {
            threads: 2,
            ..unreduced()
        },
    );
    assert!(one.complete && one.states > 100_000, "{one:?}");
    two.seconds = one.seconds;
    two.peak_bytes = one.peak_bytes;
    assert_eq!(one, two);
}

#[test]
fn a_search_that_a_budget_of_states_stops_is_undecided_and_the_same_on_two_threads() {
    let options = Options {
        max_states: Some(50_000),
        ..unreduced()
    };
    let one = run(&large(false), &options);
    assert_eq!(one.answer, Answer::Undecided);
    assert!(!one.complete);
    assert_eq!(one.stopped_by.as_deref(), Some("max-states 50000"));
    let two = run(&large(false), &Options { threads: 2, ..options });
    assert_eq!(
        (one.states, one.transitions, one.depth),
        (two.states, two.transitions, two.depth)
    );
}

#[test]
fn a_search_that_memory_time_or_an_interrupt_stops_is_undecided() {
    let memory = run(
        &large(false),
        &Options {
            max_memory: Some(1 << 20),
            ..unreduced()
        },
    );
    assert_eq!(
        (memory.answer, memory.stopped_by.as_deref()),
        (Answer::Undecided, Some("max-memory 1048576"))
    );
    let time = run(
        &large(false),
        &Options {
            max_time: Some(0.0),
            ..unreduced()
        },
    );
    assert_eq!(
        (time.answer, time.stopped_by.as_deref()),
        (Answer::Undecided, Some("max-time 0"))
    );
    let interrupted = search(&large(false), &unreduced(), &AtomicBool::new(true), &mut |_| {});
    assert_eq!(
        (interrupted.answer, interrupted.stopped_by.as_deref()),
        (Answer::Undecided, Some("interrupt"))
    );
}

#[test]
fn a_hang_that_was_found_before_the_budget_ran_out_is_kept() {
    // With one server the closure that waits for another blocks the pool at once.
    let model = Copies {
        model: Pool {
            servers: 1,
            independent: 2,
            consumer: true,
        },
        count: 3,
        fault: Fault::None,
    };
    let all = run(&model, &unreduced());
    let first = all.hangs.first().expect("it hangs");
    let stopped = run(
        &model,
        &Options {
            max_states: Some(all.states - 1),
            ..unreduced()
        },
    );
    assert_eq!((stopped.answer, stopped.complete), (Answer::Hang, false));
    assert_eq!(stopped.hangs.first(), Some(first));
    let early = run(
        &model,
        &Options {
            stop_at_first_hang: true,
            ..unreduced()
        },
    );
    assert_eq!(
        (early.answer, early.stopped_by.as_deref()),
        (Answer::Hang, Some("first hang"))
    );
    assert_eq!(early.hangs.first(), Some(first));
}

#[test]
fn a_label_that_panics_is_a_finding_with_a_schedule_that_ends_with_it_a_shortest_one_if_nothing_is_reduced() {
    for reductions in [Reductions::NONE, Reductions::ALL] {
        let model = Copies {
            model: CrossedLocks { crosswise: false },
            ..crossed(Fault::Label("Thread.release_second"))
        };
        let verdict = run(
            &model,
            &Options {
                reductions,
                ..Options::default()
            },
        );
        assert_eq!((verdict.answer, verdict.complete), (Answer::Undecided, false));
        assert_eq!(verdict.findings.len(), 1);
        let finding = &verdict.findings[0];
        assert_eq!(
            (finding.kind, finding.message.as_str()),
            (FindingKind::Panic, "this label is broken")
        );
        let labels: Vec<&str> = finding.events.iter().map(|event| event.label.as_str()).collect();
        assert_eq!(labels.last(), Some(&"Thread.release_second"));
        // A reduction keeps shortest schedules to states at rest, not to labels on the way.
        if reductions == Reductions::NONE {
            assert_eq!(
                labels,
                ["Thread.take_first", "Thread.take_second", "Thread.release_second"]
            );
        }
    }
}

#[test]
fn a_hang_beside_a_panic_is_still_a_hang() {
    let verdict = run(&crossed(Fault::Label("Thread.release_first")), &unreduced());
    assert_eq!((verdict.answer, verdict.complete), (Answer::Hang, false));
    assert_eq!(verdict.findings.len(), 1);
}

#[test]
fn a_model_that_panics_when_asked_why_or_at_the_start_is_a_finding() {
    let why = run(&crossed(Fault::WaitFor), &unreduced());
    assert_eq!((why.answer, why.findings.len()), (Answer::Undecided, 1));
    assert_eq!(why.findings[0].message, "nobody knows why");
    assert!(!why.findings[0].events.is_empty());
    let start = run(&crossed(Fault::Initial), &unreduced());
    assert_eq!((start.answer, start.findings.len()), (Answer::Undecided, 1));
}

#[cfg(debug_assertions)]
#[test]
fn a_label_that_touches_what_it_did_not_declare_is_a_finding() {
    let verdict = run(&crossed(Fault::Undeclared), &unreduced());
    assert_eq!(verdict.answer, Answer::Undecided);
    assert!(
        verdict
            .findings
            .iter()
            .all(|finding| finding.kind == FindingKind::Contract),
        "{:?}",
        verdict.findings
    );
    assert!(!verdict.findings.is_empty());
}

#[test]
fn a_promise_that_servers_come_back_which_does_not_hold_is_a_finding() {
    let model = Pool {
        servers: 1,
        independent: 0,
        consumer: true,
    };
    let verdict = run(
        &Copies {
            model,
            count: 1,
            fault: Fault::Promise,
        },
        &unreduced(),
    );
    assert_eq!(verdict.findings.len(), 1);
    assert_eq!(verdict.findings[0].kind, FindingKind::Contract);
    assert!(
        verdict.findings[0].message.contains("said to come back"),
        "{:?}",
        verdict.findings
    );
}

#[test]
fn an_audit_finds_footprints_that_are_too_small() {
    let report = audit(&crossed(Fault::Future), &unreduced(), &AtomicBool::new(false));
    assert!(
        report
            .complaints
            .iter()
            .any(|line| line.contains("lacks its own operation")),
        "{report:?}"
    );
    assert!(
        report.complaints.iter().any(|line| line.contains("do not commute")),
        "{report:?}"
    );
}
