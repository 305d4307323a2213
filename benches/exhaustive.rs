//! The exhaustive search: how fast it is, beside Stateright on the same model, and what each reduction leaves out.
//!
//! `cargo bench --bench exhaustive` prints the tables that `docs/limits.md` has. Each search runs in a process of its own, so that the
//! memory is its own. Other jobs: `cargo bench --bench exhaustive -- servers=1 edges="ps0->worker" pool=1`; the unreduced searches of a
//! job must end.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/rng.rs"]
mod rng;
#[allow(dead_code, reason = "the comparison of reductions uses the rest")]
#[path = "../tests/support/small_jobs.rs"]
mod small_jobs;
#[path = "../tests/support/stateright_adapter.rs"]
mod stateright_adapter;

use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use lastbatch::explore::exhaustive::{Options, Reductions, search};
use lastbatch::scenario::{Experiment, Scenario};
use small_jobs::{REFERENCES, SmallJob};
use stateright::Checker;
use stateright_adapter::Adapter;

/// A search that is measured: its name, and which row it is.
#[derive(Clone, Copy)]
enum Measured {
    /// The real two-server graph, as it is shipped, on N threads.
    Shipped(usize),
    /// A small job with these reductions, on N threads.
    Small(Reductions, usize),
    /// A small job, with Stateright.
    Stateright,
}

const fn without(off: u8) -> Reductions {
    Reductions {
        forget_dead: off != 0,
        partial_order: off != 1,
        sure_return: off != 2,
        leaks: false,
    }
}

const NOTHING: Reductions = Reductions {
    leaks: false,
    ..Reductions::NONE
};

const SEARCHES: [(&str, Measured); 9] = [
    ("ps2_coupled, slice of pairs, 1 thread", Measured::Shipped(1)),
    ("ps2_coupled, slice of pairs, 2 threads", Measured::Shipped(2)),
    ("small job, nothing left out, 1 thread", Measured::Small(NOTHING, 1)),
    ("small job, nothing left out, 2 threads", Measured::Small(NOTHING, 2)),
    ("small job, Stateright, 1 thread", Measured::Stateright),
    ("small job, all reductions", Measured::Small(Reductions::ALL, 1)),
    ("small job, without forget-dead", Measured::Small(without(0), 1)),
    ("small job, without partial-order", Measured::Small(without(1), 1)),
    ("small job, without sure-return", Measured::Small(without(2), 1)),
];

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| Some(argument.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn small_job() -> SmallJob {
    let servers = argument("servers").map_or(1, |text| text.parse().expect("a number of servers"));
    let edges = argument("edges").unwrap_or_default();
    let edges: Vec<&str> = edges.split(',').filter(|edge| !edge.is_empty()).collect();
    let mut job = SmallJob::plain(servers, &edges);
    job.pool = argument("pool").map_or(2, |text| text.parse().expect("a number of threads"));
    job
}

/// States, transitions where they are counted, and seconds.
fn measure(measured: Measured) -> (u64, Option<u64>, f64) {
    let started = Instant::now();
    let ours = |verdict: lastbatch::explore::Verdict| {
        assert!(verdict.complete, "{:?}", verdict.stopped_by);
        (verdict.states, Some(verdict.transitions), verdict.seconds)
    };
    let options = |reductions, threads| Options {
        reductions,
        threads,
        ..Options::default()
    };
    match measured {
        Measured::Shipped(threads) => {
            let scenario = Scenario::built_in();
            let prepared = Experiment::new(scenario).expect("it is shipped");
            let options = options(Reductions::ALL, threads);
            ours(prepared.search(&options, true, &AtomicBool::new(false), &mut |_| {}))
        }
        Measured::Small(reductions, threads) => {
            let mut model = small_job().model(&REFERENCES[0]);
            if reductions != NOTHING {
                model.set_cancels_in_order(true);
                model.set_cleans_up(false);
            }
            ours(search(
                &model,
                &options(reductions, threads),
                &AtomicBool::new(false),
                &mut |_| {},
            ))
        }
        Measured::Stateright => {
            let model = small_job().model(&REFERENCES[0]);
            let theirs = stateright::Model::checker(Adapter(model)).spawn_bfs().join();
            (
                theirs.unique_state_count() as u64,
                None,
                started.elapsed().as_secs_f64(),
            )
        }
    }
}

/// Returns the most memory that this process has had, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn main() {
    if let Some(index) = argument("measure") {
        let (_, measured) = SEARCHES[index.parse::<usize>().expect("an index")];
        let before = peak_memory();
        let (states, transitions, seconds) = measure(measured);
        let bytes = peak_memory().zip(before).map_or(0, |(after, before)| after - before);
        println!("{states} {} {seconds} {bytes}", transitions.unwrap_or(0));
        return;
    }
    println!("The small job: {}\n", small_job());
    println!("| search | states | transitions | seconds | states/s | transitions/s | bytes a state |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let own = std::env::current_exe().expect("this program");
    for (index, (name, _)) in SEARCHES.iter().enumerate() {
        let given = std::env::args().skip(1).filter(|argument| argument.contains('='));
        let output = Command::new(&own).args(given).arg(format!("measure={index}")).output();
        let output = output.expect("it runs");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("plain text");
        let fields: Vec<f64> = text
            .split_whitespace()
            .map(|field| field.parse().expect("a number"))
            .collect();
        let [states, transitions, seconds, bytes] = fields[..] else {
            panic!("{name}: {text}")
        };
        let rate = |count: f64| {
            if count > 0.0 {
                format!("{:.0}", count / seconds)
            } else {
                "-".to_owned()
            }
        };
        println!(
            "| {name} | {states} | {} | {seconds:.2} | {} | {} | {:.0} |",
            if transitions > 0.0 {
                format!("{transitions}")
            } else {
                "-".to_owned()
            },
            rate(states),
            rate(transitions),
            bytes / states,
        );
    }
}
