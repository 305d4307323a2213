//! `lastbatch completions` and `lastbatch man`.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::{Cli, Ended, Failure, Outcome, help, print, save, writable};

/// Print a script that completes commands and options in a shell
#[derive(Args)]
#[command(after_long_help = help::COMPLETIONS)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Ended {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lastbatch", &mut script);
        print(&String::from_utf8_lossy(&script));
        Ok(Outcome::Holds)
    }
}

/// Print the manual page of the program or of a command
#[derive(Args)]
#[command(after_long_help = help::MAN)]
pub(super) struct Man {
    /// The command
    command: Option<String>,
    /// Write the pages of the program and of every command into this folder
    #[arg(short, long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> Ended {
        let mut program = Cli::command();
        program.build();
        if let Some(out) = &self.out {
            writable(out)?;
            save(&out.join("lastbatch.1"), &page(program.clone())?)?;
            for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
                let name = format!("lastbatch-{}.1", command.get_name());
                save(&out.join(name), &page(command.clone())?)?;
            }
            return Ok(Outcome::Holds);
        }
        let command = match &self.command {
            None => program.clone(),
            Some(name) => match program.find_subcommand(name) {
                Some(command) => command.clone(),
                None => return Err(Failure(format!("no command {name}, see `lastbatch help`"))),
            },
        };
        print(&page(command)?);
        Ok(Outcome::Holds)
    }
}

/// Returns the manual page of a command.
fn page(command: Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    Page::new(command).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
