//! The command line of `lastbatch`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
