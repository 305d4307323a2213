//! `lastbatch matrix`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use lastbatch::explore::Shard;
use lastbatch::explore::exhaustive::Options;
use lastbatch::matrix::{Axes, Plan, Record, Results, Search, plan};
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::report::{MatrixTold, matrix_line, matrix_markdown, matrix_svg};
use lastbatch::scenario::{Budget, EngineName, Input, Scenario};

use super::progress::Progress;
use super::screen::is_quiet;
use super::selection::scenarios;
use super::values::variant;
use super::{Ended, Failure, Outcome, help, interrupt, print, save, threads, writable};

/// Tell which jobs can hang, over threads, servers, inputs and variants
///
/// Searches the same jobs with each number of threads and on each variant. Exit code 0 if every cell is decided, 1 if a hang
/// was observed where the model excludes it, 2 for bad input, 3 if a budget left a cell open, 130 if interrupted.
#[derive(Args)]
#[command(after_long_help = help::MATRIX)]
pub(super) struct Matrix {
    /// Scenario files, or directories with scenarios below them, one for each input and number of servers [default: the final
    /// batch with one, two and three servers and each input]
    places: Vec<PathBuf>,
    /// Threads of the compute pools
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = clap::value_parser!(u8).range(1..))]
    inter_op: Vec<u8>,
    /// Threads of the intra-op pools
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = clap::value_parser!(u8).range(1..))]
    intra_op: Vec<u8>,
    /// Variants of the runtime
    #[arg(long = "variant", value_delimiter = ',', value_name = "VARIANT,…", value_parser = variant())]
    variants: Vec<Variant>,
    /// Only jobs with N servers
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    servers: Vec<usize>,
    /// Only jobs with this input
    #[arg(long = "input", value_delimiter = ',', value_name = "INPUT,…")]
    inputs: Vec<Input>,
    /// Leave a cell undecided after N states
    #[arg(long, value_name = "N", default_value_t = 12_000_000)]
    max_states: u64,
    /// Where a search is cut off and has found no hang, try N schedules with shuttle; 0 for none
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    executions: u64,
    /// Seed for shuttle's choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of search threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Write matrix.md, matrix.svg and, after every search, matrix.json into this directory
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the matrix.json that is there
    #[arg(long, requires = "out")]
    resume: bool,
    /// Search the Nth of COUNT parts of the cells, as in 2/5
    #[arg(long, value_name = "N/COUNT", requires = "out", conflicts_with = "merge")]
    shard: Option<Shard>,
    /// Search nothing; join the matrix.json files of all shards
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "resume")]
    merge: Vec<PathBuf>,
}

impl Matrix {
    pub(super) fn run(self) -> Ended {
        let jobs = match self.places.as_slice() {
            [] => Scenario::final_batches(),
            places => scenarios(places)?,
        };
        self.out.as_deref().map_or(Ok(()), writable)?;
        let plan = self.plan(&jobs)?;
        let file = self.out.as_ref().map(|out| out.join("matrix.json"));
        let mut results = match &file {
            Some(file) if self.resume => Results::load(file)?,
            _ => Results::merged(&self.merge)?,
        };
        if let Some(file) = file.as_ref().filter(|_| !self.merge.is_empty()) {
            results.save(file)?;
        }
        let interrupt = interrupt::flag()?;
        let due = if self.merge.is_empty() { &plan.searches[..] } else { &[] };
        let mut progress = Progress::of_many(due.len());
        for (number, search) in due.iter().enumerate() {
            progress.begin(number, &name(search));
            if results.suffice(&search.model, self.max_states) {
                continue;
            }
            let record = self.record(search, &interrupt, &mut progress)?;
            if interrupt.load(Ordering::SeqCst) {
                break;
            }
            results.add(record);
            if let Some(file) = &file {
                results.save(file)?;
            }
        }
        progress.end();
        self.tell(&plan, &results)?;
        let told = MatrixTold {
            plan: &plan,
            results: &results,
        };
        Ok(if interrupt.load(Ordering::SeqCst) {
            Outcome::Interrupted
        } else if told.contradicts_what_was_observed() {
            Outcome::Fails
        } else if told.is_decided() {
            Outcome::Holds
        } else {
            Outcome::Undecided
        })
    }

    /// Records what a search finds, and where it is cut off and finds nothing, what trying schedules finds.
    fn record(&self, search: &Search, interrupt: &AtomicBool, progress: &mut Progress) -> Result<Record, Failure> {
        let experiment = &search.experiment;
        let verdict = experiment.search(&self.options(), true, interrupt, &mut |status| {
            progress.show_states(status)
        });
        let record = Record::of(&search.model, self.max_states, &verdict);
        if !record.is_open() || self.executions == 0 || interrupt.load(Ordering::SeqCst) {
            return Ok(record);
        }
        let budget = Budget {
            executions: Some(self.executions),
            seed: self.seed,
            stop_at_first_hang: true,
            ..Budget::default()
        };
        let sampled = experiment.run_in_worker(&std::env::current_exe()?, EngineName::Shuttle, &budget, interrupt)?;
        Ok(record.and_sampled(&sampled))
    }

    fn plan(&self, jobs: &[Scenario]) -> Result<Plan, Failure> {
        let default = Axes::default();
        fn chosen<T: Clone>(given: &[T], default: Vec<T>) -> Vec<T> {
            if given.is_empty() { default } else { given.to_vec() }
        }
        let axes = Axes {
            inter_op: chosen(&self.inter_op, default.inter_op),
            intra_op: chosen(&self.intra_op, default.intra_op),
            variants: chosen(&self.variants, default.variants),
        };
        let mut plan = plan(jobs, axes)?;
        for search in &mut plan.searches {
            search.cells.retain(|cell| {
                let server = self.servers.is_empty() || self.servers.contains(&cell.servers);
                server && (self.inputs.is_empty() || self.inputs.contains(&cell.input))
            });
        }
        plan.searches.retain(|search| !search.cells.is_empty());
        if plan.searches.is_empty() {
            return Err(Failure("--servers and --input leave no cell of the matrix".to_owned()));
        }
        if let Some(shard) = self.shard {
            let searches = plan.searches.into_iter().skip(shard.number - 1);
            plan.searches = searches.step_by(shard.of).collect();
        }
        Ok(plan)
    }

    fn options(&self) -> Options {
        Options {
            threads: threads(self.threads),
            max_states: Some(self.max_states),
            ..Options::default()
        }
    }

    fn tell(&self, plan: &Plan, results: &Results) -> Result<(), Failure> {
        let told = MatrixTold { plan, results };
        let text = matrix_markdown(&told);
        print(&if is_quiet() { matrix_line(&told) } else { text.clone() });
        if let Some(out) = &self.out {
            save(&out.join("matrix.md"), &text)?;
            save(&out.join("matrix.svg"), &matrix_svg(&told))?;
        }
        Ok(())
    }
}

/// Returns a search, by its first cell.
fn name(search: &Search) -> String {
    let cell = search.cells[0];
    format!(
        "{}, {} servers, inter_op {}, {}",
        cell.input, cell.servers, cell.inter_op, cell.variant
    )
}
