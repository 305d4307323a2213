//! What is printed: where, how much, how wide, in colour or not.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};
use lastbatch::report::View;
use terminal_size::{Width, terminal_size_of};

/// Set once the reader of standard output has gone (`| head`): nothing more is printed, and that is no error.
static READER_GONE: AtomicBool = AtomicBool::new(false);

/// True if only results are printed.
static QUIET: AtomicBool = AtomicBool::new(false);
/// True if everything is printed.
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Options of every command about its output.
#[derive(Args)]
pub(super) struct Output {
    /// Print the result only, in one line
    #[arg(short, long, global = true, display_order = 100, conflicts_with = "verbose")]
    quiet: bool,
    /// Print everything: schedules in full, and what explanations rest on
    #[arg(short, long, global = true, display_order = 101)]
    verbose: bool,
    /// Use colours
    #[arg(
        long,
        global = true,
        display_order = 102,
        value_name = "WHEN",
        default_value = "auto"
    )]
    color: Colour,
}

impl Output {
    /// Makes the choice for the whole program.
    pub(super) fn choose(&self) {
        QUIET.store(self.quiet, Ordering::Relaxed);
        VERBOSE.store(self.verbose, Ordering::Relaxed);
        match self.color {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        }
        .write_global();
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

/// Returns true if only results are printed.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Returns true if everything is printed.
pub(super) fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

/// Returns a text, or its first line if only results are printed.
pub(super) fn shown(text: String) -> String {
    match text.split_once('\n') {
        Some((first, _)) if is_quiet() => format!("{first}\n"),
        _ => text,
    }
}

/// Returns the view that suits standard output.
pub(super) fn view() -> View {
    View {
        width: width(),
        verbose: is_verbose(),
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

/// Prints what is more than the result.
pub(super) fn print_more(text: &str) {
    if !is_quiet() {
        print(text);
    }
}

/// Prints a line to standard error, whether anybody reads it or not.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
