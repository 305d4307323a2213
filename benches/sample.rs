//! The sampler beside shuttle: labels per second, and executions and CPU time to the first hang. The tables of `docs/limits.md`.
//!
//! `cargo bench --bench sample -- scenarios=scenarios/final_batch/ps2_coupled.toml,my_job.toml seeds=10 most=200000 rate=2000
//! strategies=random,pct:5 first=pct:5,portfolio shuttle=no`. One thread each, so that the rates are those of a core. Times are CPU time.

use std::path::PathBuf;
use std::process::ExitCode;

use lastbatch::explore::{Executions, Strategy};
use lastbatch::scenario::{Budget, EngineName, Experiment, Scenario};

/// The engines, side by side.
const ENGINES: [EngineName; 2] = [EngineName::Sample, EngineName::Shuttle];

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| Some(argument.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn number(name: &str, otherwise: u64) -> u64 {
    argument(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn list(name: &str, otherwise: &str) -> Vec<String> {
    let text = argument(name).unwrap_or_else(|| otherwise.to_owned());
    text.split(',').map(str::to_owned).collect()
}

/// Returns the seconds for which this thread has run, where the system tells: other work on the machine does not count.
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) / 1e9
}

/// One run on one thread: what it counted, and its CPU seconds.
fn run(
    experiment: &Experiment,
    engine: EngineName,
    strategy: &str,
    seed: u64,
    most: u64,
    first: bool,
) -> (Executions, f64) {
    let budget = Budget {
        executions: Some(most),
        stop_at_first_hang: first,
        threads: 1,
        seed,
        strategy: strategy.parse::<Strategy>().unwrap_or_else(|error| panic!("{error}")),
        ..Budget::default()
    };
    let before = cpu_seconds();
    let verdict = experiment.run(engine, &budget, &Default::default(), |_| {});
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
    (verdict.executions.expect("it counts them"), cpu_seconds() - before)
}

/// Prints labels per second under each strategy, and how many times those of shuttle.
fn rates(name: &str, experiment: &Experiment, strategies: &[String], most: u64) {
    for strategy in strategies {
        let rates = ENGINES.map(|engine| {
            // shuttle is slower by far, and needs no more than the sampler to show its rate.
            let most = if engine == EngineName::Sample {
                most
            } else {
                most / 10 + 1
            };
            let (executions, seconds) = run(experiment, engine, strategy, 1, most, false);
            (executions.labels as f64 / seconds, executions.labels / executions.count)
        });
        let [(own, labels), (shuttle, _)] = rates;
        println!(
            "| {name} | {strategy} | {labels} | {own:.0} | {shuttle:.0} | {:.1} |",
            own / shuttle
        );
    }
}

/// Prints executions and CPU seconds to the first hang over several seeds.
fn first_hangs(name: &str, experiment: &Experiment, engine: EngineName, strategy: &str, seeds: u64, most: u64) {
    let runs: Vec<_> = (1..=seeds)
        .map(|seed| run(experiment, engine, strategy, seed, most, true))
        .collect();
    let mut hung: Vec<u64> = runs
        .iter()
        .filter_map(|(executions, _)| executions.first_hang)
        .collect();
    hung.sort_unstable();
    let seconds: f64 = runs.iter().map(|(_, seconds)| seconds).sum();
    let told = |number: Option<&u64>| number.map_or_else(|| "-".to_owned(), u64::to_string);
    println!(
        "| {name} | {engine} | {strategy} | {} of {seeds} | {} | {} | {} | {:.2} |",
        hung.len(),
        told(hung.first()),
        // Of all seeds: one that did not hang counts as more than any that did.
        told(hung.get((runs.len() - 1) / 2)),
        told(hung.last()),
        seconds / seeds as f64,
    );
}

fn main() -> ExitCode {
    let shipped = "scenarios/final_batch/ps2_coupled.toml,scenarios/final_batch/ps3_coupled.toml";
    let load = |path: String| {
        let scenario = Scenario::load(&PathBuf::from(path)).unwrap_or_else(|error| panic!("{error}"));
        Experiment::new(scenario).unwrap_or_else(|error| panic!("{error}"))
    };
    let experiments: Vec<Experiment> = list("scenarios", shipped).into_iter().map(load).collect();
    let named = || {
        experiments
            .iter()
            .map(|experiment| (experiment.scenario().to_string(), experiment))
    };
    println!("| scenario | strategy | labels per execution | sample, labels/s | shuttle, labels/s | ratio |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (name, experiment) in named() {
        rates(
            &name,
            experiment,
            &list("strategies", "random,pct:5"),
            number("rate", 2_000),
        );
    }
    println!("\n| scenario | engine | strategy | seeds that hung | fewest | median | most | CPU seconds, mean |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let (seeds, most) = (number("seeds", 10), number("most", 200_000));
    let beside = argument("shuttle").is_none_or(|text| text != "no");
    for (name, experiment) in named() {
        for strategy in list("first", "pct:5,portfolio") {
            for engine in ENGINES {
                let strategy_fits = engine.fits(&strategy.parse().expect("a strategy")).is_ok();
                if strategy_fits && (beside || engine == EngineName::Sample) {
                    first_hangs(&name, experiment, engine, &strategy, seeds, most);
                }
            }
        }
    }
    ExitCode::SUCCESS
}
