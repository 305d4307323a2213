//! `lastbatch conform`.

use std::path::PathBuf;

use clap::Args;
use lastbatch::machine::Event;
use lastbatch::models::tensorflow::evidence::conform::{Trace, conform};
use lastbatch::run::{Labels, Prepared, prepare};
use lastbatch::scenario::{Scenario, SliceKind};
use lastbatch::schedule::{Ending, Schedule};

use super::{Ended, Failure, Outcome, print};

/// Decide whether the model can do what a trace of the real runtime shows. Exit code 0 if it can, 1 if not, 2 for bad input.
#[derive(Args)]
pub(super) struct Conform {
    /// The trace, one JSON object a line
    trace: PathBuf,
    /// The scenario with the graph and the job that was traced; every node of the graph runs [default: the built-in
    /// two-server job on four inter-op threads, that of scenarios/traces/hang-trace-ps2.jsonl]
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Write the model's schedule here: all of it, or as far as it agrees
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Conform {
    pub(super) fn run(self) -> Ended {
        let trace = Trace::read(&self.trace)?;
        let mut scenario = match &self.scenario {
            Some(path) => Scenario::load(path)?,
            None => Scenario::traced(),
        };
        let hash = scenario.hash();
        scenario.document.job.slice = SliceKind::Full;
        let prepared = prepare(scenario, hash)?;
        let outcome = conform(&prepared.model, &trace);
        print(&format!("{outcome}\n"));
        if let Some(out) = &self.out {
            let schedule = promising(&prepared, outcome.events)?;
            schedule.write(out)?;
            print(&format!("schedule written to {}\n", out.display()));
        }
        Ok(if outcome.agreed { Outcome::Holds } else { Outcome::Fails })
    }
}

/// The schedule of a conforming run with what it leads to: whoever waits in the end and does not return though all others run on.
pub(super) fn promising(prepared: &Prepared, events: Vec<Event>) -> Result<Schedule, Failure> {
    let mut schedule = prepared.schedule(Ending::Open, events.clone());
    let replayed = prepared.verify(&mut schedule, &mut Labels::new());
    if let Some(problem) = replayed.broken_promise(&schedule) {
        return Err(Failure(format!("the replay of the schedule disagrees: {problem}")));
    }
    let mut clients = replayed.end.clients.iter();
    let stuck = clients.find(|client| !client.returned && !replayed.returning.contains(&client.name));
    if let Some((client, (signature, _))) = stuck.and_then(|client| Some((client, client.waits.as_ref()?))) {
        let ending = Ending::Hang {
            client: client.name.clone(),
            signature: signature.id(),
            waits: signature.to_string(),
        };
        schedule = prepared.schedule(ending, events);
        prepared.verify(&mut schedule, &mut Labels::new());
    }
    Ok(schedule)
}
