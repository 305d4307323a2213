//! `lastbatch list`.

use std::path::PathBuf;

use clap::Args;
use lastbatch::report::table;
use lastbatch::scenario::{Expect, Scenario};

use super::screen::{is_quiet, width};
use super::selection::scenarios;
use super::{Ended, Outcome, help, print};

/// List scenarios and what they expect
///
/// Exit code 0, or 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::LIST)]
pub(super) struct List {
    /// Scenario files, patterns of their paths, or directories with scenarios below them
    #[arg(default_value = "scenarios")]
    places: Vec<PathBuf>,
}

impl List {
    pub(super) fn run(self) -> Ended {
        let found = scenarios(&self.places)?;
        if is_quiet() {
            print(&found.iter().map(|scenario| format!("{scenario}\n")).collect::<String>());
            return Ok(Outcome::Holds);
        }
        let rows: Vec<_> = found.iter().map(row).collect();
        print(&table(
            ["scenario", "expects", "control", "description"],
            &rows,
            width(),
        ));
        Ok(Outcome::Holds)
    }
}

fn row(scenario: &Scenario) -> [String; 4] {
    let document = &scenario.document;
    [
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
