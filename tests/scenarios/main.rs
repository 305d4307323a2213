//! Tests that are made when the binary runs: one per shipped scenario and per recorded schedule, and those of the page, which need a
//! browser.

mod files;
mod page;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = files::trials();
    trials.extend(page::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
