//! The loom engine: what it runs, what it finds, and that it is complete.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::loom::{Checkpointing, Exploration, Options, Unfit, explore, fits, replay};
use lastbatch::explore::{Answer, FindingKind, fingerprint};
use lastbatch::machine::{Fragment, Reducible, System};
use lastbatch::models::litmus::busy_client::BusyClient;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::lost_wakeup::LostWakeup;
use lastbatch::models::litmus::outstanding_count::OutstandingCount;
use lastbatch::models::litmus::ping::Ping;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::pool_shutdown::PoolShutdown;
use lastbatch::models::litmus::rendezvous::Rendezvous;
use lastbatch::models::litmus::two_calls::TwoCalls;

use crate::support::fault_injection::{Copies, Fault};
use crate::support::scenario::{files, prepared, repository};
use crate::support::state_space::{signatures, state_space};

const THREE: Pool = Pool {
    servers: 2,
    independent: 2,
    consumer: true,
};

fn run<M: Reducible + 'static>(kernel: &Arc<Fragment<M>>) -> Exploration {
    explore(kernel, &Options::default(), &Arc::new(AtomicBool::new(false))).unwrap()
}

/// A search by loom in numbers: executions, states at rest, signatures.
type Figures = (u64, usize, usize);

/// Checks that loom reaches exactly the states at rest and signatures that there are; returns the number of signatures.
fn agrees<M: Reducible + 'static>(model: M) -> usize {
    agrees_on(&Arc::new(Fragment::whole(model))).2
}

fn agrees_on<M: Reducible + 'static>(kernel: &Arc<Fragment<M>>) -> Figures {
    let expected = state_space(kernel.as_ref(), 100_000).unwrap();
    let found = run(kernel);
    let verdict = &found.verdict;
    assert!(verdict.complete, "{verdict:?}");
    assert_eq!(found.outcomes, Vec::from_iter(expected.outcomes));
    assert_eq!(signatures(&verdict.hangs), expected.signatures);
    for hang in &verdict.hangs {
        let replayed = replay(kernel, &hang.events).unwrap();
        assert_eq!(replayed.events(kernel).unwrap(), hang.events);
        assert!(found.outcomes.contains(&fingerprint(&replayed.system)));
    }
    let executions = verdict.executions.as_ref().expect("loom counts them").count;
    (executions, found.outcomes.len(), expected.signatures.len())
}

/// Checks that the page on limits has a row with these figures.
fn is_told(name: &str, figures: &[Figures]) {
    let page = std::fs::read_to_string(repository("docs/limits.md")).expect("a page");
    let cells: [Vec<String>; 2] = [
        figures.iter().map(|figures| figures.0.to_string()).collect(),
        figures.iter().map(|figures| figures.1.to_string()).collect(),
    ];
    let row = format!("| {name} | {} |", cells.map(|numbers| numbers.join(", ")).join(" | "));
    // Numbers stand there with separators.
    let plain = |line: &str| line.replace(", ", "; ").replace(',', "");
    let told = page.lines().any(|line| plain(line) == plain(&row));
    assert!(told, "docs/limits.md has no row {row}");
}

#[test]
fn a_label_that_fails_before_loom_begins_is_a_finding_as_it_is_for_the_other_engines() {
    for (fault, kind) in [
        (Fault::Label("Thread.release_first"), FindingKind::Panic),
        (Fault::Undeclared, FindingKind::Contract),
    ] {
        let model = Copies {
            model: CrossedLocks { crosswise: false },
            count: 1,
            fault,
        };
        let verdict = run(&Arc::new(Fragment::whole(model))).verdict;
        let kinds: Vec<FindingKind> = verdict.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!((kinds, verdict.complete), (vec![kind], false), "{verdict:?}");
        assert_eq!(verdict.answer, Answer::Undecided);
    }
}

#[test]
fn on_the_litmus_models_loom_finds_every_outcome_and_no_other() {
    assert_eq!(agrees(CrossedLocks { crosswise: true }), 1);
    assert_eq!(agrees(CrossedLocks { crosswise: false }), 0);
    assert_eq!(agrees(LostWakeup { recheck: false }), 1);
    assert_eq!(agrees(LostWakeup { recheck: true }), 0);
    assert_eq!(agrees(Rendezvous { failure_is_sent: false }), 1);
    assert_eq!(agrees(Rendezvous { failure_is_sent: true }), 0);
    assert_eq!(
        agrees(Ping {
            reset_is_answered: false
        }),
        1
    );
    assert_eq!(
        agrees(Ping {
            reset_is_answered: true
        }),
        0
    );
    for (servers, hangs) in [(1, 1), (2, 0)] {
        let pool = Pool {
            servers,
            independent: 1,
            consumer: true,
        };
        assert_eq!(agrees(pool), hangs);
    }
}

