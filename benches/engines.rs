//! Throughput of the engines that run one execution after the other, beside plain shuttle on the same kernel.
//!
//! The kernel is the litmus model `crossed_locks` without the crossing: `plain_shuttle` writes it by hand with shuttle's mutex and
//! threads, the others run the model. Run it with `cargo bench --bench engines`.

use std::sync::Arc;

use divan::counter::ItemsCount;
use lastbatch::explore::driver::Limits;
use lastbatch::explore::{Strategy, Verdict, shuttle, threads};
use lastbatch::machine::Model;
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::two_calls::TwoCalls;

const EXECUTIONS: u64 = 1_000;

const LIMITS: Limits = Limits {
    labels: 10_000,
    checked: false,
};

const KERNEL: CrossedLocks = CrossedLocks { crosswise: false };

const TWO_CALLS: TwoCalls = TwoCalls { sticky: false };

const LARGER: Pool = Pool {
    servers: 2,
    independent: 4,
    consumer: true,
};

fn by_shuttle<M: Model + 'static>(model: M, strategy: Strategy, max_executions: Option<u64>) -> Verdict {
    let options = shuttle::Options {
        strategy,
        seed: 1,
        max_executions,
        max_time: None,
        stop_at_first_hang: false,
        limits: LIMITS,
    };
    shuttle::explore(&Arc::new(model), &options, &Arc::default(), |_| {}).expect("shuttle runs")
}

/// Runs the kernel by hand: two threads that take the same two locks in the same order.
fn plain() {
    let locks = Arc::new([::shuttle::sync::Mutex::new(()), ::shuttle::sync::Mutex::new(())]);
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let locks = Arc::clone(&locks);
            ::shuttle::thread::spawn(move || {
                let first = locks[0].lock().unwrap();
                let second = locks[1].lock().unwrap();
                drop(second);
                drop(first);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[divan::bench]
fn plain_shuttle_random(bencher: divan::Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(EXECUTIONS))
        .bench(|| ::shuttle::check_random(plain, EXECUTIONS as usize));
}

#[divan::bench]
fn plain_shuttle_every_schedule() {
    ::shuttle::check_dfs(plain, None);
}

#[divan::bench]
fn shuttle_random(bencher: divan::Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(EXECUTIONS))
        .bench(|| by_shuttle(KERNEL, Strategy::Random, Some(EXECUTIONS)));
}

#[divan::bench]
fn shuttle_every_schedule() -> Verdict {
    by_shuttle(KERNEL, Strategy::Dfs, None)
}

#[divan::bench(args = ["random", "pct:3", "urw", "portfolio"])]
fn shuttle_larger(bencher: divan::Bencher<'_, '_>, strategy: &str) {
    let strategy: Strategy = strategy.parse().expect("a strategy");
    bencher
        .counter(ItemsCount::new(EXECUTIONS))
        .bench(|| by_shuttle(LARGER, strategy.clone(), Some(EXECUTIONS)));
}

#[divan::bench(sample_count = 10)]
fn real_threads(bencher: divan::Bencher<'_, '_>) {
    let options = threads::Options {
        seed: 1,
        max_executions: Some(EXECUTIONS),
        max_time: None,
        stop_at_first_hang: false,
        limits: LIMITS,
        watchdog: threads::Options::WATCHDOG,
    };
    let run = || threads::explore(&Arc::new(KERNEL), &options, &Arc::default(), &mut |_| {});
    bencher.counter(ItemsCount::new(EXECUTIONS)).bench(run);
}

/// Executions until every outcome was seen, for `docs/limits.md`: of a kernel that has several.
fn coverage() {
    const MOST: u64 = 100_000;
    let seen = |strategy: Strategy, most| by_shuttle(TWO_CALLS, strategy, most).executions.expect("counted");
    let every = seen(Strategy::Dfs, None);
    println!(
        "two calls: {} executions for every schedule, {} outcomes",
        every.count, every.outcomes
    );
    for strategy in ["random", "pct:2", "pct:3", "urw", "portfolio"] {
        let strategy: Strategy = strategy.parse().expect("a strategy");
        let all = |most: u64| seen(strategy.clone(), Some(most)).outcomes == every.outcomes;
        if !all(MOST) {
            println!("{strategy}: not all outcomes in {MOST} executions");
            continue;
        }
        // More executions of one seed begin with the same ones.
        let (mut few, mut enough) = (0, MOST);
        while enough - few > 1 {
            let middle = few.midpoint(enough);
            if all(middle) { enough = middle } else { few = middle }
        }
        println!("{strategy}: {enough} executions for all outcomes");
    }
}

fn main() {
    coverage();
    divan::main();
}
