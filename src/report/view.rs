//! The way in which texts for people are written: how wide, how much, in colour or not.

use anstyle::{AnsiColor, Style};

/// Prose is never wider than this, however wide the terminal is.
const PROSE_MAX: usize = 120;

/// The style of a heading.
pub(super) const HEADING: Style = Style::new().bold();
/// The style of a hang.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The style of a proof.
#[cfg(feature = "tensorflow")]
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// The style of what was left open.
#[cfg(feature = "tensorflow")]
pub(super) const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// The way in which a text is written. Its default is that of a pipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// Columns of the terminal; none: no line is broken.
    pub width: Option<u16>,
    /// Writes schedules in full, and what explanations rest on.
    pub verbose: bool,
    /// Uses colours.
    pub colour: bool,
}

impl View {
    /// Returns the width of prose.
    pub(super) fn prose(&self) -> usize {
        self.width.map_or(usize::MAX, |width| usize::from(width).min(PROSE_MAX))
    }

    /// Returns a text in a style, if there are colours.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
