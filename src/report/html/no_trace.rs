//! The place of a trace of the real runtime, in builds without the model that such traces are compared with: there is none.

use std::convert::Infallible;
use std::marker::PhantomData;

use maud::Markup;

use super::timeline::Notes;

/// A trace beside a schedule, which no build without that model has.
#[derive(Debug)]
pub struct Beside<'a> {
    never: Infallible,
    trace: PhantomData<&'a ()>,
}

impl Beside<'_> {
    /// Returns the name of the trace's file.
    pub(super) fn file(&self) -> &str {
        match self.never {}
    }

    /// Notes each event of the trace in the row where it stands.
    pub(super) fn note(&self, _: &mut [Notes]) {
        match self.never {}
    }

    /// Writes what the reader must know of it.
    pub(super) fn lead(&self) -> Markup {
        match self.never {}
    }
}