#[test]
fn in_the_kernels_of_a_step_loom_finds_every_outcome_and_no_other() {
    let mut figures: [Vec<Figures>; 3] = Default::default();
    for (fixed, hangs) in [(false, 1), (true, 0)] {
        let count = |nodes| OutstandingCount { nodes, atomic: fixed };
        let shutdown = |threads| PoolShutdown {
            threads,
            flag_first: fixed,
        };
        assert_eq!([agrees(count(2)), agrees(shutdown(1))], [hangs, hangs]);
        let largest = [
            agrees_on(&Arc::new(Fragment::whole(count(3)))),
            agrees_on(&Arc::new(Fragment::whole(shutdown(2)))),
            agrees_on(&Arc::new(Fragment::whole(TwoCalls { sticky: fixed }))),
        ];
        for (figures, found) in figures.iter_mut().zip(largest) {
            assert_eq!(found.2, hangs);
            figures.push(found);
        }
    }
    let names = [
        "outstanding count, three nodes",
        "pool's shutdown, two threads",
        "two calls",
    ];
    for (name, figures) in names.iter().zip(&figures) {
        is_told(&format!("{name}: hangs, does not"), figures);
    }
}

#[test]
fn in_every_shipped_kernel_loom_finds_every_outcome_and_no_other() {
    for path in &files("kernel", "toml") {
        let kernel = prepared(path);
        let expected = kernel.scenario().document.expect.clone().expect("an expectation");
        let figures = agrees_on(&Arc::new(kernel.kernel()));
        assert_eq!(
            figures.2,
            expected.signatures.map_or(0, |known| known.len()),
            "{}",
            path.display()
        );
        let name = path.file_name().expect("a file").to_string_lossy();
        is_told(&format!("`{name}`"), &[figures]);
    }
}

#[test]
fn a_kernel_in_which_nobody_can_run_has_the_one_outcome_that_it_begins_with() {
    for crosswise in [false, true] {
        let model = CrossedLocks { crosswise };
        let mut rest = System::initial(&model);
        while let Some((process, pending)) = rest.enabled(&model).first().cloned() {
            rest.step(&model, process, &pending, 0).unwrap();
        }
        let (_, outcomes, hangs) = agrees_on(&Arc::new(Fragment::new(model, rest, Vec::new())));
        assert_eq!((outcomes, hangs), (1, 0));
    }
}

#[test]
fn a_schedule_stops_where_the_kernel_can_not_go_on() {
    let kernel = Arc::new(Fragment::whole(CrossedLocks { crosswise: true }));
    let mut events = run(&kernel).verdict.hangs.remove(0).events;
    events[1].label = "Thread.take_third".to_owned();
    let replayed = replay(&kernel, &events).unwrap();
    assert_eq!(replayed.events(&kernel).unwrap(), events[..1]);
}

#[test]
fn an_exploration_that_was_stopped_says_so_and_goes_on_from_its_checkpoint_to_the_same_end() {
    let kernel = Arc::new(Fragment::whole(THREE));
    let whole = run(&kernel);
    let executions = whole.verdict.executions.as_ref().unwrap().count;
    assert!(executions > 2_500, "{executions}");
    let directory = tempfile::tempdir().unwrap();
    let place = |resume| Checkpointing {
        path: directory.path().join("loom.json"),
        identity: vec![("variant".to_owned(), "one".to_owned())],
        resume,
    };
    let options = Options {
        max_executions: Some(2_500),
        checkpoint: Some(place(false)),
        ..Options::default()
    };
    let going_on = Options {
        max_executions: None,
        checkpoint: Some(place(true)),
        ..Options::default()
    };
    let interrupt = Arc::new(AtomicBool::new(false));
    let stopped = explore(&kernel, &options, &interrupt).unwrap();
    assert_eq!(
        stopped.verdict.stopped_by.as_deref(),
        Some("the bound of 2500 executions")
    );
    assert!(!stopped.verdict.complete);
    assert_eq!(stopped.verdict.executions.unwrap().count, 2_500);

    let refused = |kernel, options: &Options| explore(kernel, options, &interrupt).unwrap_err().to_string();
    let other = Arc::new(Fragment::whole(Pool {
        consumer: false,
        ..THREE
    }));
    let error = refused(&other, &going_on);
    assert!(
        error.contains("a checkpoint of another exploration: its kernel is "),
        "{error}"
    );
    let mut another = going_on.clone();
    another.checkpoint.as_mut().unwrap().identity[0].1 = "two".to_owned();
    let error = refused(&kernel, &another);
    assert!(error.ends_with("its variant is one, expected two"), "{error}");
    let error = refused(&kernel, &options);
    assert!(error.ends_with("go on from it (--resume) or remove it"), "{error}");

    let resumed = explore(&kernel, &going_on, &interrupt).unwrap();
    assert!(resumed.verdict.complete);
    assert_eq!(resumed.outcomes, whole.outcomes);
    assert!(
        resumed.verdict.executions.unwrap().count >= executions,
        "it goes on, it does not begin anew"
    );
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "what has ended leaves no checkpoint");
}

#[test]
fn what_loom_can_not_run_is_refused_before_it_starts() {
    let refused = |error: Result<(), Unfit>| error.unwrap_err().to_string();
    let six = Pool {
        independent: 5,
        ..THREE
    };
    let text = refused(fits(&Fragment::whole(six)));
    assert!(
        text.starts_with("engine loom runs at most 5 threads, but the kernel has 7: "),
        "{text}"
    );
    assert!(text.ends_with("; group some of them in [kernel]"), "{text}");
    assert_eq!(
        refused(fits(&Fragment::whole(BusyClient { fair: true }))),
        "engine loom runs systems that come to rest, but this one can run for ever"
    );
}
