//! Throughput of the loom engine beside plain loom on the same kernel, and the executions that each needs for all of it.
//!
//! A process of its own, since loom and shuttle do not go together. The kernels are those of `benches/engines.rs`: `plain` writes two
//! threads that take two locks in one order by hand, the others run the models. Run it with `cargo bench --bench loom`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use divan::counter::ItemsCount;
use lastbatch::explore::loom::{Exploration, Options, explore};
use lastbatch::machine::{Fragment, Model};
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::models::litmus::pool::Pool;
use lastbatch::models::litmus::two_calls::TwoCalls;

const KERNEL: CrossedLocks = CrossedLocks { crosswise: false };

const LARGER: Pool = Pool {
    servers: 2,
    independent: 2,
    consumer: true,
};

fn by_loom<M: Model + 'static>(model: M) -> Exploration {
    explore(&Arc::new(Fragment::whole(model)), &Options::default(), &Arc::default()).expect("loom runs")
}

fn executions(exploration: &Exploration) -> u64 {
    exploration.verdict.executions.as_ref().expect("counted").count
}

/// Runs every interleaving of the kernel by hand; returns how many executions loom needed.
fn plain() -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    ::loom::model::Builder::new().check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let locks = Arc::new([::loom::sync::Mutex::new(()), ::loom::sync::Mutex::new(())]);
        let other = Arc::clone(&locks);
        let take = |locks: &[::loom::sync::Mutex<()>; 2]| {
            let first = locks[0].lock().unwrap();
            let second = locks[1].lock().unwrap();
            drop(second);
            drop(first);
        };
        let thread = ::loom::thread::spawn(move || take(&other));
        take(&locks);
        thread.join().unwrap();
    });
    count.load(Ordering::Relaxed)
}

#[divan::bench]
fn plain_loom_every_interleaving(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(plain())).bench(plain);
}

#[divan::bench]
fn loom_every_interleaving(bencher: divan::Bencher<'_, '_>) {
    let items = ItemsCount::new(executions(&by_loom(KERNEL)));
    bencher.counter(items).bench(|| by_loom(KERNEL));
}

#[divan::bench(sample_count = 10)]
fn loom_larger(bencher: divan::Bencher<'_, '_>) {
    let items = ItemsCount::new(executions(&by_loom(LARGER)));
    bencher.counter(items).bench(|| by_loom(LARGER));
}

fn main() {
    println!("plain loom: {} executions for the kernel", plain());
    let two_calls = by_loom(TwoCalls { sticky: false });
    for (name, exploration) in [
        ("kernel", by_loom(KERNEL)),
        ("larger", by_loom(LARGER)),
        ("two calls", two_calls),
    ] {
        let (executions, outcomes) = (executions(&exploration), exploration.outcomes.len());
        println!("loom engine, {name}: {executions} executions for all of its {outcomes} outcomes");
    }
    divan::main();
}
