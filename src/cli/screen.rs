//! What is printed: where, how much, how wide, in colour or not.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};
use lastbatch::report::View;
use terminal_size::{Width, terminal_size_of};

/// Set once the reader of standard output has gone (`| head`): nothing more is printed, and that is no error.
static READER_GONE: AtomicBool = AtomicBool::new(false);

/// How much a command prints.
#[derive(Args, Default)]
pub(super) struct Detail {
    /// Print the verdict only, in one line
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print schedules in full, and what explanations rest on
    #[arg(short, long)]
    verbose: bool,
}

impl Detail {
    pub(super) fn view(&self) -> View {
        View {
            verbose: self.verbose,
            ..view()
        }
    }
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, but where NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Colour {
    /// Makes the choice for the whole program.
    pub(super) fn choose(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Returns the view that suits standard output.
pub(super) fn view() -> View {
    View {
        width: width(),
        verbose: false,
        colour: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    }
}

/// Returns the width of the terminal that standard output is, if it is one.
pub(super) fn width() -> Option<u16> {
    terminal_size_of(io::stdout()).map(|(Width(width), _)| width)
}

/// Returns true if a person sees standard error as it comes.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Returns true if nobody reads standard output any more.
pub(super) fn reader_is_gone() -> bool {
    READER_GONE.load(Ordering::Relaxed)
}

/// Prints to standard output, unless its reader has seen enough.
pub(super) fn print(text: &str) {
    if reader_is_gone() {
        return;
    }
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            note(&format!("error: cannot write to standard output: {error}"));
            std::process::exit(super::Outcome::BadInput as i32);
        }
        READER_GONE.store(true, Ordering::Relaxed);
    }
}

/// Prints a line to standard error, whether anybody reads it or not.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
