//! `lastbatch conform`.

use std::path::{Path, PathBuf};

use clap::Args;
use lastbatch::machine::Event;
use lastbatch::models::tensorflow::evidence::conform::{Trace, calls_in_another_order, conform};
use lastbatch::scenario::{Experiment, Labels, Scenario};
use lastbatch::schedule::{Ending, Schedule};

use super::screen::{print_more, shown};
use super::{Ended, Failure, Outcome, help, print};

/// Decide whether the model can do what a trace of the real runtime shows
///
/// Exit code 0 if it can, 1 if not, 2 for bad input, 3 if it is undecided.
#[derive(Args)]
#[command(after_long_help = help::CONFORM)]
pub(super) struct Conform {
    /// The trace, one JSON object a line
    trace: PathBuf,
    /// The scenario with the graph and the job that was traced; every node of the graph runs [default: the built-in
    /// two-server job on four inter-op threads, that of scenarios/traces/hang-trace-ps2.jsonl]
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Write the model's schedule here: all of it, or as far as it agrees
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Conform {
    pub(super) fn run(self) -> Ended {
        let trace = Trace::read(&self.trace)?;
        let experiment = traced(self.scenario.as_deref(), &trace)?;
        let outcome = conform(experiment.model(), &trace);
        let undecided = outcome.is_undecided();
        print(&shown(format!("{outcome}\n")));
        if let Some(out) = &self.out {
            let schedule = promising(&experiment, outcome.events)?;
            schedule.write(out)?;
            print_more(&format!("schedule written to {}\n", out.display()));
        }
        Ok(match (outcome.agreed, undecided) {
            (true, _) => Outcome::Holds,
            (false, true) => Outcome::Undecided,
            (false, false) => Outcome::Fails,
        })
    }
}

/// Returns the job that was traced; every node of its graph runs. A session has an order of partitions of its own: where the trace shows
/// another one than the scenario, any order may be.
pub(super) fn traced(scenario: Option<&Path>, trace: &Trace) -> Result<Experiment, Failure> {
    let scenario = scenario.map_or_else(|| Ok(Scenario::traced()), Scenario::load)?;
    let scenario = scenario.with_every_node();
    let experiment = Experiment::new(scenario.clone())?;
    if !calls_in_another_order(experiment.model(), trace) {
        return Ok(experiment);
    }
    // Of many partitions not every order has a number.
    Ok(Experiment::new(scenario.with_every_partition_order()).unwrap_or(experiment))
}

/// Returns the schedule of a conforming run with what it leads to: whoever waits in the end and does not return though all others run on.
pub(super) fn promising(experiment: &Experiment, events: Vec<Event>) -> Result<Schedule, Failure> {
    let mut schedule = experiment.schedule(Ending::Open, events.clone());
    let replayed = experiment.verify(&mut schedule, &mut Labels::new());
    if let Some(problem) = replayed.broken_promise(&schedule) {
        return Err(Failure(format!("the replay of the schedule disagrees: {problem}")));
    }
    let mut clients = replayed.end.clients.iter();
    let stuck = clients.find(|client| !client.returned && !replayed.returning.contains(&client.name));
    if let Some((client, (signature, _))) = stuck.and_then(|client| Some((client, client.waits.as_ref()?))) {
        schedule = experiment.schedule(Ending::hang(&client.name, signature), events);
        experiment.verify(&mut schedule, &mut Labels::new());
    }
    Ok(schedule)
}
