//! Compares the reductions of the exhaustive search on many random jobs: `cargo bench --bench reductions -- seconds=600`.
//!
//! Arguments, each `name=value`: `seconds` to go on for, `seed` to start at, `most` edges, `servers`, `max` states of one search;
//! or one job: `edges` (comma-separated) with `servers`, `pool` and `variant`. Exit code 1 if anything differs.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/rng.rs"]
mod rng;
#[path = "../tests/support/small_jobs.rs"]
mod small_jobs;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use small_jobs::{SmallJob, compare};

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| Some(argument.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn number(name: &str, otherwise: u64) -> u64 {
    argument(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn check(job: &SmallJob, max: u64) -> bool {
    let started = Instant::now();
    let comparison = compare(job, max);
    let reference = comparison
        .reference
        .as_ref()
        .map_or("no search ended".to_owned(), |(name, outcome)| {
            format!("{} with {} signatures ({name})", outcome.0, outcome.1.len())
        });
    println!(
        "{job}: {reference}, {} compared, {:.1}s",
        comparison.compared,
        started.elapsed().as_secs_f64()
    );
    for difference in &comparison.differences {
        println!("  DIFFERS {difference}");
    }
    comparison.differences.is_empty()
}

fn main() -> ExitCode {
    let max = number("max", 400_000);
    let servers = number("servers", 0) as u8;
    let mut agreed = true;
    if let Some(edges) = argument("edges") {
        let edges: Vec<&str> = edges.split(',').collect();
        let mut job = SmallJob::plain(servers, &edges);
        job.pool = number("pool", 2) as u8;
        job.variant = argument("variant").map_or(job.variant, |name| name.parse().expect("a variant"));
        agreed = check(&job, max);
    } else {
        let end = Instant::now() + Duration::from_secs(number("seconds", 60));
        let mut seed = number("seed", 1);
        while Instant::now() < end {
            let servers = if servers == 0 {
                1 + u8::from(!seed.is_multiple_of(3))
            } else {
                servers
            };
            print!("{seed} ");
            let job = SmallJob::random(seed, servers, number("most", 4) as usize);
            agreed &= check(&job, max) & check(&job.disturbed(seed), max);
            seed += 1;
        }
    }
    if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
