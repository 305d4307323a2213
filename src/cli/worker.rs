//! `lastbatch worker`: one run of an engine, asked for by another process of this program. Hidden.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use lastbatch::scenario::Request;

use super::progress::Progress;
use super::{Ended, Failure, Outcome, interrupt, print};

/// Answer one request of another process of this program.
#[derive(Args)]
pub(super) struct Worker {}

impl Worker {
    pub(super) fn run(self) -> Ended {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let request: Request = serde_json::from_str(&line)
            .map_err(|error| Failure(format!("worker: expected a request on standard input: {error}")))?;
        let interrupt = interrupt::flag()?;
        let closed = Arc::clone(&interrupt);
        std::thread::spawn(move || {
            // Whoever asked closes the input to say that it is enough, or is gone.
            let _ = io::stdin().lock().read_to_end(&mut Vec::new());
            closed.store(true, Ordering::SeqCst);
        });
        let (engine, budget) = (request.engine, request.budget.clone());
        let experiment = request.prepare()?;
        let mut progress = Progress::new(&experiment.scenario().to_string());
        let verdict = experiment.run(engine, &budget, &interrupt, move |status| progress.show(status))?;
        print(&format!("{}\n", serde_json::to_string(&verdict)?));
        Ok(Outcome::Holds)
    }
}
