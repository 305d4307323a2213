//! `lastbatch list`.

use std::path::PathBuf;

use clap::Args;
use lastbatch::report::table;
use lastbatch::scenario::{Expect, Scenario};

use super::selection::scenarios;
use super::{Ended, Outcome, print};

/// List scenarios and what they expect.
#[derive(Args)]
pub(super) struct List {
    /// Scenario files, or directories with scenarios below them
    #[arg(default_value = "scenarios")]
    places: Vec<PathBuf>,
}

impl List {
    pub(super) fn run(self) -> Ended {
        let heading = ["scenario", "expects", "control", "description"].map(str::to_owned);
        let mut rows = vec![heading.to_vec()];
        rows.extend(scenarios(&self.places)?.iter().map(row));
        print(&table(&rows));
        Ok(Outcome::Holds)
    }
}

fn row(scenario: &Scenario) -> Vec<String> {
    let document = &scenario.document;
    vec![
        scenario.to_string(),
        document.expect.as_ref().map_or_else(|| "-".to_owned(), expectation),
        document.sibling.clone().unwrap_or_else(|| "-".to_owned()),
        document.description.clone(),
    ]
}

fn expectation(expect: &Expect) -> String {
    match expect.complete {
        Some(true) => format!("{}, complete", expect.verdict.name()),
        _ => expect.verdict.name().to_owned(),
    }
}
