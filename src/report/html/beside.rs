//! A trace of the real runtime beside the schedule that conforms to it.

use maud::{Markup, html};

use super::timeline::Notes;
use crate::models::tensorflow::evidence::conform::{Aligned, Trace};
use crate::report::counted;

/// A trace, and where its events stand beside the schedule.
#[derive(Debug)]
pub struct Beside<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// Alignment, as [`crate::models::tensorflow::evidence::conform::Outcome::aligned`] says.
    pub aligned: &'a [Aligned],
    /// Place where they part, if the model can't do all of the trace: one line.
    pub disagreement: Option<String>,
}

impl Beside<'_> {
    /// Returns the name of the trace's file.
    pub(super) fn file(&self) -> &str {
        &self.trace.file
    }

    /// Notes each event of the trace in the row where it stands.
    pub(super) fn note(&self, notes: &mut [Notes]) {
        for (index, note) in notes.iter_mut().enumerate() {
            let here: Vec<_> = self
                .aligned
                .iter()
                .filter(|aligned| aligned.schedule == Some(index))
                .map(|aligned| &self.trace.events[aligned.trace])
                .collect();
            let (Some(first), Some(last)) = (here.first(), here.last()) else {
                continue;
            };
            let when = if first.us == last.us {
                format!("{:.1} us {}", first.us, first.thread)
            } else {
                format!("{:.1}–{:.1} us {}", first.us, last.us, first.thread)
            };
            let what: Vec<String> = here.iter().map(|event| event.name()).collect();
            note.real = Some((when, what.join(" ")));
        }
    }

    /// Writes what the reader must know of it.
    pub(super) fn lead(&self) -> Markup {
        let placed = self.aligned.iter().filter(|aligned| aligned.schedule.is_some()).count();
        let exact = self.aligned.iter().filter(|aligned| aligned.exact).count();
        let other = self.aligned.len() - placed;
        html! {
            p.lead {
                "Beside the labels stands the trace of the real runtime: " (counted(exact, "event")) " are the label in their row, "
                (placed - exact) " stand beside the nearest label of their thread"
                @if other > 0 { ", " (other) " belong to threads of which no label is shown" }
                ". Rows without one are labels that the trace does not show."
            }
            @if let Some(disagreement) = &self.disagreement { p.lead.disagreement { (disagreement) } }
        }
    }
}
