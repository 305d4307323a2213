//! Number of executions that each strategy needs for its first hang, over several seeds: the table of `docs/limits.md`.
//!
//! `cargo bench --bench first_hang -- scenario=scenarios/final_batch/ps2_coupled.toml seeds=10 most=200000 strategies=random,pct:3`

use std::path::PathBuf;
use std::process::ExitCode;

use lastbatch::explore::Strategy;
use lastbatch::scenario::{Budget, EngineName, Experiment, Scenario};

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| Some(argument.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn number(name: &str, otherwise: u64) -> u64 {
    argument(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Returns the execution that hung first and how many ran in a second.
fn first_hang(prepared: &Experiment, strategy: &Strategy, seed: u64, most: u64) -> (Option<u64>, f64) {
    let budget = Budget {
        executions: Some(most),
        stop_at_first_hang: true,
        seed,
        strategy: strategy.clone(),
        ..Budget::default()
    };
    let verdict = prepared.run(EngineName::Shuttle, &budget, &Default::default(), |_| {});
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}"));
    let executions = verdict.executions.expect("shuttle counts them");
    (executions.first_hang, executions.count as f64 / verdict.seconds)
}

fn main() -> ExitCode {
    let scenario = argument("scenario").unwrap_or_else(|| "scenarios/final_batch/ps2_coupled.toml".to_owned());
    let scenario = Scenario::load(&PathBuf::from(scenario)).unwrap_or_else(|error| panic!("{error}"));
    let prepared = Experiment::new(scenario).unwrap_or_else(|error| panic!("{error}"));
    let (seeds, most) = (number("seeds", 10), number("most", 200_000));
    let strategies = argument("strategies").unwrap_or_else(|| "random,pct:2,pct:3,pct:5,urw,portfolio".to_owned());
    println!("| strategy | seeds that hung | fewest | median | most | executions/s |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for name in strategies.split(',') {
        let strategy: Strategy = name.parse().unwrap_or_else(|error| panic!("{error}"));
        let runs: Vec<_> = (1..=seeds)
            .map(|seed| first_hang(&prepared, &strategy, seed, most))
            .collect();
        let mut hung: Vec<u64> = runs.iter().filter_map(|(first, _)| *first).collect();
        hung.sort_unstable();
        let rate = runs.iter().map(|(_, rate)| rate).sum::<f64>() / runs.len() as f64;
        let told = |number: Option<&u64>| number.map_or_else(|| "-".to_owned(), u64::to_string);
        // Of all seeds: one that did not hang counts as more than any that did.
        let median = hung.get((runs.len() - 1) / 2);
        println!(
            "| {name} | {} of {seeds} | {} | {} | {} | {rate:.0} |",
            hung.len(),
            told(hung.first()),
            told(median),
            told(hung.last()),
        );
    }
    ExitCode::SUCCESS
}
