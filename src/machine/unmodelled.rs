//! What a model leaves out of a system.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of places that are told to people.
const TOLD: usize = 4;

/// A part of a system that its model takes for something simpler, so that no proof on the model is one on the system.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Unmodelled {
    /// Name of such a part.
    pub what: String,
    /// Every place in the system that has one.
    pub places: Vec<String>,
    /// Its effects that the model leaves out.
    pub why: String,
}

impl Unmodelled {
    /// Names it and where it is, as in `Unstage (worker0:b)`.
    pub fn named(&self) -> String {
        let told = self.places.len().min(TOLD);
        let mut places = self.places[..told].join(", ");
        if let more @ 1.. = self.places.len() - told {
            places.push_str(&format!(" and {more} more"));
        }
        format!("{} ({places})", self.what)
    }
}

impl fmt::Display for Unmodelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.named(), self.why)
    }
}
